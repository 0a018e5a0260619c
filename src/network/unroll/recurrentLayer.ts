import type { Backend, CellBackwardStep, LayerWatch, PackedMatrix, Reals, Sweep } from '../../compute/backend.ts';
import { blocksOf } from '../cell/cell.ts';
import { layerNames, type Network } from '../network.ts';
import { historyOf } from '../skip/skip.ts';
import { initialGradient } from './initialGradient.ts';
import { type Injection, inject } from './injection.ts';
import { type NormRecord, recordNorms } from './normRecord.ts';
import { pieceSteps } from './pieces.ts';
import { endMantissas, RowScale } from './rowScale.ts';
import { Shortcuts } from './shortcuts.ts';
import { watchStates } from './stateWatch.ts';

/** What a layer reads, for all T * B rows: `width` numbers each, or one symbol each. */
export type LayerInput =
  | { readonly kind: 'vectors'; readonly values: Reals; readonly at: number; readonly width: number }
  | { readonly kind: 'symbols'; readonly indices: Int32Array; readonly width: number };

/**
 * One recurrent layer through T steps of B sequences: the memory of its forward pass and its way back. Sizes are those of
 * the network (H units, G blocks of `pre`, of which the input goes into F; the recurrent matrix into A kept apart and J joined with
 * the input; U for the constants of single units); `capacity` is the largest T * B.
 *
 * Forward, `pre` [T, B, G*H] starts as the input product of many steps at once; each step then adds its recurrent product.
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
  readonly #width: number;
  /** Where the parameters lie; 0 for those that the cell has not. */
  readonly #at: { inputWeight: number; recurrentWeight: number; inputBias: number; recurrentBias: number; units: number };
  readonly #blocks: ReturnType<typeof blocksOf>;
  readonly #layer: number;
  readonly #pre: Reals;
  readonly #apart: Reals;
  /** [F*H] the biases that the input product starts from, then [U*H] the constants of single units. */
  readonly #bias: Reals;
  readonly #biasGradient: Reals;
  /** Input weights: a table [I, G*H] with the bias in it for symbols, else packed. */
  readonly #table: Reals | undefined;
  readonly #tableGradient: Reals | undefined;
  readonly #transposed: Reals | undefined;
  readonly #forwardInput: PackedMatrix | undefined;
  readonly #forwardJoined: PackedMatrix;
  readonly #forwardApart: PackedMatrix;
  readonly #backwardInput: PackedMatrix | undefined;
  readonly #backwardJoined: PackedMatrix;
  readonly #backwardApart: PackedMatrix;
  readonly #gradientRows: readonly { readonly values: Reals; readonly width: number }[];
  readonly #factors: Reals;
  /** Largest B. */
  readonly #most: number;
  readonly #shortcuts: Shortcuts;
  readonly #step: CellBackwardStep;
  /** Many steps in one call, where the backend can do that. */
  readonly #sweep: Sweep | undefined;
  #forwardVersion = -1;
  #backwardVersion = -1;
  #T = 0;
  #B = 0;
  /** Steps of the pass that have been gone back through. */
  #gone = 0;

  constructor(network: Network, layer: number, T: number, B: number) {
    const { backend, cell, H, parameters, ways } = network;
    const blocks = blocksOf(cell);
    const { G, A, F, R, J } = blocks;
    const [units] = network.unitNames(layer);
    const { recurrentLag } = ways[layer];
    const capacity = T * B;
    const symbols = layer === 0 && network.input.kind === 'symbols';
    const width = layer === 0 ? network.input.size : H;
    const names = layerNames(layer);
    this.#network = network;
    this.#backend = backend;
    this.#width = width;
    this.#at = {
      inputWeight: parameters.get(names.inputWeight).at,
      recurrentWeight: R > 0 ? parameters.get(names.recurrentWeight).at : 0,
      inputBias: parameters.get(names.inputBias).at,
      recurrentBias: R > 0 ? parameters.get(names.recurrentBias).at : 0,
      units: units === undefined ? 0 : parameters.get(units).at,
    };
    this.#blocks = blocks;
    this.#layer = layer;
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
    this.#gradientRows = [
      { values: this.#pre, width: G * H },
      { values: this.#apart, width: A * H },
    ];
    this.#bias = backend.allocate(G * H);
    this.#biasGradient = backend.allocate(G * H);
    this.#table = symbols ? backend.allocate(width * G * H) : undefined;
    this.#tableGradient = symbols ? backend.allocate(width * G * H) : undefined;
    this.#transposed = symbols ? backend.allocate(width * G * H) : undefined;
    this.#forwardInput = symbols ? undefined : backend.allocatePacked(width, F * H, capacity);
    this.#backwardInput = symbols ? undefined : backend.allocatePacked(F * H, width, capacity);
    this.#forwardJoined = backend.allocatePacked(H, J * H, B);
    this.#forwardApart = backend.allocatePacked(H, A * H, B);
    this.#backwardJoined = backend.allocatePacked(J * H, H, B);
    this.#backwardApart = backend.allocatePacked(A * H, H, B);
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
      units: this.#bias,
      unitsAt: F * H,
      dStates: this.#onTheWay[0].dStates,
    };
    this.#sweep = backend.sweep?.({
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
      forwardJoined: this.#forwardJoined,
      forwardApart: this.#forwardApart,
      backwardJoined: this.#backwardJoined,
      backwardApart: this.#backwardApart,
      units: this.#bias,
      unitsAt: F * H,
      apartBias: parameters.values,
      apartBiasAt: this.#at.recurrentBias + J * H,
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
    this.#packForward();
    this.#shortcuts.packForward();
    let shortest = T;
    for (let b = 0; b < B; b++) shortest = Math.min(shortest, lengths[b]);
    const steps = pieceSteps(this.#network, B);
    for (let from = 0; from < T; from += steps) {
      const to = Math.min(from + steps, T);
      this.#addInput(input, from, to);
      if (this.#sweep) this.#sweep.forward(B, from, to, shortest < T ? lengths : null);
      else this.#runForward(from, to, shortest, lengths);
    }
  }

  /** `pre` of steps [from, to) becomes the input product with the bias. */
  #addInput(input: LayerInput, from: number, to: number): void {
    const backend = this.#backend;
    const first = from * this.#B;
    const rows = (to - from) * this.#B;
    const N = this.#network.cell.gates * this.#network.H;
    if (input.kind === 'symbols') {
      backend.gatherRows(this.#table as Reals, 0, input.indices, first, rows, N, this.#pre, first * N);
    } else {
      const { values, at, width } = input;
      const packed = this.#forwardInput as PackedMatrix;
      backend.multiplyBias(values, at + first * width, width, rows, packed, this.#bias, 0, this.#pre, first * N, N);
    }
  }

  #runForward(from: number, to: number, shortest: number, lengths: Int32Array): void {
    const backend = this.#backend;
    const { kernel, H, parameters } = this.#network;
    const { G, A, J } = this.#blocks;
    const B = this.#B;
    const step = this.#step;
    const h = this.states[0];
    const apartBias = this.#at.recurrentBias + J * H;
    for (let t = from; t < to; t++) {
      this.#place(t);
      if (J > 0) backend.multiply(h, step.previousAt, H, B, this.#forwardJoined, this.#pre, step.preAt, G * H, true);
      if (A > 0) {
        backend.multiplyBias(h, step.previousAt, H, B, this.#forwardApart, parameters.values, apartBias, this.#apart, step.apartAt, A * H);
      }
      this.#shortcuts.enter(h, step.nextAt, this.#pre, step.preAt, B);
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
    const { kernel, H } = this.#network;
    const { G, A, J } = this.#blocks;
    const B = this.#B;
    const shortcuts = this.#shortcuts;
    this.#packBackward();
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
      if (J > 0) backend.multiply(this.#pre, step.preAt, G * H, B, this.#backwardJoined, dStates[0], 0, H, true);
      if (A > 0) backend.multiply(this.#apart, step.apartAt, A * H, B, this.#backwardApart, dStates[0], 0, H, true);
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
    const first = from * this.#B;
    const rows = (to - from) * this.#B;
    const [I, N] = [this.#width, this.#network.cell.gates * this.#network.H];
    this.#backend.multiply(this.#pre, first * N, N, rows, this.#backwardInput as PackedMatrix, out, first * I, I, false);
  }

  /**
   * Adds this layer's weight and bias gradients of steps [from, to) to the network's, and with that ends the mantissa form of their
   * `pre`. Those of an input of symbols are complete only with the steps from 0 on, which come last.
   */
  addParameterGradients(input: LayerInput, from: number, to: number): void {
    const backend = this.#backend;
    const { cell, H, parameters } = this.#network;
    const { G, A, F, J, U } = this.#blocks;
    const B = this.#B;
    const first = endMantissas(backend, this.exponents, from, to, B, this.#gradientRows, this.#factors);
    const rows = (to - first) * B;
    const preAt = first * B * G * H;
    const apartAt = first * B * A * H;
    const nextAt = (this.history + first) * B * H;
    const stateAt = nextAt - this.recurrentLag * B * H;
    const { gradient } = parameters;
    const { inputWeight, recurrentWeight, inputBias, recurrentBias } = this.#at;
    if (input.kind === 'symbols') {
      const table = this.#tableGradient as Reals;
      const transposed = this.#transposed as Reals;
      if (to === this.#T) table.fill(0);
      backend.scatterAddRows(this.#pre, preAt, input.indices, first * B, rows, G * H, table, 0);
      if (from === 0) {
        backend.transpose(table, 0, this.#width, G * H, transposed, 0);
        backend.add(transposed, 0, gradient, inputWeight, this.#width * F * H);
      }
    } else {
      const { values, at, width } = input;
      const x = at + first * B * width;
      backend.multiplyTransposed(this.#pre, preAt, G * H, values, x, width, F * H, width, rows, gradient, inputWeight, width);
    }
    const h = this.states[0];
    if (J > 0) backend.multiplyTransposed(this.#pre, preAt, G * H, h, stateAt, H, J * H, H, rows, gradient, recurrentWeight, H);
    this.#shortcuts.addParameterGradients(this.#pre, preAt, h, nextAt, rows, B);
    const biasGradient = this.#biasGradient;
    biasGradient.fill(0);
    backend.addColumnSums(this.#pre, preAt, G * H, rows, G * H, biasGradient, 0);
    backend.add(biasGradient, 0, gradient, inputBias, F * H);
    if (U > 0) cell.units?.backward(parameters.values, this.#at.units, H, biasGradient, F * H, gradient, this.#at.units);
    backend.add(biasGradient, 0, gradient, recurrentBias, J * H);
    if (A > 0) {
      backend.multiplyTransposed(this.#apart, apartAt, A * H, h, stateAt, H, A * H, H, rows, gradient, recurrentWeight + J * H * H, H);
      backend.addColumnSums(this.#apart, apartAt, A * H, rows, A * H, gradient, recurrentBias + J * H);
    }
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

  #packForward(): void {
    const { version, parameters, H } = this.#network;
    if (this.#forwardVersion === version) return;
    const { G, A, F, J, U } = this.#blocks;
    const backend = this.#backend;
    const { values } = parameters;
    const { inputWeight, recurrentWeight, inputBias, recurrentBias } = this.#at;
    const width = this.#width;
    const rows = F * H;
    const joined = J * H;
    for (let row = 0; row < rows; row++) this.#bias[row] = values[inputBias + row] + (row < joined ? values[recurrentBias + row] : 0);
    if (U > 0) this.#network.unitConstants(this.#layer, this.#bias, rows);
    if (this.#table && U > 0) {
      for (let symbol = 0; symbol < width; symbol++) {
        const at = symbol * G * H;
        for (let row = 0; row < rows; row++) this.#table[at + row] = this.#bias[row] + values[inputWeight + row * width + symbol];
      }
    } else if (this.#table) {
      backend.fillRows(this.#bias, 0, this.#table, 0, width, rows);
      backend.transpose(values, inputWeight, rows, width, this.#transposed as Reals, 0);
      backend.add(this.#transposed as Reals, 0, this.#table, 0, width * rows);
    } else {
      backend.pack(values, inputWeight, 1, width, this.#forwardInput as PackedMatrix);
    }
    if (J > 0) backend.pack(values, recurrentWeight, 1, H, this.#forwardJoined);
    if (A > 0) backend.pack(values, recurrentWeight + joined * H, 1, H, this.#forwardApart);
    this.#forwardVersion = version;
  }

  #packBackward(): void {
    const { version, parameters, H } = this.#network;
    if (this.#backwardVersion === version) return;
    const { A, J } = this.#blocks;
    const backend = this.#backend;
    const { inputWeight, recurrentWeight } = this.#at;
    const joined = J * H;
    if (this.#backwardInput) backend.pack(parameters.values, inputWeight, this.#width, 1, this.#backwardInput);
    if (J > 0) backend.pack(parameters.values, recurrentWeight, H, 1, this.#backwardJoined);
    if (A > 0) backend.pack(parameters.values, recurrentWeight + joined * H, H, 1, this.#backwardApart);
    this.#backwardVersion = version;
  }
}
