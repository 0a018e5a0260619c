/**
 * exp, tanh and sigmoid of four float32 lanes. One reduction serves all: x = n ln 2 + r with |r| <= ln(2)/2 (Cody & Waite
 * 1980, chapter 6: ln 2 in two parts), and expm1(r) by its Taylor polynomial of degree 7, whose first omitted term is below
 * 1e-8 of r. A NaN in gives a NaN out. test/contract/fusedCells.test.ts holds the error bounds.
 *
 * The constants are loaded from memory: V8 builds a constant vector anew at each use inside a loop, a load is cheaper.
 */

import { madd, nmadd } from './lanes';

const CONSTANTS: usize = memory.data<f32>(
  [
    1.4426950408889634, // 0: 1 / ln 2
    12582912.0, // 4: 1.5 * 2^23; adding it rounds to a whole number and leaves that number in the low bits
    0.693359375, // 8: ln 2, the part with 10 significant bits, whose products with n are exact
    -2.12194440054690583e-4, // 12: ln 2, the rest
    1.0 / 5040.0, // 16: 1 / 7!
    1.0 / 720.0, // 20
    1.0 / 120.0, // 24
    1.0 / 24.0, // 28
    1.0 / 6.0, // 32
    0.5, // 36
    1.0, // 40
    10.0, // 44: tanh is 1 in float32 from 9.02
    -10.0, // 48
    60.0, // 52: exp(60) and exp(-60) are normal numbers
    -60.0, // 56
    2.0, // 60
  ],
  16,
);

@inline
function constant(at: usize): v128 {
  return v128.load32_splat(CONSTANTS + at);
}

/** expm1(r) for |r| <= ln(2)/2, its terms in pairs (Estrin 1960), which do not wait for each other. */
@inline
function expm1Reduced(r: v128): v128 {
  const square = f32x4.mul(r, r);
  const terms23 = madd(constant(32), r, constant(36));
  const terms45 = madd(constant(24), r, constant(28));
  const terms67 = madd(constant(16), r, constant(20));
  return madd(madd(madd(terms67, square, terms45), square, terms23), square, r);
}

/** x limited to [low, high]; pmin(a, b) is `b < a ? b : a` and pmax likewise, so that a NaN in a stays. */
@inline
function between(x: v128, low: v128, high: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, high), low);
}

/** tanh(x) = t / (t + 2) with t = expm1(2x), which keeps its precision near 0: relative error at most 3.5 * 2^-24. */
@inline
export function tanh4(x: v128): v128 {
  x = between(x, constant(48), constant(44));
  x = f32x4.add(x, x);
  const magic = constant(4);
  const shifted = madd(x, constant(0), magic);
  const n = f32x4.sub(shifted, magic);
  const r = nmadd(n, constant(12), nmadd(n, constant(8), x));
  const one = constant(40);
  const power = i32x4.add(i32x4.shl(shifted, 23), one);
  const t = madd(power, expm1Reduced(r), f32x4.sub(power, one));
  return f32x4.div(t, f32x4.add(t, constant(60)));
}

/** e / (1 + e) with e = exp(x): relative error at most 3.5 * 2^-24 from -60 up; below that it stays at exp(-60) = 8.8e-27. */
@inline
export function sigmoid4(x: v128): v128 {
  x = between(x, constant(56), constant(52));
  const magic = constant(4);
  const shifted = madd(x, constant(0), magic);
  const n = f32x4.sub(shifted, magic);
  const r = nmadd(n, constant(12), nmadd(n, constant(8), x));
  const one = constant(40);
  const power = i32x4.add(i32x4.shl(shifted, 23), one);
  const e = madd(power, expm1Reduced(r), power);
  return f32x4.div(e, f32x4.add(one, e));
}

/** exp(x) for x <= 0: relative error at most 2.5 * 2^-24 from -60 up, 0 below. */
@inline
export function expNegative4(x: v128): v128 {
  const low = constant(56);
  const magic = constant(4);
  const bounded = f32x4.pmax(x, low);
  const shifted = madd(bounded, constant(0), magic);
  const n = f32x4.sub(shifted, magic);
  const r = nmadd(n, constant(12), nmadd(n, constant(8), bounded));
  const power = i32x4.add(i32x4.shl(shifted, 23), constant(40));
  return v128.andnot(madd(power, expm1Reduced(r), power), f32x4.lt(x, low));
}
