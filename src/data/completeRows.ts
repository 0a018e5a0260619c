import { type CalendarFeature, calendarColumns, calendarValues } from './calendar.ts';
import { MissingFiller, type MissingOption } from './missing.ts';
import { EvenTimes } from './time.ts';

/** What the rows of a table are, and what is made of them. */
export interface CompleteRowsOptions {
  /** For errors. */
  readonly file: string;
  /** Columns of the file that are inputs, and those that are not. */
  readonly inputs: readonly string[];
  readonly others?: readonly string[];
  /** The column of timestamps. */
  readonly time?: string;
  readonly missing: MissingOption;
  readonly calendar: readonly CalendarFeature[];
}

/**
 * Makes complete rows of those of a file: their times are checked, what is missing is filled (rows too, where there are times), and the calendar
 * is put behind the inputs: `columns` are the inputs, the calendar, the others.
 */
export class CompleteRows {
  readonly columns: readonly string[];
  readonly #inputs: number;
  readonly #calendar: readonly CalendarFeature[];
  readonly #times: EvenTimes | undefined;
  readonly #filler: MissingFiller | undefined;
  readonly #take: (values: Float64Array, line: number, time: number | undefined) => void;
  readonly #row: Float64Array;
  readonly #lacking: Float64Array;
  #rows = 0;
  #inserted = 0;

  /** @param take gets each row, which it must not keep, the line where it stands (or the next row of the file does), and its time in milliseconds. */
  constructor(options: CompleteRowsOptions, take: (values: Float64Array, line: number, time: number | undefined) => void) {
    const { file, inputs, others = [], time, missing, calendar } = options;
    this.columns = [...inputs, ...calendarColumns(calendar), ...others];
    this.#inputs = inputs.length;
    this.#calendar = calendar;
    this.#take = take;
    this.#row = new Float64Array(this.columns.length);
    this.#lacking = new Float64Array(inputs.length + others.length).fill(Number.NaN);
    const fills = missing !== 'refuse';
    if (time !== undefined) this.#times = new EvenTimes(file, time, fills);
    const names = [...inputs, ...others];
    if (fills) this.#filler = new MissingFiller(missing, names, file, (values, line, offset) => this.#complete(values, line, offset));
  }

  /** Rows that have been handed on. */
  get count(): number {
    return this.#rows;
  }

  /** Milliseconds from row to row; undefined without times, and before the second row. */
  get step(): number | undefined {
    return this.#times?.step;
  }

  /** How many numbers were filled, by column, those of rows that were missing among them; and how many rows were. */
  get filled(): { readonly numbers: Readonly<Record<string, number>>; readonly rows: number } {
    return { numbers: this.#filler?.filled ?? {}, rows: this.#inserted };
  }

  /**
   * @param values of the inputs and the others, in this order; NaN where one is missing.
   * @param time its timestamp, where there is a column of them.
   * @returns how many rows were missing before it.
   * @throws DATA_INVALID with file, line and column for a time that is none or not even with those before, and for what cannot be filled.
   */
  add(values: ArrayLike<number>, line: number, time = ''): number {
    const { missing = 0, offset = 0 } = this.#times?.add(time, line) ?? {};
    this.#inserted += missing;
    for (let row = 0; row < missing; row++) this.#filler?.add(this.#lacking, line, offset);
    if (this.#filler) this.#filler.add(values, line, offset);
    else this.#complete(values, line, offset);
    return missing;
  }

  /** All rows have been added. @throws DATA_INVALID where the last ones cannot be filled. */
  finish(): void {
    this.#filler?.finish();
  }

  #complete(values: ArrayLike<number>, line: number, offset: number): void {
    const row = this.#row;
    const I = this.#inputs;
    const first = this.#times?.first;
    const time = first === undefined ? undefined : first + this.#rows * (this.#times?.step ?? 0);
    for (let column = 0; column < I; column++) row[column] = values[column];
    if (time !== undefined) calendarValues(this.#calendar, time + offset, row, I);
    for (let column = I, to = I + 2 * this.#calendar.length; column < values.length; column++, to++) row[to] = values[column];
    this.#rows++;
    this.#take(row, line, time);
  }
}
