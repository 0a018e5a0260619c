/** Losses over rows of outputs, with their gradient in place (network/loss/). Positions are byte addresses, sizes in elements. */

import { loadLanes, storeLanes } from './lanes';
import { expNegative4 } from './transcendental';

/**
 * Softmax cross-entropy of R rows [O] with the classes at `classes`: the sum over rows of log(sum_o exp(z_o)) - z_c. With
 * `differentiate`, z becomes `weight` times the gradient, whose element c is minus the sum of the others: it keeps its digits where the
 * probability of c is nearly 1.
 */
export function softmaxCrossEntropy(z: usize, classes: usize, R: usize, O: usize, differentiate: bool, weight: f32): f64 {
  let total: f64 = 0;
  for (let r: usize = 0; r < R; r++, z += O * 4) {
    const c = load<i32>(classes + r * 4) as usize;
    const largest = largestOf(z, O);
    const chosen = load<f32>(z + c * 4);
    const sum = differentiate ? exponentials(z, O, c, largest, true) : exponentials(z, O, c, largest, false);
    const ofChosen = Math.exp(chosen as f64 - largest as f64);
    // log(sum + e_c) - (z_c - largest), where e_c is 1 and the sum small if the row is nearly right.
    total += Math.log1p(sum + (ofChosen - 1)) - (chosen as f64 - largest as f64);
    if (!differentiate) continue;
    const factor = (weight as f64) / (sum + ofChosen);
    scaleTo(z, O, factor as f32);
    store<f32>(z + c * 4, (-sum * factor) as f32);
  }
  return total;
}

/** NaN if one is. */
function largestOf(z: usize, O: usize): f32 {
  const whole = O & ~3;
  let lanes = f32x4.splat(-Infinity);
  for (let o: usize = 0; o < whole; o += 4) lanes = f32x4.max(lanes, v128.load(z + o * 4));
  let largest = max(
    max(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
    max(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
  );
  for (let o = whole; o < O; o++) largest = max(largest, load<f32>(z + o * 4));
  return largest;
}

/** The sum of exp(z_o - largest) over all o but c; z becomes these numbers if `keep`. */
@inline
function exponentials(z: usize, O: usize, c: usize, largest: f32, keep: bool): f64 {
  const held = load<f32>(z + c * 4);
  // It counts as 0 in the sum; a NaN in it has come into `largest`.
  store<f32>(z + c * 4, -Infinity);
  const top = f32x4.splat(largest);
  const whole = O & ~3;
  let even = f64x2.splat(0);
  let odd = even;
  for (let o: usize = 0; o < whole; o += 4) {
    const value = expNegative4(f32x4.sub(v128.load(z + o * 4), top));
    if (keep) v128.store(z + o * 4, value);
    even = f64x2.add(even, f64x2.promote_low_f32x4(value));
    odd = f64x2.add(odd, f64x2.promote_low_f32x4(v128.shuffle<f32>(value, value, 2, 3, 2, 3)));
  }
  const sums = f64x2.add(even, odd);
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  const rest = O - whole;
  if (rest > 0) {
    const value = expNegative4(f32x4.sub(loadLanes(z + whole * 4, rest), top));
    sum += f32x4.extract_lane(value, 0);
    if (rest > 1) sum += f32x4.extract_lane(value, 1);
    if (rest > 2) sum += f32x4.extract_lane(value, 2);
    if (keep) storeLanes(z + whole * 4, value, rest);
  }
  if (!keep) store<f32>(z + c * 4, held);
  return sum;
}

function scaleTo(z: usize, O: usize, factor: f32): void {
  const factors = f32x4.splat(factor);
  const whole = O & ~3;
  for (let o: usize = 0; o < whole; o += 4) v128.store(z + o * 4, f32x4.mul(v128.load(z + o * 4), factors));
  for (let o = whole; o < O; o++) store<f32>(z + o * 4, load<f32>(z + o * 4) * factor);
}
