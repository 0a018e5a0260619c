import type { Dataset } from '../data/dataset.ts';
import type { LagPoint } from '../monitor/lagProfile.ts';
import type { Saturation } from '../monitor/saturation.ts';
import type { Transport } from '../monitor/transport.ts';
import type { ModelOptions } from '../network/model.ts';
import type { Network } from '../network/network.ts';
import { longestOf } from '../training/batchOrder.ts';
import { type TrainingOptions, trainingDefaults } from '../training/options.ts';
import { horizonLooks, type ProfileLine } from '../training/profiler.ts';
import { type DependenceReport, dependencePieces } from './dependence/dependence.ts';
import type { DependenceOutcome, LadderRung } from './dependence/report.ts';
import type { Course } from './examination/course.ts';
import type { Examination } from './examination/examination.ts';
import { examinePieces } from './examination/examine.ts';
import { gradientSide } from './examination/gradientSide.ts';
import { type Nearer, nearerPieces } from './examination/nearer.ts';
import type { Finding, Prescription, VerdictKind } from './verdict/verdict.ts';
import { judge } from './verdict/verdicts.ts';

/** What is judged, and what is known of it. */
export interface DiagnoseOptions {
  /** With the weights that are judged; they are left as they are. */
  readonly network: Network;
  /** What it was trained on, and what it was not; the same twice where nothing else is there. */
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly model: ModelOptions;
  /** How it was trained; null where it is not known. The gradient horizon is then that of a training with the defaults. */
  readonly training: TrainingOptions | null;
  /** How the training went (`CourseRecorder`), where that is known. */
  readonly course?: Course | null;
  /** What monitors saw while it trained (`Profiler`); a last look is taken here. */
  readonly looks?: readonly ProfileLine[];
  /** What the data say, where they have been tested. */
  readonly data?: DependenceReport;
  /** Whether the data are one stream without end. */
  readonly stream?: boolean;
  /** Seconds for all of it; what there is no time for is left out. Without bound by default. */
  readonly seconds?: number;
  /** Whether an experiment with these fields changed is valid; prescriptions that are not are left out. All are valid by default. */
  readonly accepts?: (set: Prescription['set']) => boolean;
}

/** Share of the time that the test of the data may take. */
const shareOfData = 0.6;

/** How far a diagnosis has come. */
export interface DiagnosisProgress {
  readonly stage: string;
  /** 0 to 1, roughly. */
  readonly done: number;
}

/** The answer of `diagnose`. */
export interface Diagnosis {
  readonly verdict: VerdictKind;
  readonly findings: readonly Finding[];
  /** Whether something should be done: false for `healthy` and `no-long-range-dependency`. */
  readonly sick: boolean;
  /** The largest lag from which training can learn at its budget; null where it could not be measured, -1 where no lag reaches. */
  readonly gradientHorizon: number | null;
  /** Whether that is the longest lag that was measured. */
  readonly gradientHorizonAtLeast: boolean;
  /** Newest inputs that the gradient reaches within the window of the training: surely so many (those up to the gradient horizon), perhaps so many; null where it could not be measured. */
  readonly reachedInputs: readonly [number, number] | null;
  /** Newest inputs that a prediction needs, and the interval. */
  readonly dataHorizon: number;
  readonly dataInterval: readonly [number, number];
  readonly dataOutcome: DependenceOutcome;
  /** Of the weights that were judged; empty where they are not finite. */
  readonly lagProfile: readonly LagPoint[];
  readonly transport: Transport;
  readonly saturation: readonly Saturation[];
  /** Held-out mean losses: of the network, of the best constant, and of the best predictor that the test of the data found. */
  readonly loss: { readonly model: number | null; readonly constant: number | null; readonly reference: number | null };
  /** Newest inputs beyond which nothing was seen to matter to the network: what it loses by exchanging older ones is within its noise. */
  readonly usedInputs: number | null;
  /** The reference's held-out loss by the number of newest inputs it is given. */
  readonly ladder: readonly LadderRung[];
  readonly seconds: number;
  /** What the time went on, in seconds. */
  readonly spent: Readonly<Record<string, number>>;
  /** What the time was not enough for; it never counts as evidence. */
  readonly cutShort: readonly string[];
}

/** Everything that was measured, and what it took; `judged` makes the answer of it. */
export interface Measured {
  readonly examination: Examination;
  readonly seconds: number;
  readonly spent: Readonly<Record<string, number>>;
  readonly cutShort: readonly string[];
}

/** Diagnoses to the end. See `diagnosePieces`. */
export const diagnose = (options: DiagnoseOptions): Diagnosis => judged(measured(options), options.accepts);

/** Measures to the end, and judges nothing. See `diagnosePieces`. */
export function measured(options: DiagnoseOptions): Measured {
  const pieces = measuredPieces(options);
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
  }
}

/**
 * Says whether the gradient of a trained network explodes, vanishes, is cut off, or is not needed, or whether the task is hard, and on which numbers that
 * rests. The data are tested without the network, the network is looked at without a judgement, and the judges (`verdict/`) see numbers alone.
 *
 * @throws DATA_INVALID where data are not finite; DATA_TOO_SHORT where there are too few sequences to say anything.
 */
export function* diagnosePieces(options: DiagnoseOptions): Generator<DiagnosisProgress, Diagnosis> {
  return judged(yield* measuredPieces(options), options.accepts);
}

function* measuredPieces(options: DiagnoseOptions): Generator<DiagnosisProgress, Measured> {
  const began = performance.now();
  const { network, train, validation, model, training, course = null, looks = [], seconds, stream = false } = options;
  const spent: Record<string, number> = {};
  const data =
    options.data ??
    (yield* staged(
      'data',
      dependencePieces(train, { seconds: seconds === undefined ? undefined : shareOfData * seconds, seed: training?.seed ?? 0 }),
      0,
      0.6,
    ));
  if (!options.data) spent.data = data.seconds;
  const examining = performance.now();
  const windows = data.ladder.map(({ window }) => window).filter((window) => window < data.data.longest);
  const update = course?.updates ?? training?.updates ?? 0;
  const side = yield* staged(
    'network',
    examinePieces(
      network,
      { train, validation },
      { training, windows, update, seconds: seconds === undefined ? undefined : Math.max(1, seconds - (performance.now() - began) / 1000) },
    ),
    0.6,
    0.3,
  );
  spent.network = (performance.now() - examining) / 1000;
  const again = performance.now();
  const late = () => seconds !== undefined && performance.now() - began > 1000 * seconds;
  const whole = course === null || (course.updates === course.asked && course.nonFinite.count === 0);
  let nearer: Nearer | 'late' | null = null;
  if (training !== null && whole && side.finite && side.loss.model !== null) {
    const options = { network, model, training, train, validation, data, loss: side.loss.model, late };
    nearer = yield* staged('the same data brought near', nearerPieces(options), 0.9, 0.1);
    spent.nearer = (performance.now() - again) / 1000;
  }
  const budget = {
    updates: course?.asked ?? training?.updates ?? trainingDefaults.updates,
    batchSize: training?.batchSize ?? trainingDefaults.batchSize,
  };
  // The looks while it trained are spread evenly over its updates; one more of the best weights would count their moment twice.
  const gradient = gradientSide(horizonLooks(looks).length > 3 ? looks : [...looks, ...side.lines], budget);
  const examination: Examination = {
    subject: {
      ...{ cell: typeof model.cell === 'string' ? model.cell : model.cell.name, hiddenSize: network.H, layers: network.L, model, training },
      ...{ longest: longestOf(train), sequences: train.count, stream },
    },
    ...{ data, course, gradient },
    ...{ finite: side.finite, loss: side.loss, usage: side.usage, look: side.look, nearer: nearer === 'late' ? null : nearer },
  };
  const cut = course && course.updates < course.asked ? [`updates ${course.updates + 1} to ${course.asked}`] : [];
  const untried = nearer === 'late' ? ['a training on the same data brought near'] : [];
  return {
    examination,
    seconds: (performance.now() - began) / 1000,
    spent,
    cutShort: [...data.cutShort, ...cut, ...side.cutShort, ...untried],
  };
}

/** The answer to what was measured. @param accepts see `DiagnoseOptions`. */
export function judged({ examination, seconds, spent, cutShort }: Measured, accepts: DiagnoseOptions['accepts'] = () => true): Diagnosis {
  const { data, gradient, look, loss } = examination;
  const { verdict, findings, sick, reachedInputs } = judge(examination);
  return {
    verdict,
    findings: findings.map((each) => ({ ...each, prescription: each.prescription.filter(({ set }) => accepts(set)) })),
    sick,
    gradientHorizon: gradient?.horizon ?? null,
    gradientHorizonAtLeast: gradient?.atLeast ?? false,
    reachedInputs,
    ...{ dataHorizon: data.horizon, dataInterval: data.interval, dataOutcome: data.outcome },
    lagProfile: look?.lagProfile ?? [],
    transport: look?.transport ?? { points: [], sequences: 0 },
    saturation: look?.saturation ?? [],
    loss: { model: loss.model, constant: loss.constant, reference: data.reference.loss },
    usedInputs: usedInputs(examination),
    ladder: data.ladder,
    ...{ seconds, spent, cutShort },
  };
}

/** One more than the longest window beyond which an exchange costs the network more than chance explains. */
function usedInputs({ usage }: Examination): number | null {
  if (!usage) return null;
  const beyond = usage.points.filter(({ gain, error }) => gain > 4 * error && gain > 0.01 * Math.abs(usage.loss));
  return beyond.length === 0 ? 0 : Math.max(...beyond.map(({ window }) => window)) + 1;
}

/** Passes on how far a part has come, from `from` over `share` of the whole. */
function* staged<Value>(
  stage: string,
  pieces: Generator<{ readonly stage: string; readonly done: number } | undefined, Value>,
  from: number,
  share: number,
): Generator<DiagnosisProgress, Value> {
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
    yield value ? { stage: `${stage}: ${value.stage}`, done: from + share * value.done } : { stage, done: from + share / 2 };
  }
}
