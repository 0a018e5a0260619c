import type { Batch, InputShape, TargetShape } from '../network/batch.ts';
import type { Dataset, Window } from './dataset.ts';
import type { DatasetRecipe } from './recipe.ts';
import type { Rows } from './rows.ts';
import { beginCopy } from './window.ts';

/** What windows are taken of some rows. */
export interface WindowsShape {
  /** I: the first columns are the inputs. */
  readonly inputs: number;
  /** The column that is predicted. */
  readonly target: number;
  /** Rows that a prediction reads. */
  readonly steps: number;
  /** O: rows that it predicts. */
  readonly horizon: number;
  /** The first row that is predicted, at least `steps`. */
  readonly first: number;
  /** One past the last row that is predicted. */
  readonly past: number;
  /** How many of the first columns are read as differences from the newest row that is read, and the target too; 0: none is. */
  readonly relative?: number;
}

/**
 * Windows over rows, copied from them on demand: sequence n predicts the target column's rows [first + n, first + n + O) from the
 * `steps` rows before them, at its last step.
 */
export class TableWindows implements Dataset {
  readonly input: InputShape;
  readonly target: TargetShape;
  readonly loss = 'mse';
  readonly count: number;
  readonly #rows: Rows;
  readonly #shape: WindowsShape;
  /** The rows of one sequence. */
  #read = new Float64Array(0);
  /** Its newest row that is read, of which the others are differences. */
  readonly #newest: Float64Array;

  constructor(rows: Rows, shape: WindowsShape) {
    this.input = { kind: 'vectors', size: shape.inputs };
    this.target = { kind: 'values', size: shape.horizon };
    this.count = shape.past - shape.horizon - shape.first + 1;
    this.#rows = rows;
    this.#shape = shape;
    this.#newest = new Float64Array(rows.columns);
  }

  get recipe(): DatasetRecipe | undefined {
    const { recipe } = this.#rows;
    return recipe && { kind: 'tableWindows', rows: recipe, shape: this.#shape };
  }

  length(): number {
    return this.#shape.steps;
  }

  copy(window: Window, batch: Batch): void {
    beginCopy(this, window, batch);
    const { sequences, begin, end, countFrom, targetsOnly = false } = window;
    const { T, B, lengths, vectors, rows, values } = batch;
    const { inputs: I, target, steps, horizon: O, first, relative = 0 } = this.#shape;
    const newest = this.#newest;
    const C = this.#rows.columns;
    const last = steps - 1;
    const counts = last >= Math.max(begin, countFrom) && last < end;
    batch.counted = counts ? B : 0;
    this.#rows.verify();
    for (let b = 0; b < B; b++) {
      const length = targetsOnly ? 0 : lengths[b];
      // The targets follow the inputs: a window that has both is read at once.
      const predicted = first + sequences[b];
      const from = counts ? predicted - length : predicted - steps + begin;
      const count = length + (counts ? O : 0);
      if (this.#read.length < count * C) this.#read = new Float64Array(count * C);
      const read = this.#read;
      this.#rows.read(from, count, read);
      if (relative > 0) {
        this.#rows.read(predicted - 1, 1, newest);
        newest.fill(0, relative);
      }
      if (!targetsOnly) {
        for (let t = 0, at = 0; t < T; t++, at += C) {
          const to = (t * B + b) * I;
          if (t < length) for (let i = 0; i < I; i++) vectors[to + i] = read[at + i] - newest[i];
          else for (let i = 0; i < I; i++) vectors[to + i] = 0;
        }
      }
      if (!counts) continue;
      rows[b] = (last - begin) * B + b;
      for (let o = 0; o < O; o++) values[b * O + o] = read[(length + o) * C + target] - newest[target];
    }
  }
}
