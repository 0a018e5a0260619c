/**
 * C[M, N] += Aᵀ * B for A[K, M], B[K, N] with large K (a weight gradient over all steps at once): pieces of B are packed,
 * pieces of A transposed, and given to the ordinary product. Strides are in bytes.
 */

import { pack, transpose } from './layout';
import { product, useEdge } from './product';

/** Rows of A and B taken at a time. */
const K_PIECE: usize = 256;
/** Columns of the packed operand taken at a time. */
const PACKED_PIECE: usize = 512;
/** Columns of the transposed operand taken at a time. */
const TRANSPOSED_PIECE: usize = 96;
/** Bytes between transposed rows: one cache line more than the row, lest they all fall into the same cache sets. */
const TRANSPOSED_STRIDE: usize = K_PIECE * 4 + 64;
/** Up to this many columns of B, B is the one to be transposed and A packed: cheaper, as A is then only copied. */
const NARROW: usize = 16;

const EDGE_BYTES: usize = 256;
const PACKED_BYTES: usize = K_PIECE * PACKED_PIECE * 4;
const TRANSPOSED_BYTES: usize = TRANSPOSED_PIECE * TRANSPOSED_STRIDE;
const RESULT_BYTES: usize = NARROW * PACKED_PIECE * 4;

const FROM_ZERO: i32 = 0;
const FROM_C: i32 = 1;

let packed: usize = 0;
let transposed: usize = 0;
let result: usize = 0;

/** Bytes of working memory that each instance needs of its own. */
export function workspaceBytes(): usize {
  return EDGE_BYTES + PACKED_BYTES + TRANSPOSED_BYTES + RESULT_BYTES;
}

/** Gives this instance its working memory, `workspaceBytes()` from `at`: threads share the memory, not this. */
export function useWorkspace(at: usize): void {
  useEdge(at);
  packed = at + EDGE_BYTES;
  transposed = packed + PACKED_BYTES;
  result = transposed + TRANSPOSED_BYTES;
}

export function multiplyTransposed(
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  M: usize,
  N: usize,
  K: usize,
  c: usize,
  cStride: usize,
): void {
  if (N <= NARROW && N < M) {
    for (let m: usize = 0; m < M; m += PACKED_PIECE) {
      narrow(a + m * 4, aStride, b, bStride, min(PACKED_PIECE, M - m), N, K, c + m * cStride, cStride);
    }
  } else {
    for (let n: usize = 0; n < N; n += PACKED_PIECE) {
      wide(a, aStride, b + n * 4, bStride, M, min(PACKED_PIECE, N - n), K, c + n * 4, cStride);
    }
  }
}

function wide(a: usize, aStride: usize, b: usize, bStride: usize, M: usize, N: usize, K: usize, c: usize, cStride: usize): void {
  for (let k: usize = 0; k < K; k += K_PIECE) {
    const depth = min(K_PIECE, K - k);
    pack(b + k * bStride, bStride, 4, depth, N, packed);
    for (let m: usize = 0; m < M; m += TRANSPOSED_PIECE) {
      const rows = min(TRANSPOSED_PIECE, M - m);
      transpose(a + k * aStride + m * 4, aStride, depth, rows, transposed, TRANSPOSED_STRIDE);
      product(transposed, TRANSPOSED_STRIDE, rows, depth, N, packed, FROM_C, 0, c + m * cStride, cStride);
    }
  }
}

/** Cᵀ = Bᵀ * A in working memory, then added to C. */
function narrow(a: usize, aStride: usize, b: usize, bStride: usize, M: usize, N: usize, K: usize, c: usize, cStride: usize): void {
  const resultStride = M * 4;
  for (let k: usize = 0; k < K; k += K_PIECE) {
    const depth = min(K_PIECE, K - k);
    pack(a + k * aStride, aStride, 4, depth, M, packed);
    transpose(b + k * bStride, bStride, depth, N, transposed, TRANSPOSED_STRIDE);
    product(transposed, TRANSPOSED_STRIDE, N, depth, M, packed, k == 0 ? FROM_ZERO : FROM_C, 0, result, resultStride);
  }
  if (K == 0) return;
  for (let m: usize = 0; m < M; m++) {
    for (let n: usize = 0; n < N; n++) {
      const at = c + m * cStride + n * 4;
      store<f32>(at, load<f32>(at) + load<f32>(result + n * resultStride + m * 4));
    }
  }
}
