/**
 * The weight gradients of one recurrent layer over some steps, added up by parts: each part of the batch (always the same sequences,
 * whoever takes it) has sums of its own, so that a thread goes on with the rows that it has just computed, and the bits do not
 * depend on how many threads there are. With it ends the mantissa form of those rows (network/unroll/rowScale.ts).
 *
 * What is to be done is described by 32-bit words in memory, in the order of src/compute/wasm/partialGradients.ts.
 */

import { add, scaleRows } from './elementwise';
import { multiplyTransposedBlocks } from './gradient';
import { addColumnSums } from './reduce';

/** `scaleRows` makes smaller results 0: 2^-100. */
const LEAST_SCALED: f32 = 7.888609052210118e-31;
/** The largest power of two that a factor can hold; larger ones come in portions, after three of which any mantissa is infinite. */
const TOP: i32 = 127;
/** The smallest normal power of two, and the smallest of all. */
const NORMAL: i32 = -126;
const SMALLEST: i32 = -149;

/** The words, in the order of src/compute/wasm/partialGradients.ts. */
@unmanaged
class Partial {
  /** Steps [from, to). */
  from: usize;
  to: usize;
  B: usize;
  H: usize;
  parts: usize;
  /** Rows of gradients [T * B], and their columns: of all, of those that the input goes into, and of those that the recurrent matrix goes into. */
  pre: usize;
  columns: usize;
  entered: usize;
  joined: usize;
  /** The same of the recurrent term kept apart. */
  apart: usize;
  apartColumns: usize;
  /** [T * B] exponents of those rows, or 0 where all are 0. */
  exponents: usize;
  /** [T * B, H] what the recurrent matrix has read at each step. */
  read: usize;
  /** [T * B, width] what the layer has read, or 0 where its gradient is not wanted. */
  input: usize;
  width: usize;
  /** For each part, `bytes` apart: [entered, width], [joined + apartColumns, H], [columns], [apartColumns], and room for one number. */
  sums: usize;
  bytes: usize;
  /** Whether the sums start from 0. */
  begins: i32;
}

/** Those of parts p0 to p1 - 1. */
export function addPartialGradients(at: usize, p0: usize, p1: usize): void {
  const all = changetype<Partial>(at);
  for (let part = p0; part < p1; part++) {
    const sums = all.sums + part * all.bytes;
    if (all.begins) memory.fill(sums, 0, all.bytes);
    const b0 = (all.B * part) / all.parts;
    const n = (all.B * (part + 1)) / all.parts - b0;
    if (n == 0 || all.from == all.to) continue;
    if (all.exponents != 0) endMantissas(all, b0, n, sums + all.bytes - 4);
    addPart(all, b0, n, sums);
  }
}

function addPart(all: Partial, b0: usize, n: usize, sums: usize): void {
  const B = all.B;
  const steps = all.to - all.from;
  const K = steps * n;
  const first = all.from * B + b0;
  const row = all.columns * 4;
  const pre = all.pre + first * row;
  const readRow = all.H * 4;
  const read = all.read + first * readRow;
  let to = sums;
  if (all.input != 0) {
    const inputRow = all.width * 4;
    const input = all.input + first * inputRow;
    multiplyTransposedBlocks(pre, row, B * row, input, inputRow, B * inputRow, n, all.entered, all.width, K, to, inputRow);
  }
  to += all.entered * all.width * 4;
  if (all.joined > 0) multiplyTransposedBlocks(pre, row, B * row, read, readRow, B * readRow, n, all.joined, all.H, K, to, readRow);
  to += all.joined * readRow;
  const apartRow = all.apartColumns * 4;
  const apart = all.apart + first * apartRow;
  if (apartRow > 0) {
    multiplyTransposedBlocks(apart, apartRow, B * apartRow, read, readRow, B * readRow, n, all.apartColumns, all.H, K, to, readRow);
    to += all.apartColumns * readRow;
  }
  for (let step: usize = 0; step < steps; step++) {
    addColumnSums(pre + step * B * row, row, n, all.columns, to);
    if (apartRow > 0) addColumnSums(apart + step * B * apartRow, apartRow, n, all.apartColumns, to + row);
  }
}

/** Multiplies the rows of n sequences with 2^exponent. */
function endMantissas(all: Partial, b0: usize, n: usize, factor: usize): void {
  for (let t = all.from; t < all.to; t++) {
    for (let index = t * all.B + b0, end = index + n; index < end; index++) {
      const exponent = load<i32>(all.exponents + index * 4);
      if (exponent == 0) continue;
      let portion = min(exponent, TOP);
      let rest = min(exponent, 3 * TOP) - portion;
      for (;;) {
        store<f32>(factor, powerOfTwo(portion));
        scaleRows(all.pre + index * all.columns * 4, 1, all.columns, factor, LEAST_SCALED);
        if (all.apartColumns > 0) scaleRows(all.apart + index * all.apartColumns * 4, 1, all.apartColumns, factor, LEAST_SCALED);
        if (rest <= 0) break;
        portion = min(rest, TOP);
        rest -= portion;
      }
    }
  }
}

/** 2^n for n up to 127, rounded to float32. */
function powerOfTwo(n: i32): f32 {
  if (n < SMALLEST) return 0;
  if (n < NORMAL) return reinterpret<f32>(1 << (n - SMALLEST));
  return reinterpret<f32>((n + TOP) << 23);
}

/** out += the sums of all parts, first to last, of `length` numbers from `sums` on, `bytes` from part to part; the first part's are overwritten. */
export function addParts(sums: usize, bytes: usize, parts: usize, length: usize, out: usize): void {
  for (let part: usize = 1; part < parts; part++) add(sums + part * bytes, sums, length);
  add(sums, out, length);
}
