import type { UpdateRecord } from './trainer.ts';

/** What the updates of a training looked like, taken together. */
export interface TrainingSummary {
  /** Quantiles of ‖g‖₂ before clipping, over the updates where it was finite; null where there was none. */
  readonly gradientNorm: {
    readonly p50: number | null;
    readonly p90: number | null;
    readonly p99: number | null;
    readonly max: number | null;
  };
  /** Share of the updates whose gradient the clip changed. */
  readonly clippedFraction: number;
  /** Updates that were skipped because something was not finite. */
  readonly nonFiniteUpdates: number;
  /** Seconds spent in updates. */
  readonly seconds: number;
  /** Mean loss of the last tenth of the updates. */
  readonly recentLoss: number | null;
}

/** Summarises the records of a training. */
export function summarize(records: readonly UpdateRecord[]): TrainingSummary {
  const norms = Float64Array.from(records.map((each) => each.gradientNorm).filter(Number.isFinite)).sort();
  const quantile = (q: number) => (norms.length === 0 ? null : norms[Math.min(norms.length - 1, Math.floor(q * norms.length))]);
  const clipped = records.filter((each) => each.nonFinite === null && each.clippedNorm !== each.gradientNorm).length;
  const recent = records.slice(-Math.ceil(records.length / 10)).filter((each) => Number.isFinite(each.loss));
  return {
    gradientNorm: { p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), max: norms.length === 0 ? null : norms[norms.length - 1] },
    clippedFraction: records.length === 0 ? 0 : clipped / records.length,
    nonFiniteUpdates: records.filter((each) => each.nonFinite !== null).length,
    seconds: records.reduce((sum, each) => sum + each.seconds, 0),
    recentLoss: recent.length === 0 ? null : recent.reduce((sum, each) => sum + each.loss, 0) / recent.length,
  };
}
