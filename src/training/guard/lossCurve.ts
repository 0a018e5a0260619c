import { RecentQuantiles } from '../../monitor/recentQuantiles.ts';
import { explosion, luck } from './explosion.ts';

/** Losses that the level and the spread of the curve are taken from, and how many there have to be. */
const window = 100;
const fewest = 8;
/** The newest losses, whose median is compared with the level. */
const newest = 5;
/** The first losses, whose median is where learning began. */
const firsts = 30;
/** The loss is high where it is this many times the level, and this share of where learning began at least. */
const diverged = 2.5;
const lost = 0.5;
/** A divergence: high for so many updates on end, or `explosion.risen` times where learning began. */
const lasting = 20;
/** So many losses on end that are all high beside the very first one, however low that was by luck, are a divergence. */
const thrown = 5;
/** A spike: one loss this many times the level. */
const spiked = 3;
/** Beyond so many spreads of the logarithm, neither is noise. */
const spreads = 8;
/** The smallest spread that is believed. */
const leastSpread = 0.05;
/** After a spike: updates until it is asked whether the loss has come back, and the ratio to the level before above which it has not. */
const patience = 50;
const higher = 1.5;

/** What a learning curve does beyond its noise. */
export interface CurveSign {
  /**
   * `spike`: a loss, or the newest losses together, are far above the level; `divergence`: they stay there, or are above where learning
   * began; `plateau`: they have stayed somewhat above it since a spike.
   */
  readonly kind: 'spike' | 'divergence' | 'plateau';
  readonly loss: number;
  /** Median of the losses before; where they have risen beside the first ones alone, the very first, or what nine in ten of the first were below. */
  readonly level: number;
}

/**
 * Watches the losses of the updates for a change that their noise does not explain. Everything is a median: of the last 100 losses (the
 * level), of their logarithms' distances from it (the spread), of the newest 5. Logarithms make the rule the same for a loss
 * of any size. A loss that is high beside a level near 0 but low beside the first losses is no divergence: a converged network's loss
 * jumps by factors, and nothing is lost.
 */
export class LossCurve {
  readonly #recent = new RecentQuantiles(window);
  readonly #newest = new RecentQuantiles(newest);
  readonly #first = new RecentQuantiles(firsts);
  readonly #logarithms = new Float64Array(window);
  /** The newest losses are not part of the level yet. */
  readonly #waiting: number[] = [];
  #spikeLevel = Number.NaN;
  #sinceSpike = -1;
  /** Updates on end for which the loss has been high. */
  #high = 0;
  /** The very first loss, the loss above which one is high whatever the luck of that, and how many on end have been. */
  #very = Number.NaN;
  #bound = Infinity;
  #thrown = 0;
  /** How many on end have been high beside nine in ten of the first losses. */
  #above = 0;

  /** Median of the losses before the newest; NaN as long as there are too few. */
  get level(): number {
    return this.#recent.count < fewest ? Number.NaN : this.#recent.quantile(0.5);
  }

  /** Median of the first losses; NaN before the first. */
  get beginning(): number {
    return this.#first.quantile(0.5);
  }

  /** Where the loss was high: the 9th decile of the first losses; NaN before the first. */
  get height(): number {
    return this.#first.quantile(0.9);
  }

  /**
   * Takes in the loss of an update. One that is not finite is not for this watcher.
   *
   * @param sequences that it is the mean of: the fewer, the less the very first loss is believed.
   */
  see(loss: number, sequences = 1): CurveSign | null {
    if (!Number.isFinite(loss)) return null;
    if (this.#first.count === 0) {
      this.#very = loss;
      this.#bound = (diverged * loss) / luck(sequences);
    }
    this.#thrown = loss > this.#bound ? this.#thrown + 1 : 0;
    this.#above = this.#first.count >= firsts && loss > diverged * this.height ? this.#above + 1 : 0;
    const risen = this.#thrown >= thrown ? this.#very : this.#above >= lasting ? this.height : null;
    const level = this.level;
    this.#newest.add(loss);
    if (this.#first.count < firsts) this.#first.add(loss);
    this.#waiting.push(loss);
    if (this.#waiting.length > newest) this.#recent.add(this.#waiting.shift() as number);
    const recent = this.#newest.quantile(0.5);
    // A loss that was thrown up at once, or rises slowly, has no level before that.
    if (risen !== null) return { kind: 'divergence', loss: recent, level: risen };
    if (Number.isNaN(level)) return null;
    const kind = this.#judge(loss, recent, level);
    return kind && { kind, loss: kind === 'spike' ? loss : recent, level };
  }

  #judge(loss: number, recent: number, level: number): CurveSign['kind'] | null {
    if (this.#sinceSpike >= 0 && ++this.#sinceSpike === patience) {
      this.#sinceSpike = -1;
      if (recent > higher * this.#spikeLevel && recent > lost * this.beginning) return 'plateau';
    }
    const noise = Math.max(loss, recent) > Math.min(spiked, diverged) * level ? Math.exp(spreads * this.#spread(level)) : 1;
    const high = recent > Math.max(diverged, noise) * level && recent > lost * this.beginning;
    this.#high = high ? this.#high + 1 : 0;
    if (high && (this.#high >= lasting || recent > explosion.risen * this.beginning)) return 'divergence';
    if (high || loss > Math.max(spiked, noise) * level) {
      if (this.#sinceSpike < 0) {
        this.#sinceSpike = 0;
        this.#spikeLevel = level;
      }
      return 'spike';
    }
    return null;
  }

  /** 1.4826 times the median distance of the logarithms of the recent losses from that of their level: a normal one's deviation. */
  #spread(level: number): number {
    const { count } = this.#recent;
    const distances = this.#logarithms.subarray(0, count);
    for (let i = 0; i < count; i++) distances[i] = Math.abs(Math.log(this.#recent.quantile((i + 1) / count) / level));
    distances.sort();
    return Math.max(leastSpread, 1.4826 * distances[count >> 1]);
  }

  save(): Float64Array {
    const parts = [this.#recent.save(), this.#newest.save(), this.#first.save(), Float64Array.from(this.#waiting)];
    return Float64Array.from([...parts.flatMap((part) => [part.length, ...part]), ...this.#rest]);
  }

  get #rest(): number[] {
    return [this.#spikeLevel, this.#sinceSpike, this.#high, this.#very, this.#bound, this.#thrown, this.#above];
  }

  /** Takes up what `save` gave, from `at` on. Returns where it ends. */
  restore(values: ArrayLike<number>, at = 0): number {
    const part = () => {
      const length = values[at];
      const from = at + 1;
      at = from + length;
      return Float64Array.from({ length }, (_, i) => values[from + i]);
    };
    this.#recent.restore(part());
    this.#newest.restore(part());
    this.#first.restore(part());
    this.#waiting.splice(0, this.#waiting.length, ...part());
    const rest = this.#rest.map((_, i) => values[at + i]);
    [this.#spikeLevel, this.#sinceSpike, this.#high, this.#very, this.#bound, this.#thrown, this.#above] = rest;
    return at + rest.length;
  }
}
