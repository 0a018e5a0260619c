/**
 * Sums of matrices [H, N] whose rows are scaled, row j of matrix i by x_i[j]: diag(x_0) W_0 + diag(x_1) W_1 + ... (pullBack.ts). The matrices are
 * packed in panels of 8 columns, as product.ts wants them, or lie in plain rows. Positions are byte addresses.
 */

import { madd } from './lanes';

/** Bytes of a row of a packed panel. */
const PANEL_ROW: usize = 32;

/** In plain rows, those of `to` being `toRow` bytes apart: row j of `to` becomes the sum of the first `taken` of x_i[j] * w_i[j, :]. */
export function combineRows(
  taken: i32,
  l0: usize,
  l1: usize,
  l2: usize,
  l3: usize,
  w0: usize,
  w1: usize,
  w2: usize,
  w3: usize,
  H: usize,
  N: usize,
  to: usize,
  toRow: usize,
): void {
  const row = N * 4;
  for (let j: usize = 0; j < H; j++, to += toRow) {
    const at = j * row;
    const from = j * 4;
    if (taken == 4) rowOf4(l0 + from, l1 + from, l2 + from, l3 + from, w0 + at, w1 + at, w2 + at, w3 + at, N, to);
    else if (taken == 3) rowOf3(l0 + from, l1 + from, l2 + from, w0 + at, w1 + at, w2 + at, N, to);
    else {
      setRow(l0 + from, w0 + at, N, to);
      if (taken == 2) addRow(l1 + from, w1 + at, N, to);
    }
  }
}

@inline
function rowOf4(l0: usize, l1: usize, l2: usize, l3: usize, w0: usize, w1: usize, w2: usize, w3: usize, N: usize, to: usize): void {
  const x0 = v128.load32_splat(l0);
  const x1 = v128.load32_splat(l1);
  const x2 = v128.load32_splat(l2);
  const x3 = v128.load32_splat(l3);
  const whole = N & ~3;
  for (let n: usize = 0; n < whole; n += 4) {
    const at = n * 4;
    const first = madd(x1, v128.load(w1 + at), f32x4.mul(x0, v128.load(w0 + at)));
    v128.store(to + at, madd(x3, v128.load(w3 + at), madd(x2, v128.load(w2 + at), first)));
  }
  for (let n = whole; n < N; n++) {
    const at = n * 4;
    const first = load<f32>(l0) * load<f32>(w0 + at) + load<f32>(l1) * load<f32>(w1 + at);
    store<f32>(to + at, first + load<f32>(l2) * load<f32>(w2 + at) + load<f32>(l3) * load<f32>(w3 + at));
  }
}

@inline
function rowOf3(l0: usize, l1: usize, l2: usize, w0: usize, w1: usize, w2: usize, N: usize, to: usize): void {
  const x0 = v128.load32_splat(l0);
  const x1 = v128.load32_splat(l1);
  const x2 = v128.load32_splat(l2);
  const whole = N & ~3;
  for (let n: usize = 0; n < whole; n += 4) {
    const at = n * 4;
    v128.store(to + at, madd(x2, v128.load(w2 + at), madd(x1, v128.load(w1 + at), f32x4.mul(x0, v128.load(w0 + at)))));
  }
  for (let n = whole; n < N; n++) {
    const at = n * 4;
    store<f32>(to + at, load<f32>(l0) * load<f32>(w0 + at) + load<f32>(l1) * load<f32>(w1 + at) + load<f32>(l2) * load<f32>(w2 + at));
  }
}

@inline
function setRow(l: usize, w: usize, N: usize, to: usize): void {
  const x = v128.load32_splat(l);
  const whole = N & ~3;
  for (let n: usize = 0; n < whole; n += 4) v128.store(to + n * 4, f32x4.mul(x, v128.load(w + n * 4)));
  for (let n = whole; n < N; n++) store<f32>(to + n * 4, load<f32>(l) * load<f32>(w + n * 4));
}

/** to += x w for a row of N. */
@inline
export function addRow(l: usize, w: usize, N: usize, to: usize): void {
  const x = v128.load32_splat(l);
  const whole = N & ~3;
  for (let n: usize = 0; n < whole; n += 4) v128.store(to + n * 4, madd(x, v128.load(w + n * 4), v128.load(to + n * 4)));
  for (let n = whole; n < N; n++) store<f32>(to + n * 4, load<f32>(to + n * 4) + load<f32>(l) * load<f32>(w + n * 4));
}

export function combine1(l0: usize, w0: usize, H: usize, panels: usize, out: usize, outPanelBytes: usize): void {
  for (let p: usize = 0; p < panels; p++, out += outPanelBytes) {
    let to = out;
    for (let j: usize = 0; j < H; j++, to += PANEL_ROW, w0 += PANEL_ROW) {
      const x0 = v128.load32_splat(l0 + j * 4);
      v128.store(to, f32x4.mul(x0, v128.load(w0)));
      v128.store(to, f32x4.mul(x0, v128.load(w0, 16)), 16);
    }
  }
}

export function combine2(l0: usize, l1: usize, w0: usize, w1: usize, H: usize, panels: usize, out: usize, outPanelBytes: usize): void {
  for (let p: usize = 0; p < panels; p++, out += outPanelBytes) {
    let to = out;
    for (let j: usize = 0; j < H; j++, to += PANEL_ROW, w0 += PANEL_ROW, w1 += PANEL_ROW) {
      const x0 = v128.load32_splat(l0 + j * 4);
      const x1 = v128.load32_splat(l1 + j * 4);
      v128.store(to, madd(x1, v128.load(w1), f32x4.mul(x0, v128.load(w0))));
      v128.store(to, madd(x1, v128.load(w1, 16), f32x4.mul(x0, v128.load(w0, 16))), 16);
    }
  }
}

export function combine3(
  l0: usize,
  l1: usize,
  l2: usize,
  w0: usize,
  w1: usize,
  w2: usize,
  H: usize,
  panels: usize,
  out: usize,
  outPanelBytes: usize,
): void {
  for (let p: usize = 0; p < panels; p++, out += outPanelBytes) {
    let to = out;
    for (let j: usize = 0; j < H; j++, to += PANEL_ROW, w0 += PANEL_ROW, w1 += PANEL_ROW, w2 += PANEL_ROW) {
      const x0 = v128.load32_splat(l0 + j * 4);
      const x1 = v128.load32_splat(l1 + j * 4);
      const x2 = v128.load32_splat(l2 + j * 4);
      v128.store(to, madd(x2, v128.load(w2), madd(x1, v128.load(w1), f32x4.mul(x0, v128.load(w0)))));
      v128.store(to, madd(x2, v128.load(w2, 16), madd(x1, v128.load(w1, 16), f32x4.mul(x0, v128.load(w0, 16)))), 16);
    }
  }
}

export function combine4(
  l0: usize,
  l1: usize,
  l2: usize,
  l3: usize,
  w0: usize,
  w1: usize,
  w2: usize,
  w3: usize,
  H: usize,
  panels: usize,
  out: usize,
  outPanelBytes: usize,
): void {
  for (let p: usize = 0; p < panels; p++, out += outPanelBytes) {
    let to = out;
    for (let j: usize = 0; j < H; j++, to += PANEL_ROW, w0 += PANEL_ROW, w1 += PANEL_ROW, w2 += PANEL_ROW, w3 += PANEL_ROW) {
      const x0 = v128.load32_splat(l0 + j * 4);
      const x1 = v128.load32_splat(l1 + j * 4);
      const x2 = v128.load32_splat(l2 + j * 4);
      const x3 = v128.load32_splat(l3 + j * 4);
      const low = madd(x1, v128.load(w1), f32x4.mul(x0, v128.load(w0)));
      const high = madd(x1, v128.load(w1, 16), f32x4.mul(x0, v128.load(w0, 16)));
      v128.store(to, madd(x3, v128.load(w3), madd(x2, v128.load(w2), low)));
      v128.store(to, madd(x3, v128.load(w3, 16), madd(x2, v128.load(w2, 16), high)), 16);
    }
  }
}

/** A gate beyond the fourth is added to the matrix as it is. */
export function addGate(l: usize, w: usize, H: usize, panels: usize, out: usize, outPanelBytes: usize): void {
  for (let p: usize = 0; p < panels; p++, out += outPanelBytes) {
    let to = out;
    for (let j: usize = 0; j < H; j++, to += PANEL_ROW, w += PANEL_ROW) {
      const x = v128.load32_splat(l + j * 4);
      v128.store(to, madd(x, v128.load(w), v128.load(to)));
      v128.store(to, madd(x, v128.load(w, 16), v128.load(to, 16)), 16);
    }
  }
}
