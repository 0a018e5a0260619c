/**
 * C[M, N] += Aᵀ * B for A[K, M], B[K, N] with large K (a weight gradient over all steps at once). Strides are in bytes.
 *
 * Two ways. Where both are broad, pieces of the broader matrix are packed, pieces of the other transposed, and given to the
 * ordinary product. Where one has few columns, packing would cost more than the product: the other is read in place, eight
 * rows at a time, and added to a result that stays in the first-level cache. Both sum over k in ascending order.
 *
 * The rows over which is summed may lie in blocks, as those of some of a batch's sequences do: n of them at every step.
 */

import { loadLanes, madd, storeLanes } from './lanes';
import { packRows, transpose } from './layout';
import { product, productBytes, useProductMemory } from './product';

/** Rows of A and B packed at a time. */
const K_PIECE: usize = 256;
/** Columns of B packed, or of the broad matrix read in place, at a time. */
const BROAD_PIECE: usize = 512;
/** Columns of A transposed at a time. */
const TRANSPOSED_PIECE: usize = 96;
/** Bytes between transposed rows: one cache line more than the row, lest they all fall into the same cache sets. */
const TRANSPOSED_STRIDE: usize = K_PIECE * 4 + 64;
/** Up to this many columns a matrix counts as narrow. */
const NARROW: usize = 16;
/** Up to this many columns of B, and fewer than those of A, Cᵀ is computed in their place: B is then the one to be transposed. */
const RESULT_ROWS: usize = 128;

const PACKED_BYTES: usize = K_PIECE * BROAD_PIECE * 4;
const TRANSPOSED_BYTES: usize = TRANSPOSED_PIECE * TRANSPOSED_STRIDE;
const RESULT_BYTES: usize = RESULT_ROWS * BROAD_PIECE * 4;

const FROM_C: i32 = 1;
/** Columns of a packed panel. */
const PANEL: usize = 8;

let packed: usize = 0;
let transposed: usize = 0;
let result: usize = 0;

/** Bytes of working memory that each instance needs of its own. */
export function workspaceBytes(): usize {
  return productBytes() + PACKED_BYTES + TRANSPOSED_BYTES + RESULT_BYTES;
}

/** Gives this instance its working memory, `workspaceBytes()` from `at`: threads share the memory, not this. */
export function useWorkspace(at: usize): void {
  useProductMemory(at);
  packed = at + productBytes();
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
  multiplyTransposedBlocks(a, aStride, 0, b, bStride, 0, K, M, N, K, c, cStride);
}

/** The same of rows that lie in blocks of `n`, one block `aJump` and `bJump` bytes after the other. */
export function multiplyTransposedBlocks(
  a: usize,
  aStride: usize,
  aJump: usize,
  b: usize,
  bStride: usize,
  bJump: usize,
  n: usize,
  M: usize,
  N: usize,
  K: usize,
  c: usize,
  cStride: usize,
): void {
  if (M <= NARROW && M <= N) {
    for (let at: usize = 0; at < N; at += BROAD_PIECE) {
      addOuterBlocks(a, aStride, aJump, b + at * 4, bStride, bJump, n, M, min(BROAD_PIECE, N - at), K, c + at * 4, cStride);
    }
  } else if (N <= RESULT_ROWS && N < M) {
    for (let m: usize = 0; m < M; m += BROAD_PIECE) {
      const columns = min(BROAD_PIECE, M - m);
      const stride = columns * 4;
      transpose(c + m * cStride, cStride, columns, N, result, stride);
      if (N <= NARROW) addOuterBlocks(b, bStride, bJump, a + m * 4, aStride, aJump, n, N, columns, K, result, stride);
      else broad(b, bStride, bJump, a + m * 4, aStride, aJump, n, N, columns, K, result, stride);
      transpose(result, stride, N, columns, c + m * cStride, cStride);
    }
  } else {
    for (let at: usize = 0; at < N; at += BROAD_PIECE) {
      broad(a, aStride, aJump, b + at * 4, bStride, bJump, n, M, min(BROAD_PIECE, N - at), K, c + at * 4, cStride);
    }
  }
}

function broad(
  a: usize,
  aStride: usize,
  aJump: usize,
  b: usize,
  bStride: usize,
  bJump: usize,
  n: usize,
  M: usize,
  N: usize,
  K: usize,
  c: usize,
  cStride: usize,
): void {
  for (let k: usize = 0; k < K; k += K_PIECE) {
    const depth = min(K_PIECE, K - k);
    for (let done: usize = 0; done < depth; ) {
      const row = (k + done) % n;
      const rows = min(n - row, depth - done);
      const from = b + ((k + done) / n) * bJump + row * bStride;
      packRows(from, bStride, rows, N, packed + done * PANEL * 4, depth * PANEL * 4);
      done += rows;
    }
    for (let m: usize = 0; m < M; m += TRANSPOSED_PIECE) {
      const columns = min(TRANSPOSED_PIECE, M - m);
      for (let done: usize = 0; done < depth; ) {
        const row = (k + done) % n;
        const rows = min(n - row, depth - done);
        const from = a + ((k + done) / n) * aJump + row * aStride + m * 4;
        transpose(from, aStride, rows, columns, transposed + done * 4, TRANSPOSED_STRIDE);
        done += rows;
      }
      product(transposed, TRANSPOSED_STRIDE, columns, depth, N, packed, FROM_C, 0, c + m * cStride, cStride);
    }
  }
}

/** `addOuterProducts` of K rows, block after block. */
function addOuterBlocks(
  narrow: usize,
  narrowStride: usize,
  narrowJump: usize,
  wide: usize,
  wideStride: usize,
  wideJump: usize,
  n: usize,
  N: usize,
  M: usize,
  K: usize,
  sums: usize,
  sumsStride: usize,
): void {
  for (let k: usize = 0; k < K; k += n) {
    addOuterProducts(narrow, narrowStride, wide, wideStride, N, M, min(n, K - k), sums, sumsStride);
    narrow += narrowJump;
    wide += wideJump;
  }
}

/** sums[n, m] += sum over k of narrow[k, n] * wide[k, m], eight k at a time. */
function addOuterProducts(
  narrow: usize,
  narrowStride: usize,
  wide: usize,
  wideStride: usize,
  N: usize,
  M: usize,
  K: usize,
  sums: usize,
  sumsStride: usize,
): void {
  const whole = K & ~7;
  for (let k: usize = 0; k < whole; k += 8) {
    const rows = wide + k * wideStride;
    for (let n: usize = 0; n < N; n++) {
      addEight(narrow + k * narrowStride + n * 4, narrowStride, rows, wideStride, M, sums + n * sumsStride);
    }
  }
  for (let k = whole; k < K; k++) {
    const row = wide + k * wideStride;
    for (let n: usize = 0; n < N; n++) {
      addOne(v128.load32_splat(narrow + k * narrowStride + n * 4), row, M, sums + n * sumsStride);
    }
  }
}

/** sum[m] += the sum over 8 rows of x[k] * wide[k, m], for x a column of the narrow matrix. */
function addEight(x: usize, xStride: usize, wide: usize, wideStride: usize, M: usize, sum: usize): void {
  const x0 = v128.load32_splat(x);
  const x1 = v128.load32_splat(x + xStride);
  const x2 = v128.load32_splat(x + 2 * xStride);
  const x3 = v128.load32_splat(x + 3 * xStride);
  const x4 = v128.load32_splat(x + 4 * xStride);
  const x5 = v128.load32_splat(x + 5 * xStride);
  const x6 = v128.load32_splat(x + 6 * xStride);
  const x7 = v128.load32_splat(x + 7 * xStride);
  const end = sum + (M & ~3) * 4;
  for (; sum < end; sum += 16) {
    let total = madd(x0, v128.load(wide), v128.load(sum));
    let row = wide + wideStride;
    total = madd(x1, v128.load(row), total);
    row += wideStride;
    total = madd(x2, v128.load(row), total);
    row += wideStride;
    total = madd(x3, v128.load(row), total);
    row += wideStride;
    total = madd(x4, v128.load(row), total);
    row += wideStride;
    total = madd(x5, v128.load(row), total);
    row += wideStride;
    total = madd(x6, v128.load(row), total);
    row += wideStride;
    v128.store(sum, madd(x7, v128.load(row), total));
    wide += 16;
  }
  const rest = M & 3;
  if (rest == 0) return;
  let total = madd(x0, loadLanes(wide, rest), loadLanes(sum, rest));
  total = madd(x1, loadLanes(wide + wideStride, rest), total);
  total = madd(x2, loadLanes(wide + 2 * wideStride, rest), total);
  total = madd(x3, loadLanes(wide + 3 * wideStride, rest), total);
  total = madd(x4, loadLanes(wide + 4 * wideStride, rest), total);
  total = madd(x5, loadLanes(wide + 5 * wideStride, rest), total);
  total = madd(x6, loadLanes(wide + 6 * wideStride, rest), total);
  storeLanes(sum, madd(x7, loadLanes(wide + 7 * wideStride, rest), total), rest);
}

/** sum += x * row. */
function addOne(x: v128, row: usize, M: usize, sum: usize): void {
  const end = sum + (M & ~3) * 4;
  for (; sum < end; sum += 16) {
    v128.store(sum, madd(x, v128.load(row), v128.load(sum)));
    row += 16;
  }
  const rest = M & 3;
  if (rest > 0) storeLanes(sum, madd(x, loadLanes(row, rest), loadLanes(sum, rest)), rest);
}
