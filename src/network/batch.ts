import type { Backend, Reals } from '../compute/backend.ts';

/** What a network reads at every step: I numbers, or one of I symbols (the same as a one-hot vector, without its zeros). */
export interface InputShape {
  readonly kind: 'vectors' | 'symbols';
  /** I: numbers per step, or symbols in the alphabet. */
  readonly size: number;
}

/** What is compared with the network's output: a class index, or O numbers. */
export interface TargetShape {
  readonly kind: 'classes' | 'values';
  /** O: classes, or numbers per target. */
  readonly size: number;
}

/**
 * B sequences side by side over T steps, time first, in the memory of one backend. The arrays are allocated once for the
 * largest T and B; a smaller filling uses their beginning. Steps of a sequence at or beyond its length are padding: their
 * inputs are 0 and no target is counted there.
 */
export interface Batch {
  readonly input: InputShape;
  readonly target: TargetShape;
  /** The largest T * B that fits. */
  readonly capacity: number;
  T: number;
  B: number;
  /** [B] steps of each sequence that are data, 0 to T. */
  readonly lengths: Int32Array;
  /** [T, B, I] for `vectors`, else empty. */
  readonly vectors: Reals;
  /** [T, B] for `symbols`, else empty; padding holds symbol 0. */
  readonly symbols: Int32Array;
  /** How many targets are counted. */
  counted: number;
  /** [counted] where they are read: t * B + b, ascending. */
  readonly rows: Int32Array;
  /** [counted] for `classes`, else empty. */
  readonly classes: Int32Array;
  /** [counted, O] for `values`, else empty. */
  readonly values: Reals;
}

/** Room for B sequences of T steps, each step with a target. */
export function allocateBatch(
  backend: Pick<Backend, 'allocate' | 'allocateIndices'>,
  input: InputShape,
  target: TargetShape,
  T: number,
  B: number,
): Batch {
  const capacity = T * B;
  return {
    input,
    target,
    capacity,
    T,
    B,
    lengths: backend.allocateIndices(B).fill(T),
    vectors: backend.allocate(input.kind === 'vectors' ? capacity * input.size : 0),
    symbols: backend.allocateIndices(input.kind === 'symbols' ? capacity : 0),
    counted: 0,
    rows: backend.allocateIndices(capacity),
    classes: backend.allocateIndices(target.kind === 'classes' ? capacity : 0),
    values: backend.allocate(target.kind === 'values' ? capacity * target.size : 0),
  };
}
