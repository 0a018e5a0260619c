import type { NonFiniteLocation } from '../monitor/nonFinite.ts';
import type { Batch } from '../network/batch.ts';
import type { LossName } from '../network/loss/loss.ts';
import type { Unrolled } from '../network/unroll/unrolled.ts';
import type { SignKind } from './guard/detector.ts';

/** Something in a training that somebody should know, and every intervention in it; a line of `events.jsonl`. */
export interface TrainingEvent {
  readonly update: number;
  /** The sign that was seen; `clip` for a threshold that was chosen. */
  readonly kind: SignKind | 'clip';
  /** What was done about it. */
  readonly action: 'warned' | 'skipped' | 'rolledBack' | 'stopped' | 'clipChosen';
  /** One plain sentence with the numbers. */
  readonly because: string;
  /** The update whose weights the training went back to. */
  readonly to?: number;
  /** By which the learning rate is multiplied from here on. */
  readonly rate?: number;
  /** The threshold that was chosen; absent where none is needed. */
  readonly threshold?: number;
  /** Where a value that is not finite appeared first; steps and sequences are those of the batch. */
  readonly located?: NonFiniteLocation;
  /** The same step and sequence in the training data. */
  readonly dataset?: { readonly sequence: number; readonly step: number };
}

/** A pass that was not finite, as it stands in memory. */
export interface Failure {
  readonly update: number;
  readonly located: NonFiniteLocation;
  readonly dataset?: TrainingEvent['dataset'];
  readonly batch: Batch;
  /** With the state before the first step. */
  readonly unrolled: Unrolled;
  readonly loss: LossName;
  /** Of the dropout masks; null where nothing was dropped. */
  readonly dropoutSeed: number | null;
}
