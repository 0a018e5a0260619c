import type { LagContributions } from './lagContribution.ts';
import type { LagPoint } from './lagProfile.ts';

/** What monitors measured after some update of a training. */
export interface HorizonLook {
  readonly update: number;
  readonly lagProfile: readonly LagPoint[];
  readonly lagContribution: LagContributions;
}

/** The training that a gradient horizon is of. */
export interface HorizonOptions {
  /** N: updates of the whole training, those to come included. */
  readonly updates: number;
  /** B: sequences in an update. */
  readonly batchSize: number;
}

/** How far back the gradient reaches, of what a training can still learn from. */
export interface GradientHorizon {
  /** The largest lag from which training can still learn; -1 where no lag reaches. A data horizon of w needs lag w - 1. */
  readonly horizon: number;
  /** Whether it is the longest lag measured, so that the true one may be larger. */
  readonly atLeast: boolean;
  /** Per lag: log10 of the best signal to noise ratio that the training can add up to, over the looks; -Infinity where there is none. */
  readonly reach: readonly number[];
  /** What `reach` has to be: log10 of the deviations that count as a signal. */
  readonly threshold: number;
  /** The lag profile of the last look as a straight line from lag 1 on: decades per step, and where it begins relative to lag 0, in decades. */
  readonly slope: number;
  readonly level: number;
}

/**
 * How many standard deviations what one lag adds must come to, if all sequences agreed, until training learns from it. Calibrated by
 * `npm run calibrate:gradientHorizon`, whose outcome is in docs/math/gradientHorizon.md.
 */
export const deviations = 15;

/**
 * The gradient horizon: the largest lag from which training can still learn at the given budget. At one moment, let ‖g_k‖ be the size of
 * what lag k adds to the weight gradient of one sequence, and σ the standard deviation of that gradient over sequences
 * (`lagContribution.ts`). What many updates have in common adds up with their number, noise with its root. If all sequences agreed on
 * what lag k asks for, N updates of B sequences would bring it to
 *
 *     reach_k = ‖g_k‖ sqrt(N B) / σ      standard deviations
 *
 * above the noise, which is the most that lag k can come to. Lag k is within the horizon if reach_k >= `deviations` at any look: the
 * ratio changes while the network learns, often by many decades (a GRU on adding begins at 1e-7), so that one look at the beginning
 * does not decide. The horizon is the largest such lag, so that a lag beyond a gap counts.
 *
 * It says how far the gradient can reach, whatever the data hold: a lag may be within the horizon and there is nothing to learn from it,
 * or it is and the task is too hard. Looks whose numbers are not finite are left out.
 */
export function gradientHorizon(looks: readonly HorizonLook[], { updates, batchSize }: HorizonOptions): GradientHorizon {
  const budget = Math.log10(updates * batchSize) / 2;
  const longest = Math.max(0, ...looks.map(({ lagContribution }) => lagContribution.lags.length));
  const reach = new Array<number>(longest).fill(-Infinity);
  for (const { lagContribution } of looks) {
    const { lags, noise } = lagContribution;
    for (const { lag, size } of lags) {
      const ratio = size - noise + budget;
      // Where all sequences have the same gradient there is no noise; where a number is not finite, no ratio.
      if (ratio > reach[lag]) reach[lag] = ratio;
    }
  }
  const threshold = Math.log10(deviations);
  const horizon = reach.findLastIndex((each) => each >= threshold);
  const profile = looks.at(-1)?.lagProfile ?? [];
  return { horizon, atLeast: horizon >= 0 && horizon === longest - 1, reach, threshold, ...lineOf(profile) };
}

/** Least squares through log10 g_k from lag 1 on, relative to lag 0; NaN where fewer than two lags have a finite number. */
function lineOf(profile: readonly LagPoint[]): { slope: number; level: number } {
  const first = profile[0]?.meanLog10 ?? Number.NaN;
  const points = profile.slice(1).filter(({ meanLog10 }) => Number.isFinite(meanLog10));
  const n = points.length;
  if (n < 2) return { slope: Number.NaN, level: Number.NaN };
  const x = points.reduce((sum, { lag }) => sum + lag, 0) / n;
  const y = points.reduce((sum, { meanLog10 }) => sum + meanLog10 - first, 0) / n;
  let covariance = 0;
  let variance = 0;
  for (const { lag, meanLog10 } of points) {
    covariance += (lag - x) * (meanLog10 - first - y);
    variance += (lag - x) ** 2;
  }
  const slope = covariance / variance;
  return { slope, level: y - slope * x };
}
