/**
 * Measuring and bounding dL/ds_t on its way back: network/unroll/stateWatch.ts for one layer, in the order of its arithmetic, so that
 * the bits are the same. What is to be done is described by a block of memory, in the order of src/compute/wasm/watch.ts.
 */

import { clampValues, scaleRows } from './elementwise';
import { maximizeRows, sumSquares } from './reduce';

const LARGEST_SHIFT: i32 = 120;
const LEAST_SCALED: f32 = 7.888609052210118e-31;

const NORM: i32 = 1;

/** 64 bytes, the first two numbers being float64. */
@unmanaged
export class Watch {
  /** The threshold as mantissa with `exponent`. */
  mantissa: f64;
  threshold: f64;
  /** 0: only measure; 1: bound the norm; 2: bound each number. */
  kind: i32;
  /** Exponent of a row that was bounded. */
  exponent: i32;
  stride: usize;
  /** [steps measured, B] float32 and int32. */
  norms: usize;
  exponents: usize;
  /** [B] int32, int32, float32. */
  seen: usize;
  bound: usize;
  least: usize;
}

/**
 * Sequences b0 to b1 - 1 of dh, and of dc unless that is 0, `back` steps before the last.
 *
 * @param scale [B] exponents of dh and dc.
 * @param factor room for one float32 of the sequence's own, `factorStride` bytes from one to the next.
 */
export function watchStates(
  at: usize,
  dh: usize,
  dc: usize,
  scale: usize,
  back: usize,
  B: usize,
  H: usize,
  b0: usize,
  b1: usize,
  factor: usize,
  factorStride: usize,
): void {
  const watch = changetype<Watch>(at);
  const measured = back % watch.stride == 0;
  if (!measured && watch.kind == 0) return;
  const row = H * 4;
  for (let b = b0; b < b1; b++) {
    const h = dh + b * row;
    const c = dc != 0 ? dc + b * row : 0;
    const own = scale + b * 4;
    if (measured) {
      const index = ((back / watch.stride) * B + b) * 4;
      store<f32>(watch.norms + index, normOf(h, c, H) as f32);
      store<i32>(watch.exponents + index, load<i32>(own));
    }
    if (watch.kind != 0) boundState(watch, h, c, H, own, b * 4, factor + b * factorStride);
  }
}

@inline
function normOf(h: usize, c: usize, H: usize): f64 {
  let squares = sumSquares(h, H);
  if (c != 0) squares += sumSquares(c, H);
  return sqrt(squares);
}

function boundState(watch: Watch, h: usize, c: usize, H: usize, scale: usize, b: usize, factor: usize): void {
  let size: f64;
  if (watch.kind == NORM) size = normOf(h, c, H);
  else {
    store<f32>(factor, 0);
    maximizeRows(h, 1, H, factor);
    if (c != 0) maximizeRows(c, 1, H, factor);
    size = load<f32>(factor) as f64;
  }
  if (size == 0) return;
  store<i32>(watch.seen + b, load<i32>(watch.seen + b) + 1);
  const limit = watch.threshold * powerOfTwo(-load<i32>(scale));
  if (!(size > limit && size < Infinity)) return;
  store<i32>(watch.bound + b, load<i32>(watch.bound + b) + 1);
  const ratio = (limit / size) as f32;
  if (ratio < load<f32>(watch.least + b)) store<f32>(watch.least + b, ratio);
  if (watch.kind == NORM) {
    store<f32>(factor, (watch.mantissa / size) as f32);
    scaleRows(h, 1, H, factor, LEAST_SCALED);
    if (c != 0) scaleRows(c, 1, H, factor, LEAST_SCALED);
  } else {
    const shift = load<i32>(scale) - watch.exponent;
    shiftRow(h, H, shift, factor);
    clampValues(h, H, watch.mantissa as f32);
    if (c != 0) {
      shiftRow(c, H, shift, factor);
      clampValues(c, H, watch.mantissa as f32);
    }
  }
  store<i32>(scale, watch.exponent);
}

/** x *= 2^shift, in portions that a factor can hold. */
function shiftRow(x: usize, length: usize, shift: i32, factor: usize): void {
  let rest = max(shift, -2000);
  while (rest != 0) {
    const part = max(-LARGEST_SHIFT, min(LARGEST_SHIFT, rest));
    store<f32>(factor, reinterpret<f32>((part + 127) << 23));
    scaleRows(x, 1, length, factor, LEAST_SCALED);
    rest -= part;
  }
}

/** 2^n in float64: 0 or infinite beyond its range. */
function powerOfTwo(n: i32): f64 {
  if (n > 1023) return Infinity;
  if (n < -1074) return 0;
  if (n < -1022) return reinterpret<f64>((n + 1023 + 60) as i64 << 52) * reinterpret<f64>((1023 - 60) as i64 << 52);
  return reinterpret<f64>((n + 1023) as i64 << 52);
}
