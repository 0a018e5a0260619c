import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Backend, Reals } from '../compute/backend.ts';
import { ThroughtimeError } from '../errors.ts';
import { type NamedTensor, readSafetensors, type TensorFile, writeSafetensors } from '../interop/safetensors.ts';
import { locateNonFinite, type NonFiniteLocation } from '../monitor/nonFinite.ts';
import { allocateBatch, type Batch, type InputShape, type TargetShape } from '../network/batch.ts';
import type { LossName } from '../network/loss/loss.ts';
import { losses } from '../network/loss/losses.ts';
import type { ModelOptions } from '../network/model.ts';
import { Network } from '../network/network.ts';
import { StateWatch } from '../network/unroll/stateWatch.ts';
import { Unrolled } from '../network/unroll/unrolled.ts';
import type { ClipOption } from '../training/clip/clip.ts';
import { clipOf } from '../training/clip/clips.ts';
import type { Failure } from '../training/events.ts';
import { loadWeights, weightTensors } from './checkpoint.ts';
import { reading, writeError, writeWhole } from './files.ts';

/**
 * A pass that was not finite, kept so that it can be run again: a safetensors file with the weights under PyTorch's names, the batch as
 * `batch.<array>`, and the state before the first step as `initial.<state>_l<layer>`.
 */
const format = 'throughtime-failure';
const version = '1';

/** Of a run, the first passes that were not finite are kept; after those, nothing new is to be seen. */
const most = 3;

const fileOf = (folder: string, update: number) => path.join(folder, `update-${update}.safetensors`);

/** The updates whose passes are kept. */
export function keptFailures(folder: string): number[] {
  if (!existsSync(folder)) return [];
  const updates = readdirSync(folder).flatMap((name) => /^update-(\d+)\.safetensors$/.exec(name)?.[1] ?? []);
  return updates.map(Number).sort((a, b) => a - b);
}

/** Keeps a pass, if it is one of the first. */
export function keepFailure(folder: string, failure: Failure): void {
  const kept = keptFailures(folder);
  if (kept.length >= most && !kept.includes(failure.update)) return;
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw writeError(folder, cause);
  }
  writeWhole(fileOf(folder, failure.update), failureBytes(failure));
}

function failureBytes({ update, batch, unrolled, loss, dropoutSeed }: Failure): Uint8Array {
  const { network, layers } = unrolled;
  const { T, B, counted, input, target } = batch;
  const flat = (name: string, values: ArrayLike<number>): NamedTensor => {
    const numbers = values instanceof Float32Array ? values : Float64Array.from(values);
    return { name, shape: [numbers.length], values: numbers };
  };
  const tensors = [
    ...weightTensors(network),
    flat('batch.lengths', batch.lengths.subarray(0, B)),
    flat('batch.rows', batch.rows.subarray(0, counted)),
    flat('batch.vectors', batch.vectors.subarray(0, input.kind === 'vectors' ? T * B * input.size : 0)),
    flat('batch.symbols', batch.symbols.subarray(0, input.kind === 'symbols' ? T * B : 0)),
    flat('batch.classes', batch.classes.subarray(0, target.kind === 'classes' ? counted : 0)),
    flat('batch.values', batch.values.subarray(0, target.kind === 'values' ? counted * target.size : 0)),
    ...layers.flatMap(({ states, history }, layer) =>
      states.map((state, which) => flat(`initial.${network.cell.states[which]}_l${layer}`, state.subarray(0, history * B * network.H))),
    ),
  ];
  const shape = JSON.stringify({ update, T, B, counted, input, target, loss, dropoutSeed });
  return writeSafetensors(tensors, { format, version, shape });
}

/** What a pass comes to when it is run again. */
export interface Replay {
  readonly update: number;
  /** Of the batch. */
  readonly sequences: number;
  readonly steps: number;
  readonly loss: number;
  readonly gradientNorm: number;
  /** null where the pass is finite on this backend. */
  readonly located: NonFiniteLocation | null;
}

/**
 * Runs a pass that was not finite once more.
 *
 * @throws OPTION_INVALID where the pass of that update has not been kept.
 */
export async function replayFailure(
  folder: string,
  update: number,
  { model, clip }: { model: ModelOptions; clip: ClipOption },
  backend: Backend,
): Promise<Replay> {
  const kept = keptFailures(folder);
  if (!kept.includes(update)) {
    const known = kept.length === 0 ? 'none has been kept' : `kept are those of the updates ${kept.join(', ')}`;
    throw new ThroughtimeError('OPTION_INVALID', `--replay ${update}: the pass of that update has not been kept; ${known}`);
  }
  const file = fileOf(folder, update);
  const content = readSafetensors(await reading(file, () => readFile(file)), file);
  if (content.metadata.format !== format || content.metadata.version !== version) {
    throw new ThroughtimeError('CHECKPOINT_INVALID', 'is not a pass that was kept by this version; take another copy', { file });
  }
  const shape = JSON.parse(content.metadata.shape) as Shape;
  const { T, B, dropoutSeed } = shape;
  const network = new Network(backend, model, shape.input, shape.target.size);
  loadWeights(network, content, file);
  const batch = batchFrom(content, shape, backend, file);
  const unrolled = new Unrolled(network, T, B);
  for (const [layer, { states }] of unrolled.layers.entries()) {
    for (const [which, state] of states.entries()) state.set(numbers(content, `initial.${network.cell.states[which]}_l${layer}`, file));
  }
  const loss = losses[shape.loss];
  const dropout = dropoutSeed ?? undefined;
  const watch = new StateWatch(backend, network.L, B, clipOf(clip).recurrent ?? null);
  const located = locateNonFinite(unrolled, batch, loss, { dropout, watch });
  let [value, norm] = [Number.NaN, Number.NaN];
  if (batch.counted > 0) {
    unrolled.forward(batch, { dropout });
    value = unrolled.backward(loss, { watch });
    norm = Math.sqrt(backend.sumSquares(network.parameters.gradient, 0, network.parameters.length));
  }
  return { update, sequences: B, steps: T, loss: value, gradientNorm: norm, located };
}

interface Shape {
  readonly T: number;
  readonly B: number;
  readonly counted: number;
  readonly input: InputShape;
  readonly target: TargetShape;
  readonly loss: LossName;
  readonly dropoutSeed: number | null;
}

function batchFrom(content: TensorFile, { T, B, counted, input, target }: Shape, backend: Backend, file: string): Batch {
  const batch = allocateBatch(backend, input, target, T, B);
  Object.assign(batch, { T, B, counted });
  for (const name of ['lengths', 'rows', 'vectors', 'symbols', 'classes', 'values'] as const) {
    batch[name].set(numbers(content, `batch.${name}`, file));
  }
  return batch;
}

function numbers({ tensors }: TensorFile, name: string, file: string): Reals {
  const found = tensors.get(name);
  if (!found) throw new ThroughtimeError('CHECKPOINT_INVALID', `has no tensor ${name}; take another copy`, { file });
  return found.values;
}
