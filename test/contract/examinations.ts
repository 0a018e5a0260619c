import type { LadderRung } from '../../src/diagnosis/dependence/report.ts';
import type { Course } from '../../src/diagnosis/examination/course.ts';
import type { Examination } from '../../src/diagnosis/examination/examination.ts';
import { trainingDefaults } from '../../src/training/options.ts';

/** Examinations made of numbers alone, one for each thing that may be wrong: what is needed lies 20 steps back, and is worth all there is to learn. */

const constant = 1.386;

function ladder(far: number): LadderRung[] {
  const rung = (window: number, loss: number): LadderRung => ({ window, loss, gain: loss, pValue: loss > 0 ? 0.001 : 1, learner: null });
  return [rung(0, constant), ...[1, 2, 4, 8, 16, 18, 20].map((window) => rung(window, far)), rung(21, 0), rung(30, 0)];
}

/** As many decades per step as given, and above what is needed by `level` at lag 0. */
const fading = (level: number, perStep: number) => Array.from({ length: 30 }, (_, lag) => 1.176 + level + perStep * lag);

interface Parts {
  readonly loss?: number;
  /** Share of what the far inputs are worth that the network draws from them. */
  readonly used?: number;
  readonly reach?: readonly number[];
  readonly far?: number;
}

/** A GRU that has learned all: the others differ from it. */
export function examination(
  { loss = 0.01, used = 1, reach = fading(2, -0.01), far = constant }: Parts = {},
  changed: Partial<Examination> = {},
): Examination {
  const rungs = ladder(far);
  return {
    subject: {
      ...{ cell: 'gru', hiddenSize: 24, layers: 1, model: { cell: 'gru', hiddenSize: 24 }, training: trainingDefaults },
      ...{ longest: 30, sequences: 2000, stream: false },
    },
    data: {
      ...{
        horizon: 21,
        interval: [21, 21],
        alpha: 0.01,
        ladder: rungs,
        power: [],
        outcome: 'dependence',
        largestNotExcluded: 0.02,
        needed: null,
      },
      ...{ strength: 0.1, reference: { loss: 0, window: 21, constant }, seconds: 1, spent: {}, cutShort: [] },
      data: { sequences: 2000, rows: 2000, units: 250, unit: 'sequences', unitSize: 8, longest: 30, copies: 0 },
    },
    course: course(),
    finite: true,
    loss: { model: loss, error: 0.005, constant },
    usage: {
      points: rungs.slice(0, -2).map(({ window, gain }) => ({ window, gain: used * (gain ?? 0), error: 0.01 })),
      ...{ loss, error: 0.01, targets: 500, steps: 30 },
    },
    gradient: {
      ...{ horizon: reach.findLastIndex((each) => each >= 1.176), atLeast: false, reach, threshold: 1.176, slope: -0.1, level: 0 },
      ...{
        first: reach,
        last: reach,
        often: reach,
        usually: reach,
        relative: reach.map((each) => each - reach[0]),
        looks: 20,
        updates: 2000,
        batchSize: 32,
        saturation: { first: 0, last: 0.1 },
      },
    },
    look: {
      lagProfile: reach.map((each, lag) => ({ lag, meanLog10: each - 3, p10: each - 4, p90: each - 2, ratio: 10 ** (each - reach[0]) })),
      ...{
        saturation: [],
        halfLife: [],
        jacobian: null,
        transport: { points: [], sequences: 0 },
        lyapunov: { exponents: [], sequences: 0, steps: 0 },
      },
    },
    nearer: null,
    ...changed,
  };
}

export function course(changed: Partial<Course> = {}): Course {
  return {
    ...{ updates: 2000, asked: 2000, stopped: null, nonFinite: { count: 0, first: null }, signs: [] },
    loss: { begin: 1.39, first: 1.38, lowest: 0.01, at: 2000, last: 0.01, lastMean: 0.01, spread: 0.01 },
    norm: { median: 0.3, largest: 2, clipped: 0 },
    growth: { largest: 1, early: 0, median: -1, share: 0 },
    ...changed,
  };
}

const flat = course({
  loss: { begin: 1.39, first: 1.39, lowest: 1.385, at: 1200, last: 1.386, lastMean: 1.387, spread: 0.01 },
});
const vanished = { loss: 1.386, used: 0, reach: fading(1, -0.4) };
const healthy = examination();
const tanh = { ...healthy.subject, cell: 'rnn', model: { cell: 'rnn', hiddenSize: 24 } } as const;

const growing = {
  ...examination(vanished).gradient!,
  first: fading(1, -0.6),
  last: fading(1, -0.05),
  often: fading(1, -0.095),
  usually: fading(1, -0.4),
};

/** By the verdict that each should get; several where they test different ways to it. */
export const examinations: readonly (readonly [name: string, verdict: string, Examination])[] = [
  ['all is learned', 'healthy', healthy],
  [
    'a spike in a training that came back',
    'healthy',
    examination({}, { course: course({ signs: [{ update: 900, kind: 'divergence', because: 'the loss rose', count: 1 }] }) }),
  ],
  ['the gradient fades before it arrives', 'vanishing', examination(vanished, { subject: tanh, course: flat })],
  [
    'the loss falls nicely on what is near, and what is far goes unlearned',
    'vanishing',
    examination(
      { ...vanished, loss: 0.41, far: 0.4 },
      {
        course: course({
          loss: { begin: 1.39, first: 1.38, lowest: 0.41, at: 2000, last: 0.41, lastMean: 0.41, spread: 0.01 },
        }),
      },
    ),
  ],
  [
    'large norms, and nothing arrives',
    'vanishing',
    examination(vanished, { subject: tanh, course: { ...flat, norm: { median: 4000, largest: 90000, clipped: 1 } } }),
  ],
  [
    'the gradient fades, and brought near it is not learned either: the distance is not what it fails by',
    'hard-task',
    examination(vanished, { course: flat, nearer: { lag: 20, nearLag: 2, single: true, learned: 0.1, preserved: 1 } }),
  ],
  [
    'the same where only one of several targets could be tried, which shows nothing',
    'vanishing',
    examination(vanished, { course: flat, nearer: { lag: 20, nearLag: 2, single: false, learned: 0.1, preserved: null } }),
  ],
  [
    'the reach has grown at last, and brought near it is learned: the distance is what it fails by',
    'vanishing',
    examination(vanished, {
      subject: tanh,
      course: flat,
      nearer: { lag: 20, nearLag: 2, single: true, learned: 1, preserved: null },
      gradient: growing,
    }),
  ],
  ['the same, without that being known', 'inconclusive', examination(vanished, { subject: tanh, course: flat, gradient: growing })],
  [
    'a window shorter than what is needed, and a network too small for it without a window',
    'hard-task',
    examination(vanished, {
      course: flat,
      subject: { ...healthy.subject, training: { ...trainingDefaults, bptt: { k1: 5, k2: 10 } } },
      nearer: { lag: 20, nearLag: 2, single: true, learned: 0, preserved: 1 },
    }),
  ],
  [
    'noise, whose first minibatch happened to have a low loss',
    'no-long-range-dependency',
    examination(vanished, {
      data: {
        ...healthy.data,
        ...{ horizon: 0, interval: [0, 1], outcome: 'none-larger-than', reference: { loss: constant, window: 0, constant } },
      },
      course: course({
        loss: { begin: 0.9, first: 1.45, lowest: 1.37, at: 600, last: 1.52, lastMean: 1.51, spread: 0.5 },
      }),
    }),
  ],
  ['the gradient arrives, and the network is too small', 'hard-task', examination({ loss: 1.1, used: 0.2 }, { course: flat })],
  [
    'the window ends before what is needed',
    'truncated',
    examination(vanished, { course: flat, subject: { ...healthy.subject, training: { ...trainingDefaults, bptt: { k1: 5, k2: 10 } } } }),
  ],
  [
    'values that are not finite to the end',
    'exploding',
    examination(
      { ...vanished },
      {
        course: course({
          nonFinite: { count: 1500, first: 3 },
          loss: { begin: 1.39, first: 1.4, lowest: 1.38, at: 200, last: Number.NaN, lastMean: Number.NaN, spread: 0.01 },
        }),
      },
    ),
  ],
  [
    'thrown into saturation by the first updates, through which no gradient passes since',
    'exploding',
    examination(vanished, {
      subject: tanh,
      course: { ...flat, growth: { largest: 9, early: 8, median: -12, share: 0.05 } },
      gradient: { ...examination(vanished).gradient!, saturation: { first: 0.1, last: 0.97 } },
    }),
  ],
  [
    'diverged by the learning rate alone',
    'exploding',
    examination(
      { loss: 2.4, used: 0 },
      { course: course({ loss: { begin: 1.39, first: 1.5, lowest: 1.4, at: 200, last: 2.6, lastMean: 2.7, spread: 0.01 } }) },
    ),
  ],
  [
    'thrown above a constant by the first updates, and never as good as one again',
    'exploding',
    examination(
      { loss: 1.387, used: 0, reach: fading(1, -0.4) },
      { course: course({ loss: { begin: 1.41, first: 1.65, lowest: 1.53, at: 60, last: 1.564, lastMean: 1.608, spread: 0.17 } }) },
    ),
  ],
  [
    'weights that are not finite',
    'exploding',
    examination({}, { finite: false, loss: { model: null, error: Number.NaN, constant }, usage: null, look: null, gradient: null }),
  ],
  [
    'nothing is there',
    'no-long-range-dependency',
    examination(vanished, {
      data: {
        ...healthy.data,
        horizon: 0,
        interval: [0, 1],
        outcome: 'none-larger-than',
        reference: { loss: constant, window: 0, constant },
      },
    }),
  ],
  [
    'nothing is there far back, and the gradient does not get there',
    'no-long-range-dependency',
    examination(
      { loss: 0.5, reach: fading(1, -0.9) },
      {
        data: {
          ...healthy.data,
          ...{ horizon: 1, interval: [1, 1], reference: { loss: 0.5, window: 1, constant } },
          ladder: [0, 1, 2, 4, 30].map((window) => ({ window, loss: window === 0 ? constant : 0.5, gain: 0, pValue: 1, learner: null })),
        },
      },
    ),
  ],
  [
    'too few sequences to tell',
    'inconclusive',
    examination(vanished, {
      data: {
        ...healthy.data,
        horizon: 0,
        interval: [0, 30],
        outcome: 'underpowered',
        largestNotExcluded: null,
        needed: 900,
        reference: { loss: constant, window: 0, constant },
      },
    }),
  ],
  [
    'cut short before the first update',
    'inconclusive',
    examination(vanished, {
      course: {
        ...flat,
        updates: 0,
        stopped: 'budget',
        loss: {
          begin: Number.NaN,
          first: Number.NaN,
          lowest: Infinity,
          at: 0,
          last: Number.NaN,
          lastMean: Number.NaN,

          spread: 0.01,
        },
      },
      gradient: null,
    }),
  ],
  [
    'cut short, which is no evidence of a hard task',
    'inconclusive',
    examination({ loss: 1.1, used: 0.2 }, { course: { ...flat, updates: 300, stopped: 'budget' } }),
  ],
];
