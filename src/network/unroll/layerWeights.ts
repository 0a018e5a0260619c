import type { Backend, PackedMatrix, PartialGradients, Reals } from '../../compute/backend.ts';
import { blocksOf } from '../cell/cell.ts';
import { layerNames, type Network } from '../network.ts';

/** What a layer reads, for all T * B rows: `width` numbers each, or one symbol each. */
export type LayerInput =
  | { readonly kind: 'vectors'; readonly values: Reals; readonly at: number; readonly width: number }
  | { readonly kind: 'symbols'; readonly indices: Int32Array; readonly width: number };

/** Where a layer keeps its rows of many steps: `pre` [T * B, G*H] and `apart` [T * B, A*H], and their exponents, for the largest T and B. */
export interface LayerRows {
  readonly pre: Reals;
  readonly apart: Reals;
  readonly exponents: Int32Array;
  readonly T: number;
  readonly B: number;
}

/** Sequences from which on the input product of one step is as fast as that of many: it is then made step by step, and stays in the cache. */
const stepRows = 32;

/**
 * The weights of one recurrent layer's cell as its passes read them, brought up to date where the network's parameters have changed, and
 * their gradients. Letters as in `RecurrentLayer`.
 */
export class LayerWeights {
  /** [F*H] the biases that the input product starts from, then [U*H] the constants of single units. */
  readonly bias: Reals;
  /** Whether the input matrix is laid out for products of one step. */
  readonly stepwise: boolean;
  /** Sums of the weight gradients by parts of the batch, where the backend makes them so. */
  readonly partial: PartialGradients | undefined;
  readonly forwardJoined: PackedMatrix;
  readonly forwardApart: PackedMatrix;
  readonly backwardJoined: PackedMatrix;
  readonly backwardApart: PackedMatrix;
  /** Where the bias of the recurrent term kept apart lies among the parameters. */
  readonly apartBiasAt: number;
  readonly #network: Network;
  readonly #backend: Backend;
  readonly #layer: number;
  readonly #width: number;
  readonly #rows: LayerRows;
  readonly #blocks: ReturnType<typeof blocksOf>;
  /** Where the parameters lie; 0 for those that the cell has not. */
  readonly #at: { inputWeight: number; recurrentWeight: number; inputBias: number; recurrentBias: number; units: number };
  readonly #biasGradient: Reals;
  /** Input weights: a table [I, G*H] with the bias in it for symbols, else packed. */
  readonly table: Reals | undefined;
  readonly #tableGradient: Reals | undefined;
  readonly #transposed: Reals | undefined;
  readonly forwardInput: PackedMatrix | undefined;
  readonly #backwardInput: PackedMatrix | undefined;
  #forwardVersion = -1;
  #backwardVersion = -1;

  constructor(network: Network, layer: number, held: LayerRows) {
    const { T, B } = held;
    const { backend, cell, H, parameters } = network;
    const { G, A, F, R, J } = blocksOf(cell);
    const [units] = network.unitNames(layer);
    const symbols = layer === 0 && network.input.kind === 'symbols';
    const width = layer === 0 ? network.input.size : H;
    const names = layerNames(layer);
    this.#network = network;
    this.#backend = backend;
    this.#layer = layer;
    this.#width = width;
    this.#rows = held;
    this.#blocks = blocksOf(cell);
    this.#at = {
      inputWeight: parameters.get(names.inputWeight).at,
      recurrentWeight: R > 0 ? parameters.get(names.recurrentWeight).at : 0,
      inputBias: parameters.get(names.inputBias).at,
      recurrentBias: R > 0 ? parameters.get(names.recurrentBias).at : 0,
      units: units === undefined ? 0 : parameters.get(units).at,
    };
    this.apartBiasAt = this.#at.recurrentBias + J * H;
    this.bias = backend.allocate(G * H);
    this.#biasGradient = backend.allocate(G * H);
    this.table = symbols ? backend.allocate(width * G * H) : undefined;
    this.#tableGradient = symbols ? backend.allocate(width * G * H) : undefined;
    this.#transposed = symbols ? backend.allocate(width * G * H) : undefined;
    this.stepwise = B >= stepRows;
    this.forwardInput = symbols ? undefined : backend.allocatePacked(width, F * H, this.stepwise ? B : T * B);
    this.#backwardInput = symbols ? undefined : backend.allocatePacked(F * H, width, T * B);
    this.forwardJoined = backend.allocatePacked(H, J * H, B);
    this.forwardApart = backend.allocatePacked(H, A * H, B);
    this.backwardJoined = backend.allocatePacked(J * H, H, B);
    this.backwardApart = backend.allocatePacked(A * H, H, B);
    const { pre, apart, exponents } = held;
    const columns = { columns: G * H, entered: F * H, joined: J * H, apartColumns: A * H };
    this.partial = (cell.apartInput ? undefined : backend)?.partialGradients?.({
      H,
      B,
      pre,
      apart,
      exponents,
      ...columns,
      width: symbols ? 0 : width,
    });
  }

  /** Of `rows` rows from `first` on, `pre` becomes the input product with the bias. */
  multiplyInput(input: LayerInput, first: number, rows: number): void {
    const { pre } = this.#rows;
    const backend = this.#backend;
    const N = this.#blocks.G * this.#network.H;
    if (input.kind === 'symbols') {
      backend.gatherRows(this.table as Reals, 0, input.indices, first, rows, N, pre, first * N);
    } else {
      const { values, at, width } = input;
      const packed = this.forwardInput as PackedMatrix;
      backend.multiplyBias(values, at + first * width, width, rows, packed, this.bias, 0, pre, first * N, N);
    }
  }

  /** dL/d(input) of `rows` rows from `first` on into `out` [T * B, I]. Of vectors only. */
  inputGradient(first: number, rows: number, out: Reals): void {
    const [I, N] = [this.#width, this.#blocks.G * this.#network.H];
    this.#backend.multiply(this.#rows.pre, first * N, N, rows, this.#backwardInput as PackedMatrix, out, first * I, I, false);
  }

  /**
   * Adds the gradients of the weights and biases by `rows` rows from `first` on, which are dL/dpre and dL/dapart, no longer mantissas.
   *
   * @param h in which what the recurrent matrix has read for the first of the rows begins at `readAt`.
   * @param apartRead the same for its gates kept apart.
   * @param begins whether a way back begins with these rows, and whether it ends with them: only then are the gradients of an input of
   *   symbols complete.
   */
  addGradients(
    input: LayerInput,
    first: number,
    rows: number,
    h: Reals,
    readAt: number,
    apartRead: Reals,
    apartReadAt: number,
    begins: boolean,
    ends: boolean,
  ): void {
    const { pre, apart } = this.#rows;
    const backend = this.#backend;
    const { H, parameters } = this.#network;
    const { G, A, F, J } = this.#blocks;
    const preAt = first * G * H;
    const apartAt = first * A * H;
    const { gradient } = parameters;
    const { inputWeight, recurrentWeight, recurrentBias } = this.#at;
    if (input.kind === 'symbols') this.#addTableGradient(input.indices, first, rows, begins, ends);
    else {
      const { values, at, width } = input;
      backend.multiplyTransposed(pre, preAt, G * H, values, at + first * width, width, F * H, width, rows, gradient, inputWeight, width);
    }
    if (J > 0) backend.multiplyTransposed(pre, preAt, G * H, h, readAt, H, J * H, H, rows, gradient, recurrentWeight, H);
    this.#biasGradient.fill(0);
    backend.addColumnSums(pre, preAt, G * H, rows, G * H, this.#biasGradient, 0);
    this.#addBiasGradients();
    if (A > 0) {
      const weightAt = recurrentWeight + J * H * H;
      backend.multiplyTransposed(apart, apartAt, A * H, apartRead, apartReadAt, H, A * H, H, rows, gradient, weightAt, H);
      backend.addColumnSums(apart, apartAt, A * H, rows, A * H, gradient, recurrentBias + J * H);
    }
  }

  /**
   * The same of the rows of steps [from, to) of B sequences, still mantissas, by `partial`. The gradients are complete only with the
   * rows with which a way back ends.
   *
   * @param scaled whether any of the rows has an exponent other than 0.
   * @param h in which what the recurrent matrix has read at step 0 begins at `readAt`.
   */
  addPartialGradients(
    input: LayerInput,
    from: number,
    to: number,
    B: number,
    scaled: boolean,
    h: Reals,
    readAt: number,
    begins: boolean,
    ends: boolean,
  ): void {
    const partial = this.partial as PartialGradients;
    const { H, parameters } = this.#network;
    const { A, J } = this.#blocks;
    const { gradient } = parameters;
    const { inputWeight, recurrentWeight, recurrentBias } = this.#at;
    const vectors = input.kind === 'vectors' ? input : undefined;
    partial.add(B, from, to, scaled, h, readAt, vectors?.values ?? null, vectors?.at ?? 0, begins);
    if (input.kind === 'symbols') this.#addTableGradient(input.indices, from * B, (to - from) * B, begins, ends);
    if (!ends) return;
    if (vectors) partial.collect('input', gradient, inputWeight);
    partial.collect('recurrent', gradient, recurrentWeight);
    this.#biasGradient.fill(0);
    partial.collect('columns', this.#biasGradient, 0);
    this.#addBiasGradients();
    if (A > 0) partial.collect('apartColumns', gradient, recurrentBias + J * H);
  }

  #addTableGradient(symbols: Int32Array, first: number, rows: number, begins: boolean, ends: boolean): void {
    const backend = this.#backend;
    const { H, parameters } = this.#network;
    const { G, F } = this.#blocks;
    const table = this.#tableGradient as Reals;
    const transposed = this.#transposed as Reals;
    if (begins) table.fill(0);
    backend.scatterAddRows(this.#rows.pre, first * G * H, symbols, first, rows, G * H, table, 0);
    if (ends) {
      backend.transpose(table, 0, this.#width, G * H, transposed, 0);
      backend.add(transposed, 0, parameters.gradient, this.#at.inputWeight, this.#width * F * H);
    }
  }

  /** Adds the sums over the columns of dL/dpre to all that each of them is the gradient of. */
  #addBiasGradients(): void {
    const backend = this.#backend;
    const { cell, H, parameters } = this.#network;
    const { F, J, U } = this.#blocks;
    const { values, gradient } = parameters;
    const { inputBias, recurrentBias, units } = this.#at;
    const sums = this.#biasGradient;
    backend.add(sums, 0, gradient, inputBias, F * H);
    if (U > 0) cell.units?.backward(values, units, H, sums, F * H, gradient, units);
    backend.add(sums, 0, gradient, recurrentBias, J * H);
  }

  packForward(): void {
    const { version, parameters, H } = this.#network;
    if (this.#forwardVersion === version) return;
    const { G, A, F, J, U } = this.#blocks;
    const backend = this.#backend;
    const { values } = parameters;
    const { inputWeight, recurrentWeight, inputBias, recurrentBias } = this.#at;
    const width = this.#width;
    const rows = F * H;
    const joined = J * H;
    for (let row = 0; row < rows; row++) this.bias[row] = values[inputBias + row] + (row < joined ? values[recurrentBias + row] : 0);
    if (U > 0) this.#network.unitConstants(this.#layer, this.bias, rows);
    if (this.table && U > 0) {
      for (let symbol = 0; symbol < width; symbol++) {
        const at = symbol * G * H;
        for (let row = 0; row < rows; row++) this.table[at + row] = this.bias[row] + values[inputWeight + row * width + symbol];
      }
    } else if (this.table) {
      backend.fillRows(this.bias, 0, this.table, 0, width, rows);
      backend.transpose(values, inputWeight, rows, width, this.#transposed as Reals, 0);
      backend.add(this.#transposed as Reals, 0, this.table, 0, width * rows);
    } else {
      backend.pack(values, inputWeight, 1, width, this.forwardInput as PackedMatrix);
    }
    if (J > 0) backend.pack(values, recurrentWeight, 1, H, this.forwardJoined);
    if (A > 0) backend.pack(values, recurrentWeight + joined * H, 1, H, this.forwardApart);
    this.#forwardVersion = version;
  }

  packBackward(): void {
    const { version, parameters, H } = this.#network;
    if (this.#backwardVersion === version) return;
    const { A, J } = this.#blocks;
    const backend = this.#backend;
    const { inputWeight, recurrentWeight } = this.#at;
    const joined = J * H;
    if (this.#backwardInput) backend.pack(parameters.values, inputWeight, this.#width, 1, this.#backwardInput);
    if (J > 0) backend.pack(parameters.values, recurrentWeight, H, 1, this.backwardJoined);
    if (A > 0) backend.pack(parameters.values, recurrentWeight + joined * H, H, 1, this.backwardApart);
    this.#backwardVersion = version;
  }
}
