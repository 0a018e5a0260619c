import type { LagPoint } from '../../monitor/lagProfile.ts';
import type { Diagnosis } from '../diagnose.ts';
import type { VerdictKind } from '../verdict/verdict.ts';
import type { Change } from './candidates.ts';

/** A training that is made to see what a change does. */
export interface Trial {
  /** Its number, from 0, which is the experiment as it is. */
  readonly id: number;
  readonly change: Change;
  /** 0: with the seed of the experiment; 1, 2, ...: with others, the same for every change. */
  readonly repetition: number;
}

/** How far a trial has come. */
export interface Lap {
  readonly updates: number;
  /** Of the whole training. */
  readonly asked: number;
  /** On the held-out units (`heldOutLosses`); null where a stop came before they were measured. */
  readonly losses: Float64Array | null;
  /** That the trial has taken so far, all told. */
  readonly seconds: number;
  readonly secondsPerUpdate: number;
  readonly parameters: number;
}

/** A trial that has been trained to its end, judged. */
export interface Judged {
  readonly diagnosis: Diagnosis;
  /** Of the weights that were judged. */
  readonly losses: Float64Array;
  readonly seconds: number;
}

/** Trains and judges trials, as many at once as the machine has cores for. What it is asked first, it does first. */
export interface Bench {
  /**
   * Goes on with a trial until it has made so many updates, or to its end.
   *
   * @throws OPTION_INVALID, EXPERIMENT_INVALID and others of the kind `input` where the change does not go with the data.
   */
  advance(trial: Trial, updates: number): Promise<Lap>;
  /** Judges a trial as far as it has come. The data are tested once, for all. */
  judge(trial: Trial): Promise<Judged>;
  /** Updates that a change asks for. */
  updatesOf(change: Change): number;
  accepts(change: Change): boolean;
  /** Why the work should end now; null where it should not. A stopped bench answers what it is asked with what there is. */
  stop(): 'signal' | 'budget' | null;
  /** Told what is being done, in a sentence. */
  told(sentence: string): void;
}

/** One seed of a change. */
export interface Repetition {
  readonly repetition: number;
  readonly verdict: VerdictKind;
  readonly sick: boolean;
  /** On the validation part. */
  readonly loss: number | null;
}

/** What a training came to, and what it costs. */
export interface Outcome {
  readonly verdict: VerdictKind | null;
  readonly sick: boolean | null;
  /** Held-out loss with the experiment's seed, as far as it came; null where it is not known or not finite. */
  readonly loss: number | null;
  /** Every seed that was trained to the end. */
  readonly repetitions: readonly Repetition[];
  readonly updates: number;
  /** Of the training with the experiment's seed, and of an update. */
  readonly seconds: number;
  readonly secondsPerUpdate: number;
  readonly parameters: number;
  /** Of the trained weights; null where they were not looked at. */
  readonly lagProfile: readonly LagPoint[] | null;
}

/** A change that was tried. */
export interface TriedChange extends Outcome {
  readonly change: Change;
  readonly why: readonly string[];
  /** One sentence: how far it came and why no farther. */
  readonly because: string;
}

/** A gain over the experiment as it is, with one seed, on the held-out units that no choice was made on. */
export interface Gain {
  readonly repetition: number;
  readonly before: number;
  readonly after: number;
  readonly gain: number;
  readonly error: number;
  readonly units: number;
}

/** What is recommended. */
export interface Best {
  readonly change: Change;
  readonly why: readonly string[];
  /** Whether its verdict is no longer sick with any seed; where it is, it is better and not yet well. */
  readonly cured: boolean;
  readonly verdict: VerdictKind;
  readonly loss: number | null;
  readonly gains: readonly Gain[];
}

/** The answer of `treat`. */
export interface Treatment {
  /** The experiment as it is, with all of its diagnosis. */
  readonly before: Outcome & { readonly diagnosis: Diagnosis };
  readonly tried: readonly TriedChange[];
  /** null where nothing is recommended; `because` says why. */
  readonly best: Best | null;
  readonly because: string;
  /** What cut it short; null where it came to its end. */
  readonly stopped: 'signal' | 'budget' | null;
}
