/** Seconds before which nothing is said: what is learned at the beginning does not last. */
const soonest = 3;

/** How long a work will still take, by what has been done of it since the clock was made. All in the same unit. */
export class Clock {
  readonly #began: number;
  readonly #whole: number;
  /** Done before the clock was made, and since. */
  #before = 0;
  #done = 0;
  /** Of what is at hand, by its name: what has been done of it. */
  readonly #parts = new Map<number, number>();

  constructor(whole: number, now = performance.now()) {
    this.#whole = whole;
    this.#began = now;
  }

  /** A part that needs not be done, or was done before. */
  skip(size: number): void {
    this.#before += size;
  }

  /** How much of a part has been done. */
  at(part: number, size: number): void {
    this.#parts.set(part, size);
  }

  /** A part has come to its end. */
  end(part: number, size: number): void {
    this.#parts.delete(part);
    this.#done += size;
  }

  /** Seconds until the end; null where nothing has been done that tells. */
  left(now = performance.now()): number | null {
    const since = this.#done + [...this.#parts.values()].reduce((sum, each) => sum + each, 0);
    const elapsed = (now - this.#began) / 1000;
    if (since <= 0 || elapsed < soonest) return null;
    return (elapsed * Math.max(0, this.#whole - this.#before - since)) / since;
  }
}
