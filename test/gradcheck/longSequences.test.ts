/**
 * Long sequences, where the backward state leaves the range of its numbers and is rescaled on the way: parameter gradients
 * against plain BPTT without any scaling, written here once more for tanh networks in float64.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { allocateBatch, type Batch } from '../../src/network/batch.ts';
import { cells } from '../../src/network/cell/cells.ts';
import { fillBatch, gradcheckCell, type Reading } from '../../src/network/gradcheckCell.ts';
import { losses } from '../../src/network/loss/losses.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { odd } from './oddCell.ts';
import { distance } from './sample.ts';

const [T, B, I, O] = [150, 3, 2, 2];

const backends: readonly (readonly [string, Backend, number])[] = [
  ['scalar', scalarBackend(), 1e-11],
  ['wasm, relaxed SIMD', await wasmBackend(), 1e-4],
  ['wasm, plain SIMD', await wasmBackend({ relaxed: false }), 1e-4],
];

function networkOf(backend: Backend, model: ModelOptions): Network {
  const network = new Network(backend, model, { kind: 'vectors', size: I }, O);
  initialize(network, model, 11);
  const { values } = network.parameters;
  for (let i = 0; i < values.length; i++) values[i] = Math.fround(values[i]);
  return network;
}

function batchOf(backend: Backend, reading: Reading): Batch {
  const batch = allocateBatch(backend, { kind: 'vectors', size: I }, { kind: 'values', size: O }, T, B);
  fillBatch(batch, reading, new Random(12));
  for (const array of [batch.vectors, batch.values]) for (let i = 0; i < array.length; i++) array[i] = Math.fround(array[i]);
  return batch;
}

function gradientOf(backend: Backend, model: ModelOptions, reading: Reading): { network: Network; input: Float64Array } {
  const network = networkOf(backend, model);
  const unrolled = new Unrolled(network, T, B);
  const inputGradient = backend.allocate(T * B * I);
  unrolled.forward(batchOf(backend, reading));
  unrolled.backward(losses.mse, { inputGradient });
  return { network, input: Float64Array.from(inputGradient) };
}

/** Plain BPTT of one sequence after the other through layers of tanh units; mean squared error over the counted targets. */
function plainBptt(network: Network, batch: Batch): Map<string, Float64Array> {
  const { H, L, residual, parameters } = network;
  const of = (name: string) => parameters.valuesOf(name);
  const gradients = new Map([...parameters.list.map(({ name }) => name), 'input'].map((name) => [name, new Float64Array(0)]));
  for (const { name, length } of parameters.list) gradients.set(name, new Float64Array(length));
  gradients.set('input', new Float64Array(T * B * I));
  const add = (name: string, at: number, value: number) => {
    gradients.get(name)![at] += value;
  };
  const rowOf = new Map(Array.from(batch.rows.subarray(0, batch.counted), (row, r) => [row, r]));
  for (let b = 0; b < B; b++) {
    const steps = batch.lengths[b];
    const zero = new Array<number>(H).fill(0);
    // h[layer][t + 1] and what each layer gives to the one above, below[layer][t].
    const h = Array.from({ length: L }, () => [zero]);
    const below = Array.from({ length: L + 1 }, () => [] as number[][]);
    for (let t = 0; t < steps; t++) {
      below[0].push([...batch.vectors.subarray((t * B + b) * I, (t * B + b + 1) * I)]);
      for (let layer = 0; layer < L; layer++) {
        const [wi, wh, bi, bh] = ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map((name) => of(`${name}_l${layer}`));
        const x = below[layer][t];
        const previous = h[layer][t];
        const next = zero.map((_, j) => {
          let pre = bi[j] + bh[j];
          for (let i = 0; i < x.length; i++) pre += wi[j * x.length + i] * x[i];
          for (let i = 0; i < H; i++) pre += wh[j * H + i] * previous[i];
          return Math.tanh(pre);
        });
        h[layer].push(next);
        below[layer + 1].push(next.map((each, j) => each + (residual && layer > 0 ? x[j] : 0)));
      }
    }
    const dh = Array.from({ length: L }, () => [...zero]);
    for (let t = steps - 1; t >= 0; t--) {
      let above = [...zero];
      const r = rowOf.get(t * B + b);
      if (r !== undefined) {
        const [w, bias] = [of('readout.weight'), of('readout.bias')];
        for (let o = 0; o < O; o++) {
          let z = bias[o];
          for (let j = 0; j < H; j++) z += w[o * H + j] * below[L][t][j];
          const dz = (2 * (z - batch.values[r * O + o])) / O / batch.counted;
          add('readout.bias', o, dz);
          for (let j = 0; j < H; j++) {
            add('readout.weight', o * H + j, dz * below[L][t][j]);
            above[j] += dz * w[o * H + j];
          }
        }
      }
      for (let layer = L - 1; layer >= 0; layer--) {
        const [wi, wh] = ['weight_ih', 'weight_hh'].map((name) => of(`${name}_l${layer}`));
        const x = below[layer][t];
        const previous = h[layer][t];
        const dPre = zero.map((_, j) => (dh[layer][j] + above[j]) * (1 - h[layer][t + 1][j] ** 2));
        const dx = new Array<number>(x.length).fill(0);
        dh[layer] = [...zero];
        for (let j = 0; j < H; j++) {
          add(`bias_ih_l${layer}`, j, dPre[j]);
          add(`bias_hh_l${layer}`, j, dPre[j]);
          for (let i = 0; i < x.length; i++) {
            add(`weight_ih_l${layer}`, j * x.length + i, dPre[j] * x[i]);
            dx[i] += dPre[j] * wi[j * x.length + i];
          }
          for (let i = 0; i < H; i++) {
            add(`weight_hh_l${layer}`, j * H + i, dPre[j] * previous[i]);
            dh[layer][i] += dPre[j] * wh[j * H + i];
          }
        }
        if (residual && layer > 0) for (let j = 0; j < H; j++) dx[j] += above[j];
        above = dx;
      }
      for (let i = 0; i < I; i++) add('input', (t * B + b) * I + i, above[i]);
    }
  }
  return gradients;
}

describe(`tanh networks over ${T} steps: every parameter's gradient, and the input's`, () => {
  for (const gain of [0.01, 0.3, 1, 1.3]) {
    for (const { layers, residual } of [
      { layers: 1, residual: false },
      { layers: 2, residual: false },
      { layers: 3, residual: true },
    ]) {
      test(`gain ${gain}, ${layers} layers${residual ? ', residual' : ''}`, () => {
        const model: ModelOptions = { cell: 'rnn', hiddenSize: 5, layers, residual, recurrentInit: { gaussian: gain } };
        for (const reading of ['last', 'every', 'masked', 'lengths'] as const) {
          const scalar = backends[0][1];
          const expected = plainBptt(networkOf(scalar, model), batchOf(scalar, reading));
          for (const [name, backend, bound] of backends) {
            const { network, input } = gradientOf(backend, model, reading);
            for (const [parameter, gradient] of expected) {
              const found = distance(parameter === 'input' ? input : network.parameters.gradientOf(parameter), gradient);
              assert.ok(found <= bound, `${name}, ${reading}, ${parameter}: off by ${found}`);
            }
          }
        }
      });
    }
  }
});

describe(`wasm against scalar over ${T} steps`, () => {
  for (const cell of ['lstm', 'gru', 'gru-reset-before', 'rnn', 'mingru', 'lru'] as const) {
    test(`${cell}, 2 residual layers, weights times 0.1 and as they are: to 1e-4`, () => {
      for (const scale of [0.1, 1]) {
        for (const reading of ['last', 'masked'] as const) {
          const start = cell === 'mingru' || cell === 'lru' ? {} : { recurrentInit: { orthogonal: scale } };
          const model: ModelOptions = { cell, hiddenSize: 9, layers: 2, residual: true, ...start };
          const [expected, ...others] = backends.map(([, backend]) => gradientOf(backend, model, reading));
          for (const { network, input } of others) {
            for (const { name } of network.parameters.list) {
              const found = distance(network.parameters.gradientOf(name), expected.network.parameters.gradientOf(name));
              assert.ok(found <= 1e-4, `${name}: off by ${found}`);
            }
            assert.ok(distance(input, expected.input) <= 1e-4);
          }
        }
      }
    });
  }
});

describe('an exploding gradient', () => {
  test('that float32 cannot hold is infinite in what it reaches, and 0 in what it does not', () => {
    // Unit 0: h = relu(10 h - 9) stays at 1 after x_0 = 1 brought it there, with a slope of 10: 10^149 over 149 steps.
    // Unit 1: bias -1, never open: its rows of dL/dpre are 0 beside mantissas of large exponents.
    const backend = backends[1][1];
    const network = new Network(backend, { cell: 'rnn', activation: 'relu', hiddenSize: 2 }, { kind: 'vectors', size: 1 }, 1);
    const { parameters } = network;
    parameters.valuesOf('weight_ih_l0').set([10, 0]);
    parameters.valuesOf('weight_hh_l0').set([10, 0, 0, 0]);
    parameters.valuesOf('bias_ih_l0').set([-9, -1]);
    parameters.valuesOf('readout.weight').set([1, 1]);
    network.changed();
    const batch = allocateBatch(backend, { kind: 'vectors', size: 1 }, { kind: 'values', size: 1 }, T, 1);
    batch.vectors[0] = 1;
    batch.rows[0] = T - 1;
    batch.counted = 1;
    const unrolled = new Unrolled(network, T, 1);
    unrolled.forward(batch);
    assert.equal(unrolled.backward(losses.mse), 1);
    assert.deepEqual([...parameters.gradientOf('bias_ih_l0')], [Number.POSITIVE_INFINITY, 0]);
    assert.deepEqual([...parameters.gradientOf('weight_ih_l0')].slice(1), [0]);
    // The first step's state before is 0, and 0 times infinity is no number: not finite either way, and never applied.
    assert.ok(!Number.isFinite(parameters.gradientOf('weight_hh_l0')[0]));
  });
});

describe('cells of your own', () => {
  test('all gates apart, three states: right in every case', () => {
    const report = gradcheckCell(odd);
    assert.deepEqual(report.failures, []);
  });

  test('without a fused kernel, wasm agrees with scalar to 1e-4', () => {
    assert.ok(!cells.includes(odd));
    const model: ModelOptions = { cell: odd, hiddenSize: 6, layers: 2, recurrentInit: { orthogonal: 0.4 } };
    const [expected, ...others] = backends.map(([, backend]) => gradientOf(backend, model, 'masked').network.parameters.gradient);
    for (const found of others) assert.ok(distance(found, expected) <= 1e-4);
  });
});
