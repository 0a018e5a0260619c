import { type ByteSource, mostHeldBytes } from './byteSource.ts';
import { FileRows, HeldRows, type Rows } from './rows.ts';
import { type Moments, RunningMoments, standardizationError, standardizes } from './standardization.ts';

/** Where rows go that are too many for the memory: bytes written one after the other, and read by position afterwards. */
export interface ByteSink {
  /** @throws WRITE_FAILED */
  write(bytes: Uint8Array): void;
  /** Ends the writing. */
  finish(): ByteSource;
  /** Gives up what has been written. */
  close(): void;
}

export interface RowStoreOptions {
  /** Bytes that are kept in memory; with more, all goes to `spill`. Default 64 MiB. */
  readonly held?: number;
  /** Opens a sink; absent: all rows are kept in memory. */
  readonly spill?: () => ByteSink;
}

/** Bytes of a block. */
const blockBytes = 2 ** 20;

/** Takes a table's rows of C float64 one by one, and keeps them in memory or, where they are too many, in a file. */
export class RowStore {
  readonly columns: number;
  readonly #held: number;
  readonly #spill: (() => ByteSink) | undefined;
  readonly #rowsOfBlock: number;
  readonly #blocks: Float64Array[] = [];
  readonly #least: Float64Array;
  readonly #most: Float64Array;
  #block: Float64Array;
  #inBlock = 0;
  #count = 0;
  #sink: ByteSink | undefined;
  #source: ByteSource | undefined;

  constructor(columns: number, { held = mostHeldBytes, spill }: RowStoreOptions = {}) {
    this.columns = columns;
    this.#held = held;
    this.#spill = spill;
    this.#rowsOfBlock = Math.max(1, Math.floor(blockBytes / (8 * columns)));
    this.#block = new Float64Array(this.#rowsOfBlock * columns);
    this.#least = new Float64Array(columns).fill(Infinity);
    this.#most = new Float64Array(columns).fill(-Infinity);
  }

  /** Rows so far. */
  get count(): number {
    return this.#count;
  }

  /** @param values [C] of the next row. */
  add(values: ArrayLike<number>): void {
    const C = this.columns;
    if (this.#inBlock === this.#rowsOfBlock) this.#next();
    for (let column = 0, at = this.#inBlock * C; column < C; column++, at++) {
      const value = values[column];
      this.#block[at] = value;
      // What is not a number takes the place of the least, and keeps it.
      if (value < this.#least[column] || Number.isNaN(value)) this.#least[column] = value;
      if (value > this.#most[column]) this.#most[column] = value;
    }
    this.#inBlock++;
    this.#count++;
  }

  /**
   * Ends the adding: the rows, every value (value - mean) / deviation of its column.
   *
   * @param standardized by how many of the first rows' means and deviations; 0: values stay as they are.
   * @param placeOf where a value stands, for errors.
   * @throws DATA_INVALID where a standardised value is not finite as a float32.
   */
  finish(
    standardized: number,
    placeOf: (row: number, column: number) => { file: string; line: number; field: string },
  ): { readonly rows: Rows; readonly moments: Moments } {
    const C = this.columns;
    this.#next();
    this.#source = this.#sink?.finish();
    const unchanged: Moments = { means: new Array(C).fill(0), deviations: new Array(C).fill(1) };
    const stored = this.#source
      ? new FileRows(this.#source, unchanged, this.#count)
      : new HeldRows(this.#blocks, this.#rowsOfBlock, this.#count, C);
    const moments = standardized > 0 ? momentsOf(stored, standardized) : unchanged;
    for (let column = 0; column < C; column++) {
      if (standardizes(this.#least[column], moments, column) && standardizes(this.#most[column], moments, column)) continue;
      const { row, value } = firstThatFails(stored, moments, column);
      throw standardizationError(value, moments, column, 'value', placeOf(row, column));
    }
    if (this.#source) return { rows: new FileRows(this.#source, moments, this.#count), moments };
    for (const block of this.#blocks) {
      for (let at = 0; at < block.length; at++) block[at] = (block[at] - moments.means[at % C]) / moments.deviations[at % C];
    }
    return { rows: stored, moments };
  }

  /** Gives back what holds the rows, a file that is closed with it. */
  close(): void {
    this.#sink?.close();
    this.#source?.close?.();
  }

  /** Whether the rows are in a file. */
  get spilled(): boolean {
    return this.#sink !== undefined;
  }

  /** Puts the block at hand away. */
  #next(): void {
    const full = this.#block.subarray(0, this.#inBlock * this.columns);
    this.#inBlock = 0;
    if (this.#sink) {
      this.#sink.write(bytesOf(full));
      return;
    }
    this.#blocks.push(full);
    this.#block = new Float64Array(this.#rowsOfBlock * this.columns);
    if (!this.#spill || this.#count * this.columns * 8 <= this.#held) return;
    this.#sink = this.#spill();
    for (const block of this.#blocks) this.#sink.write(bytesOf(block));
    this.#blocks.length = 0;
  }
}

function bytesOf(values: Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Rows that are looked at together where all are looked at. */
const piece = 1024;

function momentsOf(rows: Rows, count: number): Moments {
  const running = new RunningMoments(rows.columns);
  const read = new Float64Array(piece * rows.columns);
  for (let from = 0; from < count; from += piece) {
    const together = Math.min(piece, count - from);
    rows.read(from, together, read);
    for (let row = 0; row < together; row++) running.add(read, row * rows.columns);
  }
  return running.moments;
}

/** The first value of a column that is not finite once it is standardised; there is one. */
function firstThatFails(rows: Rows, moments: Moments, column: number): { row: number; value: number } {
  const read = new Float64Array(rows.columns);
  for (let row = 0; ; row++) {
    rows.read(row, 1, read);
    if (!standardizes(read[column], moments, column)) return { row, value: read[column] };
  }
}
