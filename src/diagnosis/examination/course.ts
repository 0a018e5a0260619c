import type { TrainingEvent } from '../../training/events.ts';
import type { UpdateRecord } from '../../training/trainer.ts';

/** How a training went, update by update, in a few numbers. */
export interface Course {
  /** Updates that were made, and asked for. */
  readonly updates: number;
  readonly asked: number;
  /** What ended it before the last one; null where all were made. */
  readonly stopped: 'budget' | 'signal' | 'explosion' | null;
  /** Updates whose loss or gradient was not finite, and the first of them; null where there was none. */
  readonly nonFinite: { readonly count: number; readonly first: number | null };
  /** Signs of an explosion, by kind: the first of each, in the order of their updates. */
  readonly signs: readonly {
    readonly update: number;
    readonly kind: TrainingEvent['kind'];
    readonly because: string;
    readonly count: number;
  }[];
  /** Minibatch losses: that of the first update, medians over the first and the last tenth, and over the tenth where it was lowest, which ended after `at` updates;
   * and how far single minibatches of the last tenth lie from its median (median distance, in the unit of a standard deviation). */
  readonly loss: {
    readonly begin: number;
    readonly first: number;
    readonly lowest: number;
    readonly at: number;
    readonly last: number;
    readonly lastMean: number;
    readonly spread: number;
  };
  /** Median over the updates of ‖g‖₂ before clipping, its largest value, and the share of the updates in which the clip bound. */
  readonly norm: { readonly median: number; readonly largest: number; readonly clipped: number };
  /**
   * log10 by which dL/ds_t grows from the newest step of a pass to its oldest: the largest over the updates, the median over the first
   * tenth of them and over all, and the share of updates where it is above 4 decades. null where it was not recorded.
   */
  readonly growth: { readonly largest: number; readonly early: number; readonly median: number; readonly share: number } | null;
}

const strong = 4;
/** The standard deviation of a normal distribution over the median distance from its median. */
const deviationOfNormal = 1.4826;

/** Takes in the records of a training one by one. */
export class CourseRecorder {
  readonly #losses: number[] = [];
  readonly #norms: number[] = [];
  readonly #growth: number[] = [];
  #clipped = 0;
  #nonFinite = 0;
  #firstNonFinite: number | null = null;
  readonly #signs = new Map<TrainingEvent['kind'], { update: number; kind: TrainingEvent['kind']; because: string; count: number }>();

  /** Takes down an update. */
  add({ update, loss, gradientNorm, clippedNorm, nonFinite, clip, throughTime }: UpdateRecord): void {
    this.#losses.push(loss);
    if (Number.isFinite(gradientNorm)) this.#norms.push(gradientNorm);
    if (clip ? clip.share > 0 : clippedNorm !== gradientNorm) this.#clipped++;
    if (nonFinite !== null) {
      this.#nonFinite++;
      this.#firstNonFinite ??= update;
    }
    if (throughTime) this.#growth.push(throughTime.oldest - throughTime.newest);
  }

  /** Takes down what the training told. */
  happened({ update, kind, because }: TrainingEvent): void {
    if (kind === 'clip') return;
    const sign = this.#signs.get(kind) ?? { update, kind, because, count: 0 };
    sign.count++;
    this.#signs.set(kind, sign);
  }

  /** What was taken down, of a training of which `asked` updates were asked for. */
  course(asked: number, stopped: Course['stopped']): Course {
    const losses = this.#losses;
    const tenth = Math.max(1, Math.ceil(losses.length / 10));
    let lowest = Number.POSITIVE_INFINITY;
    let at = 0;
    for (let past = tenth; past <= losses.length; past += Math.max(1, tenth >> 1)) {
      const median = medianOf(losses.slice(past - tenth, past));
      if (median < lowest) [lowest, at] = [median, past];
    }
    const last = losses.slice(-tenth);
    const level = medianOf(last);
    const growth = this.#growth;
    const early = growth.slice(0, Math.max(1, Math.ceil(growth.length / 10)));
    return {
      updates: losses.length,
      asked,
      stopped,
      nonFinite: { count: this.#nonFinite, first: this.#firstNonFinite },
      signs: [...this.#signs.values()].sort((a, b) => a.update - b.update),
      loss: {
        begin: losses[0] ?? Number.NaN,
        first: medianOf(losses.slice(0, tenth)),
        lowest,
        at,
        last: level,
        lastMean: last.reduce((sum, each) => sum + each, 0) / last.length,
        spread: deviationOfNormal * medianOf(last.map((each) => Math.abs(each - level))),
      },
      norm: {
        median: medianOf(this.#norms),
        largest: this.#norms.reduce((most, each) => Math.max(most, each), 0),
        clipped: losses.length === 0 ? 0 : this.#clipped / losses.length,
      },
      growth:
        growth.length === 0
          ? null
          : {
              largest: growth.reduce((most, each) => Math.max(most, each), -Infinity),
              early: medianOf(early),
              median: medianOf(growth),
              share: growth.filter((each) => each > strong).length / growth.length,
            },
    };
  }
}

/** NaN of nothing, and where values that are not finite are in the middle. */
function medianOf(values: readonly number[]): number {
  const sorted = values.map((each) => (Number.isNaN(each) ? Number.POSITIVE_INFINITY : each)).sort((a, b) => a - b);
  return sorted.length === 0 ? Number.NaN : sorted[sorted.length >> 1];
}
