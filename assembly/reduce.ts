/** Kernels that make one number, or one row or column, out of many. Positions are byte addresses, strides are in bytes. */

import { loadLanes, storeLanes } from './lanes';

/** Sum of squares, each product and the sum in float64, in four partial sums. */
export function sumSquares(x: usize, length: usize): f64 {
  let sum0 = f64x2.splat(0);
  let sum1 = sum0;
  let sum2 = sum0;
  let sum3 = sum0;
  const whole = length & ~7;
  const end = x + whole * 4;
  for (; x < end; x += 32) {
    const low0 = f64x2.promote_low_f32x4(v128.load64_zero(x));
    const low1 = f64x2.promote_low_f32x4(v128.load64_zero(x, 8));
    const low2 = f64x2.promote_low_f32x4(v128.load64_zero(x, 16));
    const low3 = f64x2.promote_low_f32x4(v128.load64_zero(x, 24));
    sum0 = f64x2.add(sum0, f64x2.mul(low0, low0));
    sum1 = f64x2.add(sum1, f64x2.mul(low1, low1));
    sum2 = f64x2.add(sum2, f64x2.mul(low2, low2));
    sum3 = f64x2.add(sum3, f64x2.mul(low3, low3));
  }
  const sum = f64x2.add(f64x2.add(sum0, sum1), f64x2.add(sum2, sum3));
  let total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  for (let i: usize = 0; i < length - whole; i++) {
    const value = load<f32>(x + i * 4) as f64;
    total += value * value;
  }
  return total;
}

/** Index of the first element that is NaN or infinite, -1 if there is none: x - x is NaN for those and 0 for all others. */
export function firstNonFinite(x: usize, length: usize): i32 {
  const whole = length & ~3;
  let i: usize = 0;
  for (; i < whole; i += 4) {
    const value = v128.load(x + i * 4);
    const difference = f32x4.sub(value, value);
    const lanes = i32x4.bitmask(f32x4.ne(difference, difference));
    if (lanes != 0) return (i as i32) + ctz(lanes);
  }
  for (; i < length; i++) {
    const value = load<f32>(x + i * 4);
    if (value - value != 0) return i as i32;
  }
  return -1;
}

/** out[r] = max(out[r], max |x[r, :]|) for contiguous rows; a NaN in x is passed over. */
export function maximizeRows(x: usize, rows: usize, columns: usize, out: usize): void {
  const whole = columns & ~3;
  for (let r: usize = 0; r < rows; r++) {
    let at = x + r * columns * 4;
    const end = at + columns * 4;
    const wholeEnd = at + whole * 4;
    let largest = f32x4.splat(0);
    // pmax(a, b) is `a < b ? b : a`: false for a NaN in b.
    for (; at < wholeEnd; at += 16) largest = f32x4.pmax(largest, f32x4.abs(v128.load(at)));
    if (at < end) largest = f32x4.pmax(largest, f32x4.abs(loadLanes(at, columns - whole)));
    const most = max(
      max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
      max(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
    );
    if (most > load<f32>(out + r * 4)) store<f32>(out + r * 4, most);
  }
}

/** out[n] += sum over r of x[r, n], four rows at a time so that x is read once in its own order. */
export function addColumnSums(x: usize, xStride: usize, rows: usize, columns: usize, out: usize): void {
  const wholeRows = rows & ~3;
  for (let r: usize = 0; r < wholeRows; r += 4) {
    const row = x + r * xStride;
    let n: usize = 0;
    for (const whole = columns & ~3; n < whole; n += 4) addFourRows(row + n * 4, xStride, out + n * 4, 4);
    if (n < columns) addFourRows(row + n * 4, xStride, out + n * 4, columns - n);
  }
  for (let r = wholeRows; r < rows; r++) {
    const row = x + r * xStride;
    let n: usize = 0;
    for (const whole = columns & ~3; n < whole; n += 4) addRow(row + n * 4, out + n * 4, 4);
    if (n < columns) addRow(row + n * 4, out + n * 4, columns - n);
  }
}

@inline
function addFourRows(x: usize, xStride: usize, out: usize, lanes: usize): void {
  const pair0 = f32x4.add(loadLanes(x, lanes), loadLanes(x + xStride, lanes));
  const pair1 = f32x4.add(loadLanes(x + 2 * xStride, lanes), loadLanes(x + 3 * xStride, lanes));
  storeLanes(out, f32x4.add(loadLanes(out, lanes), f32x4.add(pair0, pair1)), lanes);
}

@inline
function addRow(x: usize, out: usize, lanes: usize): void {
  storeLanes(out, f32x4.add(loadLanes(out, lanes), loadLanes(x, lanes)), lanes);
}
