import type { NativeProducts } from '../blas/nativeProducts.ts';
import type { ThreadPool } from '../threads/pool.ts';
import type { Kernels } from './kernels.ts';

/** Fewer floating-point operations, or fewer bytes passed over, than this are not worth another thread's attention. */
const worthSharing = 5e5;
/** Threads share the rows of a native product out in multiples of this (see nativeProducts.ts). */
const rowBlock = 16;
/** Columns of a panel of a packed matrix. */
const panelColumns = 8;
/** Elements of a sum of squares, of rows of outputs, and of an optimizer's update, that are computed by themselves. */
const elements = 32768;

/**
 * The kernels that take long, shared out over the threads of a pool, if there is one. However many there are, the bits are
 * the same: sequences, rows and columns do not touch each other, and what is summed is always summed in the same pieces.
 */
export class ThreadedKernels {
  readonly #kernels: Kernels;
  readonly #pool: ThreadPool | undefined;
  readonly #native: NativeProducts | undefined;

  constructor(kernels: Kernels, pool: ThreadPool | undefined, native: NativeProducts | undefined) {
    this.#kernels = kernels;
    this.#pool = pool;
    this.#native = native;
  }

  forwardSweep(layer: number, B: number, operationsPerSequence: number, native: boolean): void {
    this.#sweep('forwardSweep', layer, B, operationsPerSequence, native);
  }

  backwardSweep(layer: number, B: number, operationsPerSequence: number, native: boolean): void {
    this.#sweep('backwardSweep', layer, B, operationsPerSequence, native);
  }

  /** `Kernels.pullBack`, the sequences shared out. @param scratches one for each thread. */
  pullBack(rows: number, B: number, work: number, scratches: readonly number[]): void {
    const pool = this.#pool;
    const piece = this.#share(B, 1, work);
    for (let first = piece, thread = 1; first < B; first += piece, thread++) {
      pool?.post(thread, 'pullBack', rows, first, Math.min(B, first + piece), scratches[thread]);
    }
    this.#kernels.pullBack(rows, 0, Math.min(B, piece), scratches[0]);
    if (piece < B) pool?.wait();
  }

  /** `Kernels.addPartialGradients`, the parts shared out. */
  addPartialGradients(block: number, parts: number, work: number): void {
    const pool = this.#pool;
    const piece = this.#share(parts, 1, work);
    for (let first = piece, thread = 1; first < parts; first += piece, thread++) {
      pool?.post(thread, 'addPartialGradients', block, first, Math.min(parts, first + piece));
    }
    this.#kernels.addPartialGradients(block, 0, Math.min(parts, piece));
    if (piece < parts) pool?.wait();
  }

  /** `Kernels.addParts`, the numbers shared out. */
  addParts(sums: number, bytes: number, parts: number, length: number, out: number): void {
    const pool = this.#pool;
    const piece = this.#share(length, 16, 4 * parts * length);
    for (let first = piece, thread = 1; first < length; first += piece, thread++) {
      pool?.post(thread, 'addParts', sums + first * 4, bytes, parts, Math.min(piece, length - first), out + first * 4);
    }
    this.#kernels.addParts(sums, bytes, parts, Math.min(length, piece), out);
    if (piece < length) pool?.wait();
  }

  /** `Kernels.product`, the rows of C shared out. */
  product(
    a: number,
    aStride: number,
    M: number,
    K: number,
    N: number,
    packed: number,
    start: number,
    bias: number,
    c: number,
    cStride: number,
  ): void {
    const pool = this.#pool;
    // Pieces of whole tiles of 6 rows.
    const piece = this.#share(M, 6, 2 * M * N * K);
    for (let first = piece, thread = 1; first < M; first += piece, thread++) {
      const rows = Math.min(piece, M - first);
      pool?.post(thread, 'product', a + first * aStride, aStride, rows, K, N, packed, start, bias, c + first * cStride, cStride);
    }
    this.#kernels.product(a, aStride, Math.min(M, piece), K, N, packed, start, bias, c, cStride);
    if (piece < M) pool?.wait();
  }

  /** The same by the library of the machine, over the plain rows of B; C starts from 0, or from what it holds. See `NativeProducts.product`. */
  nativeProduct(
    a: number,
    aStride: number,
    M: number,
    K: number,
    N: number,
    b: number,
    bStride: number,
    accumulate: number,
    c: number,
    cStride: number,
    rows: number,
  ): void {
    const pool = this.#pool;
    const native = this.#native as NativeProducts;
    const piece = this.#share(M, rowBlock, 2 * M * N * K);
    for (let first = piece, thread = 1; first < M; first += piece, thread++) {
      const share = Math.min(piece, M - first);
      pool?.post(
        thread,
        'nativeProduct',
        a + first * aStride,
        aStride,
        share,
        K,
        N,
        b,
        bStride,
        accumulate,
        c + first * cStride,
        cStride,
        rows,
      );
    }
    native.product(a, aStride, Math.min(M, piece), K, N, b, bStride, accumulate, c, cStride, rows);
    if (piece < M) pool?.wait();
  }

  /** `Kernels.multiplyTransposed`, the rows of C (columns of A) shared out: every element is summed in the order of k. */
  multiplyTransposed(
    a: number,
    aStride: number,
    b: number,
    bStride: number,
    M: number,
    N: number,
    K: number,
    c: number,
    cStride: number,
  ): void {
    const pool = this.#pool;
    const piece = this.#share(M, 16, 2 * M * N * K);
    for (let first = piece, thread = 1; first < M; first += piece, thread++) {
      const rows = Math.min(piece, M - first);
      pool?.post(thread, 'multiplyTransposed', a + first * 4, aStride, b, bStride, rows, N, K, c + first * cStride, cStride);
    }
    this.#kernels.multiplyTransposed(a, aStride, b, bStride, Math.min(M, piece), N, K, c, cStride);
    if (piece < M) pool?.wait();
  }

  /** The same by the library of the machine, the rows of C in pieces whose number depends on M alone. */
  nativeTransposed(
    a: number,
    aStride: number,
    b: number,
    bStride: number,
    M: number,
    N: number,
    K: number,
    c: number,
    cStride: number,
  ): void {
    const pool = this.#pool;
    const native = this.#native as NativeProducts;
    const pieces = M >= 1024 ? 8 : M >= 128 ? 4 : M >= 64 ? 2 : 1;
    const piece = roundUp(M / pieces, rowBlock);
    const threads = pool && 2 * M * N * K >= worthSharing ? pool.threads : 1;
    for (let m = 0; m < M; m += threads * piece) {
      for (let thread = 1; thread < threads && m + thread * piece < M; thread++) {
        const first = m + thread * piece;
        const rows = Math.min(piece, M - first);
        pool?.post(thread, 'nativeTransposed', a + first * 4, aStride, b, bStride, rows, N, K, c + first * cStride, cStride);
      }
      native.transposed(a + m * 4, aStride, b, bStride, Math.min(piece, M - m), N, K, c + m * cStride, cStride);
      if (threads > 1 && m + piece < M) pool?.wait();
    }
  }

  /** `Kernels.addColumnSums`, the columns shared out. */
  addColumnSums(x: number, xStride: number, rows: number, columns: number, out: number): void {
    const pool = this.#pool;
    const piece = this.#share(columns, 16, 4 * rows * columns);
    for (let first = piece, thread = 1; first < columns; first += piece, thread++) {
      pool?.post(thread, 'addColumnSums', x + first * 4, xStride, rows, Math.min(piece, columns - first), out + first * 4);
    }
    this.#kernels.addColumnSums(x, xStride, rows, Math.min(columns, piece), out);
    if (piece < columns) pool?.wait();
  }

  /** `Kernels.pack`, the panels shared out. */
  pack(source: number, strideK: number, strideN: number, K: number, N: number, packed: number): void {
    const pool = this.#pool;
    const piece = this.#share(N, panelColumns, 4 * K * N);
    for (let first = piece, thread = 1; first < N; first += piece, thread++) {
      pool?.post(thread, 'pack', source + first * strideN, strideK, strideN, K, Math.min(piece, N - first), packed + first * K * 4);
    }
    this.#kernels.pack(source, strideK, strideN, K, Math.min(N, piece), packed);
    if (piece < N) pool?.wait();
  }

  /** `Kernels.transpose`, the rows shared out. */
  transpose(x: number, xStride: number, rows: number, columns: number, out: number, outStride: number): void {
    const pool = this.#pool;
    const piece = this.#share(rows, 16, 4 * rows * columns);
    for (let first = piece, thread = 1; first < rows; first += piece, thread++) {
      pool?.post(thread, 'transpose', x + first * xStride, xStride, Math.min(piece, rows - first), columns, out + first * 4, outStride);
    }
    this.#kernels.transpose(x, xStride, Math.min(rows, piece), columns, out, outStride);
    if (piece < rows) pool?.wait();
  }

  /** `Kernels.copyRows`, the rows shared out. */
  copyRows(x: number, xStride: number, rows: number, columns: number, out: number, outStride: number): void {
    const pool = this.#pool;
    const piece = this.#share(rows, 1, 4 * rows * columns);
    for (let first = piece, thread = 1; first < rows; first += piece, thread++) {
      pool?.post(
        thread,
        'copyRows',
        x + first * xStride,
        xStride,
        Math.min(piece, rows - first),
        columns,
        out + first * outStride,
        outStride,
      );
    }
    this.#kernels.copyRows(x, xStride, Math.min(rows, piece), columns, out, outStride);
    if (piece < rows) pool?.wait();
  }

  /** `Kernels.scaleRows`, the rows shared out. */
  scaleRows(x: number, rows: number, columns: number, factors: number, least: number): void {
    const pool = this.#pool;
    const piece = this.#share(rows, 1, 4 * rows * columns);
    for (let first = piece, thread = 1; first < rows; first += piece, thread++) {
      pool?.post(thread, 'scaleRows', x + first * columns * 4, Math.min(piece, rows - first), columns, factors + first * 4, least);
    }
    this.#kernels.scaleRows(x, Math.min(rows, piece), columns, factors, least);
    if (piece < rows) pool?.wait();
  }

  /** `Kernels.fillRows`, the rows shared out. */
  fillRows(row: number, out: number, rows: number, columns: number): void {
    const pool = this.#pool;
    const piece = this.#share(rows, 1, 4 * rows * columns);
    for (let first = piece, thread = 1; first < rows; first += piece, thread++) {
      pool?.post(thread, 'fillRows', row, out + first * columns * 4, Math.min(piece, rows - first), columns);
    }
    this.#kernels.fillRows(row, out, Math.min(rows, piece), columns);
    if (piece < rows) pool?.wait();
  }

  /** `Kernels.gatherRows`, the rows shared out. */
  gatherRows(table: number, indices: number, rows: number, columns: number, out: number): void {
    const pool = this.#pool;
    const piece = this.#share(rows, 1, 4 * rows * columns);
    for (let first = piece, thread = 1; first < rows; first += piece, thread++) {
      pool?.post(thread, 'gatherRows', table, indices + first * 4, Math.min(piece, rows - first), columns, out + first * columns * 4);
    }
    this.#kernels.gatherRows(table, indices, Math.min(rows, piece), columns, out);
    if (piece < rows) pool?.wait();
  }

  /** `Kernels.sumSquares`, in pieces of always the same size. */
  sumSquares(x: number, length: number): number {
    const pool = this.#pool;
    const threads = pool ? pool.threads : 1;
    let sum = 0;
    for (let at = 0; at < length; at += threads * elements) {
      for (let thread = 1; thread < threads && at + thread * elements < length; thread++) {
        const first = at + thread * elements;
        pool?.post(thread, 'sumSquares', x + first * 4, Math.min(elements, length - first), 0);
      }
      sum += this.#kernels.sumSquares(x + at * 4, Math.min(elements, length - at));
      if (at + elements < length) pool?.wait();
      for (let thread = 1; thread < threads && at + thread * elements < length; thread++) sum += pool?.result(thread) ?? 0;
    }
    return sum;
  }

  /** `Kernels.softmaxCrossEntropy`, the rows in pieces of always the same size. */
  softmaxCrossEntropy(z: number, classes: number, R: number, O: number, differentiate: number, weight: number): number {
    const pool = this.#pool;
    const threads = pool ? pool.threads : 1;
    const piece = Math.max(1, Math.floor(elements / O));
    let sum = 0;
    for (let at = 0; at < R; at += threads * piece) {
      for (let thread = 1; thread < threads && at + thread * piece < R; thread++) {
        const first = at + thread * piece;
        const rows = Math.min(piece, R - first);
        pool?.post(thread, 'softmaxCrossEntropy', z + first * O * 4, classes + first * 4, rows, O, differentiate, weight);
      }
      sum += this.#kernels.softmaxCrossEntropy(z + at * O * 4, classes + at * 4, Math.min(piece, R - at), O, differentiate, weight);
      if (at + piece < R) pool?.wait();
      for (let thread = 1; thread < threads && at + thread * piece < R; thread++) sum += pool?.result(thread) ?? 0;
    }
    return sum;
  }

  /** `Kernels.adam`, the parameters shared out. */
  adam(
    p: number,
    g: number,
    m: number,
    v: number,
    length: number,
    rate: number,
    beta1: number,
    share1: number,
    beta2: number,
    share2: number,
    correction: number,
    epsilon: number,
    keep: number,
  ): void {
    const pool = this.#pool;
    const piece = this.#share(length, elements, 16 * length);
    for (let first = piece, thread = 1; first < length; first += piece, thread++) {
      const at = first * 4;
      const count = Math.min(piece, length - first);
      pool?.post(thread, 'adam', p + at, g + at, m + at, v + at, count, rate, beta1, share1, beta2, share2, correction, epsilon, keep);
    }
    this.#kernels.adam(p, g, m, v, Math.min(length, piece), rate, beta1, share1, beta2, share2, correction, epsilon, keep);
    if (piece < length) pool?.wait();
  }

  #sweep(kernel: 'forwardSweep' | 'backwardSweep', layer: number, B: number, operationsPerSequence: number, native: boolean): void {
    const pool = this.#pool;
    const piece = this.#share(B, native ? rowBlock : 1, B * operationsPerSequence);
    for (let first = piece, thread = 1; first < B; first += piece, thread++) {
      pool?.post(thread, kernel, layer, first, Math.min(B, first + piece));
    }
    this.#kernels[kernel](layer, 0, Math.min(B, piece));
    if (piece < B) pool?.wait();
  }

  /** How many of `count` rows each thread takes, a multiple of `unit`; all of them where the work is not worth sharing. */
  #share(count: number, unit: number, work: number): number {
    const threads = this.#pool && work >= worthSharing ? this.#pool.threads : 1;
    return threads === 1 ? Math.max(count, 1) : roundUp(count / threads, unit);
  }
}

const roundUp = (value: number, unit: number): number => Math.max(1, Math.ceil(value / unit)) * unit;
