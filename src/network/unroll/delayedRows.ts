import type { Backend, Reals } from '../../compute/backend.ts';

/** Rows of numbers that are handed in at one step and out again `lag` steps later, each with an exponent of its own; 0 until something has come. */
export class DelayedRows {
  readonly lag: number;
  readonly values: Reals;
  readonly exponents: Int32Array;
  readonly #rows: number;
  readonly #width: number;

  constructor(backend: Backend, lag: number, rows: number, width: number) {
    this.lag = lag;
    this.#rows = rows;
    this.#width = width;
    this.values = backend.allocate(lag * rows * width);
    this.exponents = backend.allocateIndices(lag * rows);
  }

  /** Place of a row that is handed in, or out, at a step, in `exponents`; it begins at that times the width in `values`. */
  place(step: number, row: number): number {
    return (step % this.lag) * this.#rows + row;
  }

  /** Hands in a row. */
  put(step: number, row: number, from: Reals, at: number, exponent: number): void {
    const place = this.place(step, row);
    for (let i = 0; i < this.#width; i++) this.values[place * this.#width + i] = from[at + i];
    this.exponents[place] = exponent;
  }

  /** Forgets what is on the way in a row. */
  clear(row: number): void {
    for (let step = 0; step < this.lag; step++) {
      const place = this.place(step, row);
      this.values.fill(0, place * this.#width, (place + 1) * this.#width);
      this.exponents[place] = 0;
    }
  }
}
