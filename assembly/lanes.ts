/** What every kernel family shares: four float32 lanes, their fused multiply-add, and loads and stores of fewer than four. */

/** a * b + c: one rounding where the engine has relaxed SIMD and the processor has FMA, two otherwise. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/** c - a * b, rounded like `madd`. */
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_nmadd(a, b, c) : f32x4.sub(c, f32x4.mul(a, b));
}

/** x with every lane of magnitude below `least` made 0; NaN stays. Keeps out denormal numbers, which processors compute slowly. */
@inline
export function flush(x: v128, least: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), least));
}

/** The first `count` lanes from memory, the others 0; nothing beyond them is read. A constant count of 4 compiles to one load. */
@inline
export function loadLanes(from: usize, count: usize): v128 {
  if (count >= 4) return v128.load(from);
  return loadPart(from, count);
}

/** The first `count` lanes to memory; nothing beyond them is written. */
@inline
export function storeLanes(to: usize, x: v128, count: usize): void {
  if (count >= 4) v128.store(to, x);
  else storePart(to, x, count);
}

function loadPart(from: usize, count: usize): v128 {
  if (count == 1) return v128.load32_zero(from);
  if (count == 2) return v128.load64_zero(from);
  return v128.load32_lane(from, v128.load64_zero(from), 2, 8);
}

function storePart(to: usize, x: v128, count: usize): void {
  if (count == 1) {
    v128.store32_lane(to, x, 0);
    return;
  }
  v128.store64_lane(to, x, 0);
  if (count == 3) v128.store32_lane(to, x, 2, 8);
}
