/**
 * Quantiles of the newest finite numbers of a stream, the oldest of a full window making room for the next one. A NaN or an
 * infinity is not taken in, and one outlier moves a quantile by one rank at most. Nothing is allocated after the beginning.
 */
export class RecentQuantiles {
  /** In order of arrival, around a ring. */
  readonly #ring: Float64Array;
  readonly #ascending: Float64Array;
  #count = 0;
  #next = 0;

  /** @param window numbers that are remembered. */
  constructor(window: number) {
    this.#ring = new Float64Array(window);
    this.#ascending = new Float64Array(window);
  }

  /** Numbers that are remembered now. */
  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    const ascending = this.#ascending;
    const window = this.#ring.length;
    if (this.#count === window) {
      const gone = this.#rank(this.#ring[this.#next]);
      ascending.copyWithin(gone, gone + 1, window);
      this.#count--;
    }
    const rank = this.#rank(value);
    ascending.copyWithin(rank + 1, rank, this.#count);
    ascending[rank] = value;
    this.#ring[this.#next] = value;
    this.#next = (this.#next + 1) % window;
    this.#count++;
  }

  /** The smallest number with a share of at least q of all at or below it (nearest rank); NaN where there is none. */
  quantile(q: number): number {
    if (this.#count === 0) return Number.NaN;
    return this.#ascending[Math.max(0, Math.ceil(q * this.#count) - 1)];
  }

  /** The numbers in order of arrival: all there is to know. */
  save(): Float64Array {
    const first = this.#count < this.#ring.length ? 0 : this.#next;
    return Float64Array.from({ length: this.#count }, (_, i) => this.#ring[(first + i) % this.#ring.length]);
  }

  /** Takes up what `save` gave. */
  restore(values: ArrayLike<number>): void {
    this.#count = 0;
    this.#next = 0;
    for (let i = 0; i < values.length; i++) this.add(values[i]);
  }

  /** Index of the first number that is not below `value`. */
  #rank(value: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ascending[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
