/** How much better one network is than another on the same held-out units. */
export interface Paired {
  /** Mean loss of the one, and of the other. */
  readonly before: number;
  readonly after: number;
  /** Mean over units of the loss before, minus that after: above 0, it has become better. */
  readonly gain: number;
  /** Standard error of that mean. */
  readonly error: number;
  readonly units: number;
}

/** Standard errors by which a gain must exceed 0 to be called one. */
export const sureErrors = 3;

/** Which of the units a choice between candidates may look at, and which are kept for the comparison that a recommendation rests on. */
export type Part = 'choice' | 'comparison';

const isOf = (part: Part) => (_: unknown, unit: number) => unit % 2 === (part === 'choice' ? 0 : 1);

export const partOf = (losses: Float64Array, part: Part): Float64Array => losses.filter(isOf(part));

/** Compares unit by unit. A loss that is not finite is infinitely bad; where both are, nothing is gained. */
export function paired(before: Float64Array, after: Float64Array): Paired {
  const units = Math.min(before.length, after.length);
  const [meanBefore, meanAfter] = [meanOf(before), meanOf(after)];
  if (!Number.isFinite(meanAfter) || units < 2) return { before: meanBefore, after: meanAfter, gain: 0, error: Infinity, units };
  if (!Number.isFinite(meanBefore)) return { before: meanBefore, after: meanAfter, gain: Infinity, error: 0, units };
  let gain = 0;
  for (let u = 0; u < units; u++) gain += (before[u] - after[u]) / units;
  let squares = 0;
  for (let u = 0; u < units; u++) squares += (before[u] - after[u] - gain) ** 2;
  return { before: meanBefore, after: meanAfter, gain, error: Math.sqrt(squares / (units - 1) / units), units };
}

/** Whether it is better beyond chance. */
export const isSure = ({ gain, error }: Paired): boolean => gain > sureErrors * error;

/** Infinity where a value is not finite, and of nothing. */
export function meanOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length > 0 && Number.isFinite(sum) ? sum / values.length : Infinity;
}
