import type { ByteSource } from './byteSource.ts';
import type { Moments } from './standardization.ts';

/** A table's rows of C float64, read by position. */
export interface Rows {
  readonly count: number;
  /** C */
  readonly columns: number;
  /** Fills the first `count` * C elements of `into` with the rows from `from` on. */
  read(from: number, count: number, into: Float64Array): void;
  /** @throws DATA_CHANGED where the rows may have become others. */
  verify(): void;
  /** What another thread needs to read the same, where it can. */
  readonly recipe?: RowsRecipe;
}

/** Rows in a file, to be read in another thread. */
export interface RowsRecipe {
  readonly source: unknown;
  readonly count: number;
  readonly moments: Moments;
}

/** Rows in memory, in blocks of equally many rows (the last may have fewer). */
export class HeldRows implements Rows {
  readonly count: number;
  readonly columns: number;
  readonly #blocks: readonly Float64Array[];
  readonly #rowsOfBlock: number;

  constructor(blocks: readonly Float64Array[], rowsOfBlock: number, count: number, columns: number) {
    this.#blocks = blocks;
    this.#rowsOfBlock = rowsOfBlock;
    this.count = count;
    this.columns = columns;
  }

  read(from: number, count: number, into: Float64Array): void {
    const C = this.columns;
    for (let at = 0; at < count * C; ) {
      const block = Math.floor(from / this.#rowsOfBlock);
      const values = this.#blocks[block];
      const begin = (from - block * this.#rowsOfBlock) * C;
      const numbers = Math.min(count * C - at, this.#rowsOfBlock * C - begin);
      for (let i = 0; i < numbers; i++) into[at + i] = values[begin + i];
      at += numbers;
      from += numbers / C;
    }
  }

  verify(): void {}
}

/** Bytes of rows that are read at once where reading goes on from row to row. */
const blockBytes = 2 ** 18;

/**
 * Rows in a file, as float64 of this machine, standardised where they are read. Whoever goes on where the last read began or ended gets
 * rows from a block that was read ahead; whoever jumps has just the rows read that are asked for.
 */
export class FileRows implements Rows {
  readonly count: number;
  readonly columns: number;
  readonly #source: ByteSource;
  readonly #moments: Moments;
  readonly #blockRows: number;
  #block = new Float64Array(0);
  #bytes = new Uint8Array(0);
  /** Rows [from, past) are in the block. */
  #from = 0;
  #past = 0;

  constructor(source: ByteSource, moments: Moments, count: number) {
    this.#source = source;
    this.#moments = moments;
    this.count = count;
    this.columns = moments.means.length;
    this.#blockRows = Math.max(1, Math.floor(blockBytes / (8 * this.columns)));
  }

  get recipe(): RowsRecipe | undefined {
    const { handle } = this.#source;
    return handle === undefined ? undefined : { source: handle, count: this.count, moments: this.#moments };
  }

  verify(): void {
    this.#source.verify();
  }

  read(from: number, count: number, into: Float64Array): void {
    const C = this.columns;
    const { means, deviations } = this.#moments;
    if (count === 0) return;
    if (from < this.#from || from + count > this.#past) this.#fill(from, count);
    const block = this.#block;
    for (let row = 0, at = (from - this.#from) * C, to = 0; row < count; row++) {
      for (let column = 0; column < C; column++, at++, to++) into[to] = (block[at] - means[column]) / deviations[column];
    }
  }

  #fill(from: number, count: number): void {
    const C = this.columns;
    const goesOn = from >= this.#from && from <= this.#past;
    const rows = goesOn ? Math.max(count, Math.min(this.#blockRows, this.count - from)) : count;
    if (this.#block.length < rows * C) {
      this.#block = new Float64Array(rows * C);
      this.#bytes = new Uint8Array(this.#block.buffer);
    }
    // Until it is read, nothing is in the block.
    this.#past = this.#from;
    this.#source.read(from * C * 8, this.#bytes, rows * C * 8);
    this.#from = from;
    this.#past = from + rows;
  }
}
