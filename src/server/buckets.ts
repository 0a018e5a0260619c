/** Buckets that are kept of a column: what has more updates than that is held in buckets of 2, 4, 8, ... updates each. */
const most = 2 ** 17;

/** One number for each of some equal spans of updates. A span without a finite value has the mean null. */
export interface BucketView {
  readonly mean: (number | null)[];
  /** Absent where each span is a single update. */
  readonly low?: (number | null)[];
  readonly high?: (number | null)[];
}

/**
 * A column of numbers, one an update, in bounded memory: exact up to 131,072 updates, and the mean, smallest and largest of ever longer
 * equal spans beyond. What is not finite, or absent, is left out of them.
 */
export class Buckets {
  #sum = new Float64Array(64);
  #low = new Float64Array(64);
  #high = new Float64Array(64);
  #count = new Uint32Array(64);
  /** Updates a bucket holds. */
  #width = 1;
  /** Values so far, those that are not finite included. */
  #length = 0;

  /** Of the next update; undefined where there is none. */
  add(value: number | undefined): void {
    const bucket = this.#next();
    if (value === undefined || !Number.isFinite(value)) return;
    const first = this.#count[bucket] === 0;
    this.#sum[bucket] += value;
    this.#low[bucket] = first ? value : Math.min(this.#low[bucket], value);
    this.#high[bucket] = first ? value : Math.max(this.#high[bucket], value);
    this.#count[bucket]++;
  }

  get length(): number {
    return this.#length;
  }

  clear(): void {
    [this.#width, this.#length] = [1, 0];
    for (const array of [this.#sum, this.#low, this.#high, this.#count]) array.fill(0);
  }

  /** The smallest span, a multiple of what a bucket holds, by which the updates from `from` to `to` (counted from 1) are at most `points`. */
  spanFor(from: number, to: number, points: number): number {
    const wanted = Math.max(1, Math.ceil((to - from + 1) / points));
    let span = this.#width;
    while (span < wanted) span *= 2;
    return span;
  }

  /** Spans number `first` to `last` (counted from 0, each of `span` updates); `span` is one that `spanFor` gave. */
  view(first: number, last: number, span: number): BucketView {
    const of = span / this.#width;
    const [mean, low, high]: (number | null)[][] = [[], [], []];
    for (let index = first; index <= last; index++) {
      let [sum, count, least, largest] = [0, 0, Infinity, -Infinity];
      for (let bucket = index * of; bucket < (index + 1) * of && bucket * this.#width < this.#length; bucket++) {
        if (this.#count[bucket] === 0) continue;
        sum += this.#sum[bucket];
        count += this.#count[bucket];
        least = Math.min(least, this.#low[bucket]);
        largest = Math.max(largest, this.#high[bucket]);
      }
      mean.push(count === 0 ? null : sum / count);
      low.push(count === 0 ? null : least);
      high.push(count === 0 ? null : largest);
    }
    return span === 1 ? { mean } : { mean, low, high };
  }

  /** The means of the buckets from update `from` to `to` that have one. */
  values(from: number, to: number): number[] {
    const found: number[] = [];
    const last = Math.min(to, this.#length);
    for (let bucket = Math.floor((from - 1) / this.#width); bucket * this.#width < last; bucket++) {
      if (this.#count[bucket] > 0) found.push(this.#sum[bucket] / this.#count[bucket]);
    }
    return found;
  }

  /** The bucket of the next value. */
  #next(): number {
    if (this.#length >= most * this.#width) this.#halve();
    const bucket = Math.floor(this.#length++ / this.#width);
    if (bucket >= this.#sum.length) this.#grow();
    return bucket;
  }

  #grow(): void {
    const size = Math.min(most, 2 * this.#sum.length);
    const larger = (from: Float64Array) => {
      const array = new Float64Array(size);
      array.set(from);
      return array;
    };
    [this.#sum, this.#low, this.#high] = [larger(this.#sum), larger(this.#low), larger(this.#high)];
    const count = new Uint32Array(size);
    count.set(this.#count);
    this.#count = count;
  }

  /** Makes one bucket of every two. */
  #halve(): void {
    for (let to = 0; to < most / 2; to++) {
      const [a, b] = [2 * to, 2 * to + 1];
      const [countA, countB] = [this.#count[a], this.#count[b]];
      const low = Math.min(countA > 0 ? this.#low[a] : Infinity, countB > 0 ? this.#low[b] : Infinity);
      const high = Math.max(countA > 0 ? this.#high[a] : -Infinity, countB > 0 ? this.#high[b] : -Infinity);
      [this.#sum[to], this.#count[to]] = [this.#sum[a] + this.#sum[b], countA + countB];
      [this.#low[to], this.#high[to]] = [low, high];
    }
    for (const array of [this.#sum, this.#low, this.#high, this.#count]) array.fill(0, most / 2);
    this.#width *= 2;
  }
}
