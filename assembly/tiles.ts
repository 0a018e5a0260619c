/**
 * The tiles of the matrix product: C[h, w] = initial + A[h, K] * B[K, w], named `tile<h>x<w>`. 6x8 is the widest that fits
 * the 16 vector registers of x86-64 (12 sums, 2 of B, 1 of A, one kept by the engine); two multiply-adds a cycle with a
 * latency of 4 need at least 8 independent sums, so few rows take more columns. Every element is summed over k in ascending
 * order in every tile, so that a row of the product has the same bits whatever the number of rows around it.
 *
 * A is read in place, rows `aStride` bytes apart; B is one packed panel (8 columns, k after k, 32 bytes each) from `b` to
 * `bEnd`, and in the wide tiles the panels that follow it at distances of `panel` bytes. The sums start from the rows at
 * `init`, `initStride` bytes apart: those of C, one bias for all (stride 0), or zeros.
 */

import { madd } from './lanes';

export function tile6x8(a: usize, aStride: usize, b: usize, bEnd: usize, c: usize, cStride: usize, init: usize, initStride: usize): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  init += initStride;
  let c10 = v128.load(init);
  let c11 = v128.load(init, 16);
  init += initStride;
  let c20 = v128.load(init);
  let c21 = v128.load(init, 16);
  init += initStride;
  let c30 = v128.load(init);
  let c31 = v128.load(init, 16);
  init += initStride;
  let c40 = v128.load(init);
  let c41 = v128.load(init, 16);
  init += initStride;
  let c50 = v128.load(init);
  let c51 = v128.load(init, 16);
  let a1 = a + aStride;
  let a2 = a1 + aStride;
  let a3 = a2 + aStride;
  let a4 = a3 + aStride;
  let a5 = a4 + aStride;
  let x: v128;
  let y0: v128;
  let y1: v128;
  while (b < bEnd) {
    y0 = v128.load(b);
    y1 = v128.load(b, 16);
    x = v128.load32_splat(a);
    c00 = madd(x, y0, c00);
    c01 = madd(x, y1, c01);
    x = v128.load32_splat(a1);
    c10 = madd(x, y0, c10);
    c11 = madd(x, y1, c11);
    x = v128.load32_splat(a2);
    c20 = madd(x, y0, c20);
    c21 = madd(x, y1, c21);
    x = v128.load32_splat(a3);
    c30 = madd(x, y0, c30);
    c31 = madd(x, y1, c31);
    x = v128.load32_splat(a4);
    c40 = madd(x, y0, c40);
    c41 = madd(x, y1, c41);
    x = v128.load32_splat(a5);
    c50 = madd(x, y0, c50);
    c51 = madd(x, y1, c51);
    a += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
    a4 += 4;
    a5 += 4;
    b += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cStride;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += cStride;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += cStride;
  v128.store(c, c30);
  v128.store(c, c31, 16);
  c += cStride;
  v128.store(c, c40);
  v128.store(c, c41, 16);
  c += cStride;
  v128.store(c, c50);
  v128.store(c, c51, 16);
}

export function tile4x8(a: usize, aStride: usize, b: usize, bEnd: usize, c: usize, cStride: usize, init: usize, initStride: usize): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  init += initStride;
  let c10 = v128.load(init);
  let c11 = v128.load(init, 16);
  init += initStride;
  let c20 = v128.load(init);
  let c21 = v128.load(init, 16);
  init += initStride;
  let c30 = v128.load(init);
  let c31 = v128.load(init, 16);
  let a1 = a + aStride;
  let a2 = a1 + aStride;
  let a3 = a2 + aStride;
  let x: v128;
  let y0: v128;
  let y1: v128;
  while (b < bEnd) {
    y0 = v128.load(b);
    y1 = v128.load(b, 16);
    x = v128.load32_splat(a);
    c00 = madd(x, y0, c00);
    c01 = madd(x, y1, c01);
    x = v128.load32_splat(a1);
    c10 = madd(x, y0, c10);
    c11 = madd(x, y1, c11);
    x = v128.load32_splat(a2);
    c20 = madd(x, y0, c20);
    c21 = madd(x, y1, c21);
    x = v128.load32_splat(a3);
    c30 = madd(x, y0, c30);
    c31 = madd(x, y1, c31);
    a += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
    b += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cStride;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += cStride;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += cStride;
  v128.store(c, c30);
  v128.store(c, c31, 16);
}

export function tile3x8(a: usize, aStride: usize, b: usize, bEnd: usize, c: usize, cStride: usize, init: usize, initStride: usize): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  init += initStride;
  let c10 = v128.load(init);
  let c11 = v128.load(init, 16);
  init += initStride;
  let c20 = v128.load(init);
  let c21 = v128.load(init, 16);
  let a1 = a + aStride;
  let a2 = a1 + aStride;
  let x: v128;
  let y0: v128;
  let y1: v128;
  while (b < bEnd) {
    y0 = v128.load(b);
    y1 = v128.load(b, 16);
    x = v128.load32_splat(a);
    c00 = madd(x, y0, c00);
    c01 = madd(x, y1, c01);
    x = v128.load32_splat(a1);
    c10 = madd(x, y0, c10);
    c11 = madd(x, y1, c11);
    x = v128.load32_splat(a2);
    c20 = madd(x, y0, c20);
    c21 = madd(x, y1, c21);
    a += 4;
    a1 += 4;
    a2 += 4;
    b += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cStride;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += cStride;
  v128.store(c, c20);
  v128.store(c, c21, 16);
}

export function tile2x16(
  a: usize,
  aStride: usize,
  b: usize,
  bEnd: usize,
  panel: usize,
  c: usize,
  cStride: usize,
  init: usize,
  initStride: usize,
): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  let c02 = v128.load(init, 32);
  let c03 = v128.load(init, 48);
  init += initStride;
  let c10 = v128.load(init);
  let c11 = v128.load(init, 16);
  let c12 = v128.load(init, 32);
  let c13 = v128.load(init, 48);
  let a1 = a + aStride;
  let b1 = b + panel;
  let x: v128;
  let y0: v128;
  let y1: v128;
  while (b < bEnd) {
    y0 = v128.load(b);
    y1 = v128.load(b, 16);
    x = v128.load32_splat(a);
    c00 = madd(x, y0, c00);
    c01 = madd(x, y1, c01);
    x = v128.load32_splat(a1);
    c10 = madd(x, y0, c10);
    c11 = madd(x, y1, c11);
    y0 = v128.load(b1);
    y1 = v128.load(b1, 16);
    x = v128.load32_splat(a);
    c02 = madd(x, y0, c02);
    c03 = madd(x, y1, c03);
    x = v128.load32_splat(a1);
    c12 = madd(x, y0, c12);
    c13 = madd(x, y1, c13);
    a += 4;
    a1 += 4;
    b += 32;
    b1 += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c, c02, 32);
  v128.store(c, c03, 48);
  c += cStride;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  v128.store(c, c12, 32);
  v128.store(c, c13, 48);
}

export function tile2x8(a: usize, aStride: usize, b: usize, bEnd: usize, c: usize, cStride: usize, init: usize, initStride: usize): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  init += initStride;
  let c10 = v128.load(init);
  let c11 = v128.load(init, 16);
  let a1 = a + aStride;
  let x: v128;
  let y0: v128;
  let y1: v128;
  while (b < bEnd) {
    y0 = v128.load(b);
    y1 = v128.load(b, 16);
    x = v128.load32_splat(a);
    c00 = madd(x, y0, c00);
    c01 = madd(x, y1, c01);
    x = v128.load32_splat(a1);
    c10 = madd(x, y0, c10);
    c11 = madd(x, y1, c11);
    a += 4;
    a1 += 4;
    b += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cStride;
  v128.store(c, c10);
  v128.store(c, c11, 16);
}

export function tile1x32(
  a: usize,
  aStride: usize,
  b: usize,
  bEnd: usize,
  panel: usize,
  c: usize,
  cStride: usize,
  init: usize,
  initStride: usize,
): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  let c02 = v128.load(init, 32);
  let c03 = v128.load(init, 48);
  let c04 = v128.load(init, 64);
  let c05 = v128.load(init, 80);
  let c06 = v128.load(init, 96);
  let c07 = v128.load(init, 112);
  let b1 = b + panel;
  let b2 = b1 + panel;
  let b3 = b2 + panel;
  let x: v128;
  while (b < bEnd) {
    x = v128.load32_splat(a);
    c00 = madd(x, v128.load(b), c00);
    c01 = madd(x, v128.load(b, 16), c01);
    c02 = madd(x, v128.load(b1), c02);
    c03 = madd(x, v128.load(b1, 16), c03);
    c04 = madd(x, v128.load(b2), c04);
    c05 = madd(x, v128.load(b2, 16), c05);
    c06 = madd(x, v128.load(b3), c06);
    c07 = madd(x, v128.load(b3, 16), c07);
    a += 4;
    b += 32;
    b1 += 32;
    b2 += 32;
    b3 += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c, c02, 32);
  v128.store(c, c03, 48);
  v128.store(c, c04, 64);
  v128.store(c, c05, 80);
  v128.store(c, c06, 96);
  v128.store(c, c07, 112);
}

export function tile1x8(a: usize, aStride: usize, b: usize, bEnd: usize, c: usize, cStride: usize, init: usize, initStride: usize): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  let x: v128;
  while (b < bEnd) {
    x = v128.load32_splat(a);
    c00 = madd(x, v128.load(b), c00);
    c01 = madd(x, v128.load(b, 16), c01);
    a += 4;
    b += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
}
