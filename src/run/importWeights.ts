import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ThroughtimeError } from '../errors.ts';
import { kerasNetwork } from '../interop/kerasModel.ts';
import { fromKerasNames, hasKerasNames } from '../interop/kerasNames.ts';
import { fromPytorch } from '../interop/pytorch.ts';
import { type NamedTensor, readSafetensors, writeSafetensors } from '../interop/safetensors.ts';
import { parseModelJson, readShards } from '../interop/tensorflowJson.ts';
import { cellMetadata } from './checkpoint.ts';
import { FileSource } from './fileSource.ts';
import { reading, writeWhole } from './files.ts';
import { weightsOf } from './openWeights.ts';

/** Which weights are taken over, and where to. */
export interface ImportRequest {
  /** Weights of a PyTorch module, as safetensors, or the `model.json` of a TensorFlow.js layers model, beside its shards. */
  readonly source: string;
  /** Where to write them under the names of this system; ends in `.safetensors`. */
  readonly file: string;
}

/** What was taken over, and what became of its names. */
export interface ImportAnswer {
  readonly source: string;
  readonly file: string;
  readonly cell: string;
  readonly layers: number;
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly outputSize: number;
  /** Names that were changed, from and to. */
  readonly renamed: Readonly<Record<string, string>>;
  /** Parameters that the source does not have, which are zeros. */
  readonly zeros: readonly string[];
  /** Of a plain network of TensorFlow.js: what `inspect` and `diagnose` have to be told. */
  readonly activation?: 'tanh' | 'relu';
  /** Of a model of TensorFlow.js: at which steps its outputs are read. */
  readonly targets?: 'last' | 'every';
  /** Likewise: what it applies to its outputs, which is part of the loss here. */
  readonly outputActivation?: string;
  /** Likewise: its layers that do nothing once it is trained. */
  readonly leftOut?: readonly string[];
}

/**
 * Takes the weights of a network trained elsewhere, and writes them as `inspect`, `diagnose` and `export` read them. The numbers are not changed.
 *
 * @throws SHAPE_MISMATCH for what is no network of this system, CHECKPOINT_INVALID for a damaged file, OPTION_INVALID for another ending.
 */
export async function importWeights({ source, file }: ImportRequest): Promise<ImportAnswer> {
  if (!file.endsWith('.safetensors')) {
    throw new ThroughtimeError('OPTION_INVALID', 'must end in .safetensors, which is what is written; change the name', { file });
  }
  const { taken, renamed, zeros, of, ...told } = source.endsWith('.json') ? await fromModelJson(source) : await fromSafetensors(source);
  const named = new Map(taken.map((tensor) => [tensor.name, tensor]));
  const metadata = of === undefined ? {} : cellMetadata(of);
  const { model, inputSize, outputSize } = weightsOf({ tensors: named, metadata }, source, told.activation);
  writeWhole(file, writeSafetensors(taken, { format: 'pt', ...metadata }));
  const { cell, layers = 1, hiddenSize } = model;
  return { source, file, cell: String(cell), layers, inputSize, hiddenSize, outputSize, renamed, zeros, ...told };
}

type Taken = Pick<ImportAnswer, 'renamed' | 'zeros' | 'activation' | 'targets' | 'outputActivation' | 'leftOut'> & {
  readonly taken: readonly NamedTensor[];
  /** The cell, where the source says more than the shapes. */
  readonly of?: string;
};

async function fromSafetensors(source: string): Promise<Taken> {
  const { tensors, metadata } = readSafetensors(await reading(source, () => readFile(source)), source);
  if (hasKerasNames(tensors.keys())) {
    const { tensors: taken, renamed, cell: of } = fromKerasNames(tensors, source);
    return { taken, of, renamed, zeros: zerosOf(taken, renamed) };
  }
  const taken = fromPytorch(tensors.values(), source);
  const given = [...tensors.values()];
  const renamed = given.flatMap((before) => {
    const after = taken.find(({ values }) => values === before.values);
    return after && after.name !== before.name ? [[before.name, after.name] as const] : [];
  });
  const zeros = taken.filter(({ values }) => !given.some((before) => before.values === values)).map(({ name }) => name);
  return { taken, of: metadata['throughtime.cell'], renamed: Object.fromEntries(renamed), zeros };
}

/** Bytes of the longest `model.json` that is read: hundreds of layers take a tenth of it. */
const longestModelJson = 16 * 2 ** 20;

async function fromModelJson(source: string): Promise<Taken> {
  const text = await reading(source, async () => {
    const { size } = await stat(source);
    if (size > longestModelJson) {
      const sentence = `has ${size} bytes, and a model.json has ${longestModelJson} at most; name the model.json of a layers model`;
      throw new ThroughtimeError('CHECKPOINT_INVALID', sentence, { file: source });
    }
    return readFile(source, 'utf8');
  });
  const model = parseModelJson(text, source);
  const tensors = readShards(model, (shard) => FileSource.open(path.join(path.dirname(source), shard)), source);
  const { tensors: taken, renamed, cell: of, ...told } = kerasNetwork(model.topology, tensors, source);
  return { taken, of, renamed, zeros: zerosOf(taken, renamed), ...told };
}

/** The parameters that were made of no weight. */
function zerosOf(taken: readonly NamedTensor[], renamed: Readonly<Record<string, string>>): string[] {
  const made = Object.values(renamed).join(', ').split(', ');
  return taken.map(({ name }) => name).filter((name) => !made.includes(name));
}
