import type { Batch, InputShape, TargetShape } from '../network/batch.ts';
import type { Dataset, Window } from './dataset.ts';
import { beginCopy } from './window.ts';

/**
 * Windows over rows, copied from them on demand: sequence n predicts the target column's rows [first + n, first + n + O) from the
 * `steps` rows before them, at its last step.
 */
export class TableWindows implements Dataset {
  readonly input: InputShape;
  readonly target: TargetShape;
  readonly loss = 'mse';
  readonly count: number;
  readonly #rows: Float64Array;
  readonly #targets: Float64Array;
  readonly #steps: number;
  readonly #first: number;

  /**
   * @param rows [rows, I] the input columns.
   * @param targets [rows] the target column.
   * @param first the first row that is predicted, at least `steps`.
   * @param past one past the last row that is predicted.
   */
  constructor(rows: Float64Array, I: number, targets: Float64Array, steps: number, O: number, first: number, past: number) {
    this.input = { kind: 'vectors', size: I };
    this.target = { kind: 'values', size: O };
    this.count = past - O - first + 1;
    this.#rows = rows;
    this.#targets = targets;
    this.#steps = steps;
    this.#first = first;
  }

  length(): number {
    return this.#steps;
  }

  copy(window: Window, batch: Batch): void {
    beginCopy(this, window, batch);
    const { sequences, begin, end, countFrom } = window;
    const { T, B, lengths, vectors, rows, values } = batch;
    const I = this.input.size;
    const O = this.target.size;
    for (let b = 0; b < B; b++) {
      let at = (this.#first + sequences[b] - this.#steps + begin) * I;
      for (let t = 0; t < T; t++) {
        const to = (t * B + b) * I;
        if (t < lengths[b]) for (let i = 0; i < I; i++) vectors[to + i] = this.#rows[at++];
        else for (let i = 0; i < I; i++) vectors[to + i] = 0;
      }
    }
    batch.counted = 0;
    const last = this.#steps - 1;
    if (last < Math.max(begin, countFrom) || last >= end) return;
    for (let b = 0; b < B; b++) {
      rows[b] = (last - begin) * B + b;
      const from = this.#first + sequences[b];
      for (let o = 0; o < O; o++) values[b * O + o] = this.#targets[from + o];
    }
    batch.counted = B;
  }
}
