import { type ErrorPlace, ThroughtimeError } from '../errors.ts';

/** Mean and standard deviation of each column. */
export interface Moments {
  readonly means: number[];
  readonly deviations: number[];
}

/**
 * Means and standard deviations (divisor n) of columns whose rows come one by one, in float64 by Welford 1962, "Note on a method for
 * calculating corrected sums of squares and products". A constant column has deviation 1, so that it becomes 0.
 */
export class RunningMoments {
  readonly #means: Float64Array;
  readonly #squares: Float64Array;
  #rows = 0;

  constructor(columns: number) {
    this.#means = new Float64Array(columns);
    this.#squares = new Float64Array(columns);
  }

  /** Adds the row that begins at `values[at]`. */
  add(values: ArrayLike<number>, at: number): void {
    const means = this.#means;
    this.#rows++;
    for (let column = 0; column < means.length; column++) {
      const value = values[at + column];
      const distance = value - means[column];
      means[column] += distance / this.#rows;
      this.#squares[column] += distance * (value - means[column]);
    }
  }

  get moments(): Moments {
    const deviations = Array.from(this.#squares, (sum) => {
      const deviation = Math.sqrt(sum / Math.max(this.#rows, 1));
      return deviation > 0 ? deviation : 1;
    });
    return { means: [...this.#means], deviations };
  }
}

/** The moments of the columns of `values` [rows, columns]. */
export function columnMoments(values: Float64Array, columns: number): Moments {
  const running = new RunningMoments(columns);
  for (let at = 0; at < values.length; at += columns) running.add(values, at);
  return running.moments;
}

/**
 * Every value becomes (value - mean) / deviation of its column, in place.
 *
 * @throws DATA_INVALID where a result is not finite as a float32; `place` says where its row is, and `what` names the value.
 */
export function standardize(
  values: Float64Array,
  moments: Moments,
  what: string,
  place: (row: number, column: number) => { file: string; line: number; field: string },
): void {
  const { means, deviations } = moments;
  const columns = means.length;
  for (let at = 0; at < values.length; at++) {
    const column = at % columns;
    if (!standardizes(values[at], moments, column)) {
      throw standardizationError(values[at], moments, column, what, place(Math.floor(at / columns), column));
    }
    values[at] = (values[at] - means[column]) / deviations[column];
  }
}

/** Whether a value of a column is finite as a float32 once it is standardised. */
export function standardizes(value: number, { means, deviations }: Moments, column: number): boolean {
  return Number.isFinite(Math.fround((value - means[column]) / deviations[column]));
}

export function standardizationError(
  value: number,
  { means, deviations }: Moments,
  column: number,
  what: string,
  place: ErrorPlace,
): ThroughtimeError {
  const sentence =
    `this ${what} is ${value}, which after standardisation by mean ${means[column]} and deviation ${deviations[column]} is not ` +
    'finite as a float32; correct it or set data.standardize to false';
  return new ThroughtimeError('DATA_INVALID', sentence, place);
}
