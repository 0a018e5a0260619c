import type { VerdictKind } from '../diagnosis/verdict/verdict.ts';
import type { ErrorCode } from '../errors.ts';
import type { Metric } from '../training/evaluator.ts';

/** One value for each axis, by its dotted name; `null` leaves the field out. */
export type Setting = Readonly<Record<string, unknown>>;

interface OfTrial {
  /** UTC. */
  readonly at: string;
  readonly trial: number;
  /** All axes, `training.seed` among them. */
  readonly setting: Setting;
  /** Its run directory, relative to the sweep directory. */
  readonly run: string;
}

/** The trial was begun, or gone on with. */
export interface Begun extends OfTrial {
  readonly event: 'begun';
  /** Who trains it; absent where it is this process. */
  readonly worker?: string;
}

/** The end of a rung of successive halving; or that others were ahead there. */
export interface Reached extends OfTrial {
  readonly event: 'reached' | 'left-out';
  readonly updates: number;
  /** Mean over the validation part; null where the training has exploded. */
  readonly loss: number | null;
}

export interface Done extends OfTrial {
  readonly event: 'done';
  readonly updates: number;
  /** Of the validation part. */
  readonly loss: number | null;
  readonly metric: Metric | null;
  /** Spent in updates. */
  readonly seconds: number;
  /** Whether the guard has ended the training. */
  readonly explosion: boolean;
  /** null where none was asked for. */
  readonly verdict: VerdictKind | null;
  readonly sick: boolean | null;
}

export interface Failed extends OfTrial {
  readonly event: 'failed';
  readonly because: string;
  /** null where it was not raised on purpose. */
  readonly code: ErrorCode | null;
  /** Whether it will be tried once more. */
  readonly again: boolean;
}

/** A line of `trials.jsonl`. */
export type TrialEvent = Begun | Reached | Done | Failed;
