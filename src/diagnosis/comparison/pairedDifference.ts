import { criticalT, twoSided } from './studentT.ts';

/** Pairs below which no interval is given: two differences say next to nothing of their spread. */
export const fewestPairs = 3;

/** How much two groups differ, pair by pair. */
export interface PairedDifference {
  readonly pairs: number;
  /** Mean of the differences; null where there is no pair. */
  readonly mean: number | null;
  /** Standard deviation of the differences (n - 1); null with fewer than two pairs. */
  readonly deviation: number | null;
  /** Of the mean, with the chance `level`; null with fewer than three pairs. */
  readonly interval: readonly [low: number, high: number] | null;
  /** Chance of a mean at least as far from 0 where there is no difference; null without an interval. */
  readonly p: number | null;
  /** Pairs with a difference above 0, and below. */
  readonly above: number;
  readonly below: number;
}

/**
 * Mean of paired differences with the interval of Student's t for n - 1 degrees of freedom (Student 1908): exact for any n where the
 * differences are normal. A bootstrap would assume less, but of the few seeds that trainings are repeated with it gives intervals that are
 * too short: resampled from three values, a mean has only ten outcomes.
 *
 * @param differences finite numbers, one a pair.
 */
export function pairedDifference(differences: readonly number[], level = 0.95): PairedDifference {
  const pairs = differences.length;
  const above = differences.filter((each) => each > 0).length;
  const below = differences.filter((each) => each < 0).length;
  if (pairs === 0) return { pairs, mean: null, deviation: null, interval: null, p: null, above, below };
  const mean = meanOf(differences);
  const deviation = deviationOf(differences);
  if (pairs < fewestPairs || deviation === null) return { pairs, mean, deviation, interval: null, p: null, above, below };
  const error = deviation / Math.sqrt(pairs);
  const half = criticalT(level, pairs - 1) * error;
  // Without any spread, every mean but 0 is infinitely far from it.
  const p = error > 0 ? twoSided(mean / error, pairs - 1) : mean === 0 ? 1 : 0;
  return { pairs, mean, deviation, interval: [mean - half, mean + half], p, above, below };
}

/** Of at least one number. */
export function meanOf(values: readonly number[]): number {
  let mean = 0;
  for (const [index, value] of values.entries()) mean += (value - mean) / (index + 1);
  return mean;
}

/** Standard deviation with n - 1, as Welford sums it (1962); null of fewer than two numbers. */
export function deviationOf(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  let [mean, squares] = [0, 0];
  for (const [index, value] of values.entries()) {
    const before = value - mean;
    mean += before / (index + 1);
    squares += before * (value - mean);
  }
  return Math.sqrt(squares / (values.length - 1));
}
