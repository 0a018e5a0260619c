import type { Binding } from './clip/clip.ts';
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
  /** How the clip bound in those: null where it never did. */
  readonly clip: {
    /** Mean share of what it treats one by one (the gradient, parameters, numbers, steps of sequences) that was bounded. */
    readonly share: number;
    /** The factor by which it shrank the hardest bound of them, in the middle of those updates and at the worst. */
    readonly factor: { readonly p50: number; readonly min: number };
  } | null;
  /** Updates that were skipped because something was not finite. */
  readonly nonFiniteUpdates: number;
  /** Seconds spent in updates. */
  readonly seconds: number;
  /** Mean loss of the last tenth of the updates, rounded up; NaN where any of them is not finite, null where there is none. */
  readonly recentLoss: number | null;
}

/** Summarises the records of a training, of which it keeps two numbers each. */
export function summarize(records: Iterable<UpdateRecord>): TrainingSummary {
  const summary = new Summary();
  for (const record of records) summary.add(record);
  return summary.answer();
}

/** Takes in the records of a training one by one. */
export class Summary {
  readonly #norms: number[] = [];
  readonly #losses: number[] = [];
  #clipped = 0;
  #shares = 0;
  readonly #factors: number[] = [];
  #nonFinite = 0;
  #seconds = 0;

  add({ loss, gradientNorm, clippedNorm, nonFinite, seconds, clip }: UpdateRecord): void {
    if (Number.isFinite(gradientNorm)) this.#norms.push(gradientNorm);
    this.#losses.push(loss);
    if (nonFinite !== null) this.#nonFinite++;
    else if (clip ? clip.share > 0 : clippedNorm !== gradientNorm) this.#bound(clip ?? { share: 1, factor: clippedNorm / gradientNorm });
    this.#seconds += seconds;
  }

  #bound({ share, factor }: Binding): void {
    this.#clipped++;
    this.#shares += share;
    this.#factors.push(factor);
  }

  answer(): TrainingSummary {
    const norms = Float64Array.from(this.#norms).sort();
    const factors = Float64Array.from(this.#factors).sort();
    const count = this.#losses.length;
    const quantile = (q: number) => (norms.length === 0 ? null : norms[Math.min(norms.length - 1, Math.floor(q * norms.length))]);
    const recent = this.#losses.slice(count - Math.ceil(count / 10));
    const mean = recent.every(Number.isFinite) ? recent.reduce((sum, loss) => sum + loss, 0) / recent.length : Number.NaN;
    return {
      gradientNorm: {
        p50: quantile(0.5),
        p90: quantile(0.9),
        p99: quantile(0.99),
        max: norms.length === 0 ? null : norms[norms.length - 1],
      },
      clippedFraction: count === 0 ? 0 : this.#clipped / count,
      clip:
        this.#clipped === 0
          ? null
          : { share: this.#shares / this.#clipped, factor: { p50: factors[factors.length >> 1], min: factors[0] } },
      nonFiniteUpdates: this.#nonFinite,
      seconds: this.#seconds,
      recentLoss: count === 0 ? null : mean,
    };
  }
}
