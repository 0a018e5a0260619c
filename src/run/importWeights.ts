import { readFile } from 'node:fs/promises';
import { ThroughtimeError } from '../errors.ts';
import { fromPytorch } from '../interop/pytorch.ts';
import { readSafetensors, writeSafetensors } from '../interop/safetensors.ts';
import { reading, writeWhole } from './files.ts';
import { weightsOf } from './openWeights.ts';

export interface ImportRequest {
  /** Weights of a PyTorch module, as safetensors. */
  readonly source: string;
  /** Where to write them under the names of this system; ends in `.safetensors`. */
  readonly file: string;
}

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
  const { tensors } = readSafetensors(await reading(source, () => readFile(source)), source);
  const taken = fromPytorch(tensors.values(), source);
  const named = new Map(taken.map((tensor) => [tensor.name, tensor]));
  const { model, inputSize, outputSize } = weightsOf({ tensors: named, metadata: {} }, source);
  writeWhole(file, writeSafetensors(taken, { format: 'pt' }));
  const given = [...tensors.values()];
  const renamed = given.flatMap((before) => {
    const after = taken.find(({ values }) => values === before.values);
    return after && after.name !== before.name ? [[before.name, after.name] as const] : [];
  });
  const zeros = taken.filter(({ values }) => !given.some((before) => before.values === values)).map(({ name }) => name);
  const { cell, layers = 1, hiddenSize } = model;
  return { source, file, cell: String(cell), layers, inputSize, hiddenSize, outputSize, renamed: Object.fromEntries(renamed), zeros };
}
