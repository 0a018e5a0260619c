/**
 * Row vectors over the state of a layer, one step back: v <- v * ds_t/ds_{t-1}, for the first `active` of the P rows of sequences
 * b0 to b1 - 1 (src/compute/wasm/pullBack.ts). All rows of a sequence meet the same derivatives, so that the step's Jacobian is made
 * once for each sequence, as a packed matrix: for G gates and S states a row then costs S H^2 multiplications in place of G H^2.
 * Sequences do not touch each other, so that threads can each take some of them.
 */

import { addGate, addRow, combine1, combine2, combine3, combine4, combineRows } from './combine';
import { scaleRows } from './elementwise';
import { flush, loadLanes, madd, storeLanes } from './lanes';
import { joinedProduct, LINE, plainRowBytes } from './native';
import { product } from './product';

/** Columns of a packed panel, as in product.ts, and the bytes of its row. */
const PANEL: usize = 8;
const PANEL_ROW: usize = 32;

const FROM_ZERO: i32 = 0;
const FROM_C: i32 = 1;

/** A row whose squared norm leaves 1 to 2^120 is scaled, by a power of two, to a norm of about 2^40, by at most 2^120 at a time. */
const SMALLEST: f64 = 1.0;
const LARGEST: f64 = 1329227995784915872903807060280344576.0;
const RESTORED: i32 = 40;
const LARGEST_SHIFT: i32 = 120;
/** Smaller numbers become 0, so that no denormal number enters a later product: 2^-90, and 2^-100 where a row is scaled. */
const TINY: f32 = 8.077935669463161e-28;
const LEAST_SCALED: f32 = 7.888609052210118e-31;

/** The words, in the order of src/compute/wasm/pullBack.ts. Sizes in elements, all else addresses. */
@unmanaged
class Rows {
  H: usize;
  S: usize;
  G: usize;
  A: usize;
  P: usize;
  /** The B for which the derivatives have room. */
  capacity: usize;
  /** [B, P, S*H]. */
  rows: usize;
  /** [B, P]. */
  exponents: usize;
  squares: usize;
  /** [B]: how many rows of each sequence are taken back. */
  active: usize;
  /** Derivatives of state a: [S, capacity, G*H], [S, capacity, A*H], and of state a by state c before [S, S, capacity, H]. */
  pre: usize;
  apart: usize;
  direct: usize;
  /** A packed [H, H] for each gate. */
  recurrent: usize;
  /** A packed [H, width] for each gate, and [B, P, width] with the exponents [B, P] for what reaches the input; width 0 for none. */
  width: usize;
  inputWeights: usize;
  input: usize;
  inputExponents: usize;
  /** 0 where the matrices are packed, else they are plain rows for the library of the machine, 16 or all at once (native.ts). */
  native: i32;
  /** The gates, from the first, that the input goes into, and those that the recurrent matrix goes into: all of them, or none. */
  F: usize;
  R: usize;
}

/** @param scratch S*H rows of whole panels and LINE, as H or `width` needs; then P rows of S*H; then one number. */
export function pullBack(at: usize, b0: usize, b1: usize, scratch: usize): void {
  const rows = changetype<Rows>(at);
  const width = rows.S * rows.H;
  const stride = width * 4;
  const to = scratch + width * (((max(rows.H, rows.width) + PANEL - 1) / PANEL) * PANEL_ROW + LINE);
  const factor = to + rows.P * stride;
  const native = rows.native;
  for (let b = b0; b < b1; b++) {
    const n = load<u32>(rows.active + b * 4) as usize;
    if (n == 0) continue;
    const first = b * rows.P;
    const from = rows.rows + first * stride;
    // The library takes rows by eights: up to seven more cost less than the last few by themselves.
    const m = native != 0 ? min(rows.P, (n + 7) & ~7) : n;
    if (rows.width > 0) {
      combine(rows, b, rows.inputWeights, rows.width, false, scratch);
      const input = rows.input + first * rows.width * 4;
      rowsProduct(native, from, stride, m, width, rows.width, scratch, FROM_ZERO, input, rows.width * 4);
      memory.copy(rows.inputExponents + first * 4, rows.exponents + first * 4, n * 4);
    }
    if (rows.R > 0) combine(rows, b, rows.recurrent, rows.H, true, scratch);
    const start = aroundMatrix(rows, b, n, from, to);
    if (rows.R > 0) rowsProduct(native, from, stride, m, width, rows.H, scratch, start, to, stride);
    for (let r: usize = 0; r < n; r++) settleRow(rows, first + r, to + r * stride, from + r * stride, width, factor);
  }
}

/** Rows times a combined matrix. */
@inline
function rowsProduct(
  native: i32,
  a: usize,
  aStride: usize,
  M: usize,
  K: usize,
  N: usize,
  b: usize,
  start: i32,
  c: usize,
  cStride: usize,
): void {
  if (native != 0) joinedProduct(a, aStride, M, K, N, b, start != FROM_ZERO, c, cStride);
  else product(a, aStride, M, K, N, b, start, 0, c, cStride);
}

/**
 * Makes the [S*H, N] matrix, packed or in plain rows, whose rows a*H + j are the sum over gates g of (ds_a/dgate_g)[j] * W_g[j, :]. What the trailing A gates
 * do to the recurrent term is apart from what they do to the input.
 */
function combine(rows: Rows, b: usize, weights: usize, N: usize, recurrent: bool, out: usize): void {
  const H = rows.H;
  const G = rows.G;
  const A = rows.A;
  const F = recurrent ? rows.R : rows.F;
  const panels = (N + PANEL - 1) / PANEL;
  const panelBytes = H * PANEL_ROW;
  const outPanelBytes = rows.S * panelBytes;
  const native = rows.native != 0;
  const gateBytes = native ? H * N * 4 : panels * panelBytes;
  const outRow = plainRowBytes(N);
  for (let a: usize = 0; a < rows.S; a++) {
    const preRow = rows.pre + (a * rows.capacity + b) * G * H * 4;
    const apartRow = rows.apart + (a * rows.capacity + b) * A * H * 4;
    const to = out + a * (native ? H * outRow : panelBytes);
    let taken = 0;
    let l0: usize = 0;
    let l1: usize = 0;
    let l2: usize = 0;
    let w0: usize = 0;
    let w1: usize = 0;
    let w2: usize = 0;
    for (let g: usize = 0; g < F; g++) {
      const apart = recurrent && g >= G - A;
      const l = apart ? apartRow + (g - (G - A)) * H * 4 : preRow + g * H * 4;
      if (isZero(l, H)) continue;
      const w = weights + g * gateBytes;
      if (taken == 0) {
        l0 = l;
        w0 = w;
      } else if (taken == 1) {
        l1 = l;
        w1 = w;
      } else if (taken == 2) {
        l2 = l;
        w2 = w;
      } else if (taken == 3) {
        if (native) combineRows(4, l0, l1, l2, l, w0, w1, w2, w, H, N, to, outRow);
        else combine4(l0, l1, l2, l, w0, w1, w2, w, H, panels, to, outPanelBytes);
      } else if (native) for (let j: usize = 0; j < H; j++) addRow(l + j * 4, w + j * N * 4, N, to + j * outRow);
      else addGate(l, w, H, panels, to, outPanelBytes);
      taken++;
    }
    if (native) {
      if (taken == 0) memory.fill(to, 0, H * outRow);
      else if (taken < 4) combineRows(taken, l0, l1, l2, 0, w0, w1, w2, 0, H, N, to, outRow);
    } else if (taken == 0) for (let p: usize = 0; p < panels; p++) memory.fill(to + p * outPanelBytes, 0, panelBytes);
    else if (taken == 1) combine1(l0, w0, H, panels, to, outPanelBytes);
    else if (taken == 2) combine2(l0, l1, w0, w1, H, panels, to, outPanelBytes);
    else if (taken == 3) combine3(l0, l1, l2, w0, w1, w2, H, panels, to, outPanelBytes);
  }
}

/** Writes into `to` what goes around the recurrent matrix. Says from what the product into state 0 starts. */
function aroundMatrix(rows: Rows, b: usize, n: usize, from: usize, to: usize): i32 {
  const H = rows.H;
  const S = rows.S;
  const stride = S * H * 4;
  let start = FROM_ZERO;
  for (let c: usize = 0; c < S; c++) {
    const y = to + c * H * 4;
    let taken = 0;
    let held: usize = 0;
    let heldX: usize = 0;
    for (let a: usize = 0; a < S; a++) {
      const k = rows.direct + ((a * S + c) * rows.capacity + b) * H * 4;
      if (isZero(k, H)) continue;
      const x = from + a * H * 4;
      if (taken == 0) {
        held = k;
        heldX = x;
      } else if (taken == 1) for (let r: usize = 0; r < n; r++) setTwo(held, heldX + r * stride, k, x + r * stride, y + r * stride, H);
      else for (let r: usize = 0; r < n; r++) addScaled(k, x + r * stride, y + r * stride, H);
      taken++;
    }
    if (taken == 1) for (let r: usize = 0; r < n; r++) setScaled(held, heldX + r * stride, y + r * stride, H);
    if (c == 0 && taken > 0) start = FROM_C;
    if ((c > 0 || rows.R == 0) && taken == 0) for (let r: usize = 0; r < n; r++) memory.fill(y + r * stride, 0, H * 4);
  }
  return start;
}

/** y = k x. */
@inline
function setScaled(k: usize, x: usize, y: usize, length: usize): void {
  const whole = length & ~3;
  let j: usize = 0;
  for (; j < whole; j += 4) v128.store(y + j * 4, f32x4.mul(v128.load(k + j * 4), v128.load(x + j * 4)));
  const rest = length - whole;
  if (rest > 0) storeLanes(y + j * 4, f32x4.mul(loadLanes(k + j * 4, rest), loadLanes(x + j * 4, rest)), rest);
}

/** y = k0 x0 + k1 x1. */
@inline
function setTwo(k0: usize, x0: usize, k1: usize, x1: usize, y: usize, length: usize): void {
  const whole = length & ~3;
  let j: usize = 0;
  for (; j < whole; j += 4) {
    const first = f32x4.mul(v128.load(k0 + j * 4), v128.load(x0 + j * 4));
    v128.store(y + j * 4, madd(v128.load(k1 + j * 4), v128.load(x1 + j * 4), first));
  }
  const rest = length - whole;
  if (rest > 0) {
    const first = f32x4.mul(loadLanes(k0 + j * 4, rest), loadLanes(x0 + j * 4, rest));
    storeLanes(y + j * 4, madd(loadLanes(k1 + j * 4, rest), loadLanes(x1 + j * 4, rest), first), rest);
  }
}

/** y += k x. */
@inline
function addScaled(k: usize, x: usize, y: usize, length: usize): void {
  const whole = length & ~3;
  let j: usize = 0;
  for (; j < whole; j += 4) v128.store(y + j * 4, madd(v128.load(k + j * 4), v128.load(x + j * 4), v128.load(y + j * 4)));
  const rest = length - whole;
  if (rest > 0) storeLanes(y + j * 4, madd(loadLanes(k + j * 4, rest), loadLanes(x + j * 4, rest), loadLanes(y + j * 4, rest)), rest);
}

@inline
function isZero(x: usize, length: usize): bool {
  let any = i32x4.splat(0);
  const whole = length & ~3;
  let j: usize = 0;
  for (; j < whole; j += 4) any = v128.or(any, f32x4.ne(v128.load(x + j * 4), i32x4.splat(0)));
  if (j < length) any = v128.or(any, f32x4.ne(loadLanes(x + j * 4, length - j), i32x4.splat(0)));
  return !v128.any_true(any);
}

/** y becomes the row x: its squared norm in float64; back into the comfortable range where it has left it; nothing denormal stays. */
function settleRow(rows: Rows, row: usize, x: usize, y: usize, length: usize, factor: usize): void {
  let even = f64x2.splat(0);
  let odd = even;
  let tiny = i32x4.splat(0);
  const zero = i32x4.splat(0);
  const least = f32x4.splat(TINY);
  const whole = length & ~3;
  let j: usize = 0;
  for (; j < whole; j += 4) {
    const value = v128.load(x + j * 4);
    v128.store(y + j * 4, value);
    tiny = v128.or(tiny, v128.and(f32x4.lt(f32x4.abs(value), least), f32x4.ne(value, zero)));
    const low = f64x2.promote_low_f32x4(value);
    const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(value, value, 2, 3, 2, 3));
    even = f64x2.add(even, f64x2.mul(low, low));
    odd = f64x2.add(odd, f64x2.mul(high, high));
  }
  for (; j < length; j++) {
    const value = load<f32>(x + j * 4);
    store<f32>(y + j * 4, value);
    if (value != 0 && abs(value) < TINY) tiny = i32x4.splat(-1);
    const wide = value as f64;
    even = f64x2.add(even, f64x2.replace_lane(f64x2.splat(0), 0, wide * wide));
  }
  const sum = f64x2.add(even, odd);
  let square = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  if (square > 0 && square < Infinity && (square < SMALLEST || square > LARGEST)) {
    const shift = max(-LARGEST_SHIFT, min(LARGEST_SHIFT, RESTORED - (exponentOf(square) >> 1)));
    const exponent = rows.exponents + row * 4;
    store<i32>(exponent, load<i32>(exponent) - shift);
    store<f32>(factor, reinterpret<f32>((shift + 127) << 23));
    scaleRows(y, 1, length, factor, LEAST_SCALED);
    square *= reinterpret<f64>(((2 * shift + 1023) as i64) << 52);
  } else if (v128.any_true(tiny)) flushRow(y, length);
  store<f64>(rows.squares + row * 8, square);
}

function flushRow(x: usize, length: usize): void {
  const least = f32x4.splat(TINY);
  const whole = length & ~3;
  let j: usize = 0;
  for (; j < whole; j += 4) v128.store(x + j * 4, flush(v128.load(x + j * 4), least));
  const rest = length - whole;
  if (rest > 0) storeLanes(x + j * 4, flush(loadLanes(x + j * 4, rest), least), rest);
}

/** floor(log2(x)) of a normal x > 0. */
@inline
function exponentOf(x: f64): i32 {
  return (((reinterpret<i64>(x) >> 52) & 2047) as i32) - 1023;
}
