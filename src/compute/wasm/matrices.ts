import type { PackedMatrix, Reals } from '../backend.ts';
import type { NativeProducts } from '../blas/nativeProducts.ts';

/** Columns of one panel of a packed matrix (assembly/layout.ts). */
const PANEL = 8;

/** A right-hand matrix in this backend's memory: in panels for its own product, or in plain rows for the library's. */
export interface Matrix extends PackedMatrix {
  readonly layout: Layout;
  /** About so many rows of A it is laid out for. */
  readonly rows: number;
  /** Numbers from one plain row to the next. */
  readonly stride: number;
}

/** `packed` for the kernels' own product; else plain rows for the library's, which takes so many times 16 of A's rows in a call, or all of them (assembly/native.ts). */
export type Layout = number;
export const packed: Layout = 0;
export const whole: Layout = 255;

/** Rows of A that the library takes in a call, 0 for all. */
export const rowsPerCall = (layout: Layout): number => (layout === whole ? 0 : 16 * layout);

/** Numbers that a [K, N] matrix takes. */
export const matrixLength = (K: number, N: number, layout: Layout, stride: number): number =>
  K * (layout === packed ? Math.ceil(N / PANEL) * PANEL : stride);

/** Fills the plain rows of a [K, N] matrix from elements at `sourceAt + k * strideK + n * strideN`. */
export function copyRows(source: Reals, sourceAt: number, strideK: number, strideN: number, { K, N, data, stride }: Matrix): void {
  for (let k = 0; k < K; k++) {
    for (let n = 0; n < N; n++) data[k * stride + n] = source[sourceAt + k * strideK + n * strideN];
  }
}

/**
 * How a library has to be called for [K, N] so that a row has the same bits whoever computes it and beside whichever others: with
 * as many rows at once as come out of all smaller products as they do of 16 rows, as found by trying.
 *
 * @param stride numbers from one row of B to the next.
 */
export function layoutFor(
  K: number,
  N: number,
  stride: number,
  rows: number,
  products: NativeProducts,
  allocate: (length: number) => Float32Array,
): Layout {
  const most = Math.min(1024, Math.max(16, rows - (rows % 16)));
  const a = allocate(most * K);
  const b = allocate(K * stride);
  const c = allocate(most * N);
  for (let i = 0; i < a.length; i++) a[i] = Math.sin(i);
  for (let i = 0; i < b.length; i++) b[i] = Math.cos(1.7 * i);
  const product = (M: number, accumulate: number, rows: number) => {
    c.fill(1, 0, M * N);
    products.product(a.byteOffset, 4 * K, M, K, N, b.byteOffset, 4 * stride, accumulate, c.byteOffset, 4 * N, rows);
    return c.slice(0, M * N);
  };
  const expected = [0, 1].map((accumulate) => product(most, accumulate, 16));
  const steady = (M: number) => expected.every((row, accumulate) => product(M, accumulate, 0).every((value, i) => value === row[i]));
  let found = 16;
  for (let M = 32; M <= Math.min(most, 256); M += 16) {
    if (!steady(M)) return found / 16;
    found = M;
  }
  return most <= 256 || steady(most) ? whole : found / 16;
}
