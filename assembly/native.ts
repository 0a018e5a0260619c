/** Matrix products done outside of this module, by a library of the machine (src/compute/blas/). Never called where there is none. */

import { fillRows } from './elementwise';
import { product } from './product';

/** What a product starts from, as in product.ts. */
const FROM_ZERO: i32 = 0;
const FROM_BIAS: i32 = 2;

/** Values of a matrix's `native`: packed for the product of this module, or plain rows for the library, in whole or in blocks of rows. */
const PACKED: i32 = 0;
const BLOCKED: i32 = 2;

/** C[M, N] = A * B, plus C if `accumulate`; the rows of B follow each other, all strides in bytes. */
@external("env", "nativeProduct")
declare function nativeProduct(
  a: usize,
  aStride: usize,
  M: usize,
  K: usize,
  N: usize,
  b: usize,
  accumulate: bool,
  c: usize,
  cStride: usize,
  blocked: bool,
): void;

/** `product` over a packed B, or over the plain rows of B by the library of the machine; with a bias, the rows of C follow each other. */
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
  if (start == FROM_BIAS) fillRows(bias, c, M, N);
  nativeProduct(a, aStride, M, K, N, b, start != FROM_ZERO, c, cStride, native == BLOCKED);
}
