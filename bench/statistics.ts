/** What a few dozen timings on a shared machine can be made to say. */

/** The middle one of an odd number of values, the mean of the two in the middle of an even number. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of no values');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** exp of the mean logarithm. @param values positive. */
export function geometricMean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the geometric mean of no values');
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** What one side took, in milliseconds a step. A turn is a few steps in a row, and counts as their median. */
export interface Timing {
  /** Number of the round of each turn; a slow side sits some rounds out. */
  readonly rounds: readonly number[];
  /** Median of each turn, one for each of `rounds`. */
  readonly turns: readonly number[];
  /** Number of timed steps in all turns. */
  readonly steps: number;
  /** The fastest and the slowest of all steps. */
  readonly min: number;
  readonly max: number;
  /** Median of the turns. */
  readonly median: number;
  /** Processor time of the process by wall time: how many cores it kept busy. */
  readonly cores: number;
}

/** How many times as long `other` took as `ours` in each of the rounds in which both had a turn. */
export function quotients(other: Timing, ours: Timing): { readonly round: number; readonly value: number }[] {
  return other.rounds.flatMap((round, index) => {
    const at = ours.rounds.indexOf(round);
    return at >= 0 ? [{ round, value: other.turns[index] / ours.turns[at] }] : [];
  });
}

/** How many times as long `other` took as `ours`: the median of `quotients`. */
export function ratio(other: Timing, ours: Timing): number {
  return median(quotients(other, ours).map(({ value }) => value));
}

/** Half of the turns or more were slower by a quarter than the fastest step: something else was at work. */
export function unsteady({ median, min }: Timing): boolean {
  return median > 1.25 * min;
}
