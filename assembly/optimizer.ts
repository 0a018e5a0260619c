/**
 * Optimizer updates of `length` parameters in place. Step sizes that depend on the update's number are computed by the
 * caller in float64. Gradients and first moments below 2^-100, second moments below 2^-120, and gradients below 2^-55 where
 * they are squared, count as 0, so that no denormal number is stored or computed with.
 */

import { flush, loadLanes, madd, nmadd, storeLanes } from './lanes';

/** Thresholds, in memory because V8 builds a constant vector anew at each use inside a loop. */
const TABLE: usize = memory.data<f32>(
  [
    7.888609052210118e-31, // 0: 2^-100, below which gradients and first moments are 0
    7.52316384526264e-37, // 4: 2^-120, below which second moments are 0
    2.7755575615628914e-17, // 8: 2^-55; a smaller gradient adds less than 2^-110 to a second moment, and counts as 0 there
  ],
  16,
);

@inline
function least(): v128 {
  return v128.load32_splat(TABLE);
}

@inline
function leastSquare(): v128 {
  return v128.load32_splat(TABLE, 4);
}

@inline
function leastSquared(): v128 {
  return v128.load32_splat(TABLE, 8);
}

/** p -= rate * g. */
export function sgd(p: usize, g: usize, length: usize, rate: f32): void {
  const rates = f32x4.splat(rate);
  let i: usize = 0;
  for (const whole = length & ~3; i < whole; i += 4) sgdLanes(p + i * 4, g + i * 4, rates, 4);
  if (i < length) sgdLanes(p + i * 4, g + i * 4, rates, length - i);
}

@inline
function sgdLanes(p: usize, g: usize, rate: v128, lanes: usize): void {
  storeLanes(p, nmadd(rate, flush(loadLanes(g, lanes), least()), loadLanes(p, lanes)), lanes);
}

/** v = momentum * v + g; p -= rate * v. */
export function momentum(p: usize, g: usize, v: usize, length: usize, rate: f32, decay: f32): void {
  const rates = f32x4.splat(rate);
  const decays = f32x4.splat(decay);
  let i: usize = 0;
  for (const whole = length & ~3; i < whole; i += 4) momentumLanes(p + i * 4, g + i * 4, v + i * 4, rates, decays, 4);
  if (i < length) momentumLanes(p + i * 4, g + i * 4, v + i * 4, rates, decays, length - i);
}

@inline
function momentumLanes(p: usize, g: usize, v: usize, rate: v128, decay: v128, lanes: usize): void {
  const velocity = flush(madd(decay, loadLanes(v, lanes), flush(loadLanes(g, lanes), least())), least());
  storeLanes(v, velocity, lanes);
  storeLanes(p, nmadd(rate, velocity, loadLanes(p, lanes)), lanes);
}

/** s = decay * s + (1 - decay) * g^2; p -= rate * g / (sqrt(s) + epsilon). `share` is 1 - decay. */
export function rmsprop(p: usize, g: usize, s: usize, length: usize, rate: f32, decay: f32, share: f32, epsilon: f32): void {
  const rates = f32x4.splat(rate);
  const decays = f32x4.splat(decay);
  const shares = f32x4.splat(share);
  const epsilons = f32x4.splat(epsilon);
  let i: usize = 0;
  for (const whole = length & ~3; i < whole; i += 4) rmspropLanes(p + i * 4, g + i * 4, s + i * 4, rates, decays, shares, epsilons, 4);
  if (i < length) rmspropLanes(p + i * 4, g + i * 4, s + i * 4, rates, decays, shares, epsilons, length - i);
}

@inline
function rmspropLanes(p: usize, g: usize, s: usize, rate: v128, decay: v128, share: v128, epsilon: v128, lanes: usize): void {
  const gradient = flush(loadLanes(g, lanes), least());
  const square = secondMoment(loadLanes(s, lanes), gradient, decay, share);
  storeLanes(s, square, lanes);
  const step = f32x4.div(gradient, f32x4.add(f32x4.sqrt(square), epsilon));
  storeLanes(p, nmadd(rate, step, loadLanes(p, lanes)), lanes);
}

/** decay * s + share * g^2. */
@inline
function secondMoment(s: v128, gradient: v128, decay: v128, share: v128): v128 {
  const counted = flush(gradient, leastSquared());
  return flush(madd(f32x4.mul(share, counted), counted, f32x4.mul(decay, s)), leastSquare());
}

/**
 * p *= keep; m = beta1 m + share1 g; v = beta2 v + share2 g^2; p -= rate * m / (sqrt(v) * correction + epsilon), with
 * share = 1 - beta, rate = learning rate / (1 - beta1^step), correction = 1 / sqrt(1 - beta2^step), and keep 1 but for adamw.
 */
export function adam(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  length: usize,
  rate: f32,
  beta1: f32,
  share1: f32,
  beta2: f32,
  share2: f32,
  correction: f32,
  epsilon: f32,
  keep: f32,
): void {
  const rates = f32x4.splat(rate);
  const decays1 = f32x4.splat(beta1);
  const shares1 = f32x4.splat(share1);
  const decays2 = f32x4.splat(beta2);
  const shares2 = f32x4.splat(share2);
  const corrections = f32x4.splat(correction);
  const epsilons = f32x4.splat(epsilon);
  const keeps = f32x4.splat(keep);
  let i: usize = 0;
  for (const whole = length & ~3; i < whole; i += 4) {
    const at = i * 4;
    adamLanes(p + at, g + at, m + at, v + at, rates, decays1, shares1, decays2, shares2, corrections, epsilons, keeps, 4);
  }
  if (i < length) {
    const at = i * 4;
    adamLanes(p + at, g + at, m + at, v + at, rates, decays1, shares1, decays2, shares2, corrections, epsilons, keeps, length - i);
  }
}

@inline
function adamLanes(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  rate: v128,
  beta1: v128,
  share1: v128,
  beta2: v128,
  share2: v128,
  correction: v128,
  epsilon: v128,
  keep: v128,
  lanes: usize,
): void {
  const gradient = flush(loadLanes(g, lanes), least());
  const mean = flush(madd(beta1, loadLanes(m, lanes), f32x4.mul(share1, gradient)), least());
  storeLanes(m, mean, lanes);
  const square = secondMoment(loadLanes(v, lanes), gradient, beta2, share2);
  storeLanes(v, square, lanes);
  const step = f32x4.div(mean, madd(f32x4.sqrt(square), correction, epsilon));
  storeLanes(p, nmadd(rate, step, f32x4.mul(loadLanes(p, lanes), keep)), lanes);
}
