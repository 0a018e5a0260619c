import type { Batch, InputShape, TargetShape } from '../network/batch.ts';
import type { Dataset, LossName, Window } from './dataset.ts';
import { Growing } from './growing.ts';
import { beginCopy } from './window.ts';

/** What a sequence reads and is compared with. */
export interface SequenceShape {
  readonly input: InputShape;
  readonly target: TargetShape;
  readonly loss: LossName;
}

/** Sequences end to end in flat arrays; N sequences, S steps in all, M counted targets in all. */
export interface SequenceArrays {
  /** [N + 1] the first step of each sequence, and S. */
  readonly starts: Float64Array;
  /** [S, I] for `vectors`, else empty. */
  readonly vectors: Float64Array;
  /** [S] for `symbols`, else empty. */
  readonly symbols: Int32Array;
  /** [N + 1] the first target of each sequence, and M. */
  readonly targetStarts: Float64Array;
  /** [M] the step, within its own sequence, at which each target is counted; ascending in a sequence. */
  readonly targetSteps: Int32Array;
  /** [M] for `classes`, else empty. */
  readonly classes: Int32Array;
  /** [M, O] for `values`, else empty. */
  readonly values: Float64Array;
}

/** Sequences of any lengths in memory, with targets at any of their steps. */
export class StoredSequences implements Dataset {
  readonly input: InputShape;
  readonly target: TargetShape;
  readonly loss: LossName;
  readonly count: number;
  readonly arrays: SequenceArrays;
  /** [B] the next and the last target of each sequence in the window being copied. */
  #next = new Float64Array(0);
  #past = new Float64Array(0);

  constructor(shape: SequenceShape, arrays: SequenceArrays) {
    this.input = shape.input;
    this.target = shape.target;
    this.loss = shape.loss;
    this.arrays = arrays;
    this.count = arrays.starts.length - 1;
  }

  length(sequence: number): number {
    return this.arrays.starts[sequence + 1] - this.arrays.starts[sequence];
  }

  copy(window: Window, batch: Batch): void {
    beginCopy(this, window, batch);
    if (!window.targetsOnly) {
      if (this.input.kind === 'symbols') this.#copySymbols(window, batch);
      else this.#copyVectors(window, batch);
    }
    this.#copyTargets(window, batch);
  }

  #copySymbols({ sequences, begin }: Window, { T, B, lengths, symbols }: Batch): void {
    const source = this.arrays.symbols;
    for (let b = 0; b < B; b++) {
      const at = this.arrays.starts[sequences[b]] + begin;
      const length = lengths[b];
      for (let t = 0; t < length; t++) symbols[t * B + b] = source[at + t];
      for (let t = length; t < T; t++) symbols[t * B + b] = 0;
    }
  }

  #copyVectors({ sequences, begin }: Window, { T, B, lengths, vectors }: Batch): void {
    const source = this.arrays.vectors;
    const I = this.input.size;
    for (let b = 0; b < B; b++) {
      let at = (this.arrays.starts[sequences[b]] + begin) * I;
      const length = lengths[b];
      for (let t = 0; t < T; t++) {
        const to = (t * B + b) * I;
        if (t < length) for (let i = 0; i < I; i++) vectors[to + i] = source[at++];
        else for (let i = 0; i < I; i++) vectors[to + i] = 0;
      }
    }
  }

  #copyTargets({ sequences, begin, end, countFrom }: Window, batch: Batch): void {
    const { B, rows, classes, values } = batch;
    const { targetStarts, targetSteps } = this.arrays;
    const O = this.target.kind === 'values' ? this.target.size : 0;
    if (this.#next.length < B) {
      this.#next = new Float64Array(B);
      this.#past = new Float64Array(B);
    }
    const next = this.#next;
    const past = this.#past;
    const from = Math.max(begin, countFrom);
    let first = end;
    for (let b = 0; b < B; b++) {
      past[b] = targetStarts[sequences[b] + 1];
      next[b] = firstAtOrAfter(targetSteps, targetStarts[sequences[b]], past[b], from);
      if (next[b] < past[b]) first = Math.min(first, targetSteps[next[b]]);
    }
    let counted = 0;
    for (let step = first; step < end; step++) {
      for (let b = 0; b < B; b++) {
        const at = next[b];
        if (at === past[b] || targetSteps[at] !== step) continue;
        next[b] = at + 1;
        rows[counted] = (step - begin) * B + b;
        if (O === 0) classes[counted] = this.arrays.classes[at];
        else for (let o = 0; o < O; o++) values[counted * O + o] = this.arrays.values[at * O + o];
        counted++;
      }
    }
    batch.counted = counted;
  }
}

/** Index of the first of the ascending `steps[from .. past)` that is at least `step`; `past` if none is. */
function firstAtOrAfter(steps: Int32Array, from: number, past: number, step: number): number {
  while (from < past) {
    const middle = Math.floor((from + past) / 2);
    if (steps[middle] < step) from = middle + 1;
    else past = middle;
  }
  return from;
}

/** Builds stored sequences: the inputs and targets of one are appended, then it is ended. */
export class SequencesBuilder {
  readonly #starts = new Growing(Float64Array);
  readonly #targetStarts = new Growing(Float64Array);
  readonly vectors = new Growing(Float64Array);
  readonly symbols = new Growing(Int32Array);
  readonly targetSteps = new Growing(Int32Array);
  readonly classes = new Growing(Int32Array);
  readonly values = new Growing(Float64Array);
  #steps = 0;

  constructor() {
    this.#starts.push(0);
    this.#targetStarts.push(0);
  }

  /** Steps of all ended sequences together. */
  get steps(): number {
    return this.#steps;
  }

  /** Sequences ended so far. */
  get count(): number {
    return this.#starts.length - 1;
  }

  /** Ends a sequence of this many steps. */
  end(length: number): void {
    this.#steps += length;
    this.#starts.push(this.#steps);
    this.#targetStarts.push(this.targetSteps.length);
  }

  /** Hands over the arrays; the builder is used up. */
  take(): SequenceArrays {
    return {
      starts: this.#starts.take(),
      vectors: this.vectors.take(),
      symbols: this.symbols.take(),
      targetStarts: this.#targetStarts.take(),
      targetSteps: this.targetSteps.take(),
      classes: this.classes.take(),
      values: this.values.take(),
    };
  }
}
