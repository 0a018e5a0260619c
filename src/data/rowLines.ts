import { Growing } from './growing.ts';

/**
 * The line on which each row of a file stands, without a number for each: kept are the rows where the distance from line to line
 * changes. That is one row of a usual file, and two or three where a line is empty.
 */
export class RowLines {
  readonly #rows = new Growing(Float64Array);
  readonly #lines = new Growing(Float64Array);
  readonly #steps = new Growing(Float64Array);
  #count = 0;
  #line = 0;
  #step = 1;

  /** Adds the next row. */
  add(line: number): void {
    if (this.#count === 0 || line - this.#line !== this.#step) {
      this.#step = this.#count === 0 ? 1 : line - this.#line;
      this.#rows.push(this.#count);
      this.#lines.push(line);
      this.#steps.push(this.#step);
    }
    this.#line = line;
    this.#count++;
  }

  /** The line of a row that was added. */
  of(row: number): number {
    let at = this.#rows.length - 1;
    while (this.#rows.at(at) > row) at--;
    return this.#lines.at(at) + (row - this.#rows.at(at)) * this.#steps.at(at);
  }
}
