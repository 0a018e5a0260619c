/**
 * Student's t distribution for a whole number of degrees of freedom: the probability within [-t, t] as a finite sum in the angle
 * theta = atan(t / sqrt(f)) (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4). No approximation but that of the sum in float64.
 */

/** @throws RangeError for what is no whole number from 1. */
function checkFreedom(f: number): void {
  if (!Number.isSafeInteger(f) || f < 1) throw new RangeError(`degrees of freedom are a whole number from 1, got ${f}`);
}

/** A(t | f) at tan(theta) = t / sqrt(f), 0 <= theta <= pi/2. */
function within(theta: number, f: number): number {
  const [sine, cosine] = [Math.sin(theta), Math.cos(theta)];
  const odd = f % 2 === 1;
  // f = 1: no term; f odd: cos, 2/3 cos^3, ..., to cos^(f-2); f even: 1, 1/2 cos^2, ..., to cos^(f-2).
  let term = odd ? cosine : 1;
  let sum = 0;
  for (let power = odd ? 1 : 0; power <= f - 2; power += 2) {
    sum += term;
    term *= ((power + 1) / (power + 2)) * cosine * cosine;
  }
  return odd ? (2 / Math.PI) * (theta + sine * sum) : sine * sum;
}

/**
 * Probability that |T| exceeds |t|, with f degrees of freedom; to about 1e-15 absolute.
 *
 * @throws RangeError for degrees of freedom that are no whole number from 1.
 */
export function twoSided(t: number, f: number): number {
  checkFreedom(f);
  if (Number.isNaN(t)) return Number.NaN;
  return Math.min(1, Math.max(0, 1 - within(Math.atan(Math.abs(t) / Math.sqrt(f)), f)));
}

/**
 * The t that |T| stays below with probability `level`, by bisection of the angle, whose probability is monotone.
 *
 * @param level above 0 and below 1.
 * @throws RangeError for degrees of freedom that are no whole number from 1, or another level.
 */
export function criticalT(level: number, f: number): number {
  checkFreedom(f);
  if (!(level > 0 && level < 1)) throw new RangeError(`a level lies between 0 and 1, got ${level}`);
  let [low, high] = [0, Math.PI / 2];
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (within(middle, f) < level) low = middle;
    else high = middle;
  }
  return Math.sqrt(f) * Math.tan((low + high) / 2);
}
