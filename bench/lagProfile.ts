/**
 * What a complete lag profile costs in training steps, and the default monitors in a training's time. `node bench/lagProfile.ts
 * [--quick] [--json file]`.
 */
import type { Backend } from '../src/compute/backend.ts';
import { Random } from '../src/compute/random.ts';
import { makeTask } from '../src/data/task/tasks.ts';
import { lagGradients } from '../src/monitor/lagProfile.ts';
import { defaultMonitors } from '../src/monitor/monitors.ts';
import { allocateBatch } from '../src/network/batch.ts';
import { losses } from '../src/network/loss/losses.ts';
import { initialize, Network } from '../src/network/network.ts';
import { Unrolled } from '../src/network/unroll/unrolled.ts';
import { trainingDefaults } from '../src/training/options.ts';
import { Profiler } from '../src/training/profiler.ts';
import { Trainer } from '../src/training/trainer.ts';
import { answerAlone } from './answer.ts';
import { type OwnSetting, openOwn, ownSettings } from './own/backends.ts';
import { trainingStep } from './own/step.ts';
import type { Question } from './question.ts';
import type { Missing } from './sides.ts';
import { median } from './statistics.ts';
import { absent, digits, table } from './words.ts';
import { cells, O, type Workload, workloadName } from './workload.ts';

interface CompleteProfile {
  readonly workload: Workload;
  readonly setting: OwnSetting;
  /** Medians, and the median of their quotient round by round. */
  readonly stepMilliseconds: number;
  readonly profileMilliseconds: number;
  readonly steps: number;
}

interface Training {
  readonly name: string;
  readonly cell: 'rnn' | 'lstm' | 'gru';
  readonly H: number;
  readonly T: number;
  readonly read: 'last' | 'every';
}

interface MonitorsCost {
  readonly training: Training;
  readonly setting: OwnSetting;
  /** A look of the default monitors in training steps: measured, and as they say. */
  readonly steps: number;
  readonly declared: number;
  /** Updates between two looks, and the share of the training's time that the looks take. */
  readonly every: number;
  readonly share: number;
}

export interface LagProfileAnswer {
  readonly missing: readonly Missing[];
  readonly profiles: readonly CompleteProfile[];
  readonly monitors: readonly MonitorsCost[];
}

const trainings: readonly Training[] = [
  { name: 'LSTM 128, 100 steps, a target at every step', cell: 'lstm', H: 128, T: 100, read: 'every' },
  { name: 'LSTM 128, 100 steps, a target at the last', cell: 'lstm', H: 128, T: 100, read: 'last' },
  { name: 'GRU 64, 400 steps, a target at the last', cell: 'gru', H: 64, T: 400, read: 'last' },
  { name: 'tanh 32, 20 steps, a target at the last', cell: 'rnn', H: 32, T: 20, read: 'last' },
];

export const lagProfile: Question<LagProfileAnswer> = {
  name: 'lagProfile',
  title: 'Looking at the gradient through time',
  async measure({ quick, say }) {
    const rounds = quick ? 3 : 9;
    const profiles: CompleteProfile[] = [];
    const monitors: MonitorsCost[] = [];
    const { settings, missing } = await ownSettings();
    for (const { who, why } of missing) say(`without ${who}: ${why}`);
    for (const setting of settings) {
      for (const cell of cells) {
        const found = await completeProfile({ cell, B: 32, T: 100, I: 64, H: 128, loss: 'last' }, setting, rounds);
        profiles.push(found);
        say(
          `complete profile, ${workloadName(found.workload)}, ${setting.backend} ${setting.threads}: ${digits(found.steps)} training steps`,
        );
      }
      for (const training of trainings) {
        const found = await monitorsCost(training, setting, rounds);
        monitors.push(found);
        say(`monitors, ${training.name}, ${setting.backend} ${setting.threads}: ${(100 * found.share).toFixed(1)}% of the time`);
      }
    }
    return { missing, profiles, monitors };
  },
  section({ missing, profiles, monitors }) {
    const named = ({ backend, threads }: OwnSetting) => `${backend}, ${threads} thread${threads === 1 ? '' : 's'}`;
    return `A complete lag profile: the gradient of the loss at each of 100 steps of 32 sequences by the state at every step before it, 158,400 norms in
all (docs/math/lagProfile.md). A training step beside it has its loss at the last step.${absent(missing)}

${table(
  ['cell B, T, I, H', 'setting', 'step, ms', 'profile, ms', 'profile / step'],
  profiles.map((each) => [
    workloadName(each.workload),
    named(each.setting),
    digits(each.stepMilliseconds),
    digits(each.profileMilliseconds),
    digits(each.steps),
  ]),
)}

The default monitors (${defaultMonitors.join(', ')}) in a training of ${trainingDefaults.updates} updates, batches of ${trainingDefaults.batchSize}: what one look costs in training
steps, measured and by the monitors' own account, and the share of the training's time that all looks take.

${table(
  ['training', 'setting', 'a look, steps', 'declared', 'updates between looks', 'share of the time'],
  monitors.map((each) => [
    each.training.name,
    named(each.setting),
    digits(each.steps),
    digits(each.declared),
    String(each.every),
    `${(100 * each.share).toFixed(1)} %`,
  ]),
)}`;
  },
};

function milliseconds(work: () => unknown): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}

/** The median of some steps in a row. */
const stepTime = (step: () => unknown) => median(Array.from({ length: 5 }, () => milliseconds(step)));

/** All lags of all T probe steps of all B sequences, of random data with a target at every step. */
function profileOf(backend: Backend, { cell, B, T, I, H }: Workload): () => number {
  const model = { cell, hiddenSize: H };
  const network = new Network(backend, model, { kind: 'vectors', size: I }, O);
  initialize(network, model, 0);
  const unrolled = new Unrolled(network, T, B);
  const batch = allocateBatch(backend, network.input, { kind: 'classes', size: O }, T, B);
  const random = new Random(1);
  for (let i = 0; i < T * B * I; i++) batch.vectors[i] = random.normal();
  return () => {
    for (let row = 0; row < T * B; row++) {
      batch.rows[row] = row;
      batch.classes[row] = row % O;
    }
    batch.counted = T * B;
    return lagGradients(unrolled, batch, losses.crossEntropy, T).length;
  };
}

/** Both in one process, in turn. */
async function completeProfile(workload: Workload, setting: OwnSetting, rounds: number): Promise<CompleteProfile> {
  const backend = await openOwn(setting.backend, setting.threads);
  const step = trainingStep(backend, workload);
  const profile = profileOf(backend, workload);
  for (let i = 0; i < 3; i++) step();
  for (let i = 0; i < 2; i++) profile();
  const steps: number[] = [];
  const profiles: number[] = [];
  for (let round = 0; round < rounds; round++) {
    steps.push(stepTime(step));
    profiles.push(milliseconds(profile));
  }
  return {
    ...{ workload, setting, stepMilliseconds: median(steps), profileMilliseconds: median(profiles) },
    steps: median(profiles.map((each, round) => each / steps[round])),
  };
}

async function monitorsCost(training: Training, setting: OwnSetting, rounds: number): Promise<MonitorsCost> {
  const { cell, H, T, read } = training;
  const backend = await openOwn(setting.backend, setting.threads);
  const task = { kind: 'task', name: 'recall', length: T, symbols: 64, trainSequences: 64, validationSequences: 1 } as const;
  const { train } = makeTask(read === 'last' ? { ...task, lag: T - 1 } : { ...task, lag: 0, read });
  const model = { cell, hiddenSize: H };
  const network = new Network(backend, model, train.input, train.target.size);
  initialize(network, model, 0);
  const trainer = new Trainer(network, train, trainingDefaults);
  const profiler = new Profiler(trainer);
  const step = () => trainer.step();
  const look = () => profiler.take();
  for (let i = 0; i < 3; i++) {
    step();
    look();
  }
  const steps = median(Array.from({ length: rounds }, () => milliseconds(look) / stepTime(step)));
  const { every, cost } = profiler;
  const { updates } = trainingDefaults;
  const looks = (1 + Math.ceil(updates / every)) * steps;
  return { training, setting, steps, declared: cost, every, share: looks / (updates + looks) };
}

if (import.meta.main) await answerAlone(lagProfile);
