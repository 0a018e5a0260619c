/** What the gradient tests share: small random networks with their batches, the same numbers on any backend, and windows cut out of a batch. */

import fc from 'fast-check';
import type { Backend } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { allocateBatch, type Batch } from '../../src/network/batch.ts';
import { cells } from '../../src/network/cell/cells.ts';
import { fillBatch, type Reading, readings } from '../../src/network/gradcheckCell.ts';
import type { LossName } from '../../src/network/loss/loss.ts';
import { losses } from '../../src/network/loss/losses.ts';
import { initialize, Network } from '../../src/network/network.ts';
import type { SkipOptions } from '../../src/network/skip/skip.ts';

export interface Sample {
  readonly cell: string;
  readonly loss: LossName;
  readonly reading: Reading;
  readonly layers: number;
  readonly residual: boolean;
  readonly dropout: number;
  readonly input: 'vectors' | 'symbols';
  readonly T: number;
  readonly B: number;
  readonly I: number;
  readonly H: number;
  readonly O: number;
  readonly seed: number;
  readonly skip?: SkipOptions;
}

const upTo = (max: number) => fc.integer({ min: 1, max });

export const samples: fc.Arbitrary<Sample> = fc.record({
  cell: fc.constantFrom(...cells.map(({ name }) => name)),
  loss: fc.constantFrom(...(Object.keys(losses) as LossName[])),
  reading: fc.constantFrom(...readings),
  layers: upTo(3),
  residual: fc.boolean(),
  dropout: fc.constantFrom(0, 0, 0.3),
  input: fc.constantFrom('vectors', 'vectors', 'symbols'),
  T: upTo(8),
  B: upTo(5),
  I: upTo(5),
  H: upTo(7),
  O: upTo(4),
  seed: fc.nat({ max: 2 ** 31 }),
  skip: fc.constantFrom<(SkipOptions | undefined)[]>(
    ...[undefined, undefined, undefined],
    ...([
      { kind: 'add', lag: 3 },
      { kind: 'add', lag: [1, 5] },
      { kind: 'weighted', lag: 2 },
    ] as const),
    ...([
      { kind: 'weighted', lag: [3, 4] },
      { kind: 'dilated', lag: 2 },
      { kind: 'dilated', lag: 3 },
    ] as const),
  ),
});

/** The network of a sample, with the parameters of its seed rounded to float32, so that they are the same on every backend. */
export function networkOf(backend: Backend, sample: Sample, input: Sample['input'] = sample.input): Network {
  const cell = cells.find(({ name }) => name === sample.cell)!;
  const { H, layers, residual, dropout, I, O, seed, skip } = sample;
  // Both act between layers.
  const between = layers > 1 ? { residual, dropout } : {};
  const model = { cell, hiddenSize: H, layers, ...between, skip };
  const network = new Network(backend, model, { kind: input, size: I }, O);
  initialize(network, model, seed);
  const { values } = network.parameters;
  for (let i = 0; i < values.length; i++) values[i] = Math.fround(values[i]);
  return network;
}

/** The batch of a sample, of the same numbers on every backend. */
export function batchOf(backend: Backend, sample: Sample): Batch {
  const { input, loss, reading, T, B, I, O, seed } = sample;
  const batch = allocateBatch(backend, { kind: input, size: I }, { kind: losses[loss].target, size: O }, T, B);
  fillBatch(batch, reading, new Random(seed + 1));
  for (const array of [batch.vectors, batch.values]) for (let i = 0; i < array.length; i++) array[i] = Math.fround(array[i]);
  return batch;
}

/** The seed of a sample's dropout masks. */
export const masksOf = ({ dropout, seed }: Sample) => (dropout > 0 ? seed : undefined);

/** Steps [begin, end) of a batch, of whose targets those from step `countFrom` on are counted. */
export function windowOf(backend: Backend, batch: Batch, begin: number, end: number, countFrom = begin): Batch {
  const window = allocateBatch(backend, batch.input, batch.target, end - begin, batch.B);
  copySteps(batch, begin, end, window, countFrom);
  return window;
}

/** Fills `window` with steps [begin, end) of a batch, of whose targets those from step `countFrom` on are counted. */
export function copySteps(batch: Batch, begin: number, end: number, window: Batch, countFrom = begin): void {
  const { input, target, B } = batch;
  window.T = end - begin;
  window.B = B;
  for (let b = 0; b < B; b++) window.lengths[b] = Math.max(0, Math.min(end, batch.lengths[b]) - begin);
  const { size } = input;
  if (input.kind === 'vectors') window.vectors.set(batch.vectors.subarray(begin * B * size, end * B * size));
  else window.symbols.set(batch.symbols.subarray(begin * B, end * B));
  window.counted = 0;
  for (let r = 0; r < batch.counted; r++) {
    const row = batch.rows[r];
    if (row < Math.max(begin, countFrom) * B || row >= end * B) continue;
    const at = window.counted++;
    window.rows[at] = row - begin * B;
    if (target.kind === 'classes') window.classes[at] = batch.classes[r];
    else window.values.set(batch.values.subarray(r * target.size, (r + 1) * target.size), at * target.size);
  }
}

/** ‖actual - expected‖ / ‖expected‖; the plain difference where all of `expected` is 0. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    norm += expected[i] ** 2;
  }
  return norm === 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm);
}
