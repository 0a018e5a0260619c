import { ThroughtimeError } from '../errors.ts';
import type { NamedTensor } from './safetensors.ts';

/**
 * The recurrent layers of Keras and of TensorFlow.js in the terms of this system: what they are, and their arrays as our parameters. Keras
 * has matrices [inputs, outputs] that stand to the right of the input; here they are [outputs, inputs], as in PyTorch. Its gates come
 * in the order i, f, c, o (LSTM, as here) and z, r, h (GRU; here r, z, n).
 */

/** An array of a layer, row-major. */
export interface KerasArray {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

export const kerasKinds = ['SimpleRNN', 'LSTM', 'GRU'] as const;

/** The class of a recurrent layer. */
export type KerasKind = (typeof kerasKinds)[number];

/** What the configuration of a recurrent layer says about its mathematics, defaults filled in by whoever read it. */
export interface KerasConfig {
  /** The layer's name, for errors. */
  readonly name: string;
  readonly kind: KerasKind;
  /** H. */
  readonly units: number;
  /** `tanh`, `relu`, ... */
  readonly activation: string;
  /** Of the gates of LSTM and GRU: `sigmoid`, `hardSigmoid` (also spelt `hard_sigmoid`), ... */
  readonly recurrentActivation?: string;
  /** Of GRU: whether the reset gate acts on the recurrent term after its product. */
  readonly resetAfter?: boolean;
  readonly goBackwards?: boolean;
}

/** A recurrent layer with its arrays. */
export interface KerasRecurrent {
  readonly config: KerasConfig;
  /** [I, G*H] */
  readonly kernel: KerasArray;
  /** [H, G*H] */
  readonly recurrentKernel: KerasArray;
  /** [G*H]; of a GRU with `resetAfter` [2, G*H], the recurrent term's second. Absent where the layer has none. */
  readonly bias?: KerasArray;
}

/** A linear layer. */
export interface KerasDense {
  readonly name: string;
  /** [H, O] */
  readonly kernel: KerasArray;
  /** [O]; absent where the layer has none. */
  readonly bias?: KerasArray;
}

/** The cell that a layer is, as `ModelOptions` name it; `gates` says which function an LSTM's or GRU's gates go through. */
export type KerasCell =
  | { readonly cell: 'rnn'; readonly activation: 'tanh' | 'relu' }
  | { readonly cell: 'lstm' | 'gru' | 'gru-reset-before'; readonly gates: 'sigmoid' | 'hardSigmoid' };

/** G, and at which of our gates each of Keras' gates is. */
const gatesOf: Record<KerasKind, readonly number[]> = { SimpleRNN: [0], LSTM: [0, 1, 2, 3], GRU: [1, 0, 2] };

/**
 * Which cell a layer is.
 *
 * @param file where the layer comes from, for errors.
 * @throws SHAPE_MISMATCH for what no cell here computes: other functions, a layer that goes backwards.
 */
export function kerasCell(config: KerasConfig, file?: string): KerasCell {
  const { kind, activation, recurrentActivation = 'sigmoid', resetAfter = false, goBackwards = false } = config;
  if (goBackwards)
    throw wrong(config.name, 'goes backwards through the sequence, which no network here does; reverse the data instead', file);
  if (kind === 'SimpleRNN') {
    if (activation !== 'tanh' && activation !== 'relu') {
      throw wrong(config.name, `has the activation ${activation}; a plain network has tanh or relu`, file);
    }
    return { cell: 'rnn', activation };
  }
  if (activation !== 'tanh') throw wrong(config.name, `has the activation ${activation}; the cells of ${kind} have tanh`, file);
  const gates = { sigmoid: 'sigmoid', hardSigmoid: 'hardSigmoid', hard_sigmoid: 'hardSigmoid' }[recurrentActivation];
  if (gates !== 'sigmoid' && gates !== 'hardSigmoid') {
    throw wrong(config.name, `has the recurrent activation ${recurrentActivation}; gates are sigmoid or hardSigmoid`, file);
  }
  if (kind === 'LSTM') return { cell: 'lstm', gates };
  return { cell: resetAfter ? 'gru' : 'gru-reset-before', gates };
}

/**
 * The parameters of a stack of recurrent layers of one kind and of the linear layer behind it, as float32 under the names of this system. The
 * bias of a layer that has one for both terms goes to `bias_ih`, `bias_hh` is 0; a layer without has zeros.
 *
 * @param layers from the first to the last, each reading the one before.
 * @param file where they come from, for errors.
 * @throws SHAPE_MISMATCH where shapes do not fit each other.
 */
export function fromKeras(layers: readonly KerasRecurrent[], dense: KerasDense, file?: string): NamedTensor[] {
  const [first] = layers;
  if (!first) throw new ThroughtimeError('SHAPE_MISMATCH', 'there is no recurrent layer; wanted are SimpleRNN, LSTM or GRU', { file });
  const tensors: NamedTensor[] = [];
  const H = first.config.units;
  for (const [layer, { config, kernel, recurrentKernel, bias }] of layers.entries()) {
    const { name, kind, units, resetAfter = false } = config;
    if (kind !== first.config.kind) throw wrong(name, `is ${kind} above ${first.config.kind}; all layers are of one kind`, file);
    if (units !== H) throw wrong(name, `has ${units} units above ${H}; all layers have as many`, file);
    const order = gatesOf[kind];
    const G = order.length;
    const I = layer === 0 ? kernel.shape[0] : H;
    const apart = kind === 'GRU' && resetAfter;
    expect(name, 'kernel', kernel, [I, G * H], file);
    expect(name, 'recurrent kernel', recurrentKernel, [H, G * H], file);
    if (bias) expect(name, 'bias', bias, apart ? [2, G * H] : [G * H], file);
    tensors.push(
      { name: `weight_ih_l${layer}`, shape: [G * H, I], values: transposed(kernel, I, order, H) },
      { name: `weight_hh_l${layer}`, shape: [G * H, H], values: transposed(recurrentKernel, H, order, H) },
      { name: `bias_ih_l${layer}`, shape: [G * H], values: reordered(bias, 0, order, H) },
      { name: `bias_hh_l${layer}`, shape: [G * H], values: reordered(apart ? bias : undefined, G * H, order, H) },
    );
  }
  const O = dense.kernel.shape[1];
  expect(dense.name, 'kernel', dense.kernel, [H, O], file);
  if (dense.bias) expect(dense.name, 'bias', dense.bias, [O], file);
  tensors.push(
    { name: 'readout.weight', shape: [O, H], values: transposed(dense.kernel, H, [0], O) },
    { name: 'readout.bias', shape: [O], values: reordered(dense.bias, 0, [0], O) },
  );
  return tensors;
}

/** [I, G*H] in Keras' order of gates to [G*H, I] in ours. */
function transposed({ values }: KerasArray, I: number, order: readonly number[], H: number): Float32Array {
  const rows = order.length * H;
  const out = new Float32Array(rows * I);
  for (const [gate, ours] of order.entries()) {
    for (let j = 0; j < H; j++) {
      for (let i = 0; i < I; i++) out[(ours * H + j) * I + i] = values[i * rows + gate * H + j];
    }
  }
  return out;
}

/** G*H numbers from `at`; zeros where there is no array. */
function reordered(array: KerasArray | undefined, at: number, order: readonly number[], H: number): Float32Array {
  const out = new Float32Array(order.length * H);
  if (!array) return out;
  for (const [gate, ours] of order.entries()) {
    for (let j = 0; j < H; j++) out[ours * H + j] = array.values[at + gate * H + j];
  }
  return out;
}

function expect(layer: string, part: string, { shape, values }: KerasArray, wanted: readonly number[], file?: string): void {
  const length = wanted.reduce((product, size) => product * size, 1);
  if (shape.length === wanted.length && shape.every((size, axis) => size === wanted[axis]) && values.length === length) return;
  throw wrong(layer, `has a ${part} of the shape [${shape}] and ${values.length} numbers where [${wanted}] fits the layers`, file);
}

const wrong = (layer: string, sentence: string, file?: string) => new ThroughtimeError('SHAPE_MISMATCH', sentence, { file, field: layer });
