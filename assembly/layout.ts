/** Moving matrices into another order: packing into panels of 8 columns, and transposing. Strides are in bytes. */

const PANEL: usize = 8;

/**
 * Fills the panels of a [K, N] matrix whose element (k, n) lies at source + k * strideK + n * strideN. Panel p holds columns
 * 8p to 8p + 7, k after k; columns beyond N are 0.
 */
export function pack(source: usize, strideK: usize, strideN: usize, K: usize, N: usize, packed: usize): void {
  const whole = N / PANEL;
  const panel = K * PANEL * 4;
  if (strideN == 4) {
    packRows(source, strideK, K, N, packed, panel);
    return;
  }
  if (strideK == 4) packColumns(source, strideN, K, whole, packed);
  else {
    for (let p: usize = 0; p < whole; p++) packPart(source + p * PANEL * strideN, strideK, strideN, K, PANEL, packed + p * panel);
  }
  const rest = N % PANEL;
  if (rest > 0) packPart(source + whole * PANEL * strideN, strideK, strideN, K, rest, packed + whole * panel);
}

/**
 * The panels, `panel` bytes apart, of a matrix whose rows are contiguous: eight rows at a time, walked from left to right, so that
 * whole cache lines are read in few streams and whole lines are written.
 */
export function packRows(source: usize, strideK: usize, K: usize, N: usize, packed: usize, panel: usize): void {
  const panels = N / PANEL;
  for (let k: usize = 0; k < K; k += 8) {
    const height = min<usize>(8, K - k) * PANEL * 4;
    for (let p: usize = 0; p < panels; p++) {
      let from = source + k * strideK + p * PANEL * 4;
      let to = packed + p * panel + k * PANEL * 4;
      for (const end = to + height; to < end; to += PANEL * 4) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        from += strideK;
      }
    }
  }
  const rest = N % PANEL;
  if (rest > 0) packPart(source + panels * PANEL * 4, strideK, 4, K, rest, packed + panels * panel);
}

/** Whole panels of a matrix whose columns are contiguous: 8 columns interleaved, 4 elements of each at a time. */
function packColumns(source: usize, strideN: usize, K: usize, panels: usize, packed: usize): void {
  const fours = K & ~3;
  for (let p: usize = 0; p < panels; p++) {
    let from = source + p * PANEL * strideN;
    let to = packed + p * K * PANEL * 4;
    for (let k: usize = 0; k < fours; k += 4) {
      transposeFour(from, strideN, to, PANEL * 4);
      transposeFour(from + 4 * strideN, strideN, to + 16, PANEL * 4);
      from += 16;
      to += 4 * PANEL * 4;
    }
    packPart(from, 4, strideN, K - fours, PANEL, to);
  }
}

function packPart(source: usize, strideK: usize, strideN: usize, K: usize, columns: usize, to: usize): void {
  for (let k: usize = 0; k < K; k++) {
    let from = source + k * strideK;
    for (let n: usize = 0; n < PANEL; n++) {
      store<f32>(to, n < columns ? load<f32>(from) : 0);
      from += strideN;
      to += 4;
    }
  }
}

/** out [columns, rows] = transpose of x [rows, columns], in squares of 4 by 4. */
export function transpose(x: usize, xStride: usize, rows: usize, columns: usize, out: usize, outStride: usize): void {
  const wholeRows = rows & ~3;
  const wholeColumns = columns & ~3;
  for (let r: usize = 0; r < wholeRows; r += 4) {
    let from = x + r * xStride;
    let to = out + r * 4;
    for (let n: usize = 0; n < wholeColumns; n += 4) {
      transposeFour(from, xStride, to, outStride);
      from += 16;
      to += 4 * outStride;
    }
  }
  transposePart(x, xStride, 0, wholeRows, wholeColumns, columns, out, outStride);
  transposePart(x, xStride, wholeRows, rows, 0, columns, out, outStride);
}

function transposePart(
  x: usize,
  xStride: usize,
  rowFrom: usize,
  rowTo: usize,
  columnFrom: usize,
  columnTo: usize,
  out: usize,
  outStride: usize,
): void {
  for (let r = rowFrom; r < rowTo; r++) {
    for (let n = columnFrom; n < columnTo; n++) store<f32>(out + n * outStride + r * 4, load<f32>(x + r * xStride + n * 4));
  }
}

/** A 4 by 4 square, read along its rows and written along its columns. */
@inline
function transposeFour(from: usize, fromStride: usize, to: usize, toStride: usize): void {
  const row0 = v128.load(from);
  const row1 = v128.load(from + fromStride);
  const row2 = v128.load(from + 2 * fromStride);
  const row3 = v128.load(from + 3 * fromStride);
  const low01 = v128.shuffle<f32>(row0, row1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(row0, row1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(row2, row3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(row2, row3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to + toStride, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(to + 2 * toStride, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(to + 3 * toStride, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}

/** Copies `rows` rows of `columns` numbers; strides in bytes. */
export function copyRows(x: usize, xStride: usize, rows: usize, columns: usize, out: usize, outStride: usize): void {
  for (let row: usize = 0; row < rows; row++) memory.copy(out + row * outStride, x + row * xStride, columns * 4);
}
