/**
 * All of it at once: two layers with a residual connection, an orthogonal recurrent matrix, a skip connection, a window of truncated BPTT that
 * begins with carried states, and a clip that binds. What one update of the trainer makes of the weights, beside what follows from central
 * differences of that window's loss, or, where the clip acts inside the backward pass, from a float64 tape. W f(A) is made by loops of its own.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { StoredSequences } from '../../src/data/storedSequences.ts';
import { allocateBatch } from '../../src/network/batch.ts';
import { losses } from '../../src/network/loss/losses.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, layerNames, Network } from '../../src/network/network.ts';
import type { OrthogonalMapName } from '../../src/network/orthogonal/orthogonal.ts';
import { orthogonalMaps } from '../../src/network/orthogonal/orthogonals.ts';
import type { SkipOptions } from '../../src/network/skip/skip.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { trainingDefaults } from '../../src/training/options.ts';
import { Trainer } from '../../src/training/trainer.ts';
import { applied, type Square, transposedTimes, turnedBy } from './plainSquares.ts';
import { distance, windowOf } from './sample.ts';
import { limits, tapedGradient } from './tapedNetwork.ts';

const [T, B, I, H, O] = [9, 2, 2, 3, 2];
const bptt = { k1: 3, k2: 5 };
/** The third window is the first with targets: of steps 4 to 8, whose last three count. */
const [begin, countFrom] = [4, 6];
const [learningRate, turning] = [0.5, 0.3];

const skips: readonly SkipOptions[] = [
  { kind: 'add', lag: [2, 3] },
  { kind: 'weighted', lag: [2, 3] },
  { kind: 'dilated', perLayer: [1, 3] },
];
const clips = [{ globalNorm: 0.01 }, { recurrentNorm: 0.1 }] as const;

/** B random sequences with a target at each of the steps from `countFrom` on. */
function dataset(): StoredSequences {
  const random = new Random(7);
  const drawn = (length: number) => Float64Array.from({ length }, () => random.normal());
  const counted = T - countFrom;
  return new StoredSequences(
    { input: { kind: 'vectors', size: I }, target: { kind: 'values', size: O }, loss: 'mse' },
    {
      starts: Float64Array.from({ length: B + 1 }, (_, b) => b * T),
      vectors: drawn(B * T * I),
      symbols: new Int32Array(0),
      targetStarts: Float64Array.from({ length: B + 1 }, (_, b) => b * counted),
      targetSteps: Int32Array.from({ length: B * counted }, (_, i) => countFrom + (i % counted)),
      classes: new Int32Array(0),
      values: drawn(B * counted * O),
    },
  );
}

function setUp(model: ModelOptions) {
  const backend = scalarBackend();
  const data = dataset();
  const network = new Network(backend, model, data.input, O);
  initialize(network, model, 3);
  // Stronger than a start is, so that the gradient of every number is far from 0.
  const { parameters } = network;
  for (const { name, at, length } of parameters.list) {
    if (!name.startsWith('weight_hh')) for (let i = at; i < at + length; i++) parameters.values[i] *= 1.5;
  }
  network.changed();
  const batch = allocateBatch(backend, data.input, data.target, T, B);
  data.copy({ sequences: Int32Array.from({ length: B }, (_, b) => b), begin: 0, end: T, countFrom: 0 }, batch);
  return { network, data, batch };
}

/** The loss of the window, its carried states being those of the weights at hand now, as a function of the weights later. */
function windowLoss({ network, batch }: ReturnType<typeof setUp>): () => number {
  const { backend } = network;
  const unrolled = new Unrolled(network, T, B);
  unrolled.forward(windowOf(backend, batch, 0, begin));
  unrolled.carry(begin);
  const window = windowOf(backend, batch, begin, T, countFrom);
  return () => {
    network.changed();
    unrolled.forward(window);
    return unrolled.loss(losses.mse);
  };
}

/** Central difference, extrapolated (Richardson). */
function slope(at: (offset: number) => number): number {
  const h = 2 ** -9;
  const [wide, narrow] = [h, h / 2].map((each) => (at(each) - at(-each)) / (2 * each));
  return (4 * narrow - wide) / 3;
}

/** Blocks of all recurrent matrices: where they begin. */
const blocksOf = ({ L, cell, parameters }: Network) =>
  Array.from({ length: L }, (_, layer) => parameters.get(layerNames(layer).recurrentWeight).at).flatMap((at) =>
    Array.from({ length: cell.gates }, (_, gate) => at + gate * H * H),
  );

/** dL/dW of everything and dL/dA of each block, by differences. */
function byDifferences(parts: ReturnType<typeof setUp>, by: OrthogonalMapName) {
  const loss = windowLoss(parts);
  const { network } = parts;
  const { values } = network.parameters;
  const gradient = Float64Array.from(values, (kept, index) => {
    const found = slope((offset) => {
      values[index] = kept + offset;
      return loss();
    });
    values[index] = kept;
    return found;
  });
  const turns = blocksOf(network).map((from) => {
    const W = Float64Array.from(values.subarray(from, from + H * H));
    const dA = new Float64Array(H * H);
    for (let i = 0; i < H; i++) {
      for (let j = i + 1; j < H; j++) {
        dA[i * H + j] = slope((offset) => {
          const A = new Float64Array(H * H);
          A[i * H + j] = offset;
          A[j * H + i] = -offset;
          values.set(applied(W, turnedBy[by](A, H), H), from);
          return loss();
        });
        dA[j * H + i] = -dA[i * H + j];
      }
    }
    values.set(W, from);
    return dA;
  });
  network.changed();
  return { gradient, turns };
}

/** The same, bounded on its way back, by the tape and by dL/dA = WᵀG - (WᵀG)ᵀ. */
function byTape({ network, batch }: ReturnType<typeof setUp>, skip: SkipOptions, threshold: number) {
  const limit = (gradients: number[]) => limits.norm(gradients, threshold);
  const gradient = tapedGradient({ network, skip, batch, carried: begin, limit });
  const turns = blocksOf(network).map((from) => {
    const [W, G] = [network.parameters.values, gradient].map((all) => Float64Array.from(all.subarray(from, from + H * H)));
    const product = transposedTimes(W, G, H);
    return product.map((each, index) => each - product[(index % H) * H + Math.floor(index / H)]) as Square;
  });
  return { gradient, turns };
}

for (const cell of ['rnn', 'lstm', 'gru'] as const) {
  for (const by of Object.keys(orthogonalMaps) as OrthogonalMapName[]) {
    describe(`${cell}, orthogonal by ${by}, two layers, a residual connection, windows of ${bptt.k2} steps every ${bptt.k1}`, () => {
      for (const skip of skips) {
        for (const clip of clips) {
          test(`skip ${JSON.stringify(skip)}, clip ${JSON.stringify(clip)}: an update is what the gradient says, to 1e-7`, () => {
            const model: ModelOptions = {
              ...{ cell, hiddenSize: H, layers: 2, residual: true, skip },
              ...{ recurrentInit: 'orthogonal', orthogonal: { by, learningRate: turning } },
            };
            const parts = setUp(model);
            const { network, data } = parts;
            const { values, list } = network.parameters;
            const before = Float64Array.from(values);
            const inside = 'recurrentNorm' in clip;
            const { gradient, turns } = inside ? byTape(parts, skip, clip.recurrentNorm) : byDifferences(parts, by);
            const norm = Math.hypot(...gradient);
            // As PyTorch's, the clip adds 1e-6 to the norm.
            const factor = inside ? 1 : clip.globalNorm / (norm + 1e-6);
            assert.ok(factor <= 1 && norm > 0);

            const training = { ...trainingDefaults, optimizer: 'sgd', learningRate, batchSize: B, bptt, clip, updates: 1 } as const;
            const trainer = new Trainer(network, data, training);
            const record = trainer.step();
            assert.equal(record.nonFinite, null);
            assert.ok(Math.abs(record.gradientNorm / norm - 1) < 1e-8, `${record.gradientNorm}, not ${norm}`);
            if (inside) assert.ok(record.clip && record.clip.share > 0.1, 'the limit has to bind');
            else assert.ok(Math.abs(record.clippedNorm / (factor * norm) - 1) < 1e-8, `${record.clippedNorm} of ${norm}`);

            const blocks = blocksOf(network);
            const expected = Float64Array.from(before, (value, index) => value - learningRate * factor * gradient[index]);
            for (const [index, from] of blocks.entries()) {
              const W = before.slice(from, from + H * H);
              const A = turns[index].map((each) => -turning * factor * each);
              const moved = applied(W, turnedBy[by](A, H), H);
              assert.ok(distance(applied(transposedTimes(W, W, H), moved, H), moved) < 1e-12, 'it started from an orthogonal matrix');
              expected.set(moved, from);
            }
            const step = (from: number, length: number, of: ArrayLike<number>) =>
              Float64Array.from({ length }, (_, i) => of[from + i] - before[from + i]);
            for (const { name, at, length } of list) {
              const off = distance(step(at, length, values), step(at, length, expected));
              assert.ok(off < 1e-7, `${name} is off by ${off}`);
            }
            assert.ok(blocks.every((from) => Math.hypot(...step(from, H * H, values)) > 1e-6));
          });
        }
      }
    });
  }
}
