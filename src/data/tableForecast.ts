import { ThroughtimeError } from '../errors.ts';
import { calendarColumns } from './calendar.ts';
import { CompleteRows } from './completeRows.ts';
import type { DataDescription, Dataset } from './dataset.ts';
import { Growing } from './growing.ts';
import type { MissingOption } from './missing.ts';
import type { Rows } from './rows.ts';
import { HeldRows } from './rows.ts';
import { standardize } from './standardization.ts';
import { TableWindows } from './tableWindows.ts';
import { timeAfter } from './time.ts';

/** What a run on a table says of its columns. */
type TableDescription = Extract<DataDescription, { kind: 'table' }>;

/** Inputs of forecasts: sequence n reads the rows before its origin's end, and has no target that is known. */
export interface ForecastInputs {
  readonly dataset: Dataset;
  /** The newest value of the target that a sequence reads, standardised, where outputs are differences from it; else 0. */
  base(sequence: number): number;
  /** The newest row that a sequence reads, counted from 1. */
  row(sequence: number): number;
  /** Its timestamp, and that of the row `ahead` rows later; undefined where the table has none. */
  time(sequence: number, ahead: number): string | undefined;
}

/** Takes the rows of a table for a network that was trained on another one of the same columns. All of them are held in memory. */
export class ForecastBuilder {
  readonly #description: TableDescription;
  readonly #file: string;
  readonly #values = new Growing(Float64Array);
  readonly #lines = new Growing(Int32Array);
  readonly #rows: CompleteRows;
  readonly #timed: boolean;
  /** The timestamp of each row, written as in the file. */
  readonly #texts: string[] = [];

  /** @param time the column of timestamps, where there is one. @param missing as in the training. */
  constructor(description: TableDescription, file: string, time?: string, missing: MissingOption = 'refuse') {
    this.#description = description;
    this.#file = file;
    this.#timed = time !== undefined;
    const { inputs, calendar = [] } = description;
    this.#rows = new CompleteRows({ file, inputs, time, missing, calendar }, (values, line) => {
      for (let column = 0; column < values.length; column++) this.#values.push(values[column]);
      this.#lines.push(line);
    });
  }

  /** @param values of the input columns, in the order of the description. @throws DATA_INVALID for uneven times. */
  add(values: ArrayLike<number>, line: number, time = ''): void {
    const missing = this.#rows.add(values, line, time);
    if (!this.#timed) return;
    const before = this.#texts.at(-1) ?? '';
    for (let n = 1; n <= missing; n++) this.#texts.push(timeAfter(before, n * (this.#rows.step ?? 0)));
    this.#texts.push(time);
  }

  /**
   * @param every a forecast from every row that has enough rows before it, in place of one from the newest row.
   * @throws DATA_TOO_SHORT where there are fewer rows than a forecast reads; DATA_INVALID where standardised ones are not finite.
   */
  finish(every: boolean): ForecastInputs {
    const { inputs: read, calendar = [], target, window, horizon, relative = false, means, deviations } = this.#description;
    const inputs = [...read, ...calendarColumns(calendar)];
    const file = this.#file;
    this.#rows.finish();
    const lines = this.#lines.take();
    const values = this.#values.take();
    const N = lines.length;
    if (N < window) {
      throw new ThroughtimeError('DATA_TOO_SHORT', `has ${N} rows, and a forecast reads ${window}; give more rows`, { file });
    }
    const moments = { means: inputs.map((name) => means[name]), deviations: inputs.map((name) => deviations[name]) };
    standardize(values, moments, 'input', (row, column) => ({ file, line: lines[row], field: inputs[column] }));
    const rows = withFuture(new HeldRows([values], N, N, inputs.length), horizon);
    const first = every ? window : N;
    const shape = {
      inputs: inputs.length,
      target: 0,
      steps: window,
      horizon,
      first,
      past: N + horizon,
      relative: relative ? read.length : 0,
    };
    const newest = new Float64Array(inputs.length);
    const baseColumn = inputs.indexOf(target);
    return {
      dataset: new TableWindows(rows, shape),
      base: (sequence) => {
        if (!relative) return 0;
        rows.read(first + sequence - 1, 1, newest);
        return newest[baseColumn];
      },
      row: (sequence) => first + sequence,
      time: (sequence, ahead) => (this.#timed ? timeAfter(this.#texts[first + sequence - 1], ahead * (this.#rows.step ?? 0)) : undefined),
    };
  }
}

/** The same rows, followed by some of zeros. */
function withFuture(rows: Rows, more: number): Rows {
  const { count, columns } = rows;
  return {
    count: count + more,
    columns,
    verify: () => rows.verify(),
    read(from, wanted, into) {
      const known = Math.max(0, Math.min(wanted, count - from));
      if (known > 0) rows.read(from, known, into);
      into.fill(0, known * columns, wanted * columns);
    },
  };
}
