import type { ErrorCode } from '../errors.ts';
import type { LossName } from './dataset.ts';
import type { StoredSequences } from './storedSequences.ts';

/** How a line's `y` is read: as one target at the last step, or as one for every step. */
export type Reading = 'last' | 'every';

/** What a file has to agree with: the training file, or the network that is to read it. */
export interface Expectation {
  /** Who expects it, as a sentence goes on after `as`: `in the training file train.ndjson`, `the weights have`. */
  readonly by: string;
  /** The code of the error where it does not. */
  readonly code: ErrorCode;
  /** Absent where either kind will do. */
  readonly inputKind?: 'vectors' | 'symbols';
  /** I */
  readonly inputSize: number;
  /** O */
  readonly outputSize: number;
  readonly reading?: Reading;
  /** The symbols and classes that may appear; absent: all below I, all below O. */
  readonly symbols?: ReadonlySet<number>;
  readonly classes?: ReadonlySet<number>;
}

export interface FileRules {
  /** Its name in errors. */
  readonly file: string;
  readonly loss: LossName;
  readonly targets?: Reading;
  /** Only `x` is read; a target of zeros is counted where `targets` says, so that there are outputs. `y` may be there or not. */
  readonly inputsOnly?: boolean;
  /** How many symbols and classes there are; counted where absent. */
  readonly symbols?: number;
  readonly classes?: number;
  readonly expected?: Expectation;
}

export interface ParsedSequences {
  readonly sequences: StoredSequences;
  readonly reading: Reading;
  /** The symbols and classes that appear. */
  readonly symbols: ReadonlySet<number>;
  readonly classes: ReadonlySet<number>;
}
