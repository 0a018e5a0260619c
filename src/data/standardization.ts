import { ThroughtimeError } from '../errors.ts';

/** Mean and standard deviation of each column. */
export interface Moments {
  readonly means: number[];
  readonly deviations: number[];
}

/**
 * Means and standard deviations (divisor n) of the columns of `values` [rows, columns], in float64 by Welford 1962, "Note on a method
 * for calculating corrected sums of squares and products". A constant column has deviation 1, so that it becomes 0.
 */
export function columnMoments(values: Float64Array, columns: number, rows = values.length / columns): Moments {
  const means = new Array<number>(columns).fill(0);
  const squares = new Array<number>(columns).fill(0);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const distance = values[at] - means[column];
      means[column] += distance / (row + 1);
      squares[column] += distance * (values[at] - means[column]);
    }
  }
  const deviations = squares.map((sum) => {
    const deviation = Math.sqrt(sum / Math.max(rows, 1));
    return deviation > 0 ? deviation : 1;
  });
  return { means, deviations };
}

/**
 * Every value becomes (value - mean) / deviation of its column, in place.
 *
 * @throws DATA_INVALID where a result is not finite as a float32; `place` says where its row is, and `what` names the value.
 */
export function standardize(
  values: Float64Array,
  { means, deviations }: Moments,
  what: string,
  place: (row: number, column: number) => { file: string; line: number; field: string },
): void {
  const columns = means.length;
  for (let at = 0; at < values.length; at++) {
    const column = at % columns;
    const value = (values[at] - means[column]) / deviations[column];
    if (!Number.isFinite(Math.fround(value))) {
      const sentence =
        `this ${what} is ${values[at]}, which after standardisation by mean ${means[column]} and deviation ${deviations[column]} is not ` +
        'finite as a float32; correct it or set data.standardize to false';
      throw new ThroughtimeError('DATA_INVALID', sentence, place(Math.floor(at / columns), column));
    }
    values[at] = value;
  }
}
