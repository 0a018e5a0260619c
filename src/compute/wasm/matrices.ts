import type { PackedMatrix, Reals } from '../backend.ts';
import type { NativeProducts } from '../blas/nativeProducts.ts';

/** Columns of one panel of a packed matrix (assembly/layout.ts). */
const PANEL = 8;

/** A right-hand matrix in this backend's memory: in panels for its own product, or in plain rows for the library's. */
export interface Matrix extends PackedMatrix {
  readonly native: Layout;
}

/** `packed` for the kernels' own product, or plain rows for the library's: called for all rows at once, or in blocks of 16. */
export type Layout = typeof packed | typeof whole | typeof blocked;
export const packed = 0;
export const whole = 1;
export const blocked = 2;

export const layoutOf = (matrix: PackedMatrix): Layout => (matrix as Matrix).native;

/** Numbers that a [K, N] matrix takes. */
export const matrixLength = (K: number, N: number, native: boolean): number => K * (native ? N : Math.ceil(N / PANEL) * PANEL);

/** Fills plain rows [K, N] from elements at `sourceAt + k * strideK + n * strideN`, where neither stride is 1. */
export function copyRows(source: Reals, sourceAt: number, strideK: number, strideN: number, { K, N, data }: PackedMatrix): void {
  for (let k = 0; k < K; k++) {
    for (let n = 0; n < N; n++) data[k * N + n] = source[sourceAt + k * strideK + n * strideN];
  }
}

/**
 * How a library has to be called for [K, N] so that a row has the same bits whoever computes it: all at once if 16 rows come out
 * of larger products as they do alone, as found by trying, else in blocks.
 */
export function layoutFor(
  K: number,
  N: number,
  rows: number,
  products: NativeProducts,
  allocate: (length: number) => Float32Array,
): Layout {
  const tried = [32, 48, 64, Math.min(1024, Math.max(16, rows - (rows % 16)))];
  const most = Math.max(...tried);
  const a = allocate(most * K);
  const b = allocate(K * N);
  const c = allocate(most * N);
  for (let i = 0; i < a.length; i++) a[i] = Math.sin(i);
  for (let i = 0; i < b.length; i++) b[i] = Math.cos(1.7 * i);
  const [A, B, C] = [a.byteOffset, b.byteOffset, c.byteOffset];
  for (const M of tried) {
    for (const accumulate of [0, 1]) {
      c.fill(1);
      products.product(A, 4 * K, M, K, N, B, accumulate, C, 4 * N, 0);
      const once = c.slice(0, M * N);
      c.fill(1);
      products.product(A, 4 * K, M, K, N, B, accumulate, C, 4 * N, 1);
      for (let i = 0; i < M * N; i++) if (once[i] !== c[i]) return blocked;
    }
  }
  return whole;
}
