import type { Backend, CellBackwardStep, LayerWatch, Reals, Sweep } from '../../compute/backend.ts';
import { blocksOf } from '../cell/cell.ts';
import type { Network } from '../network.ts';
import { historyOf } from '../skip/skip.ts';
import { initialGradient } from './initialGradient.ts';
import { type Injection, inject } from './injection.ts';
import { type LayerInput, LayerWeights } from './layerWeights.ts';
import { type NormRecord, recordNorms } from './normRecord.ts';
import { pieceSteps } from './pieces.ts';
import { endMantissas, findRowsLeft, RowScale } from './rowScale.ts';
import { Shortcuts } from './shortcuts.ts';
import { watchStates } from './stateWatch.ts';

/**
 * One recurrent layer through T steps of B sequences: the memory of its forward pass and its way back. Sizes are those of
 * the network (H units, G blocks of `pre`, of which the input goes into F; the recurrent matrix into A kept apart and J joined with
 * the input; U for the constants of single units); `capacity` is the largest T * B.
 *
 * Forward, `pre` [T, B, G*H] starts as the input product of a step, or of many at once; each step then adds its recurrent product.
 * Backward, `pre` becomes dL/dpre step by step, and the weight gradients are one product over many steps. How many is said in `pieces.ts`.
 */
export class RecurrentLayer {
  /** Steps before the first one whose states are kept: 1, or as far back as a skip connection reads. */
  readonly history: number;
  /** The cell reads s_{t - recurrentLag}. */
  readonly recurrentLag: number;
  /** Per state, [history + T, B, H]: s_t begins at (history + t) * B * H. */
  readonly states: Reals[];
  /** dL/ds_t on its way back along the recurrent path, [recurrentLag, B, H] per state, as mantissas with exponents [recurrentLag, B]. */
  readonly #dStates: Reals[];
  readonly #scales: Int32Array;
  /** Row by row: what is `back` steps before the last one of the pass is in row back % recurrentLag. */
  readonly #onTheWay: { readonly dStates: Reals[]; readonly scale: RowScale }[];
  /** Exponent of each row of dL/dpre while it is in mantissa form, [T * B]. */
  readonly exponents: Int32Array;
  readonly #network: Network;
  readonly #backend: Backend;
  readonly #blocks: ReturnType<typeof blocksOf>;
  readonly #weights: LayerWeights;
  readonly #pre: Reals;
  readonly #apart: Reals;
  /** [T, B, H] what the recurrent matrix of the gates kept apart has read, and dL/d(it) [B, H] of a step; empty where that is h. */
  readonly #apartRead: Reals;
  readonly #dApartRead: Reals;
  readonly #gradientRows: readonly { readonly values: Reals; readonly width: number }[];
  readonly #factors: Reals;
  readonly #left = { first: 0, scaled: false };
  /** Largest B. */
  readonly #most: number;
  readonly #shortcuts: Shortcuts;
  readonly #step: CellBackwardStep;
  /** Many steps in one call, where the backend can do that. */
  readonly #sweep: Sweep | undefined;
  #T = 0;
  #B = 0;
  /** Steps of the pass that have been gone back through. */
  #gone = 0;

  constructor(network: Network, layer: number, T: number, B: number) {
    const { backend, cell, H, parameters, ways } = network;
    const blocks = blocksOf(cell);
    const { G, A, F } = blocks;
    const { recurrentLag } = ways[layer];
    const capacity = T * B;
    this.#network = network;
    this.#backend = backend;
    this.#blocks = blocks;
    this.history = historyOf(ways[layer]);
    this.states = cell.states.map(() => backend.allocate((this.history + T) * B * H));
    this.#dStates = cell.states.map(() => backend.allocate(recurrentLag * B * H));
    this.#scales = backend.allocateIndices(recurrentLag * B);
    this.#onTheWay = Array.from({ length: recurrentLag }, (_, way) => ({
      dStates: this.#dStates.map((each) => each.subarray(way * B * H, (way + 1) * B * H)),
      scale: new RowScale(backend, B, H, this.#scales.subarray(way * B, (way + 1) * B)),
    }));
    this.recurrentLag = recurrentLag;
    this.#most = B;
    this.#shortcuts = new Shortcuts(network, layer, B);
    this.exponents = backend.allocateIndices(capacity);
    this.#factors = backend.allocate(capacity);
    this.#pre = backend.allocate(capacity * G * H);
    this.#apart = backend.allocate(capacity * A * H);
    const own = cell.apartInput ? H : 0;
    this.#apartRead = backend.allocate(capacity * own);
    this.#dApartRead = backend.allocate(B * own);
    this.#gradientRows = [
      { values: this.#pre, width: G * H },
      { values: this.#apart, width: A * H },
    ];
    const weights = new LayerWeights(network, layer, { pre: this.#pre, apart: this.#apart, exponents: this.exponents, T, B });
    this.#weights = weights;
    this.#step = {
      B,
      H,
      pre: this.#pre,
      preAt: 0,
      apart: this.#apart,
      apartAt: 0,
      states: this.states,
      previousAt: 0,
      nextAt: 0,
      units: weights.bias,
      unitsAt: F * H,
      dStates: this.#onTheWay[0].dStates,
    };
    // The kernels know no product that waits for a gate.
    this.#sweep = (cell.apartInput ? undefined : backend)?.sweep?.({
      cell: network.kernel === backend.fused.cells[cell.name] ? cell.name : '',
      H,
      B,
      pre: this.#pre,
      apart: this.#apart,
      history: this.history,
      states: this.states,
      recurrentLag,
      shortcuts: this.#shortcuts.list,
      dStates: this.#dStates,
      forwardInput: weights.forwardInput,
      inputBias: weights.bias,
      inputTable: weights.table,
      forwardJoined: weights.forwardJoined,
      forwardApart: weights.forwardApart,
      backwardJoined: weights.backwardJoined,
      backwardApart: weights.backwardApart,
      units: weights.bias,
      unitsAt: F * H,
      apartBias: parameters.values,
      apartBiasAt: weights.apartBiasAt,
      scale: this.#scales,
      exponents: this.exponents,
    });
  }

  /**
   * Runs T steps from the state that stands at the beginning of `states`.
   *
   * @param lengths [B] steps after which a sequence is over: its state is 0 from there on, so that padding can never become
   *   a NaN that reaches the weights.
   */
  forward(input: LayerInput, T: number, B: number, lengths: Int32Array): void {
    this.#T = T;
    this.#B = B;
    this.#step.B = B;
    this.#weights.packForward();
    this.#shortcuts.packForward();
    let shortest = T;
    for (let b = 0; b < B; b++) shortest = Math.min(shortest, lengths[b]);
    if (this.#sweep?.readsInput) {
      this.#sweep.forward(B, 0, T, shortest < T ? lengths : null, input);
      return;
    }
    const steps = this.#weights.stepwise ? 1 : pieceSteps(this.#network, B);
    for (let from = 0; from < T; from += steps) {
      const to = Math.min(from + steps, T);
      this.#weights.multiplyInput(input, from * B, (to - from) * B);
      if (this.#sweep) this.#sweep.forward(B, from, to, shortest < T ? lengths : null, null);
      else this.#runForward(from, to, shortest, lengths);
    }
  }

  #runForward(from: number, to: number, shortest: number, lengths: Int32Array): void {
    const backend = this.#backend;
    const { kernel, cell, H, parameters } = this.#network;
    const { G, A, J } = this.#blocks;
    const B = this.#B;
    const step = this.#step;
    const h = this.states[0];
    const { values } = parameters;
    const { forwardJoined, forwardApart, apartBiasAt } = this.#weights;
    for (let t = from; t < to; t++) {
      this.#place(t);
      if (J > 0) backend.multiply(h, step.previousAt, H, B, forwardJoined, this.#pre, step.preAt, G * H, true);
      this.#shortcuts.enter(h, step.nextAt, this.#pre, step.preAt, B);
      cell.apartInput?.forward(step, this.#apartRead, t * B * H);
      if (A > 0) {
        const read = this.apartRead;
        const readAt = cell.apartInput ? t * B * H : step.previousAt;
        backend.multiplyBias(read, readAt, H, B, forwardApart, values, apartBiasAt, this.#apart, step.apartAt, A * H);
      }
      kernel.forward(step);
      this.#shortcuts.leave(h, step.nextAt, B);
      if (t >= shortest) this.#endSequences(t, lengths);
    }
  }

  /**
   * Goes back through steps [from, to); their `pre` and `apart` become the gradients of the pre-activations, in mantissa form with
   * `exponents`. `forward` must have run before.
   *
   * @param after how many steps of the pass come after these. Where there are any, the last backward pass was through them: the
   *   gradient that it left goes on here.
   * @param watch measures dL/ds_t, everything that enters at step t included, and bounds it where it has a limit.
   */
  backward(injection: Injection, record: NormRecord | undefined, from: number, to: number, after: number, watch?: LayerWatch): void {
    const backend = this.#backend;
    const { kernel, cell, H } = this.#network;
    const { G, A, J } = this.#blocks;
    const B = this.#B;
    const shortcuts = this.#shortcuts;
    const { backwardJoined, backwardApart } = this.#weights;
    this.#weights.packBackward();
    shortcuts.packBackward();
    this.#gone = after + to - from;
    if (this.#sweep && !record) {
      this.#sweep.backward(injection.values, injection.rows, injection.exponents, from, to, after, watch ?? null);
      return;
    }
    if (after === 0) {
      for (const { dStates, scale } of this.#onTheWay) {
        for (const state of dStates) state.fill(0, 0, B * H);
        scale.exponents.fill(0);
      }
    }
    const step = this.#step;
    for (let t = to - 1; t >= from; t--) {
      this.#place(t);
      const back = after + to - 1 - t;
      const { dStates, scale } = this.#onTheWay[back % this.recurrentLag];
      shortcuts.arrive(dStates, scale, back, B);
      if (record && !record.afterInjection) recordNorms(backend, record, t * B, dStates, scale, B, H);
      inject(backend, injection, t * B, dStates, scale, B, H);
      if (record?.afterInjection) recordNorms(backend, record, t * B, dStates, scale, B, H);
      if (watch) watchStates(backend, watch, dStates, scale, back, B, H);
      for (let b = 0; b < B; b++) this.exponents[t * B + b] = scale.exponents[b];
      shortcuts.depart(dStates[0], scale.exponents, back, B);
      step.dStates = dStates;
      kernel.backward(step);
      if (cell.apartInput) {
        backend.multiply(this.#apart, step.apartAt, A * H, B, backwardApart, this.#dApartRead, 0, H, false);
        cell.apartInput.backward(step, this.#dApartRead);
      }
      if (J > 0) backend.multiply(this.#pre, step.preAt, G * H, B, backwardJoined, dStates[0], 0, H, true);
      if (A > 0 && !cell.apartInput) backend.multiply(this.#apart, step.apartAt, A * H, B, backwardApart, dStates[0], 0, H, true);
      shortcuts.departThrough(this.#pre, step.preAt, this.exponents, t * B, back, B);
      scale.rescale(dStates, B, H);
    }
  }

  /** What the cell's last forward pass left for its backward step: [T, B, G*H], [T, B, A*H], and the constants of single units. */
  get kept(): { readonly pre: Reals; readonly apart: Reals; readonly units: Reals; readonly unitsAt: number; readonly B: number } {
    const { units, unitsAt } = this.#step;
    return { pre: this.#pre, apart: this.#apart, units, unitsAt, B: this.#B };
  }

  /** dL/d(input) of the rows of steps [from, to) into `out` [T, B, I], still in mantissa form with `exponents`. Of vectors only. */
  inputGradient(out: Reals, from: number, to: number): void {
    this.#weights.inputGradient(from * this.#B, (to - from) * this.#B, out);
  }

  /**
   * Adds this layer's weight and bias gradients of steps [from, to) to the network's, and with that ends the mantissa form of their
   * `pre`. Those of an input of symbols are complete only with the steps from 0 on, which come last.
   */
  addParameterGradients(input: LayerInput, from: number, to: number): void {
    const { H } = this.#network;
    const B = this.#B;
    const left = this.#left;
    findRowsLeft(this.#backend, this.exponents, from, to, B, left);
    const { first, scaled } = left;
    const h = this.states[0];
    const begins = to === this.#T;
    const ends = from === 0;
    if (this.#weights.partial) this.#weights.addPartialGradients(input, first, to, B, scaled, h, this.readAt, begins, ends);
    else {
      if (scaled) endMantissas(this.#backend, this.exponents, first, to, B, this.#gradientRows, this.#factors);
      const row = first * B * H;
      const apartAt = this.apartReadAt + row;
      this.#weights.addGradients(input, first * B, (to - first) * B, h, this.readAt + row, this.apartRead, apartAt, begins, ends);
    }
    const nextAt = (this.history + first) * B * H;
    this.#shortcuts.addParameterGradients(this.#pre, first * B * this.#blocks.G * H, h, nextAt, (to - first) * B, B);
  }

  /** Makes s_t, and what is kept of the states before it, the initial state of the next pass: `step` = t + 1 counts the steps that led to it. */
  carry(step: number): void {
    const size = this.#B * this.#network.H;
    for (const state of this.states) state.copyWithin(0, step * size, (step + this.history) * size);
  }

  /** Sets the initial state to 0. */
  reset(): void {
    for (const state of this.states) state.fill(0, 0, this.history * this.#most * this.#network.H);
  }

  /** What the recurrent matrix of the gates kept apart has read: in row t of [T, B, H] from `apartReadAt`, that of step t of the last forward pass. */
  get apartRead(): Reals {
    return this.#network.cell.apartInput ? this.#apartRead : this.states[0];
  }
  get apartReadAt(): number {
    return this.#network.cell.apartInput ? 0 : this.readAt;
  }

  /** Where s_0 begins in `states`, and where the states that the cell reads at step 0, in the last forward pass. */
  get outputAt(): number {
    return this.history * this.#B * this.#network.H;
  }
  get readAt(): number {
    return (this.history - this.recurrentLag) * this.#B * this.#network.H;
  }

  /** After a backward pass, dL/d(initial state) of one state: [history, B, H], the oldest first. */
  initialGradient(which: number): Float64Array {
    const own = { lag: this.recurrentLag, values: this.#dStates[which], exponents: this.#scales };
    const around = which > 0 ? [] : this.#shortcuts.list.map(({ lag, sent }) => ({ lag, ...sent }));
    return initialGradient([own, ...around], this.history, this.#gone, this.#B, this.#most, this.#network.H);
  }

  #place(t: number): void {
    const step = this.#step;
    const { cell, H } = this.#network;
    const rows = t * this.#B;
    step.preAt = rows * cell.gates * H;
    step.apartAt = rows * cell.apart * H;
    step.nextAt = (this.history * this.#B + rows) * H;
    step.previousAt = step.nextAt - this.recurrentLag * this.#B * H;
  }

  #endSequences(t: number, lengths: Int32Array): void {
    const { H } = this.#network;
    for (let b = 0; b < this.#B; b++) {
      if (t < lengths[b]) continue;
      const at = ((this.history + t) * this.#B + b) * H;
      for (const state of this.states) state.fill(0, at, at + H);
    }
  }
}
