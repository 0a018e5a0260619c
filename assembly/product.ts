/**
 * The matrix product C[M, N] = initial + A[M, K] * B[K, N] over packed B, and its packing. Strides are in bytes.
 *
 * Blocks: K in pieces whose panel stays in the first-level cache beside the rows of A that pass by it, M in pieces whose
 * rows stay in the second. Each element of C is summed over k in ascending order, also across the pieces (see tiles.ts).
 */

import { tile1x8, tile1x32, tile2x8, tile2x16, tile3x8, tile4x8, tile6x8 } from './tiles';

/** Columns of a packed panel. */
const PANEL: usize = 8;
/** The longest piece of K: a panel of 8 * 512 floats is 16 KiB. */
const K_PIECE: usize = 512;
/** Bytes of A passed by every panel before the next rows are taken. */
const ROWS_BYTES: usize = 24 * 1024;

/** What C starts from. */
const FROM_ZERO: i32 = 0;
const FROM_C: i32 = 1;
const FROM_BIAS: i32 = 2;

const ZEROS: usize = memory.data(128, 16);

/** Where a tile that sticks out over the last column is computed. One per instance: threads share the memory, not this. */
let edge: usize = 0;

/** Where rows that lie badly in memory are copied to; of this instance too. */
let rowsCopy: usize = 0;

const EDGE_BYTES: usize = 256;
/** At most 24 rows of a piece of K, or 48 of 128, with a cache line between. */
const ROWS_COPY_BYTES: usize = 24 * (K_PIECE * 4 + 64);

/** Bytes of working memory that the product needs. */
export function productBytes(): usize {
  return EDGE_BYTES + ROWS_COPY_BYTES;
}

/** Gives this instance its working memory, `productBytes()` from `at`. */
export function useProductMemory(at: usize): void {
  edge = at;
  rowsCopy = at + EDGE_BYTES;
}

/**
 * Whether rows at this distance fall into the same few sets of the first-level cache and push each other out, and there are
 * enough panels to pay for a copy.
 */
@inline
function liesBadly(aStride: usize, K: usize, N: usize): bool {
  return (aStride & 1023) == 0 && K >= 128 && N >= 64;
}

/** C[M, N] = initial + A * packed; `start` says what C starts from, `bias` is read only for FROM_BIAS. */
export function product(
  a: usize,
  aStride: usize,
  M: usize,
  K: usize,
  N: usize,
  packed: usize,
  start: i32,
  bias: usize,
  c: usize,
  cStride: usize,
): void {
  const panel = K * PANEL * 4;
  let k: usize = 0;
  do {
    const piece = min(K_PIECE, K - k);
    const first = k == 0;
    rowBlocks(a + k * 4, aStride, M, piece, N, packed + k * PANEL * 4, panel, first ? start : FROM_C, bias, c, cStride);
    k += piece;
  } while (k < K);
}

function rowBlocks(
  a: usize,
  aStride: usize,
  M: usize,
  K: usize,
  N: usize,
  b: usize,
  panel: usize,
  start: i32,
  bias: usize,
  c: usize,
  cStride: usize,
): void {
  const most = max<usize>(24, ROWS_BYTES / max<usize>(K * 4, 1));
  const blocks = (M + most - 1) / most;
  const copied = liesBadly(aStride, K, N);
  // A multiple of 6 rows in all blocks but the last.
  const rowsPerBlock = blocks > 1 ? ((M + blocks - 1) / blocks + 5) / 6 * 6 : M;
  for (let m: usize = 0; m < M; m += rowsPerBlock) {
    const rows = min(rowsPerBlock, M - m);
    let block = a + m * aStride;
    let stride = aStride;
    if (copied) {
      stride = K * 4 + 64;
      for (let row: usize = 0; row < rows; row++) memory.copy(rowsCopy + row * stride, block + row * aStride, K * 4);
      block = rowsCopy;
    }
    // One or two rows alone (only of 1, 2 or 5) take several panels at once.
    const few: usize = rows == 1 ? 1 : rows == 2 || rows == 5 ? 2 : 0;
    panels(block, stride, rows - few, K, N, b, panel, start, bias, c + m * cStride, cStride);
    if (few == 1) oneRow(block, K, N, b, panel, start, bias, c + m * cStride);
    else if (few == 2) {
      const at = rows - few;
      twoRows(block + at * stride, stride, K, N, b, panel, start, bias, c + (m + at) * cStride, cStride);
    }
  }
}

/** Rows in tiles of 6, 4 and 3, column panel by column panel. M is not 1, 2 or 5. */
function panels(
  a: usize,
  aStride: usize,
  M: usize,
  K: usize,
  N: usize,
  b: usize,
  panel: usize,
  start: i32,
  bias: usize,
  c: usize,
  cStride: usize,
): void {
  const bytes = K * PANEL * 4;
  const initStride = start == FROM_C ? cStride : 0;
  for (let n: usize = 0; n < N; n += PANEL, b += panel) {
    const columns = N - n;
    let row = a;
    let to = c + n * 4;
    for (let left = M; left > 0; ) {
      const height = tileHeight(left);
      if (columns < PANEL) {
        edgeTile(height, row, aStride, K, b, columns, start, bias + n * 4, to, cStride);
      } else {
        const init = start == FROM_C ? to : start == FROM_BIAS ? bias + n * 4 : ZEROS;
        if (height == 6) tile6x8(row, aStride, b, b + bytes, to, cStride, init, initStride);
        else if (height == 4) tile4x8(row, aStride, b, b + bytes, to, cStride, init, initStride);
        else tile3x8(row, aStride, b, b + bytes, to, cStride, init, initStride);
      }
      row += height * aStride;
      to += height * cStride;
      left -= height;
    }
  }
}

/** Rows of the next tile, such that what is left never needs a tile of 1 or 2 rows: 7 = 4 + 3, 8 = 4 + 4, 11 = 4 + 4 + 3. */
@inline
function tileHeight(left: usize): usize {
  if (left == 3) return 3;
  return left == 4 || left == 7 || left == 8 || left == 11 ? 4 : 6;
}

function oneRow(a: usize, K: usize, N: usize, b: usize, panel: usize, start: i32, bias: usize, c: usize): void {
  const bytes = K * PANEL * 4;
  let n: usize = 0;
  while (n < N) {
    const columns = N - n;
    const init = start == FROM_C ? c + n * 4 : start == FROM_BIAS ? bias + n * 4 : ZEROS;
    let width = PANEL;
    if (columns >= 4 * PANEL) {
      width = 4 * PANEL;
      tile1x32(a, 0, b, b + bytes, panel, c + n * 4, 0, init, 0);
    } else if (columns >= PANEL) tile1x8(a, 0, b, b + bytes, c + n * 4, 0, init, 0);
    else edgeTile(1, a, 0, K, b, columns, start, bias + n * 4, c + n * 4, 0);
    n += width;
    b += width / PANEL * panel;
  }
}

function twoRows(
  a: usize,
  aStride: usize,
  K: usize,
  N: usize,
  b: usize,
  panel: usize,
  start: i32,
  bias: usize,
  c: usize,
  cStride: usize,
): void {
  const bytes = K * PANEL * 4;
  const initStride = start == FROM_C ? cStride : 0;
  let n: usize = 0;
  while (n < N) {
    const columns = N - n;
    const init = start == FROM_C ? c + n * 4 : start == FROM_BIAS ? bias + n * 4 : ZEROS;
    let width = PANEL;
    if (columns >= 2 * PANEL) {
      width = 2 * PANEL;
      tile2x16(a, aStride, b, b + bytes, panel, c + n * 4, cStride, init, initStride);
    } else if (columns >= PANEL) tile2x8(a, aStride, b, b + bytes, c + n * 4, cStride, init, initStride);
    else edgeTile(2, a, aStride, K, b, columns, start, bias + n * 4, c + n * 4, cStride);
    n += width;
    b += width / PANEL * panel;
  }
}

/** A tile of which only `columns` < 8 columns are in C: computed at `edge`, from and to which only those are copied. */
function edgeTile(
  height: usize,
  a: usize,
  aStride: usize,
  K: usize,
  b: usize,
  columns: usize,
  start: i32,
  bias: usize,
  c: usize,
  cStride: usize,
): void {
  const width = PANEL * 4;
  const tile = edge;
  const end = b + K * width;
  if (start == FROM_ZERO) memory.fill(tile, 0, height * width);
  else {
    for (let r: usize = 0; r < height; r++) copyFloats(tile + r * width, start == FROM_C ? c + r * cStride : bias, columns);
  }
  if (height == 6) tile6x8(a, aStride, b, end, tile, width, tile, width);
  else if (height == 4) tile4x8(a, aStride, b, end, tile, width, tile, width);
  else if (height == 3) tile3x8(a, aStride, b, end, tile, width, tile, width);
  else if (height == 2) tile2x8(a, aStride, b, end, tile, width, tile, width);
  else tile1x8(a, aStride, b, end, tile, width, tile, width);
  for (let r: usize = 0; r < height; r++) copyFloats(c + r * cStride, tile + r * width, columns);
}

@inline
function copyFloats(to: usize, from: usize, count: usize): void {
  for (let i: usize = 0; i < count; i++) store<f32>(to + i * 4, load<f32>(from + i * 4));
}
