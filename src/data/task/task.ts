import type { Random } from '../../compute/random.ts';
import type { SequenceShape, SequencesBuilder } from '../storedSequences.ts';

/** A number, or the least and the most of one drawn anew, uniformly, for each sequence. */
export type LengthOption = number | readonly [least: number, most: number];

/** Fields of every task. */
interface CommonOptions {
  readonly kind: 'task';
  /** Steps T of a sequence (for copying: of the delay). */
  readonly length: LengthOption;
  /** Default 10000. */
  readonly trainSequences?: number;
  /** Default 1000; drawn from another random stream than the training sequences. */
  readonly validationSequences?: number;
  /** Default 1. */
  readonly seed?: number;
}

export interface AddingOptions extends CommonOptions {
  readonly name: 'adding';
}

export interface CopyingOptions extends CommonOptions {
  readonly name: 'copying';
  /** Different symbols to remember; default 8. */
  readonly symbols?: number;
  /** How many symbols are remembered; default 10. */
  readonly memory?: number;
}

export interface TemporalOrderOptions extends CommonOptions {
  readonly name: 'temporalOrder';
}

export interface RecallOptions extends Omit<CommonOptions, 'length'> {
  readonly name: 'recall';
  /** Default lag + 1. */
  readonly length?: LengthOption;
  /** How many steps ago the symbol that is asked for was read. */
  readonly lag: number;
  /** Default 8. */
  readonly symbols?: number;
  /** Where a target is counted: at the last step (default), or at every step t >= lag. */
  readonly read?: 'last' | 'every';
}

export interface ParityOptions extends CommonOptions {
  readonly name: 'parity';
  /** Where a target is counted: at the last step (default), or at every step. */
  readonly read?: 'last' | 'every';
}

/** A `data` entry of kind `task`: sequences made here, of which the truth is known. */
export type TaskOptions = AddingOptions | CopyingOptions | TemporalOrderOptions | RecallOptions | ParityOptions;

/** A task, given its options. `length` is what the option of that name says of one sequence. */
export interface PreparedTask extends SequenceShape {
  /** The least `length` for which the task is defined. */
  readonly leastLength: number;
  /** The `length` of a task that can do without this option. */
  readonly defaultLength?: number;
  /** Steps of a sequence. */
  steps(length: number): number;
  /** Appends one sequence's inputs and targets. */
  draw(length: number, random: Random, into: SequencesBuilder): void;
  /** Data horizon of a sequence: how many of the newest inputs a prediction needs, where it needs the most. */
  horizon(length: number): number;
  /** What a naive predictor better than a constant achieves, in nats or squares summed over the counted targets of a sequence. */
  readonly naive?: { readonly name: string; readonly lossPerSequence: number };
}

/** One kind of task. */
export interface TaskMethod {
  readonly name: TaskOptions['name'];
  /** Its own fields, beside the common ones. */
  readonly fields: readonly string[];
  prepare(options: TaskOptions): PreparedTask;
}
