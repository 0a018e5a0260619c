/**
 * How numbers are crunched: the contract that every backend keeps. `scalar` does it with plain float64 loops and is the
 * truth; `wasm` does it with float32 SIMD kernels; `blas` is `wasm` with large products done by a library of the machine.
 *
 * Conventions. An array argument `x` is followed by `xAt`, the index of its first element, so that no view has to be made
 * inside a loop; matrices are row-major and `rowStride` is the distance between the first elements of two rows. Arrays
 * given to a backend's operations come from its own `allocate`. Operations run in the order in which they are called.
 * Inputs and outputs do not overlap unless the operation says so.
 *
 * Longer than other files: it is one contract, mostly docstrings, and whoever writes a backend has to read all of it.
 */

/** An array of reals in a backend's memory: float64 in `scalar`, float32 in `wasm`. */
export type Reals = Float32Array | Float64Array;

export type Precision = 'float32' | 'float64';

/** The right-hand matrix [K, N] of a product, laid out as a backend's product wants it; filled by `pack`, reused by many products. */
export interface PackedMatrix {
  readonly K: number;
  readonly N: number;
  readonly data: Reals;
}

/**
 * What one cell does with one time step of B sequences. Every array holds rows of sequences; one object is reused for all
 * steps, and only the positions move. Sizes: B sequences, H units, G gates, A of them kept apart (see `Cell`).
 */
export interface CellStep {
  B: number;
  H: number;
  /** [B, G*H] pre-activations in, what the backward pass needs out. */
  pre: Reals;
  preAt: number;
  /** [B, A*H] recurrent term of the last A gates, bias included; may be overwritten with what the backward pass needs. */
  apart: Reals;
  apartAt: number;
  /** Per state, [T+1, B, H]: the step reads it at `previousAt` and writes it at `nextAt`. */
  states: Reals[];
  previousAt: number;
  nextAt: number;
  /** [U, H] constants of single units, for a cell that has any (`Cell.units`). */
  units: Reals;
  unitsAt: number;
}

/**
 * The same step, backward. `pre` and `apart` hold what the forward step left, and receive dL/d(pre-activation) and
 * dL/d(recurrent term kept apart); the last U blocks of `pre`, which nothing was put into, receive dL/d(constants).
 */
export interface CellBackwardStep extends CellStep {
  /**
   * Per state, [B, H] from index 0: dL/ds_t in; out, the part of dL/ds_{t-1} that does not go through the recurrent
   * matrix (0 where there is none).
   */
  dStates: Reals[];
}

/** The mathematics of one time step of a cell, as loops over arrays of either precision. */
export interface CellKernel {
  /** Makes the new states of `pre`, `apart` and the old states, and leaves in `pre` and `apart` what `backward` needs. */
  forward(step: CellStep): void;
  /** Makes dL/dpre, dL/dapart and what goes back around the recurrent matrix of dL/ds_t. */
  backward(step: CellBackwardStep): void;
}

/** One optimizer update of `length` parameters in place, from `gradient`, with `slots` (arrays of the same length) carried between updates. */
export type UpdateKernel<Options> = (parameters: Reals, gradient: Reals, slots: readonly Reals[], length: number, options: Options) => void;

/** The rows of outputs that a loss looks at, and what they should be; all in one backend's memory (network/batch.ts). */
export interface LossRows {
  readonly counted: number;
  readonly target: { readonly size: number };
  readonly classes: Int32Array;
  readonly values: Reals;
}

/** `Loss.evaluate` of network/loss/loss.ts. */
export type LossKernel = (output: Reals, rows: LossRows, differentiate: boolean, weight: number) => number;

/** Kernels that a backend has of its own, each beside a plain one of the same name and under a parity test with it. */
export interface FusedKernels {
  /** By the name of the cell: `rnn-tanh`, `rnn-relu`, `lstm`, `gru`, `mingru`, `lru`. */
  readonly cells: Readonly<Record<string, CellKernel>>;
  /** By the name of the optimizer: `sgd`, `momentum`, `rmsprop`, `adam`, `adamw`. */
  readonly updates: Readonly<Record<string, UpdateKernel<never>>>;
  /** By the name of the loss: `crossEntropy`. */
  readonly losses: Readonly<Record<string, LossKernel>>;
}

/** One way around a layer's cell, from h_{t - lag}, as network/unroll/shortcuts.ts holds it. */
export interface SweepShortcut {
  readonly lag: number;
  /** [lag, B, H] what has been sent back, and [lag, B] its exponents: what was sent `back` steps before the last one is in row back % lag. */
  readonly sent: { readonly values: Reals; readonly exponents: Int32Array };
  /** The matrix on the way and its transpose; undefined where there is none. */
  readonly forward: PackedMatrix | undefined;
  readonly backward: PackedMatrix | undefined;
}

/** The arrays of one recurrent layer through time, as network/unroll/recurrentLayer.ts holds them; all in one backend's memory. */
export interface SweepArrays {
  /** Name of the cell. */
  readonly cell: string;
  readonly H: number;
  /** The largest B. */
  readonly B: number;
  readonly pre: Reals;
  readonly apart: Reals;
  /** [history + T, B, H] each. */
  readonly history: number;
  readonly states: readonly Reals[];
  /** The cell reads s_{t - recurrentLag}: [recurrentLag, B, H] each, with exponents [recurrentLag, B] in `scale`. */
  readonly recurrentLag: number;
  readonly dStates: readonly Reals[];
  readonly shortcuts: readonly SweepShortcut[];
  /** The input matrix [I, F*H] with its bias, or for symbols a row [G*H] of `inputTable` for each, in which the bias is. */
  readonly forwardInput: PackedMatrix | undefined;
  readonly inputBias: Reals;
  readonly inputTable: Reals | undefined;
  readonly forwardJoined: PackedMatrix;
  readonly forwardApart: PackedMatrix;
  readonly backwardJoined: PackedMatrix;
  readonly backwardApart: PackedMatrix;
  /** [U, H] constants of single units, from `unitsAt`. */
  readonly units: Reals;
  readonly unitsAt: number;
  /** Bias of the recurrent term kept apart, from `apartBiasAt`. */
  readonly apartBias: Reals;
  readonly apartBiasAt: number;
  /** Exponents of the gradient on its way. */
  readonly scale: Int32Array;
  /** [T * B] exponents of the rows of dL/dpre. */
  readonly exponents: Int32Array;
}

/** What dL/ds_t of a sequence is held to at every step of the backward pass: its norm, or the magnitude of each number. */
export interface StateLimit {
  readonly kind: 'norm' | 'value';
  readonly threshold: number;
  /** The threshold as `mantissa * 2^exponent`, the form in which a bounded row goes on. */
  readonly mantissa: number;
  readonly exponent: number;
}

/**
 * What is measured and bounded of dL/ds_t in one layer on the gradient's way back (network/unroll/stateWatch.ts); all arrays
 * in one backend's memory.
 */
export interface LayerWatch {
  /** null where the gradient is only measured. */
  readonly limit: StateLimit | null;
  /** Every so many steps, from the last one on, the norms are measured. */
  stride: number;
  /** [steps measured, B] norms of dL/ds_t before it is bounded, as mantissas: row m is that of the step m * stride before the last one. */
  readonly norms: Reals;
  /** [steps measured, B] power-of-two exponents of `norms`. */
  readonly exponents: Int32Array;
  /** [B] steps at which the gradient was not 0, and of those the ones at which it was bounded; counted under a limit only. */
  readonly seen: Int32Array;
  readonly bound: Int32Array;
  /** [B] the smallest ratio of the limit to what it bounded; 1 where it bounded nothing. */
  readonly least: Reals;
}

/** What a layer reads at its T * B rows: numbers from `at` on, or symbols. */
export type SweepInput =
  | { readonly kind: 'vectors'; readonly values: Reals; readonly at: number }
  | { readonly kind: 'symbols'; readonly indices: Int32Array };

/** Many steps of a layer in one call, where a backend can do that; the same mathematics, under a parity test. */
export interface Sweep {
  /** Whether `forward` makes the input product of each step as it comes to it. */
  readonly readsInput: boolean;
  /**
   * Forward through steps [from, to), which follow on those of the last call unless `from` is 0.
   *
   * @param lengths [B] steps of each sequence, or null where none is over.
   * @param input null where `pre` holds the input product already.
   */
  forward(B: number, from: number, to: number, lengths: Int32Array | null, input: SweepInput | null): void;
  /**
   * Back through steps [from, to), which have been run forward. What enters at each step is given as the layer's `Injection`.
   *
   * @param after how many steps of the pass come after these. Where there are any, `dStates` and `scale` hold what they handed
   *   back; else they begin at 0.
   */
  backward(
    values: Reals,
    rows: Int32Array | null,
    exponents: Int32Array | null,
    from: number,
    to: number,
    after: number,
    watch: LayerWatch | null,
  ): void;
}

/** What the gradients of a layer's weights are made of, as network/unroll/layerWeights.ts holds it; all in one backend's memory. */
export interface GradientArrays {
  readonly H: number;
  /** The largest B. */
  readonly B: number;
  /** [T, B, columns] dL/dpre as mantissas, and [T * B] their exponents. The input goes into the first `entered` columns, the recurrent matrix into `joined`. */
  readonly pre: Reals;
  readonly columns: number;
  readonly entered: number;
  readonly joined: number;
  readonly exponents: Int32Array;
  /** [T, B, apartColumns] that of the recurrent term kept apart. */
  readonly apart: Reals;
  readonly apartColumns: number;
  /** Numbers of the input that are multiplied with a matrix; 0 for symbols. */
  readonly width: number;
}

/** The gradients of a layer's weights, added up by parts of the batch: threads go on with the sequences whose rows they have just made. */
export interface PartialGradients {
  /**
   * Adds those of steps [from, to) of B sequences, and ends the mantissa form of these rows.
   *
   * @param scaled whether any row of them has an exponent other than 0.
   * @param read in which what the recurrent matrix has read at step 0 begins at `readAt`.
   * @param input likewise the layer's input; null for symbols.
   * @param begins whether what has been added before is forgotten.
   */
  add(
    B: number,
    from: number,
    to: number,
    scaled: boolean,
    read: Reals,
    readAt: number,
    input: Reals | null,
    inputAt: number,
    begins: boolean,
  ): void;
  /** Adds a sum to `out`, once: of the input matrix, the recurrent matrices (the one kept apart last), or the columns of dL/dpre or dL/dapart. */
  collect(which: 'input' | 'recurrent' | 'columns' | 'apartColumns', out: Reals, outAt: number): void;
}

/**
 * Row vectors v over the state of one layer on their way back through its steps, P for each of B sequences. What a step does to
 * them is given by the layer's weights and by the step's derivatives unit by unit, as network/unroll/linearization.ts makes them.
 */
export interface PullBackArrays {
  readonly H: number;
  /** S, G, A: states, gates, and how many trailing gates see their recurrent term apart. */
  readonly S: number;
  readonly G: number;
  readonly A: number;
  /** F: the gates, from the first, that have rows in the input matrix. */
  readonly F: number;
  /** The largest B, for which the derivatives have room, and P. */
  readonly B: number;
  readonly P: number;
  /** [S, B, G*H]: state a by the pre-activations. */
  readonly pre: Reals;
  /** [S, B, A*H]: state a by the recurrent terms kept apart. */
  readonly apart: Reals;
  /** [S, S, B, H]: state a by the state c before, around the matrices. */
  readonly direct: Reals;
  /**
   * Where the gates kept apart read another vector than the state h before: [B, G*H] that vector by the pre-activations, and [B, H] by h. Such rows go
   * back in plain float64 loops on every backend.
   */
  readonly apartRead?: { readonly pre: Reals; readonly direct: Reals } | undefined;
  /** The recurrent matrix [G*H, H] begins at `recurrentAt`; -1 where there is none. */
  readonly weights: Reals;
  readonly recurrentAt: number;
  /** The input matrix [F*H, width] begins at `inputAt`; width 0 where nobody asks for what reaches the input. */
  readonly inputAt: number;
  readonly width: number;
}

export interface PullBack {
  /** [B, P, S*H]: the vectors, states side by side, as mantissas. */
  readonly rows: Reals;
  /** [B, P]: their powers of two. */
  readonly exponents: Int32Array;
  /** [B, P]: the squared norms of the mantissas that the last step left; the caller's to set for rows of its own. */
  readonly squares: Float64Array;
  /** [B, P, width]: v · ds_t/d(input of the layer at t) of the last step, with exponents of their own. */
  readonly input: Reals;
  readonly inputExponents: Int32Array;
  /** To be called when the weights are others than before. */
  pack(): void;
  /**
   * v <- v · ds_t/ds_{t-1} for the first `active[b]` rows of each sequence b below B; the other rows stay as they are. A row whose norm
   * leaves 1 to 2^60 is scaled to about 2^40; numbers that are nothing beside the others may become 0.
   */
  step(B: number, active: Int32Array): void;
}

export interface Backend {
  readonly name: 'scalar' | 'wasm' | 'blas';
  readonly precision: Precision;
  /** One plain sentence fragment: what this backend is made of here, e.g. `128-bit SIMD with relaxed fused multiply-add`. */
  readonly detail: string;
  readonly fused: FusedKernels;
  /** Processor threads that share the work, this one included. The bits do not depend on their number. */
  readonly threads: number;
  /** The library that `blas` uses and what for: plain JSON, kept with a run so that it can be taken up with the same bits. */
  readonly native?: Readonly<Record<string, unknown>>;
  /** Many steps of a layer in one call, if this backend can do that for its cell. */
  sweep?(arrays: SweepArrays): Sweep | undefined;
  /** Weight gradients by parts of the batch, if this backend has a use for them at these sizes: that depends on nothing but the sizes. */
  partialGradients?(arrays: GradientArrays): PartialGradients | undefined;
  /** Room for row vectors on their way back through a layer. */
  pullBack(arrays: PullBackArrays): PullBack;

  /** An array of zeros. Views stay valid for the life of the backend, or until `release` of an earlier mark. */
  allocate(length: number): Reals;
  /** Whole numbers in the same memory. */
  allocateIndices(length: number): Int32Array;
  /** The present top of the memory; `release(mark)` gives back everything allocated after it. */
  mark(): number;
  /** Gives back all that was allocated since. */
  release(mark: number): void;
  /** Bytes that can still be allocated; Infinity where only the machine sets a limit. */
  room(): number;

  /** Room for a packed [K, N] matrix, laid out for products with about `rows` rows of A. */
  allocatePacked(K: number, N: number, rows?: number): PackedMatrix;
  /** Fills `packed` with the matrix whose element (k, n) is `source[sourceAt + k * strideK + n * strideN]`. */
  pack(source: Reals, sourceAt: number, strideK: number, strideN: number, packed: PackedMatrix): void;
  /** C[M, N] = A[M, K] · packed, added to what C holds if `accumulate`, which may be all of the rows of C or part of their width. */
  multiply(
    a: Reals,
    aAt: number,
    aRowStride: number,
    M: number,
    packed: PackedMatrix,
    c: Reals,
    cAt: number,
    cRowStride: number,
    accumulate: boolean,
  ): void;
  /** C[M, N] = A[M, K] · packed + bias[N] in every row. */
  multiplyBias(
    a: Reals,
    aAt: number,
    aRowStride: number,
    M: number,
    packed: PackedMatrix,
    bias: Reals,
    biasAt: number,
    c: Reals,
    cAt: number,
    cRowStride: number,
  ): void;
  /** C[M, N] += Aᵀ · B for A[K, M], B[K, N]: a weight gradient over all K rows at once. */
  multiplyTransposed(
    a: Reals,
    aAt: number,
    aRowStride: number,
    b: Reals,
    bAt: number,
    bRowStride: number,
    M: number,
    N: number,
    K: number,
    c: Reals,
    cAt: number,
    cRowStride: number,
  ): void;

  /** out[n] += sum over rows of x[r, n], for x [rows, columns]. */
  addColumnSums(x: Reals, xAt: number, xRowStride: number, rows: number, columns: number, out: Reals, outAt: number): void;
  /** Every row of out [rows, columns] becomes `row`. */
  fillRows(row: Reals, rowAt: number, out: Reals, outAt: number, rows: number, columns: number): void;
  /** out[r] = table[indices[indicesAt + r]] for contiguous rows of `columns` values. */
  gatherRows(
    table: Reals,
    tableAt: number,
    indices: Int32Array,
    indicesAt: number,
    rows: number,
    columns: number,
    out: Reals,
    outAt: number,
  ): void;
  /** table[indices[indicesAt + r]] += x[r]; rows of the same index are added in order. */
  scatterAddRows(
    x: Reals,
    xAt: number,
    indices: Int32Array,
    indicesAt: number,
    rows: number,
    columns: number,
    table: Reals,
    tableAt: number,
  ): void;
  /** out [columns, rows] = transpose of x [rows, columns]. */
  transpose(x: Reals, xAt: number, rows: number, columns: number, out: Reals, outAt: number): void;

  /** y += x over `length` elements. */
  add(x: Reals, xAt: number, y: Reals, yAt: number, length: number): void;
  /** x *= factor over `length` elements. */
  scale(x: Reals, xAt: number, length: number, factor: number): void;
  /** x limited to [-limit, limit] elementwise; a NaN stays a NaN. Returns how many elements were changed. */
  clampValues(x: Reals, xAt: number, length: number, limit: number): number;
  /** Sum of squares, each product and the sum in float64. */
  sumSquares(x: Reals, xAt: number, length: number): number;
  /** Index, relative to `xAt`, of the first element that is NaN or infinite; -1 if there is none. */
  firstNonFinite(x: Reals, xAt: number, length: number): number;

  /** out[r] = max(out[r], max |x[r, :]|) for contiguous rows; a NaN is passed over. */
  maximizeRows(x: Reals, xAt: number, rows: number, columns: number, out: Reals, outAt: number): void;
  /**
   * x[r, :] *= factors[r]. A row whose factor is 1 is not touched; a result smaller than 2^-100 in a float32 backend
   * becomes 0, so that no denormal number enters a later product.
   */
  scaleRows(x: Reals, xAt: number, rows: number, columns: number, factors: Reals, factorsAt: number): void;
}
