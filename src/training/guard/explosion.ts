import type { SignKind } from './detector.ts';

/**
 * What an explosion is, for everybody who has to say so: the detector and the guard update by update, the replays that a threshold is chosen
 * by, and the judges of a whole run.
 */
export const explosion = {
  /** Powers of ten by which the gradient grows from the newest to the oldest step, from which on it explodes through time. */
  decades: 4,
  /** A loss that is so many times where learning began has done worse than nothing. */
  risen: 1.2,
  /** An explosion may have begun so many updates before it was seen: what is good has to be older. */
  unsafe: 10,
} as const;

const signs: ReadonlySet<string> = new Set<SignKind>(['nonFinite', 'overshoot', 'divergence']);

/**
 * Whether a sign is one of an explosion: the weights are being wrecked. A gradient that grows through time, a spike of the loss and a plateau
 * are said as well, and may come to nothing: the step may be bounded by a clip or by the optimizer.
 */
export const isExplosion = (kind: string): boolean => signs.has(kind);

/** A batch's loss is below the typical one by more than `luck` in one case of so many. */
const cases = 1e3;

/**
 * The share of its mean below which the mean of n squares of normal numbers falls in one case of a thousand at most: how far the loss of n
 * sequences may lie below the typical one by luck alone. From the first term of the distribution's series, which is above it:
 * P(χ²_n < x) < (x/2)^(n/2) / Γ(n/2 + 1). 1.6e-6 for one sequence, 0.022 for 4, 0.2 for 16, 1/e in the limit.
 *
 * @param n sequences in the batch, from 1.
 */
export function luck(n: number): number {
  let logGamma = n % 2 === 1 ? Math.log(Math.PI) / 2 : 0;
  for (let k = n; k > 0; k -= 2) logGamma += Math.log(k / 2);
  return (2 / n) * Math.exp((2 / n) * (logGamma - Math.log(cases)));
}
