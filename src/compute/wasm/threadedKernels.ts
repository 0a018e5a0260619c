import type { ThreadPool } from '../threads/pool.ts';
import type { Kernels } from './kernels.ts';

/** Fewer floating-point operations than this are done before another thread has woken up. */
const worthSharing = 4e6;
/** Rows of a weight gradient that are computed by themselves, so that the bits do not depend on the number of threads. */
const gradientRows = 128;

/**
 * The kernels that take long, shared out over the threads of a pool, if there is one. However many there are, the bits are
 * the same: sequences and rows do not touch each other, and a weight gradient is always computed in the same pieces.
 */
export class ThreadedKernels {
  readonly #kernels: Kernels;
  readonly #pool: ThreadPool | undefined;

  constructor(kernels: Kernels, pool: ThreadPool | undefined) {
    this.#kernels = kernels;
    this.#pool = pool;
  }

  forwardSweep(layer: number, B: number, operationsPerSequence: number): void {
    this.#sweep('forwardSweep', layer, B, operationsPerSequence);
  }

  backwardSweep(layer: number, B: number, operationsPerSequence: number): void {
    this.#sweep('backwardSweep', layer, B, operationsPerSequence);
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
    if (!pool || 2 * M * N * K < worthSharing || M < 12 * pool.threads) {
      this.#kernels.product(a, aStride, M, K, N, packed, start, bias, c, cStride);
      return;
    }
    // Pieces of whole tiles of 6 rows.
    const piece = Math.ceil(M / pool.threads / 6) * 6;
    for (let index = 1; index < pool.threads; index++) {
      const first = Math.min(M, index * piece);
      const rows = Math.min(M, first + piece) - first;
      pool.post(index, 'product', a + first * aStride, aStride, rows, K, N, packed, start, bias, c + first * cStride, cStride);
    }
    this.#kernels.product(a, aStride, Math.min(M, piece), K, N, packed, start, bias, c, cStride);
    pool.wait();
  }

  /** `Kernels.multiplyTransposed`, the rows of C (columns of A) shared out in pieces of always the same size. */
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
    if (2 * M * N * K < worthSharing) {
      this.#kernels.multiplyTransposed(a, aStride, b, bStride, M, N, K, c, cStride);
      return;
    }
    const pieces = Math.ceil(M / gradientRows);
    const threads = pool ? Math.min(pool.threads, pieces) : 1;
    for (let first = 0; first < pieces; first += threads) {
      for (let index = threads - 1; index >= 0; index--) {
        const m = (first + index) * gradientRows;
        const rows = Math.min(gradientRows, M - m);
        if (rows <= 0) continue;
        if (index > 0) pool?.post(index, 'multiplyTransposed', a + m * 4, aStride, b, bStride, rows, N, K, c + m * cStride, cStride, 0);
        else this.#kernels.multiplyTransposed(a + m * 4, aStride, b, bStride, rows, N, K, c + m * cStride, cStride);
      }
      if (threads > 1) pool?.wait();
    }
  }

  #sweep(kernel: 'forwardSweep' | 'backwardSweep', layer: number, B: number, operationsPerSequence: number): void {
    const pool = this.#pool;
    const threads = pool && B * operationsPerSequence >= worthSharing ? Math.min(pool.threads, B) : 1;
    for (let index = 1; index < threads; index++) {
      pool?.post(index, kernel, layer, Math.floor((index * B) / threads), Math.floor(((index + 1) * B) / threads), 0, 0, 0, 0, 0, 0, 0);
    }
    this.#kernels[kernel](layer, 0, Math.floor(B / threads));
    if (threads > 1) pool?.wait();
  }
}
