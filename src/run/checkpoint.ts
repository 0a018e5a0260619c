import { readFile } from 'node:fs/promises';
import type { Reals } from '../compute/backend.ts';
import { ThroughtimeError } from '../errors.ts';
import { type NamedTensor, readSafetensors, type TensorFile, writeSafetensors } from '../interop/safetensors.ts';
import type { CellName } from '../network/model.ts';
import type { Network } from '../network/network.ts';
import { type Snapshot, takeSnapshot } from '../training/guard/snapshots.ts';
import type { Trainer, TrainerCursor } from '../training/trainer.ts';
import { reading, writeWhole } from './files.ts';

/**
 * A checkpoint is a safetensors file: the weights under PyTorch's names, the optimizer's arrays as
 * `optimizer.<slot>.<parameter>`, the carried state as `carried.<state>_l<layer>`, what clip and guard remember as `memory.<name>`, and
 * in the metadata where the training stands. Where a training may go back to its last good moments, those are in it too, as `good<n>.`
 * and the name of a flat array. What is drawn at random depends on the seed and on that place alone, so the place is the random state too.
 */
const format = 'throughtime-checkpoint';
const version = '1';

/** The cell that has the shapes of another one, so that a file of its weights names it in its metadata. */
export const namedCell = 'gru-reset-before' satisfies CellName;

/** What the metadata of a file of weights say of the cell: nothing, where the shapes tell it. */
export const cellMetadata = (cell: string): Record<string, string> => (cell === namedCell ? { 'throughtime.cell': cell } : {});

/** Everything that a training needs to go on to the same bits. @param at an earlier moment of it, in place of the present one. */
export function checkpointBytes(trainer: Trainer, at: Snapshot = takeSnapshot(trainer)): Uint8Array {
  const { network, updater } = trainer;
  const { list } = network.parameters;
  const ofParameters = (prefix: string, values: Reals) =>
    list.map(({ name, shape, at, length }) => ({ name: `${prefix}${name}`, shape, values: values.subarray(at, at + length) }));
  const flat = (name: string, values: Reals) => ({ name, shape: [values.length], values });
  const tensors: NamedTensor[] = ofParameters('', at.values);
  for (const { name, values } of at.slots) tensors.push(...ofParameters(`optimizer.${name}.`, values));
  for (const { name, values } of at.carried) tensors.push({ name, shape: [values.length / network.H, network.H], values });
  for (const { name, values } of at.memories) tensors.push(flat(`memory.${name}`, values));
  const good = mayGoBack(trainer) ? trainer.snapshots.kept.filter(({ cursor }) => cursor.update <= at.cursor.update) : [];
  for (const [index, { values, slots, carried, memories }] of good.entries()) {
    tensors.push(flat(`good${index}.values`, values));
    for (const each of slots) tensors.push(flat(`good${index}.optimizer.${each.name}`, each.values));
    for (const each of carried) tensors.push(flat(`good${index}.${each.name}`, each.values));
    for (const each of memories) tensors.push(flat(`good${index}.memory.${each.name}`, each.values));
  }
  const cursors: Record<string, string> = good.length > 0 ? { good: JSON.stringify(good.map(({ cursor }) => cursor)) } : {};
  return writeSafetensors(tensors, {
    ...{ format, version, optimizer: updater.optimizer.name, cursor: JSON.stringify(at.cursor) },
    ...cursors,
    ...cellMetadata(network.cell.name),
  });
}

/** Whether later updates depend on the last good moments. */
function mayGoBack({ options, chosen }: Trainer): boolean {
  const { guard = 'warn', clip } = options;
  return guard === 'rollback' || typeof guard === 'object' || (clip === 'auto' && chosen === null);
}

/** The weights of a network as tensors with PyTorch's names. */
export function weightTensors(network: Network): NamedTensor[] {
  return network.parameters.list.map(({ name, shape }) => ({ name, shape, values: network.parameters.valuesOf(name) }));
}

/** The weights alone, in a file that says of which update they are and what their loss on the validation part is. */
export function weightsBytes(network: Network, update: number, validation: number): Uint8Array {
  const of = { update: String(update), validation: String(validation) };
  const metadata = { format: 'throughtime-weights', version, ...of, ...cellMetadata(network.cell.name) };
  return writeSafetensors(weightTensors(network), metadata);
}

/** Writes a checkpoint whole or not at all; the one before is kept as `previous`, where that is given. */
export function writeCheckpoint(trainer: Trainer, file: string, previous?: string, at?: Snapshot): void {
  writeWhole(file, checkpointBytes(trainer, at), previous);
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
    for (const memory of trainer.memories) {
      const kept = content.tensors.get(`memory.${memory.name}`);
      if (kept) memory.restore(kept.values);
    }
    trainer.snapshots.restore(goodMoments(content, trainer, file));
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

/** The good moments that a checkpoint holds. */
function goodMoments(content: TensorFile, trainer: Trainer, file: string): Snapshot[] {
  if (content.metadata.good === undefined) return [];
  const cursors = JSON.parse(content.metadata.good) as TrainerCursor[];
  return cursors.map((cursor, index): Snapshot => {
    const arrays = (names: readonly string[], prefix = '') =>
      names.map((name) => ({ name, values: tensorOf(content, `good${index}.${prefix}${name}`, undefined, file) }));
    const memories = arrays(
      trainer.memories.map(({ name }) => name),
      'memory.',
    ) as { name: string; values: Float64Array }[];
    const slots = arrays(
      trainer.updater.slots.map(({ name }) => name),
      'optimizer.',
    );
    const carried = arrays(trainer.carried().map(({ name }) => name));
    return { cursor, values: tensorOf(content, `good${index}.values`, undefined, file), slots, carried, memories };
  });
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
