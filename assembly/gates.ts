/**
 * One time step of B sequences of a recurrent cell with H units, forward and backward, in one pass over memory. The
 * formulas are those of PyTorch's cells; `pre` is [B, G*H], a block of H for each gate, and holds afterwards what the
 * backward step reads (forward) or dL/d(pre-activation) (backward). States and their gradients are [B, H]. Results below
 * 2^-90 in magnitude become 0, so that no denormal number enters a later product.
 */

import { flush, loadLanes, madd, nmadd, storeLanes } from './lanes';
import { sigmoid4, tanh4 } from './transcendental';

/** In memory because V8 builds a constant vector anew at each use inside a loop. */
const TABLE: usize = memory.data<f32>([8.077935669463161e-28, 1.0], 16); // 2^-90, 1

@inline
function settle(x: v128): v128 {
  return flush(x, v128.load32_splat(TABLE));
}

@inline
function ones(): v128 {
  return v128.load32_splat(TABLE, 4);
}

/** h = tanh(pre), over `length` = B*H elements; pre <- h. */
export function tanhForward(pre: usize, h: usize, length: usize): void {
  let i: usize = 0;
  for (const whole = length & ~3; i < whole; i += 4) both(pre + i * 4, h + i * 4, settle(tanh4(v128.load(pre + i * 4))), 4);
  if (i < length) both(pre + i * 4, h + i * 4, settle(tanh4(loadLanes(pre + i * 4, length - i))), length - i);
}

/** Stores a value at two places. */
@inline
function both(pre: usize, h: usize, value: v128, lanes: usize): void {
  storeLanes(pre, value, lanes);
  storeLanes(h, value, lanes);
}

/** pre holds h; pre <- dh (1 - h^2); dh <- 0. */
export function tanhBackward(pre: usize, dh: usize, length: usize): void {
  let i: usize = 0;
  for (const whole = length & ~3; i < whole; i += 4) tanhBackwardLanes(pre + i * 4, dh + i * 4, 4);
  if (i < length) tanhBackwardLanes(pre + i * 4, dh + i * 4, length - i);
}

@inline
function tanhBackwardLanes(pre: usize, dh: usize, lanes: usize): void {
  const value = loadLanes(pre, lanes);
  storeLanes(pre, settle(f32x4.mul(loadLanes(dh, lanes), nmadd(value, value, ones()))), lanes);
  storeLanes(dh, i32x4.splat(0), lanes);
}

/** h = max(pre, 0), a NaN staying NaN; pre <- h. */
export function reluForward(pre: usize, h: usize, length: usize): void {
  let i: usize = 0;
  for (const whole = length & ~3; i < whole; i += 4) both(pre + i * 4, h + i * 4, relu(v128.load(pre + i * 4)), 4);
  if (i < length) both(pre + i * 4, h + i * 4, relu(loadLanes(pre + i * 4, length - i)), length - i);
}

@inline
function relu(x: v128): v128 {
  return settle(f32x4.pmax(x, f32x4.splat(0)));
}

/** pre holds h; pre <- dh where h > 0, else 0; dh <- 0. */
export function reluBackward(pre: usize, dh: usize, length: usize): void {
  let i: usize = 0;
  for (const whole = length & ~3; i < whole; i += 4) reluBackwardLanes(pre + i * 4, dh + i * 4, 4);
  if (i < length) reluBackwardLanes(pre + i * 4, dh + i * 4, length - i);
}

@inline
function reluBackwardLanes(pre: usize, dh: usize, lanes: usize): void {
  const zero = i32x4.splat(0);
  const open = f32x4.gt(loadLanes(pre, lanes), zero);
  storeLanes(pre, settle(v128.and(loadLanes(dh, lanes), open)), lanes);
  storeLanes(dh, zero, lanes);
}

/**
 * c = f c_prev + i g; h = o tanh(c); pre <- i, f, g, o after their functions. Row by row in two passes, first the gates and then
 * the states: within a pass no value waits for another, so that the processor works on several at once.
 */
export function lstmForward(pre: usize, cPrevious: usize, h: usize, c: usize, B: usize, H: usize): void {
  const block = H * 4;
  const whole = H & ~3;
  for (let b: usize = 0; b < B; b++) {
    sigmoidInPlace(pre, 2 * H);
    tanhInPlace(pre + 2 * block, H);
    sigmoidInPlace(pre + 3 * block, H);
    let j: usize = 0;
    for (; j < whole; j += 4) lstmStateLanes(pre + j * 4, block, cPrevious + j * 4, h + j * 4, c + j * 4, 4);
    if (j < H) lstmStateLanes(pre + j * 4, block, cPrevious + j * 4, h + j * 4, c + j * 4, H - j);
    pre += 4 * block;
    cPrevious += block;
    h += block;
    c += block;
  }
}

function sigmoidInPlace(x: usize, length: usize): void {
  const end = x + (length & ~3) * 4;
  for (; x < end; x += 16) v128.store(x, sigmoid4(v128.load(x)));
  const rest = length & 3;
  if (rest > 0) storeLanes(x, sigmoid4(loadLanes(x, rest)), rest);
}

function tanhInPlace(x: usize, length: usize): void {
  const end = x + (length & ~3) * 4;
  for (; x < end; x += 16) v128.store(x, settle(tanh4(v128.load(x))));
  const rest = length & 3;
  if (rest > 0) storeLanes(x, settle(tanh4(loadLanes(x, rest))), rest);
}

@inline
function lstmStateLanes(gates: usize, block: usize, cPrevious: usize, h: usize, c: usize, lanes: usize): void {
  const written = f32x4.mul(loadLanes(gates, lanes), loadLanes(gates + 2 * block, lanes));
  const cell = settle(madd(loadLanes(gates + block, lanes), loadLanes(cPrevious, lanes), written));
  storeLanes(c, cell, lanes);
  storeLanes(h, settle(f32x4.mul(loadLanes(gates + 3 * block, lanes), tanh4(cell))), lanes);
}

/** With tanh(c) computed again: pre <- gradients of i, f, g, o before their functions; dc <- f dc_total; dh <- 0. */
export function lstmBackward(pre: usize, cPrevious: usize, c: usize, dh: usize, dc: usize, B: usize, H: usize): void {
  const block = H * 4;
  const whole = H & ~3;
  for (let b: usize = 0; b < B; b++) {
    let j: usize = 0;
    for (; j < whole; j += 4) lstmBackwardLanes(pre + j * 4, block, cPrevious + j * 4, c + j * 4, dh + j * 4, dc + j * 4, 4);
    if (j < H) lstmBackwardLanes(pre + j * 4, block, cPrevious + j * 4, c + j * 4, dh + j * 4, dc + j * 4, H - j);
    pre += 4 * block;
    cPrevious += block;
    c += block;
    dh += block;
    dc += block;
  }
}

@inline
function lstmBackwardLanes(pre: usize, block: usize, cPrevious: usize, c: usize, dh: usize, dc: usize, lanes: usize): void {
  const one = ones();
  const input = loadLanes(pre, lanes);
  const forget = loadLanes(pre + block, lanes);
  const candidate = loadLanes(pre + 2 * block, lanes);
  const output = loadLanes(pre + 3 * block, lanes);
  const squashed = tanh4(loadLanes(c, lanes));
  const dHidden = loadLanes(dh, lanes);
  const throughOutput = f32x4.mul(dHidden, output);
  const dCell = madd(throughOutput, nmadd(squashed, squashed, one), loadLanes(dc, lanes));
  const dCellInput = f32x4.mul(dCell, input);
  storeLanes(pre, settle(f32x4.mul(f32x4.mul(dCellInput, candidate), f32x4.sub(one, input))), lanes);
  const dCellForget = f32x4.mul(dCell, forget);
  storeLanes(pre + block, settle(f32x4.mul(f32x4.mul(dCellForget, loadLanes(cPrevious, lanes)), f32x4.sub(one, forget))), lanes);
  storeLanes(pre + 2 * block, settle(f32x4.mul(dCellInput, nmadd(candidate, candidate, one))), lanes);
  storeLanes(pre + 3 * block, settle(f32x4.mul(f32x4.mul(throughOutput, squashed), f32x4.sub(one, output))), lanes);
  storeLanes(dc, settle(dCellForget), lanes);
  storeLanes(dh, i32x4.splat(0), lanes);
}

/** n = tanh(pre_n + r apart); h = (1 - z) n + z h_prev; pre <- r, z, n. */
export function gruForward(pre: usize, apart: usize, hPrevious: usize, h: usize, B: usize, H: usize): void {
  const block = H * 4;
  const whole = H & ~3;
  for (let b: usize = 0; b < B; b++) {
    sigmoidInPlace(pre, 2 * H);
    let j: usize = 0;
    for (; j < whole; j += 4) gruForwardLanes(pre + j * 4, block, apart + j * 4, hPrevious + j * 4, h + j * 4, 4);
    if (j < H) gruForwardLanes(pre + j * 4, block, apart + j * 4, hPrevious + j * 4, h + j * 4, H - j);
    pre += 3 * block;
    apart += block;
    hPrevious += block;
    h += block;
  }
}

@inline
function gruForwardLanes(pre: usize, block: usize, apart: usize, hPrevious: usize, h: usize, lanes: usize): void {
  const reset = loadLanes(pre, lanes);
  const update = loadLanes(pre + block, lanes);
  const candidate = settle(tanh4(madd(reset, loadLanes(apart, lanes), loadLanes(pre + 2 * block, lanes))));
  storeLanes(pre + 2 * block, candidate, lanes);
  const kept = f32x4.mul(update, loadLanes(hPrevious, lanes));
  storeLanes(h, settle(madd(f32x4.sub(ones(), update), candidate, kept)), lanes);
}

/** pre <- gradients of r, z, n before their functions; apart <- dL/d(apart); dh <- z dh. */
export function gruBackward(pre: usize, apart: usize, hPrevious: usize, dh: usize, B: usize, H: usize): void {
  const block = H * 4;
  const whole = H & ~3;
  for (let b: usize = 0; b < B; b++) {
    let j: usize = 0;
    for (; j < whole; j += 4) gruBackwardLanes(pre + j * 4, block, apart + j * 4, hPrevious + j * 4, dh + j * 4, 4);
    if (j < H) gruBackwardLanes(pre + j * 4, block, apart + j * 4, hPrevious + j * 4, dh + j * 4, H - j);
    pre += 3 * block;
    apart += block;
    hPrevious += block;
    dh += block;
  }
}

@inline
function gruBackwardLanes(pre: usize, block: usize, apart: usize, hPrevious: usize, dh: usize, lanes: usize): void {
  const one = ones();
  const reset = loadLanes(pre, lanes);
  const update = loadLanes(pre + block, lanes);
  const candidate = loadLanes(pre + 2 * block, lanes);
  const dHidden = loadLanes(dh, lanes);
  const notUpdate = f32x4.sub(one, update);
  const dUpdated = f32x4.mul(dHidden, update);
  const dCandidate = f32x4.mul(f32x4.mul(dHidden, notUpdate), nmadd(candidate, candidate, one));
  const dApart = f32x4.mul(dCandidate, reset);
  storeLanes(pre, settle(f32x4.mul(f32x4.mul(dApart, loadLanes(apart, lanes)), f32x4.sub(one, reset))), lanes);
  const change = f32x4.sub(loadLanes(hPrevious, lanes), candidate);
  storeLanes(pre + block, settle(f32x4.mul(f32x4.mul(dUpdated, notUpdate), change)), lanes);
  storeLanes(pre + 2 * block, settle(dCandidate), lanes);
  storeLanes(apart, settle(dApart), lanes);
  storeLanes(dh, settle(dUpdated), lanes);
}
