import type { Batch, InputShape, TargetShape } from '../network/batch.ts';
import type { LossName } from '../network/loss/loss.ts';
import type { CalendarFeature } from './calendar.ts';
import type { DatasetRecipe } from './recipe.ts';
import type { Reading } from './sequencesRules.ts';

export type { LossName };

/** Which part of which sequences a batch is to hold. */
export interface Window {
  /** Indices of the sequences; the batch's B is their number. */
  readonly sequences: ArrayLike<number>;
  /** Steps [begin, end) of each of them. */
  readonly begin: number;
  readonly end: number;
  /** Targets of steps before this one are left out (begin: none is). */
  readonly countFrom: number;
  /** The inputs are not needed: what the batch has of them is left as it is, where that spares work. Default false. */
  readonly targetsOnly?: boolean;
}

/** Sequences to learn from, wherever they are kept. A window of them is copied into a batch on demand. */
export interface Dataset {
  readonly input: InputShape;
  readonly target: TargetShape;
  readonly loss: LossName;
  /** How many sequences there are. */
  readonly count: number;
  /** Steps of one sequence. */
  length(sequence: number): number;
  /** Fills the batch: T = end - begin, B = the number of sequences, padding where a sequence is shorter. */
  copy(window: Window, batch: Batch): void;
  /**
   * What another thread needs to open the same data: there where they are read from a file, and batches may have to wait for it.
   */
  readonly recipe?: DatasetRecipe;
}

/** A naive predictor's loss on the validation part, to hold a model's against. */
export interface Baseline {
  readonly name: string;
  readonly loss: number;
  /** On the test part, where there is one. */
  readonly test?: number;
}

/** Everything that one `data` entry of an experiment stands for. */
export interface DataParts {
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly test?: Dataset;
  /** What a reader of a trained network needs to know of its data (alphabet, standardisation, columns): JSON, kept in the run. */
  readonly description: DataDescription;
  /** On the validation part, beside the best constant. */
  readonly baselines: readonly Baseline[];
  /** Closes the files that the data are read from, where there are any. */
  close?(): void;
}

/** What a reader of a trained network needs to know of the data that it was trained on. */
export type DataDescription =
  | { readonly kind: 'task'; readonly name: string }
  | {
      readonly kind: 'sequences';
      /** Whether a sequence has one target, at its last step, or may have one at every step. */
      readonly targets: Reading;
      readonly symbols?: number;
      readonly classes?: number;
      /** Of the inputs, one per column, where they were standardised. */
      readonly means?: number[];
      readonly deviations?: number[];
      /** Of the targets, where they were standardised. */
      readonly targetMeans?: number[];
      readonly targetDeviations?: number[];
    }
  | { readonly kind: 'text'; readonly alphabet: string }
  | {
      readonly kind: 'table';
      readonly inputs: string[];
      /** What of the calendar follows them, two columns each. */
      readonly calendar?: CalendarFeature[];
      readonly target: string;
      readonly window: number;
      readonly horizon: number;
      /** Inputs and targets are differences from the newest row of a window. */
      readonly relative?: boolean;
      readonly means: Record<string, number>;
      readonly deviations: Record<string, number>;
      /** How many numbers were missing and are filled, by column, and how many rows, whose numbers are among them. */
      readonly filled?: { readonly numbers: Readonly<Record<string, number>>; readonly rows: number };
    };
