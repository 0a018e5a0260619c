/**
 * Clipping of the recurrent path against an independent implementation: the network written out on a float64 tape whose states bound
 * their gradient, and closed forms.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { allocateBatch, type Batch } from '../../src/network/batch.ts';
import { losses } from '../../src/network/loss/losses.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { StateWatch, stateLimit } from '../../src/network/unroll/stateWatch.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { windowOf } from './sample.ts';
import { limits, tapedGradient } from './tapedNetwork.ts';

type Kind = 'norm' | 'value';
interface Setting {
  readonly model: ModelOptions;
  readonly T: number;
  readonly B: number;
  readonly I: number;
  readonly O: number;
  readonly every: boolean;
  /** Factor on all weights. */
  readonly scale: number;
  /** Steps before the window that is gone back through: their states are constants to it. */
  readonly carried?: number;
}

const weightsOf = ({ model, I, O, scale }: Setting): Network => {
  const network = new Network(scalarBackend(), model, { kind: 'vectors', size: I }, O);
  initialize(network, model, 5);
  const { values } = network.parameters;
  for (let i = 0; i < values.length; i++) values[i] = Math.fround(values[i] * scale);
  return network;
};

/** Inputs and targets, the same on any backend. */
function batchOf(backend: Backend, { T, B, I, O, every }: Setting): Batch {
  const batch = allocateBatch(backend, { kind: 'vectors', size: I }, { kind: 'values', size: O }, T, B);
  const random = new Random(9);
  for (let i = 0; i < T * B * I; i++) batch.vectors[i] = Math.fround(random.normal());
  for (let row = every ? 0 : (T - 1) * B; row < T * B; row++) {
    batch.rows[batch.counted] = row;
    for (let o = 0; o < O; o++) batch.values[batch.counted * O + o] = Math.fround(random.normal());
    batch.counted++;
  }
  return batch;
}

/** Gradient of all parameters by the project's own backward pass. */
function ours(backend: Backend, setting: Setting, kind: Kind, threshold: number): { gradient: Float64Array; watch: StateWatch } {
  const weights = weightsOf(setting);
  const network = new Network(backend, setting.model, weights.input, setting.O);
  network.parameters.values.set(weights.parameters.values);
  network.changed();
  const unrolled = new Unrolled(network, setting.T, setting.B);
  const watch = new StateWatch(backend, network.L, setting.B, stateLimit(kind, threshold));
  const { T, carried = 0 } = setting;
  const whole = batchOf(backend, setting);
  if (carried > 0) {
    unrolled.forward(windowOf(backend, whole, 0, carried));
    unrolled.carry(carried);
  }
  unrolled.forward(windowOf(backend, whole, carried, T));
  unrolled.backward(losses.mse, { watch });
  return { gradient: Float64Array.from(network.parameters.gradient), watch };
}

/** The same on the tape. */
function taped(setting: Setting, kind: Kind, threshold: number): Float64Array {
  const { model, carried = 0 } = setting;
  const limit = (gradients: number[]) => limits[kind](gradients, threshold);
  return tapedGradient({ network: weightsOf(setting), skip: model.skip, batch: batchOf(scalarBackend(), setting), carried, limit });
}

function distance(actual: Float64Array, expected: Float64Array): number {
  let [difference, norm] = [0, 0];
  for (const [i, each] of expected.entries()) {
    difference += (actual[i] - each) ** 2;
    norm += each ** 2;
  }
  return Math.sqrt(difference / norm);
}

const wasm = await wasmBackend();
const stepwise: Backend = { ...wasm, sweep: undefined };
const models: [string, ModelOptions, number?][] = [
  ['tanh', { cell: 'rnn', hiddenSize: 4 }],
  ['relu, two layers', { cell: 'rnn', activation: 'relu', hiddenSize: 4, layers: 2 }],
  ['lstm', { cell: 'lstm', hiddenSize: 3 }],
  ['lstm, two layers', { cell: 'lstm', hiddenSize: 3, layers: 2 }],
  ['gru', { cell: 'gru', hiddenSize: 4 }],
  ['mingru, two layers', { cell: 'mingru', hiddenSize: 4, layers: 2 }],
  ['lru, two layers', { cell: 'lru', hiddenSize: 3, layers: 2 }],
  ['tanh, skip added', { cell: 'rnn', hiddenSize: 4, skip: { kind: 'add', lag: [1, 3] } }],
  ['tanh, skip weighted', { cell: 'rnn', hiddenSize: 4, skip: { kind: 'weighted', lag: [2, 3] } }],
  ['lstm, two dilated layers', { cell: 'lstm', hiddenSize: 3, layers: 2, skip: { kind: 'dilated', perLayer: [1, 2] } }],
  ['lru, skip weighted', { cell: 'lru', hiddenSize: 3, skip: { kind: 'weighted', lag: 2 } }],
  [
    'lstm, two layers, skip added, a truncated window',
    { cell: 'lstm', hiddenSize: 3, layers: 2, skip: { kind: 'add', perLayer: [2, 3] } },
    4,
  ],
  ['gru, two layers, skip weighted, a truncated window', { cell: 'gru', hiddenSize: 3, layers: 2, skip: { kind: 'weighted', lag: 2 } }, 4],
  [
    'relu, two dilated layers, a truncated window',
    { cell: 'rnn', activation: 'relu', hiddenSize: 4, layers: 2, skip: { kind: 'dilated', perLayer: [2, 1] } },
    4,
  ],
];

for (const [name, model, carried = 0] of models) {
  describe(`${name}: dL/ds_t bounded at every step, against autograd on a float64 tape`, () => {
    for (const every of [false, true]) {
      const setting: Setting = { model, T: 7 + carried, B: 3, I: 2, O: 2, every, scale: 2, carried };
      const where = every ? 'a loss at every step' : 'a loss at the last step';
      const free = ours(scalarBackend(), setting, 'norm', 1e300).gradient;
      for (const [kind, threshold] of [
        ['norm', 0.05],
        ['norm', 0.004],
        ['norm', 1e-9],
        ['value', 0.02],
        ['value', 0.002],
        ['value', 1e-8],
      ] as const) {
        test(`${where}, ${kind} ${threshold}`, () => {
          const expected = taped(setting, kind, threshold);
          assert.ok(distance(free, expected) > 0.01, 'the limit has to bind for the test to mean anything');
          const scalar = ours(scalarBackend(), setting, kind, threshold);
          assert.ok(distance(scalar.gradient, expected) < 1e-12, `scalar is off by ${distance(scalar.gradient, expected)}`);
          assert.ok(scalar.watch.bound.share > 0 && scalar.watch.bound.factor < 1);
          const mark = wasm.mark();
          for (const backend of [wasm, stepwise]) {
            const { gradient, watch } = ours(backend, setting, kind, threshold);
            assert.ok(distance(gradient, expected) < 1e-5, `wasm is off by ${distance(gradient, expected)}`);
            assert.equal(watch.bound.share, scalar.watch.bound.share);
            assert.ok(Math.abs(watch.bound.factor / scalar.watch.bound.factor - 1) < 1e-4);
          }
          wasm.release(mark);
        });
      }
      test(`${where}: the tape without a limit gives the plain gradient`, () => {
        assert.ok(distance(taped(setting, 'norm', Infinity), free) < 1e-12);
      });
    }
  });
}

describe('a gradient far beyond the range of float32', () => {
  // One unit, relu, x_t = 0: h_t = w h_{t-1} for t > 0, and dL/dh_{t-1} = w dL/dh_t.
  const T = 200;
  const model: ModelOptions = { cell: 'rnn', activation: 'relu', hiddenSize: 1 };
  /** dL/dw_hh with the state held at 1 by its initial value, the weight 1e3: the gradient grows 1000-fold a step. */
  const gradient = (backend: Backend, kind: Kind, threshold: number, weight: number): { value: number; watch: StateWatch } => {
    const network = new Network(backend, model, { kind: 'vectors', size: 1 }, 1);
    network.parameters.values.fill(0);
    // The input alone keeps the state at 1: h_t = relu(weight * h_{t-1} + x_t), x_t = 1 - weight.
    network.parameters.valuesOf('weight_hh_l0')[0] = weight;
    network.parameters.valuesOf('weight_ih_l0')[0] = 1;
    network.parameters.valuesOf('readout.weight')[0] = 1;
    network.changed();
    const batch = allocateBatch(backend, network.input, { kind: 'values', size: 1 }, T, 1);
    for (let t = 0; t < T; t++) batch.vectors[t] = t === 0 ? 1 : 1 - weight;
    batch.counted = 1;
    batch.rows[0] = T - 1;
    batch.values[0] = 0.5;
    const unrolled = new Unrolled(network, T, 1);
    const watch = new StateWatch(backend, 1, 1, stateLimit(kind, threshold));
    unrolled.forward(batch);
    unrolled.backward(losses.mse, { watch });
    return { value: network.parameters.gradientOf('weight_hh_l0')[0], watch };
  };

  for (const kind of ['norm', 'value'] as const) {
    for (const threshold of [0.25, 1e-9, 1e-25, 1e25]) {
      test(`${kind} ${threshold}: every step but the first few is bounded, and the sum is theirs`, () => {
        // dL/dh_{T-1} = 2 (1 - 0.5) = 1, and dL/dh_{t-1} = 1024 dL/dh_t, each at most the threshold; dL/dw = sum of dL/dh_t h_{t-1}.
        let state = 1;
        let expected = 0;
        let bound = 0;
        let least = 1;
        for (let t = T - 1; t >= 0; t--) {
          if (state > threshold) bound++;
          least = Math.min(least, threshold / state);
          state = Math.min(state, threshold);
          if (t > 0) expected += state;
          state *= 1024;
        }
        for (const backend of [scalarBackend(), wasm, stepwise]) {
          const mark = backend.mark();
          const { value, watch } = gradient(backend, kind, threshold, 1024);
          backend.release(mark);
          assert.ok(Math.abs(value / expected - 1) < 1e-5, `${value} is not ${expected}`);
          assert.ok(Math.abs(watch.bound.share - bound / T) < 1e-12, `${watch.bound.share} is not ${bound / T}`);
          assert.ok(Math.abs(watch.bound.factor / least - 1) < 1e-5, `${watch.bound.factor} is not ${least}`);
        }
      });
    }
  }
});

test('a limit above every ‖dL/ds_t‖ changes no bit, and what is not finite is left as it is', async () => {
  for (const [, model] of models) {
    const setting: Setting = { model, T: 12, B: 4, I: 3, O: 2, every: true, scale: 1.5 };
    for (const backend of [scalarBackend(), wasm, stepwise]) {
      const mark = backend.mark();
      const { gradient } = ours(backend, setting, 'norm', 1e30);
      const measured = ours(backend, setting, 'norm', 1e30).watch;
      assert.equal(measured.bound.share, 0);
      assert.equal(measured.bound.factor, 1);
      const weights = weightsOf(setting);
      const network = new Network(backend, model, weights.input, 2);
      network.parameters.values.set(weights.parameters.values);
      network.changed();
      const unrolled = new Unrolled(network, 12, 4);
      unrolled.forward(batchOf(backend, setting));
      unrolled.backward(losses.mse);
      assert.deepEqual(Float64Array.from(network.parameters.gradient), gradient);
      backend.release(mark);
    }
  }
});
