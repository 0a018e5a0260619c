import { ThroughtimeError } from '../errors.ts';
import { optionError, show } from './options.ts';

/** What takes the place of a number that is missing: nothing, the one before, the line between its neighbours, or this number. */
export type MissingOption = 'refuse' | 'previous' | 'linear' | number;

/** @throws EXPERIMENT_INVALID */
export function checkedMissing(value: unknown): MissingOption {
  if (value === undefined) return 'refuse';
  if (value === 'refuse' || value === 'previous' || value === 'linear') return value;
  if (typeof value === 'number' && Number.isFinite(Math.fround(value))) return value;
  throw optionError('missing', `must be "refuse", "previous", "linear" or a number, got ${show(value)}; choose one of them`);
}

/** A row that waits for numbers which come later. */
interface Waiting {
  readonly values: Float64Array;
  readonly line: number;
  readonly offset: number;
}

/** Takes a complete row, which it must not keep. @param line where it stands in the file; `offset` of its clock from UTC. */
export type TakeRow = (values: Float64Array, line: number, offset: number) => void;

/** Rows that may wait for the end of a gap. */
const mostWaiting = 2 ** 20;

/**
 * Fills what is missing (NaN) in rows that come one after the other, and hands them on in their order. `linear` holds back the rows of a gap until
 * it has ended; all else is handed on at once. The rows are evenly spaced.
 */
export class MissingFiller {
  readonly #how: Exclude<MissingOption, 'refuse'>;
  readonly #file: string;
  readonly #names: readonly string[];
  readonly #take: TakeRow;
  /** The newest known number of each column. */
  readonly #known: Float64Array;
  readonly #waiting: Waiting[] = [];
  /** For each column, how many of the newest rows lack it. */
  readonly #lacking: Int32Array;
  readonly #filled: Float64Array;

  /** @param names of the columns. @param file for errors. */
  constructor(how: Exclude<MissingOption, 'refuse'>, names: readonly string[], file: string, take: TakeRow) {
    this.#how = how;
    this.#names = names;
    this.#file = file;
    this.#take = take;
    this.#known = new Float64Array(names.length).fill(Number.NaN);
    this.#lacking = new Int32Array(names.length);
    this.#filled = new Float64Array(names.length);
  }

  /** How many numbers were filled, by column; those of which none was are left out. */
  get filled(): Record<string, number> {
    return Object.fromEntries(this.#names.flatMap((name, column) => (this.#filled[column] > 0 ? [[name, this.#filled[column]]] : [])));
  }

  /** @throws DATA_INVALID where there is nothing before to fill with, or a gap of too many rows. */
  add(values: ArrayLike<number>, line: number, offset: number): void {
    if (this.#how === 'linear') this.#addLinear(values, line, offset);
    else this.#take(this.#filledRow(values, line, this.#how), line, offset);
  }

  /** All rows have been added. @throws DATA_INVALID where a gap has no end. */
  finish(): void {
    const column = this.#lacking.findIndex((count) => count > 0);
    if (column < 0) return;
    const { line } = this.#waiting[this.#waiting.length - this.#lacking[column]];
    throw this.#error(
      line,
      column,
      'is missing up to the last row, so that no line leads to it; set data.missing to "previous", or leave the rows out',
    );
  }

  #filledRow(values: ArrayLike<number>, line: number, how: 'previous' | number): Float64Array {
    const known = this.#known;
    for (let column = 0; column < known.length; column++) {
      const value = values[column];
      if (!Number.isNaN(value)) {
        known[column] = value;
        continue;
      }
      if (how !== 'previous') known[column] = how;
      else if (Number.isNaN(known[column])) throw this.#noneBefore(line, column);
      this.#filled[column]++;
    }
    return known;
  }

  #addLinear(values: ArrayLike<number>, line: number, offset: number): void {
    const waiting = this.#waiting;
    waiting.push({ values: Float64Array.from(values), line, offset });
    if (waiting.length > mostWaiting)
      throw this.#error(
        line,
        this.#lacking.findIndex((count) => count > 0),
        `is missing in ${mostWaiting} rows; leave the column out`,
      );
    let complete = true;
    for (let column = 0; column < this.#known.length; column++) {
      const value = values[column];
      if (Number.isNaN(value)) {
        if (Number.isNaN(this.#known[column])) throw this.#noneBefore(line, column);
        this.#lacking[column]++;
        this.#filled[column]++;
        complete = false;
        continue;
      }
      const gap = this.#lacking[column];
      const before = this.#known[column];
      for (let n = 1; n <= gap; n++) waiting[waiting.length - 1 - gap + n - 1].values[column] = before + ((value - before) * n) / (gap + 1);
      this.#known[column] = value;
      this.#lacking[column] = 0;
    }
    if (!complete) return;
    for (const row of waiting) this.#take(row.values, row.line, row.offset);
    waiting.length = 0;
  }

  #noneBefore(line: number, column: number): ThroughtimeError {
    return this.#error(
      line,
      column,
      'is missing, and there is none before it; leave the rows up to its first number out, or set data.missing to a number',
    );
  }

  #error(line: number, column: number, sentence: string): ThroughtimeError {
    return new ThroughtimeError('DATA_INVALID', sentence, { file: this.#file, line, field: this.#names[column] });
  }
}
