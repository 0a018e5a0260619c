import type { ByteSize } from '../compute/bytes.ts';
import type { BpttOption } from '../network/unroll/truncated.ts';
import type { ClipOption } from './clip/clip.ts';
import type { GuardOption } from './guard/guard.ts';
import type { OmegaOption } from './omega.ts';
import type { OptimizerName } from './optimizer/optimizer.ts';
import type { ScheduleOption } from './schedule/schedule.ts';

/** The `training` entry of an experiment, complete. */
export interface TrainingOptions {
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly schedule: ScheduleOption;
  /** B: sequences per update; for a text, the number of streams that are read side by side. */
  readonly batchSize: number;
  readonly updates: number;
  /** Of the initial weights, of the order of the sequences and of dropout. */
  readonly seed: number;
  readonly bptt: BpttOption;
  /**
   * Bytes that the training may take (weights, gradient, optimizer, passes, evaluation; not the data), such as `256MB`: longer
   * sequences than fit are gone back through in segments. By default what the backend can have.
   */
  readonly memory?: ByteSize;
  readonly clip: ClipOption;
  /** Keeps the norm of the gradient from step to step, in plain networks; none by default. */
  readonly omega?: OmegaOption;
  /** What is done about an explosion; `warn` by default. */
  readonly guard?: GuardOption;
  /** Of `momentum`. */
  readonly momentum?: number;
  /** Of `rmsprop`. */
  readonly decay?: number;
  /** Of `adam` and `adamw`. */
  readonly beta1?: number;
  /** Of `adam` and `adamw`. */
  readonly beta2?: number;
  /** Of `rmsprop`, `adam` and `adamw`. */
  readonly epsilon?: number;
  /** Of `adamw`. */
  readonly weightDecay?: number;
  /** Updates between two evaluations of the validation part; a tenth of `updates` by default. */
  readonly validateEvery?: number;
  /** Names of the monitors that look at a run (`monitor/monitors.ts`); saturation, half-life and lag-profile by default, [] for none. */
  readonly monitors?: readonly string[];
  /** Updates between two looks of a run's monitors; by default as many as give 40 looks and keep their work below 2%. */
  readonly monitorEvery?: number;
}

/** Used where an experiment says nothing else. */
export const trainingDefaults = {
  optimizer: 'adam',
  learningRate: 0.001,
  schedule: 'constant',
  batchSize: 32,
  updates: 2000,
  seed: 0,
  bptt: 'full',
  clip: { globalNorm: 1 },
} as const satisfies TrainingOptions;
