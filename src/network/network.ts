import type { Backend, CellKernel, Reals } from '../compute/backend.ts';
import { Random } from '../compute/random.ts';
import { ThroughtimeError } from '../errors.ts';
import type { InputShape } from './batch.ts';
import { blocksOf, type Cell } from './cell/cell.ts';
import { cells } from './cell/cells.ts';
import { keepingInits } from './init/init.ts';
import { recurrentInit } from './init/inits.ts';
import { uniform } from './init/uniform.ts';
import { checkModel, type ModelOptions, startOf } from './model.ts';
import { OrthogonalBlocks } from './orthogonal/orthogonalBlocks.ts';
import { orthogonalDefaults, orthogonalMaps } from './orthogonal/orthogonals.ts';
import { Parameters } from './parameters.ts';
import type { Ways } from './skip/skip.ts';
import { waysOf } from './skip/skips.ts';

/** The names of one layer's parameters, in PyTorch's manner. */
export const layerNames = (layer: number) => ({
  inputWeight: `weight_ih_l${layer}`,
  recurrentWeight: `weight_hh_l${layer}`,
  inputBias: `bias_ih_l${layer}`,
  recurrentBias: `bias_hh_l${layer}`,
});

/** The matrices of a layer's weighted skip connections, [G*H, lags * H]. */
export const skipWeight = (layer: number) => `weight_skip_l${layer}`;

/** Finds the cell that the options name. */
export function cellOf({ cell, activation }: Pick<ModelOptions, 'cell' | 'activation'>): Cell {
  if (typeof cell !== 'string') return cell;
  const name = cell === 'rnn' ? `rnn-${activation ?? 'tanh'}` : cell;
  const found = cells.find((candidate) => candidate.name === name);
  if (!found) {
    throw new ThroughtimeError('OPTION_INVALID', `there is no cell ${name}; choose one of ${cells.map((each) => each.name).join(', ')}`);
  }
  return found;
}

/**
 * A stack of L recurrent layers of H units with a linear read-out to O numbers: its parameters and its structure. What it
 * does through time is in `unroll/`.
 */
export class Network {
  readonly backend: Backend;
  readonly cell: Cell;
  /** The cell's arithmetic on this backend: its fused kernel where there is one, else the cell's own. */
  readonly kernel: CellKernel;
  readonly input: InputShape;
  /** H */
  readonly H: number;
  /** O */
  readonly O: number;
  /** L */
  readonly L: number;
  readonly residual: boolean;
  readonly dropout: number;
  /** By which ways each layer reads the past. */
  readonly ways: readonly Ways[];
  readonly parameters: Parameters;
  /** Counts changes of the parameters' values, so that what is derived from them (packed matrices) is remade when needed. */
  version = 0;

  constructor(backend: Backend, options: ModelOptions, input: InputShape, outputSize: number) {
    const { hiddenSize: H, layers = 1, residual = false, dropout = 0 } = options;
    checkModel(options);
    requireWhole('input size', input.size);
    requireWhole('output size', outputSize);
    this.backend = backend;
    this.cell = cellOf(options);
    // A cell of the user's own runs its own arithmetic, whatever its name.
    this.kernel = (cells.includes(this.cell) && backend.fused.cells[this.cell.name]) || this.cell;
    this.input = input;
    this.H = H;
    this.O = outputSize;
    this.L = layers;
    this.residual = residual;
    this.dropout = dropout;
    this.ways = waysOf(options.skip, layers);
    const { F, R } = blocksOf(this.cell);
    const declared: { name: string; shape: number[] }[] = [];
    for (let layer = 0; layer < layers; layer++) {
      const names = layerNames(layer);
      declared.push(
        { name: names.inputWeight, shape: [F * H, layer === 0 ? input.size : H] },
        ...(R > 0 ? [{ name: names.recurrentWeight, shape: [R * H, H] }] : []),
        { name: names.inputBias, shape: [F * H] },
        ...(R > 0 ? [{ name: names.recurrentBias, shape: [R * H] }] : []),
        ...this.unitNames(layer).map((name) => ({ name, shape: [H] })),
      );
      const { shortcuts, through } = this.ways[layer];
      if (through === 'matrix') declared.push({ name: skipWeight(layer), shape: [F * H, shortcuts.length * H] });
    }
    declared.push({ name: 'readout.weight', shape: [outputSize, H] }, { name: 'readout.bias', shape: [outputSize] });
    this.parameters = new Parameters(backend, declared);
    this.#keepOrthogonal(options);
  }

  #keepOrthogonal({ orthogonal = false }: ModelOptions): void {
    if (orthogonal === false) return;
    const { parameters, H, L } = this;
    const { by = orthogonalDefaults.by, learningRate } = orthogonal === true ? {} : orthogonal;
    const matrices = Array.from({ length: L }, (_, layer) => layerNames(layer).recurrentWeight).map((name) => {
      return { name, values: parameters.valuesOf(name), gradient: parameters.gradientOf(name) };
    });
    parameters.orthogonal = new OrthogonalBlocks(this.backend, H, matrices, orthogonalMaps[by], learningRate);
  }

  /** Whether all that the read-out reads lies in [-1, 1], whatever the weights. */
  get bounded(): boolean {
    const { cell, residual, dropout, ways } = this;
    const adds = ways.some(({ shortcuts, through }) => shortcuts.length > 0 && through === 'identity');
    return (cell.bounded ?? false) && !residual && dropout === 0 && !adds;
  }

  /** The names of the parameters of single units of a layer, which lie one after the other. */
  unitNames(layer: number): string[] {
    return (this.cell.units?.names ?? []).map((name) => `${name}_l${layer}`);
  }

  /** Makes the constants [U, H] that a layer's steps are given. */
  unitConstants(layer: number, out: Reals, to: number): void {
    const [first] = this.unitNames(layer);
    if (first !== undefined) this.cell.units?.constants(this.parameters.values, this.parameters.get(first).at, this.H, out, to);
  }

  /** To be called after any change of the parameters' values. */
  changed(): void {
    this.version++;
  }
}

/**
 * Draws all parameters of a network afresh: uniform in +-1/sqrt(H) as PyTorch does, but for the recurrent matrix and the
 * forget gate's bias, which the options choose, and for the biases of a recurrent matrix that keeps the state, which are 0.
 *
 * @param longest steps of the longest training sequence, for the forget bias `chrono`.
 */
export function initialize(network: Network, options: ModelOptions, seed: number, longest?: number): void {
  const { parameters, cell, H, L } = network;
  const random = new Random(seed);
  const start = startOf(options);
  const square = recurrentInit(start);
  const biases = keepingInits.includes(start) ? 0 : 1 / Math.sqrt(H);
  for (const { name, at, length } of parameters.list) {
    if (name.startsWith('weight_hh')) {
      for (let gate = 0; gate < cell.gates; gate++) square(parameters.values, at + gate * H * H, H, random);
    } else {
      uniform(parameters.values, at, length, name.startsWith('bias') ? biases : 1 / Math.sqrt(H), random);
    }
  }
  for (let layer = 0; layer < L; layer++) {
    const [first] = network.unitNames(layer);
    if (first !== undefined) cell.units?.initialize(parameters.values, parameters.get(first).at, H, random);
  }
  if (cell.forgetGate !== undefined) {
    for (let layer = 0; layer < L; layer++) setForgetBias(network, layer, cell.forgetGate, options.forgetBias ?? 1, longest, random);
  }
  network.changed();
}

/** The input gate is the block before the forget gate (PyTorch's order i, f); a coupled one needs no bias. */
function setForgetBias(
  network: Network,
  layer: number,
  gate: number,
  bias: number | 'chrono',
  longest: number | undefined,
  random: Random,
): void {
  const { parameters, cell, H } = network;
  const names = layerNames(layer);
  const inputBias = parameters.valuesOf(names.inputBias);
  const recurrentBias = cell.recurrentMatrix === false ? undefined : parameters.valuesOf(names.recurrentBias);
  recurrentBias?.fill(0, gate * H, (gate + 1) * H);
  if (bias !== 'chrono') {
    inputBias.fill(bias, gate * H, (gate + 1) * H);
    return;
  }
  if (longest === undefined || longest < 3) {
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `forgetBias chrono needs sequences of at least 3 steps, got ${longest}; give forgetBias as a number`,
    );
  }
  const coupled = cell.coupled === true;
  if (gate === 0 && !coupled) {
    throw new ThroughtimeError('OPTION_INVALID', `forgetBias chrono needs an input gate before the forget gate, and ${cell.name} has none`);
  }
  if (!coupled) recurrentBias?.fill(0, (gate - 1) * H, gate * H);
  for (let j = 0; j < H; j++) {
    const drawn = Math.log(1 + random.uniform() * (longest - 2));
    inputBias[gate * H + j] = drawn;
    if (!coupled) inputBias[(gate - 1) * H + j] = -drawn;
  }
}

function requireWhole(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new ThroughtimeError('OPTION_INVALID', `${name} is a whole number from 1, got ${value}`);
  }
}
