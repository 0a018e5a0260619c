import { readFile } from 'node:fs/promises';
import type { Backend } from '../compute/backend.ts';
import { ThroughtimeError } from '../errors.ts';
import { readSafetensors, type TensorFile } from '../interop/safetensors.ts';
import type { InputShape } from '../network/batch.ts';
import type { CellName, ModelOptions } from '../network/model.ts';
import { Network } from '../network/network.ts';
import { loadWeights, namedCell } from './checkpoint.ts';
import { reading } from './files.ts';

/** What the shapes of a file of weights tell about the network. */
export interface WeightsShape {
  readonly model: ModelOptions;
  /** I and O. */
  readonly inputSize: number;
  readonly outputSize: number;
  /** Makes the network, with these weights. @param options what shapes do not tell (residual connections), where it is known. */
  open(backend: Backend, input: InputShape, options?: ModelOptions): Network;
}

const cellOfGates: Record<number, CellName> = { 1: 'rnn', 3: 'gru', 4: 'lstm' };

/**
 * Reads the weights of a network trained elsewhere: safetensors with PyTorch's names, read-out included. The cell is told by
 * the number of gates (1 rnn, 3 gru, 4 lstm), one without a recurrent matrix by its names, and a GRU that resets before its product by
 * `throughtime.cell` in the metadata; a plain network is tanh unless `activation` says relu.
 *
 * @throws SHAPE_MISMATCH where names are missing or shapes do not fit; CHECKPOINT_INVALID for a damaged file.
 */
export async function openWeights(file: string, activation?: 'tanh' | 'relu'): Promise<WeightsShape> {
  return weightsOf(readSafetensors(await reading(file, () => readFile(file)), file), file, activation);
}

/** The same of tensors that are read already. @param file their name, for errors. */
export function weightsOf(content: TensorFile, file: string, activation?: 'tanh' | 'relu'): WeightsShape {
  const wrong = (sentence: string, field: string) => new ThroughtimeError('SHAPE_MISMATCH', sentence, { file, field });
  const shapeOf = (name: string, dimensions: number): readonly number[] => {
    const tensor = content.tensors.get(name);
    const names = [...content.tensors.keys()];
    if (!tensor)
      throw wrong(
        `is missing; weights are wanted under PyTorch's names, there are ${names.join(', ') || 'none'}${names.some((each) => each.endsWith(`.${name}`)) ? '; "throughtime import" takes the network out of a module' : ''}`,
        name,
      );
    if (tensor.shape.length !== dimensions) throw wrong(`has the shape [${tensor.shape}] where ${dimensions} dimensions are wanted`, name);
    return tensor.shape;
  };
  const diagonal = withoutMatrix(content.tensors);
  const [rows, H] = shapeOf(diagonal ? 'readout.weight' : 'weight_hh_l0', 2);
  const told = content.metadata['throughtime.cell'];
  if (told !== undefined && !(told === namedCell && rows === 3 * H)) {
    const sentence = `has the shape [${rows}, ${H}], and the metadata name the cell ${told}; take the file as it was written`;
    throw wrong(sentence, diagonal ? 'readout.weight' : 'weight_hh_l0');
  }
  const cell = told === undefined ? (diagonal ?? (H > 0 ? cellOfGates[rows / H] : undefined)) : namedCell;
  if (!cell) {
    throw wrong(`has the shape [${rows}, ${H}]; wanted is [G*H, H] with G = 1 (rnn), 3 (gru) or 4 (lstm) gates`, 'weight_hh_l0');
  }
  const everyLayer = diagonal ? 'weight_ih' : 'weight_hh';
  if (activation !== undefined && cell !== 'rnn') {
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `--activation has no meaning for these weights, which are those of a ${cell}; leave it out`,
      { file },
    );
  }
  const [, inputSize] = shapeOf('weight_ih_l0', 2);
  const [outputSize] = shapeOf('readout.weight', 2);
  let layers = 1;
  while (content.tensors.has(`${everyLayer}_l${layers}`)) layers++;
  const beyond = [...content.tensors.keys()].find((name) => Number(/^(?:weight|bias)_(?:ih|hh)_l(\d+)$/.exec(name)?.[1] ?? 0) >= layers);
  if (beyond !== undefined)
    throw wrong(`is missing, though there is ${beyond}; give all weights of every layer`, `${everyLayer}_l${layers}`);
  const model: ModelOptions = { cell, ...(cell === 'rnn' ? { activation: activation ?? 'tanh' } : {}), hiddenSize: H, layers };
  const ofUnits = diagonal === 'lru' ? /^(nu|theta|gamma)_log_l\d+$/ : /^$/;
  const ofMatrix = /^(weight|bias)_hh_l\d+$/;
  const foreign = [...content.tensors.keys()].filter(
    (name) =>
      (diagonal && ofMatrix.test(name)) ||
      !(
        ofUnits.test(name) ||
        /^(weight|bias)_(ih|hh)_l\d+$|^weight_skip_l\d+$|^readout\.(weight|bias)$|^(optimizer|carried|memory|good\d)\./.test(name)
      ),
  );
  if (foreign.length > 0)
    throw wrong(
      `is not part of such a network; expected are weight_ih_l{n}, weight_hh_l{n}, bias_ih_l{n}, bias_hh_l{n} and readout`,
      foreign[0],
    );
  return {
    model,
    inputSize,
    outputSize,
    open(backend, input, options = model) {
      const skipping = [...content.tensors.keys()].find((name) => name.startsWith('weight_skip_l'));
      if (skipping !== undefined && !options.skip) {
        throw wrong(
          'belongs to skip connections, whose lags are not in a file of weights; name the run directory that it comes from',
          skipping,
        );
      }
      const network = new Network(backend, options, input, outputSize);
      for (const { name, shape } of network.parameters.list) {
        const found = shapeOf(name, shape.length);
        if (found.some((size, axis) => size !== shape[axis]))
          throw wrong(`has the shape [${found}] where [${shape}] fits the other weights`, name);
      }
      loadWeights(network, content, file);
      return network;
    },
  };
}

/** The cell of weights that have no recurrent matrix; undefined where there is one, or where it is missing. */
function withoutMatrix(tensors: TensorFile['tensors']): CellName | undefined {
  if (tensors.has('weight_hh_l0') || tensors.has('bias_hh_l0')) return undefined;
  if (tensors.has('nu_log_l0')) return 'lru';
  const rows = tensors.get('weight_ih_l0')?.shape[0];
  return rows !== undefined && rows === 2 * (tensors.get('readout.weight')?.shape[1] ?? 0) ? 'mingru' : undefined;
}
