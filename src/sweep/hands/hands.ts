import type { ErrorCode } from '../../errors.ts';
import type { Done } from '../trialEvents.ts';

/** A trial that is to be trained, and how far. */
export interface TrialJob {
  readonly trial: number;
  /** Updates that are to be made in all; null: to the end. */
  readonly updates: number | null;
}

/** What came of a job. */
export type TrialAnswer =
  /** The end of a rung; `loss` is the mean on the validation part. */
  | { readonly outcome: 'reached'; readonly updates: number; readonly loss: number | null }
  | ({ readonly outcome: 'done' } & Pick<Done, 'updates' | 'loss' | 'metric' | 'seconds' | 'explosion' | 'verdict' | 'sick'>)
  | { readonly outcome: 'failed'; readonly because: string; readonly code: ErrorCode | null };

/** What happens while jobs are done. */
export interface HandsWatcher {
  /** @param worker who has taken it; undefined where it is this process. */
  begun(job: TrialJob, worker?: string): void;
  /** How far a job at hand has come. */
  at(job: TrialJob, update: number): void;
  /** A job has died, and is tried once more. */
  died(job: TrialJob, because: string): void;
  ended(job: TrialJob, answer: TrialAnswer): void;
  /** Whether the end of a job is still to come. */
  awaits(job: TrialJob): boolean;
  /** Makes durable what was told. */
  kept(): void;
  /** Something that the user should know, in a sentence. */
  noted(sentence: string): void;
}

/** What trains the trials of a sweep: the threads of this process, or workers that take them from a queue. */
export interface Hands {
  /** What the table says of them, such as `2 threads of this process`. */
  readonly name: string;
  /**
   * Has jobs done, each once, in whatever order; they are enumerated as there is room for them. When the signal comes, what is at hand is left where it can be
   * gone on with.
   */
  work(jobs: Iterable<TrialJob>, watcher: HandsWatcher, signal: AbortSignal): Promise<void>;
  /** The sweep has come to its end: what is kept of it elsewhere can go. */
  finished?(): Promise<void>;
  close(): Promise<void>;
}
