import type { Dataset } from '../../data/dataset.ts';
import { ThroughtimeError } from '../../errors.ts';
import type { DependenceReport } from './report.ts';
import { type DependenceProgress, Search } from './search.ts';

export type { DependenceReport } from './report.ts';
export type { DependenceProgress } from './search.ts';

/** How the data are tested. */
export interface DependenceOptions {
  /** The chance of a horizon above the truth, at most; default 0.01. */
  readonly alpha?: number;
  /** Seconds after which what is not done is left out, and said to be; default without bound. */
  readonly seconds?: number;
  /** Of the exchanges, the choice of rows and the planted dependences; default 0. */
  readonly seed?: number;
  /** Longest window that is looked at; default: the longest sequence, and of a stream 256 steps. */
  readonly longest?: number;
  /** Strength that a planted dependence has, at most, to be found for "none larger than"; default 0.1. */
  readonly strength?: number;
  /** Whether dependences are planted into the data, to see what would be found; default true. Without, nothing is ruled out. */
  readonly power?: boolean;
}

/**
 * Tests a data set to the end. See `dependencePieces`.
 *
 * @example
 * ```ts
 * import { dependence, makeTask } from 'throughtime';
 *
 * const { train } = makeTask({ kind: 'task', name: 'recall', lag: 2, trainSequences: 300 });
 * const { horizon, outcome } = dependence(train, { power: false });
 * console.log(horizon, outcome); // 3 dependence
 * ```
 */
export function dependence(dataset: Dataset, options: DependenceOptions = {}): DependenceReport {
  const pieces = dependencePieces(dataset, options);
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
  }
}

/**
 * Asks of each window of a ladder (0, 1, 2, 4, ... newest inputs) whether anything older improves the prediction of the targets, given the
 * window. No network is involved. Whoever asks for the next piece may do something else in between, or ask no more.
 *
 * On one half of the data learners are fitted to what a rich model of the window leaves of the targets; on the other half, everything near is
 * regressed out and what they predict is put to the test by exchanging the far past between sequences (or blocks of a stream).
 * Both ways round; p-values are Bonferroni-adjusted for the two directions, all windows of the ladder, and the halvings that
 * refine the horizon between two of them.
 *
 * @throws DATA_INVALID where numbers are not finite or all targets are the same; DATA_TOO_SHORT where there are too few sequences to say anything; OPTION_INVALID.
 */
export function* dependencePieces(dataset: Dataset, options: DependenceOptions = {}): Generator<DependenceProgress, DependenceReport> {
  const search = new Search(checked(options));
  return yield* search.run(dataset);
}

function checked({ alpha = 0.01, seconds = Number.POSITIVE_INFINITY, seed = 0, longest, strength = 0.1, power = true }: DependenceOptions) {
  const refuse = (name: string, allowed: string, got: unknown) => {
    throw new ThroughtimeError('OPTION_INVALID', `${name} must be ${allowed}, got ${String(got)}; give one`);
  };
  if (!(alpha >= 1e-4 && alpha <= 0.5)) refuse('alpha', 'a number from 0.0001 to 0.5', alpha);
  if (!(seconds > 0)) refuse('seconds', 'a number above 0', seconds);
  if (!Number.isSafeInteger(seed) || seed < 0) refuse('seed', 'a whole number from 0', seed);
  if (longest !== undefined && !(Number.isSafeInteger(longest) && longest >= 1)) refuse('longest', 'a whole number from 1', longest);
  if (!(strength > 0 && strength <= 0.5)) refuse('strength', 'a number above 0, at most 0.5', strength);
  if (typeof power !== 'boolean') refuse('power', 'true or false', power);
  return { alpha, seconds, seed, longest, strength, power };
}
