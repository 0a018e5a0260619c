import type { Rows } from './rows.ts';

const day = 86_400_000;

/** Rows of a day, for rows that are `step` milliseconds apart; undefined where a day has no whole number of them, or one. */
export function seasonOfDay(step: number | undefined): number | undefined {
  return step !== undefined && day % step === 0 && day / step >= 2 ? day / step : undefined;
}

/** Predicted rows that are looked at together. */
const piece = 4096;

/**
 * Mean squared error over the windows of rows [from, past) where each of the `horizon` targets is predicted by the newest known one a whole
 * number of seasons before it.
 */
export function repeatedSeasonLoss(
  rows: Rows,
  target: number,
  { from, past }: { readonly from: number; readonly past: number },
  horizon: number,
  season: number,
): number {
  const column = new ColumnReader(rows, target);
  const phases = Math.min(season, horizon);
  const truth = new Float64Array(piece + horizon);
  const repeated = new Float64Array(piece + phases);
  const windows = past - horizon - from + 1;
  let sum = 0;
  for (let first = 0; first < windows; first += piece) {
    const together = Math.min(piece, windows - first);
    column.read(from + first, together + horizon - 1, truth);
    column.read(from + first - season, together + phases - 1, repeated);
    for (let window = 0; window < together; window++) {
      for (let h = 0; h < horizon; h++) {
        const error = truth[window + h] - repeated[window + (h % season)];
        sum += error * error;
      }
    }
  }
  return sum / (windows * horizon);
}

/** One column of some rows. */
class ColumnReader {
  readonly #rows: Rows;
  readonly #column: number;
  #read = new Float64Array(0);

  constructor(rows: Rows, column: number) {
    this.#rows = rows;
    this.#column = column;
  }

  read(from: number, count: number, into: Float64Array): void {
    const C = this.#rows.columns;
    if (this.#read.length < count * C) this.#read = new Float64Array(count * C);
    this.#rows.read(from, count, this.#read);
    for (let row = 0; row < count; row++) into[row] = this.#read[row * C + this.#column];
  }
}
