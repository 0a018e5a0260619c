import { readFile } from 'node:fs/promises';
import { ThroughtimeError } from '../errors.ts';
import { type NamedTensor, readSafetensors, type TensorFile, writeSafetensors } from '../interop/safetensors.ts';
import type { Network } from '../network/network.ts';
import type { Trainer, TrainerCursor } from '../training/trainer.ts';
import { reading, writeWhole } from './files.ts';

/**
 * A checkpoint is a safetensors file: the weights under PyTorch's names, the optimizer's arrays as
 * `optimizer.<slot>.<parameter>`, the carried state as `carried.<state>_l<layer>`, and in the metadata where the training
 * stands. What is drawn at random depends on the seed and on that place alone, so the place is the random state too.
 */
const format = 'throughtime-checkpoint';
const version = '1';

/** Everything that a training needs to go on to the same bits. */
export function checkpointBytes(trainer: Trainer): Uint8Array {
  const { network, updater } = trainer;
  const tensors: NamedTensor[] = weightTensors(network);
  for (const slot of updater.slots) {
    for (const { name, shape, at, length } of network.parameters.list) {
      tensors.push({ name: `optimizer.${slot.name}.${name}`, shape, values: slot.values.subarray(at, at + length) });
    }
  }
  for (const { name, values } of trainer.carried()) {
    tensors.push({ name, shape: [values.length / network.H, network.H], values });
  }
  return writeSafetensors(tensors, { format, version, optimizer: updater.optimizer.name, cursor: JSON.stringify(trainer.cursor) });
}

/** The weights of a network as tensors with PyTorch's names. */
export function weightTensors(network: Network): NamedTensor[] {
  return network.parameters.list.map(({ name, shape }) => ({ name, shape, values: network.parameters.valuesOf(name) }));
}

/** The weights alone, in a file that says of which update they are and what their loss on the validation part is. */
export function weightsBytes(network: Network, update: number, validation: number): Uint8Array {
  const metadata = { format: 'throughtime-weights', version, update: String(update), validation: String(validation) };
  return writeSafetensors(weightTensors(network), metadata);
}

/** Writes a checkpoint whole or not at all; the one before is kept as `previous`. */
export function writeCheckpoint(trainer: Trainer, file: string, previous: string): void {
  writeWhole(file, checkpointBytes(trainer), previous);
}

/**
 * Takes up a training from a checkpoint file.
 *
 * @throws CHECKPOINT_INVALID where it is damaged, not a checkpoint, or of another network.
 */
export async function restoreCheckpoint(trainer: Trainer, file: string): Promise<void> {
  const content = readSafetensors(await reading(file, () => readFile(file)), file);
  const { metadata } = content;
  if (metadata.format !== format)
    throw invalid(file, 'holds tensors but is not a checkpoint of a training; name the one of a run directory');
  if (metadata.version !== version)
    throw invalid(file, `is of version ${metadata.version}, and this program reads version ${version}; use the program that wrote it`);
  const { network, updater } = trainer;
  if (metadata.optimizer !== updater.optimizer.name) {
    throw invalid(
      file,
      `was written by the optimizer ${metadata.optimizer}, and this run has ${updater.optimizer.name}; take the checkpoint of this run`,
    );
  }
  loadWeights(network, content, file);
  for (const slot of updater.slots) {
    for (const { name, shape, at } of network.parameters.list) {
      slot.values.set(tensorOf(content, `optimizer.${slot.name}.${name}`, shape, file), at);
    }
  }
  const cursor = cursorOf(metadata.cursor, file);
  try {
    trainer.restore(cursor, (name) => tensorOf(content, name, undefined, file));
  } catch (cause) {
    if (cause instanceof ThroughtimeError && cause.place.file === undefined) throw invalid(file, cause.message);
    throw cause;
  }
}

/** Copies weights with PyTorch's names into a network. */
export function loadWeights(network: Network, content: TensorFile, file: string): void {
  for (const { name, shape } of network.parameters.list) network.parameters.valuesOf(name).set(tensorOf(content, name, shape, file));
  network.changed();
}

function tensorOf({ tensors }: TensorFile, name: string, shape: readonly number[] | undefined, file: string): Float32Array | Float64Array {
  const found = tensors.get(name);
  if (!found) throw invalid(file, `has no tensor ${name}; take the checkpoint of this run`);
  if (shape && (found.shape.length !== shape.length || found.shape.some((size, axis) => size !== shape[axis]))) {
    throw invalid(file, `has ${name} of shape [${found.shape}] where this network has [${shape}]; take the checkpoint of this run`);
  }
  return found.values;
}

function cursorOf(text: string | undefined, file: string): TrainerCursor {
  try {
    const cursor = JSON.parse(text ?? '') as TrainerCursor;
    if (
      [cursor.update, cursor.applied, cursor.epoch, cursor.batch, cursor.window].every((each) => Number.isSafeInteger(each) && each >= 0)
    ) {
      return cursor;
    }
  } catch {
    // Answered below, like a cursor with other fields.
  }
  throw invalid(file, `does not say where the training stood (got ${JSON.stringify(text)}); take another copy`);
}

function invalid(file: string, sentence: string): ThroughtimeError {
  return new ThroughtimeError('CHECKPOINT_INVALID', sentence, { file });
}
