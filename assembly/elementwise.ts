/** Kernels that treat each element, or each row, by itself. Positions are byte addresses, strides are in bytes, sizes in elements. */

import { flush, loadLanes, storeLanes } from './lanes';

/** y += x. */
export function add(x: usize, y: usize, length: usize): void {
  const whole = length & ~3;
  const end = x + whole * 4;
  while (x < end) {
    v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
    x += 16;
    y += 16;
  }
  const rest = length - whole;
  if (rest > 0) storeLanes(y, f32x4.add(loadLanes(y, rest), loadLanes(x, rest)), rest);
}

/** x *= factor. */
export function scale(x: usize, length: usize, factor: f32): void {
  const factors = f32x4.splat(factor);
  const whole = length & ~3;
  const end = x + whole * 4;
  for (; x < end; x += 16) v128.store(x, f32x4.mul(v128.load(x), factors));
  const rest = length - whole;
  if (rest > 0) storeLanes(x, f32x4.mul(loadLanes(x, rest), factors), rest);
}

/** x limited to [-limit, limit]; returns how many elements were outside. A NaN is not, and stays. */
export function clampValues(x: usize, length: usize, limit: f32): i32 {
  const high = f32x4.splat(limit);
  const low = f32x4.splat(-limit);
  const whole = length & ~3;
  const end = x + whole * 4;
  let changed = 0;
  for (; x < end; x += 16) {
    const value = v128.load(x);
    const outside = f32x4.gt(f32x4.abs(value), high);
    if (v128.any_true(outside)) {
      changed += popcnt(i32x4.bitmask(outside));
      v128.store(x, f32x4.max(f32x4.min(value, high), low));
    }
  }
  const rest = length - whole;
  if (rest > 0) {
    const value = loadLanes(x, rest);
    changed += popcnt(i32x4.bitmask(f32x4.gt(f32x4.abs(value), high)) & ((1 << (rest as i32)) - 1));
    storeLanes(x, f32x4.max(f32x4.min(value, high), low), rest);
  }
  return changed;
}

@inline
function copyRow(from: usize, to: usize, columns: usize): void {
  const whole = columns & ~3;
  const end = from + whole * 4;
  while (from < end) {
    v128.store(to, v128.load(from));
    from += 16;
    to += 16;
  }
  const rest = columns - whole;
  if (rest > 0) storeLanes(to, loadLanes(from, rest), rest);
}

/** Every row of out [rows, columns] becomes `row`. */
export function fillRows(row: usize, out: usize, rows: usize, columns: usize): void {
  for (let r: usize = 0; r < rows; r++) copyRow(row, out + r * columns * 4, columns);
}

/** out[r] = table[indices[r]]. */
export function gatherRows(table: usize, indices: usize, rows: usize, columns: usize, out: usize): void {
  const stride = columns * 4;
  for (let r: usize = 0; r < rows; r++) copyRow(table + (load<i32>(indices + r * 4) as usize) * stride, out + r * stride, columns);
}

/** table[indices[r]] += x[r], in the order of r. */
export function scatterAddRows(x: usize, indices: usize, rows: usize, columns: usize, table: usize): void {
  const stride = columns * 4;
  for (let r: usize = 0; r < rows; r++) add(x + r * stride, table + (load<i32>(indices + r * 4) as usize) * stride, columns);
}

/** x[r] *= factors[r]; rows of factor 1 are passed over, results below `least` in magnitude become 0. */
export function scaleRows(x: usize, rows: usize, columns: usize, factors: usize, least: f32): void {
  const floor = f32x4.splat(least);
  const whole = columns & ~3;
  const rest = columns - whole;
  for (let r: usize = 0; r < rows; r++) {
    const factor = load<f32>(factors + r * 4);
    if (factor == 1) continue;
    const scaling = f32x4.splat(factor);
    let at = x + r * columns * 4;
    const end = at + whole * 4;
    for (; at < end; at += 16) v128.store(at, flush(f32x4.mul(v128.load(at), scaling), floor));
    if (rest > 0) storeLanes(at, flush(f32x4.mul(loadLanes(at, rest), scaling), floor), rest);
  }
}
