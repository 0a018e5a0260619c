import type { Backend, CellBackwardStep, LayerWatch, PackedMatrix, Reals, Sweep } from '../../compute/backend.ts';
import { blocksOf } from '../cell/cell.ts';
import { layerNames, type Network } from '../network.ts';
import { pieceSteps } from './pieces.ts';
import { applyExponents, RowScale } from './rowScale.ts';
import { watchStates } from './stateWatch.ts';

/** What a layer reads, for all T * B rows: `width` numbers each, or one symbol each. */
export type LayerInput =
  | { readonly kind: 'vectors'; readonly values: Reals; readonly at: number; readonly width: number }
  | { readonly kind: 'symbols'; readonly indices: Int32Array; readonly width: number };

/** dL/d(output of a layer), not through its own recurrence: a row of H numbers for each of the T * B rows, or for some of them. */
export interface Injection {
  readonly values: Reals;
  /** For each row t * B + b, the row of `values` that belongs to it, or -1; null where `values` has all rows in order. */
  readonly rows: Int32Array | null;
  /** Power-of-two exponent of each row t * B + b; null where all are 0. */
  readonly exponents: Int32Array | null;
}

/** Norms of dL_/ds_t as the backward pass goes by: for each row t * B + b the squared norm of the mantissas, and their exponent. */
export interface NormRecord {
  readonly squares: Float64Array;
  readonly exponents: Int32Array;
  /** Whether the injection of step t itself counts (the top layer, whose h is read by the loss). */
  readonly afterInjection: boolean;
}

/**
 * One recurrent layer through T steps of B sequences: the memory of its forward pass and its way back. Sizes are those of
 * the network (H units, G blocks of `pre`, of which the input goes into F; the recurrent matrix into A kept apart and J joined with
 * the input; U for the constants of single units); `capacity` is the largest T * B.
 *
 * Forward, `pre` [T, B, G*H] starts as the input product of many steps at once; each step then adds its recurrent product.
 * Backward, `pre` becomes dL/dpre step by step, and the weight gradients are one product over many steps. How many is said in `pieces.ts`.
 */
export class RecurrentLayer {
  /** Per state, [T+1, B, H]: s_{t-1} begins at t * B * H. */
  readonly states: Reals[];
  /** dL/ds_t on its way back, [B, H] per state, as mantissas with `scale.exponents`; after `backward`, of the initial state. */
  readonly dStates: Reals[];
  readonly scale: RowScale;
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
  readonly #factors: Reals;
  readonly #step: CellBackwardStep;
  /** Many steps in one call, where the backend can do that. */
  readonly #sweep: Sweep | undefined;
  #forwardVersion = -1;
  #backwardVersion = -1;
  #T = 0;
  #B = 0;

  constructor(network: Network, layer: number, T: number, B: number) {
    const { backend, cell, H, parameters } = network;
    const blocks = blocksOf(cell);
    const { G, A, F, R, J } = blocks;
    const [units] = network.unitNames(layer);
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
    this.states = cell.states.map(() => backend.allocate((T + 1) * B * H));
    this.dStates = cell.states.map(() => backend.allocate(B * H));
    this.scale = new RowScale(backend, B, H);
    this.exponents = backend.allocateIndices(capacity);
    this.#factors = backend.allocate(capacity);
    this.#pre = backend.allocate(capacity * G * H);
    this.#apart = backend.allocate(capacity * A * H);
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
      dStates: this.dStates,
    };
    this.#sweep = backend.sweep?.({
      cell: network.kernel === backend.fused.cells[cell.name] ? cell.name : '',
      H,
      B,
      pre: this.#pre,
      apart: this.#apart,
      states: this.states,
      dStates: this.dStates,
      forwardJoined: this.#forwardJoined,
      forwardApart: this.#forwardApart,
      backwardJoined: this.#backwardJoined,
      backwardApart: this.#backwardApart,
      units: this.#bias,
      unitsAt: F * H,
      apartBias: parameters.values,
      apartBiasAt: this.#at.recurrentBias + J * H,
      scale: this.scale.exponents,
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
      kernel.forward(step);
      if (t >= shortest) this.#endSequences(t, lengths);
    }
  }

  /**
   * Goes back through steps [from, to); their `pre` and `apart` become the gradients of the pre-activations, in mantissa form with
   * `exponents`. `forward` must have run before.
   *
   * @param after how many steps of the pass come after these. Where there are any, the last backward pass was through them: the
   *   gradient that it left in `dStates` with `scale` goes on here.
   * @param watch measures dL/ds_t, everything that enters at step t included, and bounds it where it has a limit.
   */
  backward(injection: Injection, record: NormRecord | undefined, from: number, to: number, after: number, watch?: LayerWatch): void {
    const backend = this.#backend;
    const { kernel, H } = this.#network;
    const { G, A, J } = this.#blocks;
    const B = this.#B;
    this.#packBackward();
    if (this.#sweep && !record) {
      this.#sweep.backward(injection.values, injection.rows, injection.exponents, from, to, after, watch ?? null);
      return;
    }
    if (after === 0) {
      for (const state of this.dStates) state.fill(0, 0, B * H);
      this.scale.exponents.fill(0);
    }
    const step = this.#step;
    for (let t = to - 1; t >= from; t--) {
      this.#place(t);
      if (record && !record.afterInjection) this.#record(record, t);
      this.#inject(injection, t);
      if (record?.afterInjection) this.#record(record, t);
      if (watch) watchStates(backend, watch, this.dStates, this.scale, after + to - 1 - t, B, H);
      for (let b = 0; b < B; b++) this.exponents[t * B + b] = this.scale.exponents[b];
      kernel.backward(step);
      if (J > 0) backend.multiply(this.#pre, step.preAt, G * H, B, this.#backwardJoined, this.dStates[0], 0, H, true);
      if (A > 0) backend.multiply(this.#apart, step.apartAt, A * H, B, this.#backwardApart, this.dStates[0], 0, H, true);
      this.scale.rescale(this.dStates, B, H);
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
    const first = this.#unscale(from, to);
    const rows = (to - first) * B;
    const preAt = first * B * G * H;
    const apartAt = first * B * A * H;
    const stateAt = first * B * H;
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

  /** Makes s_t the initial state of the next pass: `step` = t + 1 counts the steps that led to it. */
  carry(step: number): void {
    const size = this.#B * this.#network.H;
    for (const state of this.states) state.copyWithin(0, step * size, (step + 1) * size);
  }

  /** Sets the initial state to 0. */
  reset(): void {
    for (const [index, state] of this.states.entries()) state.fill(0, 0, this.dStates[index].length);
  }

  /** Multiplies every row of dL/dpre of steps [from, to) with 2^exponent. Returns the first step from which on any row is left. */
  #unscale(from: number, to: number): number {
    const backend = this.#backend;
    const { cell, H } = this.#network;
    const { gates: G, apart: A } = cell;
    const B = this.#B;
    // Mantissas stay below 2^60 or so: with these exponents a row is 0 to the precision of the backend.
    const vanished = backend.precision === 'float32' ? -160 : -1200;
    let first = to;
    let any = false;
    for (let row = to * B - 1; row >= from * B; row--) {
      const exponent = this.exponents[row];
      if (exponent !== 0) any = true;
      if (exponent > vanished) first = Math.floor(row / B);
    }
    if (!any) return from;
    const rows = (to - first) * B;
    const { exponents } = this;
    applyExponents(backend, this.#pre, first * B * G * H, rows, G * H, exponents, first * B, this.#factors);
    if (A > 0) applyExponents(backend, this.#apart, first * B * A * H, rows, A * H, exponents, first * B, this.#factors);
    return first;
  }

  #place(t: number): void {
    const step = this.#step;
    const { cell, H } = this.#network;
    const rows = t * this.#B;
    step.preAt = rows * cell.gates * H;
    step.apartAt = rows * cell.apart * H;
    step.previousAt = rows * H;
    step.nextAt = (rows + this.#B) * H;
  }

  #endSequences(t: number, lengths: Int32Array): void {
    const { H } = this.#network;
    for (let b = 0; b < this.#B; b++) {
      if (t < lengths[b]) continue;
      const at = ((t + 1) * this.#B + b) * H;
      for (const state of this.states) state.fill(0, at, at + H);
    }
  }

  #inject({ values, rows, exponents }: Injection, t: number): void {
    const B = this.#B;
    const { H } = this.#network;
    const own = this.scale.exponents;
    let plain = rows === null;
    for (let b = 0; plain && b < B; b++) plain = own[b] === (exponents ? exponents[t * B + b] : 0);
    if (plain) {
      this.#backend.add(values, t * B * H, this.dStates[0], 0, B * H);
      return;
    }
    for (let b = 0; b < B; b++) {
      const row = t * B + b;
      const at = rows ? rows[row] : row;
      if (at >= 0) this.scale.addRow(this.dStates, b, H, values, at * H, exponents ? exponents[row] : 0);
    }
  }

  #record({ squares, exponents }: NormRecord, t: number): void {
    const { H } = this.#network;
    for (let b = 0; b < this.#B; b++) {
      let sum = 0;
      for (const state of this.dStates) sum += this.#backend.sumSquares(state, b * H, H);
      squares[t * this.#B + b] = sum;
      exponents[t * this.#B + b] = this.scale.exponents[b];
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
