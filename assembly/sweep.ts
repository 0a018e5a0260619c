/**
 * The steps of one recurrent layer for sequences b0 to b1 - 1, forward or backward: the loops of network/unroll/recurrentLayer.ts
 * with the scaling of network/unroll/rowScale.ts, without a return to TypeScript between steps. Sequences do not touch each
 * other, so that threads can each take some of them; the bits of a sequence do not depend on who takes which.
 *
 * A layer is described by 32-bit words in memory, in the order of src/compute/wasm/sweep.ts.
 */

import { lruBackward, lruForward, mingruBackward, mingruForward } from './diagonal';
import { add, gatherRows, scaleRows } from './elementwise';
import { gruBackward, gruForward, lstmBackward, lstmForward, reluBackward, reluForward, tanhBackward, tanhForward } from './gates';
import { anyProduct } from './native';
import { maximizeRows } from './reduce';
import { watchStates } from './watch';

const FROM_ZERO: i32 = 0;
const FROM_C: i32 = 1;
const FROM_BIAS: i32 = 2;

/** Cells, by number. */
const TANH: i32 = 0;
const RELU: i32 = 1;
const LSTM: i32 = 2;
const GRU: i32 = 3;
/** From here on, h goes through no matrix. */
const MINGRU: i32 = 4;
const LRU: i32 = 5;

/** A row whose largest magnitude leaves 2^-20 to 2^60 is scaled back to 2^40, by at most 2^120 at a time (rowScale.ts). */
const SMALLEST: f32 = 9.5367431640625e-7;
const LARGEST: f32 = 1152921504606846976.0;
const RESTORED: i32 = 40;
const LARGEST_SHIFT: i32 = 120;
/** `scaleRows` makes smaller results 0: 2^-100. */
const LEAST_SCALED: f32 = 7.888609052210118e-31;

/** The words, in the order of src/compute/wasm/sweep.ts. */
@unmanaged
class Layer {
  cell: i32;
  /** Steps [from, to) are run. */
  from: usize;
  to: usize;
  B: usize;
  H: usize;
  pre: usize;
  apart: usize;
  h: usize;
  c: usize;
  dh: usize;
  dc: usize;
  /** [B, H + 2] floats: a row to scale, a maximum and a factor for each sequence, so that threads do not share one. */
  scratch: usize;
  forwardJoined: usize;
  forwardApart: usize;
  apartBias: usize;
  backwardJoined: usize;
  backwardApart: usize;
  /** [B] exponents of dh and dc on their way. */
  scale: usize;
  /** [T, B] exponents of the rows of dL/dpre. */
  exponents: usize;
  /** [B] steps of each sequence, or 0 where none is shorter than T. */
  lengths: usize;
  /** What goes into dh at each step; rows, or 0 where all are there; exponents, or 0 where all are 0. */
  injected: usize;
  injectedRows: usize;
  injectedExponents: usize;
  /** How the recurrent matrices lie in memory (native.ts), eight bits each: forward joined and apart, backward joined and apart. */
  native: i32;
  /** Steps of the pass after these: where there are any, dh, dc and scale hold what they have left; else they begin at 0. */
  after: usize;
  /** What is measured and bounded of dh and dc, or 0. */
  watch: usize;
  /** [U, H] constants of single units. */
  units: usize;
  /** Steps whose states are kept before the first one: s_t begins at (history + t) * B * H. The cell reads s_{t - recurrentLag}. */
  history: usize;
  recurrentLag: usize;
  /** The largest B: dh, dc and scale are [recurrentLag, most]; what is `back` steps before the last one of the pass is in row back % recurrentLag. */
  most: usize;
  /** So many ways around the cell, and where the first is described. */
  shortcuts: usize;
  shortcut: usize;
  /** What the layer reads, [T * B, inputWidth] numbers or [T * B] symbols; both 0 where `pre` holds the input product already. */
  input: usize;
  symbols: usize;
  inputWidth: usize;
  /** How the input matrix lies in memory. */
  inputNative: i32;
  /** The input matrix [inputWidth, F*H] with the bias [F*H], and for symbols the rows [inputWidth, G*H] that hold both. */
  forwardInput: usize;
  inputBias: usize;
  table: usize;
}

/** A way around the cell, from h_{t - lag} (network/unroll/shortcuts.ts), in the order of src/compute/wasm/sweep.ts. */
@unmanaged
class Shortcut {
  lag: usize;
  /** [lag, most, H] what has been sent back, as mantissas, and exponents [lag, most]; in row back % lag. */
  sent: usize;
  exponents: usize;
  /** Matrices [H, F*H] and [F*H, H], or 0. */
  forward: usize;
  backward: usize;
  /** How these lie in memory, eight bits each. */
  native: i32;
}

@inline
function shortcutOf(layer: Layer, index: usize): Shortcut {
  return changetype<Shortcut>(layer.shortcut + index * offsetof<Shortcut>());
}

/** Blocks of `pre` that the input goes into. */
@inline
function inputGatesOf(cell: i32): usize {
  return cell == LRU ? 3 : gatesOf(cell);
}

/** Blocks of `pre`. */
@inline
function gatesOf(cell: i32): usize {
  return cell == LSTM ? 4 : cell == GRU ? 3 : cell == MINGRU ? 2 : cell == LRU ? 6 : 1;
}

/** Whether there is a second state: c of an LSTM, the imaginary part of an LRU. */
@inline
function hasSecond(cell: i32): bool {
  return cell == LSTM || cell == LRU;
}

/** Forward through steps [from, to), from the state before the first of them. */
export function forwardSweep(at: usize, b0: usize, b1: usize): void {
  const layer = changetype<Layer>(at);
  const cell = layer.cell;
  const B = layer.B;
  const H = layer.H;
  const n = b1 - b0;
  const row = H * 4;
  const preRow = gatesOf(cell) * row;
  const joined: usize = cell == GRU ? 2 * H : gatesOf(cell) * H;
  const joinedNative = layer.native & 255;
  const apartNative = (layer.native >> 8) & 255;
  for (let t = layer.from; t < layer.to; t++) {
    const first = t * B + b0;
    const next = (layer.history * B + first) * row;
    const previous = next - layer.recurrentLag * B * row;
    const pre = layer.pre + first * preRow;
    const apart = layer.apart + first * row;
    if (layer.input != 0) {
      const inputRow = layer.inputWidth * 4;
      const input = layer.input + first * inputRow;
      const N = inputGatesOf(cell) * H;
      anyProduct(layer.inputNative, input, inputRow, n, layer.inputWidth, N, layer.forwardInput, FROM_BIAS, layer.inputBias, pre, preRow);
    } else if (layer.symbols != 0) gatherRows(layer.table, layer.symbols + first * 4, n, gatesOf(cell) * H, pre);
    if (cell < MINGRU) anyProduct(joinedNative, layer.h + previous, row, n, H, joined, layer.forwardJoined, FROM_C, 0, pre, preRow);
    if (cell == GRU) anyProduct(apartNative, layer.h + previous, row, n, H, H, layer.forwardApart, FROM_BIAS, layer.apartBias, apart, row);
    if (layer.shortcuts > 0) enter(layer, pre, preRow, next, n);
    if (cell == GRU) gruForward(pre, apart, layer.h + previous, layer.h + next, n, H);
    else if (cell == LSTM) lstmForward(pre, layer.c + previous, layer.h + next, layer.c + next, n, H);
    else if (cell == MINGRU) mingruForward(pre, layer.h + previous, layer.h + next, n, H);
    else if (cell == LRU) {
      lruForward(pre, layer.units, layer.h + previous, layer.c + previous, layer.h + next, layer.c + next, n, H);
    } else if (cell == TANH) tanhForward(pre, layer.h + next, n * H);
    else reluForward(pre, layer.h + next, n * H);
    if (layer.shortcuts > 0) leave(layer, next, n);
    if (layer.lengths != 0) endSequences(layer, t, b0, b1);
  }
}

/** Adds to the pre-activations what comes by matrices around the cell. */
function enter(layer: Layer, pre: usize, preRow: usize, next: usize, n: usize): void {
  const H = layer.H;
  const row = H * 4;
  for (let i: usize = 0; i < layer.shortcuts; i++) {
    const around = shortcutOf(layer, i);
    if (around.forward == 0) continue;
    const from = layer.h + next - around.lag * layer.B * row;
    anyProduct(around.native & 255, from, row, n, H, inputGatesOf(layer.cell) * H, around.forward, FROM_C, 0, pre, preRow);
  }
}

/** Adds to the new h what comes around the cell as it is. */
function leave(layer: Layer, next: usize, n: usize): void {
  const row = layer.H * 4;
  for (let i: usize = 0; i < layer.shortcuts; i++) {
    const around = shortcutOf(layer, i);
    if (around.forward == 0) add(layer.h + next - around.lag * layer.B * row, layer.h + next, n * layer.H);
  }
}

/** The state of a sequence that is over is 0. */
function endSequences(layer: Layer, t: usize, b0: usize, b1: usize): void {
  const row = layer.H * 4;
  for (let b = b0; b < b1; b++) {
    if (t < (load<u32>(layer.lengths + b * 4) as usize)) continue;
    const at = ((layer.history + t) * layer.B + b) * row;
    memory.fill(layer.h + at, 0, row);
    if (hasSecond(layer.cell)) memory.fill(layer.c + at, 0, row);
  }
}

/** Backward through steps [from, to); pre and apart become gradients in mantissa form, dh and dc those of the state before them. */
export function backwardSweep(at: usize, b0: usize, b1: usize): void {
  const layer = changetype<Layer>(at);
  const cell = layer.cell;
  const B = layer.B;
  const H = layer.H;
  const n = b1 - b0;
  const row = H * 4;
  const preRow = gatesOf(cell) * row;
  const joined: usize = cell == GRU ? 2 * H : gatesOf(cell) * H;
  const joinedNative = (layer.native >> 16) & 255;
  const apartNative = (layer.native >> 24) & 255;
  if (layer.after == 0) {
    for (let way: usize = 0; way < layer.recurrentLag; way++) {
      const at = way * layer.most + b0;
      memory.fill(layer.dh + at * row, 0, n * row);
      if (hasSecond(cell)) memory.fill(layer.dc + at * row, 0, n * row);
      memory.fill(layer.scale + at * 4, 0, n * 4);
    }
  }
  for (let t = layer.to; t-- > layer.from; ) {
    const first = t * B + b0;
    const next = (layer.history * B + first) * row;
    const previous = next - layer.recurrentLag * B * row;
    const pre = layer.pre + first * preRow;
    const back = layer.after + layer.to - 1 - t;
    /** The row of sequence 0 in dh, dc and scale. */
    const way = (back % layer.recurrentLag) * layer.most;
    const dh = layer.dh + (way + b0) * row;
    const dc = layer.dc + (way + b0) * row;
    if (layer.shortcuts > 0) arrive(layer, way, back, b0, b1);
    inject(layer, way, t, b0, b1);
    if (layer.watch != 0) watch(layer, way, back, b0, b1);
    memory.copy(layer.exponents + first * 4, layer.scale + (way + b0) * 4, n * 4);
    if (layer.shortcuts > 0) depart(layer, way, back, b0, n);
    if (cell == GRU) gruBackward(pre, layer.apart + first * row, layer.h + previous, dh, n, H);
    else if (cell == LSTM) lstmBackward(pre, layer.c + previous, layer.c + next, dh, dc, n, H);
    else if (cell == MINGRU) mingruBackward(pre, layer.h + previous, dh, n, H);
    else if (cell == LRU) lruBackward(pre, layer.units, layer.h + previous, layer.c + previous, dh, dc, n, H);
    else if (cell == TANH) tanhBackward(pre, dh, n * H);
    else reluBackward(pre, dh, n * H);
    if (cell < MINGRU) anyProduct(joinedNative, pre, preRow, n, joined, H, layer.backwardJoined, FROM_C, 0, dh, row);
    if (cell == GRU) anyProduct(apartNative, layer.apart + first * row, row, n, H, H, layer.backwardApart, FROM_C, 0, dh, row);
    if (layer.shortcuts > 0) departThrough(layer, pre, preRow, first, back, b0, n);
    for (let b = b0; b < b1; b++) rescale(layer, way, b);
  }
}

/** Adds to dh what later steps have sent around their cells. */
function arrive(layer: Layer, way: usize, back: usize, b0: usize, b1: usize): void {
  const row = layer.H * 4;
  for (let i: usize = 0; i < layer.shortcuts; i++) {
    const around = shortcutOf(layer, i);
    if (back < around.lag) continue;
    const first = (back % around.lag) * layer.most;
    for (let b = b0; b < b1; b++) addRow(layer, way, b, around.sent + (first + b) * row, load<i32>(around.exponents + (first + b) * 4));
  }
}

/** Sends dh around the cell as it is. */
function depart(layer: Layer, way: usize, back: usize, b0: usize, n: usize): void {
  const row = layer.H * 4;
  for (let i: usize = 0; i < layer.shortcuts; i++) {
    const around = shortcutOf(layer, i);
    if (around.backward != 0) continue;
    const to = (back % around.lag) * layer.most + b0;
    memory.copy(around.sent + to * row, layer.dh + (way + b0) * row, n * row);
    memory.copy(around.exponents + to * 4, layer.scale + (way + b0) * 4, n * 4);
  }
}

/** Sends dL/dpre, whose rows begin at number `first`, around the cell through the matrices. */
function departThrough(layer: Layer, pre: usize, preRow: usize, first: usize, back: usize, b0: usize, n: usize): void {
  const H = layer.H;
  const row = H * 4;
  for (let i: usize = 0; i < layer.shortcuts; i++) {
    const around = shortcutOf(layer, i);
    if (around.backward == 0) continue;
    const to = (back % around.lag) * layer.most + b0;
    const native = (around.native >> 8) & 255;
    anyProduct(native, pre, preRow, n, inputGatesOf(layer.cell) * H, H, around.backward, FROM_ZERO, 0, around.sent + to * row, row);
    memory.copy(around.exponents + to * 4, layer.exponents + first * 4, n * 4);
  }
}

/** Adds what enters at step t. */
function inject(layer: Layer, way: usize, t: usize, b0: usize, b1: usize): void {
  const row = layer.H * 4;
  for (let b = b0; b < b1; b++) {
    const index = t * layer.B + b;
    let from: i32 = index as i32;
    if (layer.injectedRows != 0) from = load<i32>(layer.injectedRows + index * 4);
    if (from < 0) continue;
    const exponent = layer.injectedExponents != 0 ? load<i32>(layer.injectedExponents + index * 4) : 0;
    addRow(layer, way, b, layer.injected + (from as usize) * row, exponent);
  }
}

/** Measures and bounds what is there `back` steps before the last one. */
function watch(layer: Layer, way: usize, back: usize, b0: usize, b1: usize): void {
  const H = layer.H;
  const at = way * H * 4;
  const dc = hasSecond(layer.cell) ? layer.dc + at : 0;
  const factor = layer.scratch + H * 4;
  watchStates(layer.watch, layer.dh + at, dc, layer.scale + way * 4, back, layer.B, H, b0, b1, factor, (H + 2) * 4);
}

/** Adds a row with an exponent of its own to dh of sequence b; the larger of the two decides their common exponent. */
function addRow(layer: Layer, way: usize, b: usize, added: usize, exponent: i32): void {
  const H = layer.H;
  const dh = layer.dh + (way + b) * H * 4;
  const scale = layer.scale + (way + b) * 4;
  const own = load<i32>(scale);
  if (own == exponent) {
    add(added, dh, H);
    return;
  }
  const scratch = layer.scratch + b * (H + 2) * 4;
  const largest = maximum(added, H, scratch + H * 4);
  if (largest == 0) return;
  const held = heldMaximum(layer, way + b, scratch + H * 4);
  const target = commonExponent(held, own, largest, exponent);
  if (held > 0) {
    shiftRow(dh, H, own - target, scratch + H * 4);
    if (hasSecond(layer.cell)) shiftRow(layer.dc + (way + b) * H * 4, H, own - target, scratch + H * 4);
  }
  memory.copy(scratch, added, H * 4);
  shiftRow(scratch, H, exponent - target, scratch + H * 4);
  add(scratch, dh, H);
  store<i32>(scale, target);
}

/** Brings sequence b back into the comfortable range where it has left it. */
function rescale(layer: Layer, way: usize, b: usize): void {
  const H = layer.H;
  const factor = layer.scratch + (b * (H + 2) + H) * 4;
  const largest = heldMaximum(layer, way + b, factor);
  if (largest == 0 || (largest >= SMALLEST && largest <= LARGEST) || !(largest < Infinity)) return;
  const shift = max(-LARGEST_SHIFT, min(LARGEST_SHIFT, RESTORED - exponentOf(largest)));
  const scale = layer.scale + (way + b) * 4;
  store<f32>(factor, powerOfTwo(shift));
  store<i32>(scale, load<i32>(scale) - shift);
  scaleRows(layer.dh + (way + b) * H * 4, 1, H, factor, LEAST_SCALED);
  if (hasSecond(layer.cell)) scaleRows(layer.dc + (way + b) * H * 4, 1, H, factor, LEAST_SCALED);
}

/** Of a row of dh and dc. */
function heldMaximum(layer: Layer, index: usize, at: usize): f32 {
  const row = index * layer.H * 4;
  const largest = maximum(layer.dh + row, layer.H, at);
  return hasSecond(layer.cell) ? max(largest, maximum(layer.dc + row, layer.H, at)) : largest;
}

@inline
function maximum(x: usize, length: usize, at: usize): f32 {
  store<f32>(at, 0);
  maximizeRows(x, 1, length, at);
  return load<f32>(at);
}

/** x *= 2^shift, in portions that a factor can hold. */
function shiftRow(x: usize, length: usize, shift: i32, factor: usize): void {
  let rest = max(shift, -2000);
  while (rest != 0) {
    const part = max(-LARGEST_SHIFT, min(LARGEST_SHIFT, rest));
    store<f32>(factor, powerOfTwo(part));
    scaleRows(x, 1, length, factor, LEAST_SCALED);
    rest -= part;
  }
}

/** Of two rows with maxima m * 2^e, the second not 0: the exponent at which the larger is comfortable, 0 if it is so there. */
function commonExponent(own: f32, ownExponent: i32, added: f32, addedExponent: i32): i32 {
  let top = exponentOf(added) + addedExponent;
  if (!(added < Infinity) || (own > 0 && !(own < Infinity))) return 0;
  if (own > 0) top = max(top, exponentOf(own) + ownExponent);
  return top >= -20 && top <= 60 ? 0 : top - RESTORED;
}

/** floor(log2(x)) of a normal x > 0. */
@inline
function exponentOf(x: f32): i32 {
  return ((reinterpret<i32>(x) >> 23) & 255) - 127;
}

/** 2^n for n from -126 to 127. */
@inline
function powerOfTwo(n: i32): f32 {
  return reinterpret<f32>((n + 127) << 23);
}
