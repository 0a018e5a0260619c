/**
 * One time step of the cells whose units keep their states without a recurrent matrix, as `gates.ts` has it for the others: minGRU
 * and LRU, whose formulas are in src/network/cell/. `pre` is [B, G*H]; states and their gradients are [B, H].
 */

import { flush, loadLanes, madd, nmadd, storeLanes } from './lanes';
import { sigmoid4 } from './transcendental';

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

/** h = (1 - z) n + z h_prev; pre <- z, n. */
export function mingruForward(pre: usize, hPrevious: usize, h: usize, B: usize, H: usize): void {
  const block = H * 4;
  const whole = H & ~3;
  for (let b: usize = 0; b < B; b++) {
    let j: usize = 0;
    for (; j < whole; j += 4) mingruForwardLanes(pre + j * 4, block, hPrevious + j * 4, h + j * 4, 4);
    if (j < H) mingruForwardLanes(pre + j * 4, block, hPrevious + j * 4, h + j * 4, H - j);
    pre += 2 * block;
    hPrevious += block;
    h += block;
  }
}

@inline
function mingruForwardLanes(pre: usize, block: usize, hPrevious: usize, h: usize, lanes: usize): void {
  const kept = sigmoid4(loadLanes(pre, lanes));
  storeLanes(pre, kept, lanes);
  const old = f32x4.mul(kept, loadLanes(hPrevious, lanes));
  storeLanes(h, settle(madd(f32x4.sub(ones(), kept), loadLanes(pre + block, lanes), old)), lanes);
}

/** pre <- gradients of z before its function, and of n; dh <- z dh. */
export function mingruBackward(pre: usize, hPrevious: usize, dh: usize, B: usize, H: usize): void {
  const block = H * 4;
  const whole = H & ~3;
  for (let b: usize = 0; b < B; b++) {
    let j: usize = 0;
    for (; j < whole; j += 4) mingruBackwardLanes(pre + j * 4, block, hPrevious + j * 4, dh + j * 4, 4);
    if (j < H) mingruBackwardLanes(pre + j * 4, block, hPrevious + j * 4, dh + j * 4, H - j);
    pre += 2 * block;
    hPrevious += block;
    dh += block;
  }
}

@inline
function mingruBackwardLanes(pre: usize, block: usize, hPrevious: usize, dh: usize, lanes: usize): void {
  const kept = loadLanes(pre, lanes);
  const dHidden = loadLanes(dh, lanes);
  const dCandidate = f32x4.mul(dHidden, f32x4.sub(ones(), kept));
  const change = f32x4.sub(loadLanes(hPrevious, lanes), loadLanes(pre + block, lanes));
  storeLanes(pre, settle(f32x4.mul(f32x4.mul(dCandidate, kept), change)), lanes);
  storeLanes(pre + block, settle(dCandidate), lanes);
  storeLanes(dh, settle(f32x4.mul(dHidden, kept)), lanes);
}

/** x = h + i imag; x = lambda x_prev + gamma s u; pre <- Re u, Im u, s. `units` is [3, H]: Re lambda, Im lambda, gamma. */
export function lruForward(
  pre: usize,
  units: usize,
  hPrevious: usize,
  imagPrevious: usize,
  h: usize,
  imag: usize,
  B: usize,
  H: usize,
): void {
  const block = H * 4;
  const whole = H & ~3;
  for (let b: usize = 0; b < B; b++) {
    let j: usize = 0;
    for (; j < whole; j += 4) lruForwardLanes(pre, units, hPrevious, imagPrevious, h, imag, block, j * 4, 4);
    if (j < H) lruForwardLanes(pre, units, hPrevious, imagPrevious, h, imag, block, j * 4, H - j);
    pre += 6 * block;
    hPrevious += block;
    imagPrevious += block;
    h += block;
    imag += block;
  }
}

@inline
function lruForwardLanes(
  pre: usize,
  units: usize,
  hPrevious: usize,
  imagPrevious: usize,
  h: usize,
  imag: usize,
  block: usize,
  at: usize,
  lanes: usize,
): void {
  const real = loadLanes(units + at, lanes);
  const imaginary = loadLanes(units + block + at, lanes);
  const open = sigmoid4(loadLanes(pre + 2 * block + at, lanes));
  storeLanes(pre + 2 * block + at, open, lanes);
  const weight = f32x4.mul(loadLanes(units + 2 * block + at, lanes), open);
  const x = loadLanes(hPrevious + at, lanes);
  const y = loadLanes(imagPrevious + at, lanes);
  const intoX = f32x4.mul(weight, loadLanes(pre + at, lanes));
  const intoY = f32x4.mul(weight, loadLanes(pre + block + at, lanes));
  storeLanes(h + at, settle(nmadd(imaginary, y, madd(real, x, intoX))), lanes);
  storeLanes(imag + at, settle(madd(imaginary, x, madd(real, y, intoY))), lanes);
}

/** pre <- gradients of Re u, Im u, of s before its function, and of Re lambda, Im lambda, gamma; dh, dImag <- conj(lambda) times them. */
export function lruBackward(
  pre: usize,
  units: usize,
  hPrevious: usize,
  imagPrevious: usize,
  dh: usize,
  dImag: usize,
  B: usize,
  H: usize,
): void {
  const block = H * 4;
  const whole = H & ~3;
  for (let b: usize = 0; b < B; b++) {
    let j: usize = 0;
    for (; j < whole; j += 4) lruBackwardLanes(pre, units, hPrevious, imagPrevious, dh, dImag, block, j * 4, 4);
    if (j < H) lruBackwardLanes(pre, units, hPrevious, imagPrevious, dh, dImag, block, j * 4, H - j);
    pre += 6 * block;
    hPrevious += block;
    imagPrevious += block;
    dh += block;
    dImag += block;
  }
}

@inline
function lruBackwardLanes(
  pre: usize,
  units: usize,
  hPrevious: usize,
  imagPrevious: usize,
  dh: usize,
  dImag: usize,
  block: usize,
  at: usize,
  lanes: usize,
): void {
  const real = loadLanes(units + at, lanes);
  const imaginary = loadLanes(units + block + at, lanes);
  const gamma = loadLanes(units + 2 * block + at, lanes);
  const open = loadLanes(pre + 2 * block + at, lanes);
  const dx = loadLanes(dh + at, lanes);
  const dy = loadLanes(dImag + at, lanes);
  const x = loadLanes(hPrevious + at, lanes);
  const y = loadLanes(imagPrevious + at, lanes);
  const along = madd(dx, loadLanes(pre + at, lanes), f32x4.mul(dy, loadLanes(pre + block + at, lanes)));
  const weight = f32x4.mul(gamma, open);
  storeLanes(pre + at, settle(f32x4.mul(weight, dx)), lanes);
  storeLanes(pre + block + at, settle(f32x4.mul(weight, dy)), lanes);
  storeLanes(pre + 2 * block + at, settle(f32x4.mul(f32x4.mul(weight, along), f32x4.sub(ones(), open))), lanes);
  storeLanes(pre + 3 * block + at, settle(madd(dx, x, f32x4.mul(dy, y))), lanes);
  storeLanes(pre + 4 * block + at, settle(nmadd(dx, y, f32x4.mul(dy, x))), lanes);
  storeLanes(pre + 5 * block + at, settle(f32x4.mul(open, along)), lanes);
  storeLanes(dh + at, settle(madd(real, dx, f32x4.mul(imaginary, dy))), lanes);
  storeLanes(dImag + at, settle(nmadd(imaginary, dx, f32x4.mul(real, dy))), lanes);
}
