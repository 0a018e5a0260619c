/** Matrix products done outside of this module, by a library of the machine (src/compute/blas/). Never called where there is none. */

import { product } from './product';

/** What a product starts from, as in product.ts. */
const FROM_ZERO: i32 = 0;
const FROM_BIAS: i32 = 2;

/** A matrix's `native` where it is packed for the product of this module; else it lies in plain rows for the library. */
const PACKED: i32 = 0;
/** From here down, 16 rows each: how many rows of a product the library takes in one call; all of them where it is this. */
const UNBOUNDED: i32 = 255;

/** Rows whose bytes are a multiple of this fall into the same few places of a processor's cache; they are set apart by one line of it. */
const CROWDED: usize = 2048;
export const LINE: usize = 64;

/** Bytes from one plain row of N numbers to the next. */
export function plainRowBytes(N: usize): usize {
  const bytes = N * 4;
  return bytes % CROWDED == 0 ? bytes + LINE : bytes;
}

/** C[M, N] = A * B, plus C if `accumulate`, `rows` rows in one call, 0 for all whole blocks of 16, M for all; strides in bytes. */
@external("env", "nativeProduct")
declare function nativeProduct(
  a: usize,
  aStride: usize,
  M: usize,
  K: usize,
  N: usize,
  b: usize,
  bStride: usize,
  accumulate: bool,
  c: usize,
  cStride: usize,
  rows: usize,
): void;

/** `product` over a packed B, or over the plain rows of B, `plainRowBytes` apart, by the library of the machine. */
export function anyProduct(
  native: i32,
  a: usize,
  aStride: usize,
  M: usize,
  K: usize,
  N: usize,
  b: usize,
  start: i32,
  bias: usize,
  c: usize,
  cStride: usize,
): void {
  if (native == PACKED) {
    product(a, aStride, M, K, N, b, start, bias, c, cStride);
    return;
  }
  if (start == FROM_BIAS) {
    for (let row: usize = 0; row < M; row++) memory.copy(c + row * cStride, bias, N * 4);
  }
  nativeProduct(a, aStride, M, K, N, b, plainRowBytes(N), start != FROM_ZERO, c, cStride, native == UNBOUNDED ? 0 : native * 16);
}

/** C = A * B, plus C if `accumulate`, over the plain rows of B by the library of the machine, all rows together. */
export function joinedProduct(
  a: usize,
  aStride: usize,
  M: usize,
  K: usize,
  N: usize,
  b: usize,
  accumulate: bool,
  c: usize,
  cStride: usize,
): void {
  nativeProduct(a, aStride, M, K, N, b, plainRowBytes(N), accumulate, c, cStride, M);
}
