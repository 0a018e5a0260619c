/** The price of truncated BPTT, in numbers that can be followed by hand: forward everything counts, backward only the window. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend, Reals } from '../../src/compute/backend.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { allocateBatch, type Batch } from '../../src/network/batch.ts';
import { losses } from '../../src/network/loss/losses.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { type BpttOption, truncatedWindow } from '../../src/network/unroll/truncated.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { windowOf } from './sample.ts';

const T = 60;
const input = { kind: 'vectors', size: 1 } as const;
const target = { kind: 'values', size: 1 } as const;

/** h_t = relu(h_{t-1} + x_t), z_t = h_t: for inputs that are not negative, z_t is the sum of all inputs so far. */
function adder(backend: Backend): Network {
  const network = new Network(backend, { cell: 'rnn', activation: 'relu', hiddenSize: 1 }, input, 1);
  for (const name of ['weight_ih_l0', 'weight_hh_l0', 'readout.weight']) network.parameters.valuesOf(name)[0] = 1;
  network.changed();
  return network;
}

/** One stream of T steps of input 1, with the target 0 at the given steps. */
function stream(backend: Backend, counted: readonly number[]): Batch {
  const batch = allocateBatch(backend, input, target, T, 1);
  batch.vectors.fill(1);
  batch.rows.set(counted);
  batch.counted = counted.length;
  return batch;
}

/** Over all windows: the output at each counted step, and the sum of dL/dx_t, where L sums the squared outputs. */
function run(network: Network, batch: Batch, bptt: BpttOption): { outputs: Map<number, number>; dInput: Float64Array } {
  const { backend } = network;
  const unrolled = new Unrolled(network, bptt === 'full' ? T : Math.min(T, bptt.k2), 1);
  const outputs = new Map<number, number>();
  const dInput = new Float64Array(T);
  for (let index = 0; ; index++) {
    const window = truncatedWindow(index, T, bptt);
    if (!window) return { outputs, dInput };
    const part = windowOf(backend, batch, window.begin, window.end, window.countFrom);
    unrolled.forward(part);
    for (let r = 0; r < part.counted; r++) outputs.set(window.begin + part.rows[r], unrolled.readout.outputs[r]);
    if (part.counted > 0) {
      const inputGradient: Reals = backend.allocate(part.T);
      unrolled.backward(losses.mse, { inputGradient });
      // The mean over the window's targets, times their number, is their sum.
      for (let t = 0; t < part.T; t++) dInput[window.begin + t] += part.counted * inputGradient[t];
    }
    const next = truncatedWindow(index + 1, T, bptt);
    if (next && next.begin > window.begin) unrolled.carry(next.begin - window.begin);
  }
}

for (const [name, backend] of [
  ['scalar', scalarBackend()],
  ['wasm', await wasmBackend()],
] as const) {
  describe(`${name}: truncated BPTT with k1 = k2 = 20`, () => {
    const bptt = { k1: 20, k2: 20 };

    test('an input 20 steps back moves the output, and its gradient is exactly 0', () => {
      // L = z_39^2. The windows are [0, 20), [20, 40), [40, 60); step 39 is the last of the second one.
      // z_39 = 40 inputs of 1 = 40, so dL/dz_39 = 2 * 40 = 80, and dz_39/dx_t = 1 for every t <= 39.
      const network = adder(backend);
      const { outputs, dInput } = run(network, stream(backend, [39]), bptt);
      assert.equal(outputs.get(39), 40);
      // Forward: x_19 lies 20 steps before step 39. Adding 0.5 to it makes z_39 = 40.5.
      const moved = stream(backend, [39]);
      moved.vectors[19] += 0.5;
      assert.equal(run(network, moved, bptt).outputs.get(39), 40.5);
      // Backward: 80 for t = 20 ... 39, that is up to 19 steps back, and 0 from 20 steps back on.
      assert.deepEqual(
        [...dInput],
        Array.from({ length: T }, (_, t) => (t >= 20 && t <= 39 ? 80 : 0)),
      );
      // Full BPTT sees all of them.
      const full = run(network, stream(backend, [39]), 'full');
      assert.deepEqual(
        [...full.dInput],
        Array.from({ length: T }, (_, t) => (t <= 39 ? 80 : 0)),
      );
    });

    test('a loss at every step: what is lost is what lies beyond the window', () => {
      // L = sum over t of z_t^2 with z_t = t + 1, dL/dz_t = 2 (t + 1). Full: dL/dx_s = sum over t >= s; truncated: up to the
      // end of the window of s.
      const network = adder(backend);
      const every = Array.from({ length: T }, (_, t) => t);
      const sumTo = (from: number, end: number) => every.slice(from, end).reduce((sum, t) => sum + 2 * (t + 1), 0);
      const truncated = run(network, stream(backend, every), bptt).dInput;
      const full = run(network, stream(backend, every), 'full').dInput;
      for (const t of every) {
        assert.ok(Math.abs(truncated[t] - sumTo(t, 20 * Math.floor(t / 20) + 20)) <= 1e-5 * truncated[t]);
        assert.ok(Math.abs(full[t] - sumTo(t, T)) <= 1e-5 * full[t]);
      }
    });

    test('a target of a later window does not reach an earlier one, bit for bit', () => {
      // x_0 ... x_19 get their gradient from window 0 alone: another target at step 39 changes not a bit of it.
      const network = adder(backend);
      const first = stream(backend, [19, 39]);
      const second = stream(backend, [19, 39]);
      second.values[1] = 1000;
      const [a, b] = [first, second].map((batch) => run(network, batch, bptt).dInput);
      assert.deepEqual(a.subarray(0, 20), b.subarray(0, 20));
      assert.notEqual(a[20], b[20]);
      // Window 0: dL/dx_t = 2 z_19 = 2 * 20. Window 1: 2 * 40, or 2 (40 - 1000).
      assert.deepEqual([a[0], a[19], a[20], b[39]], [40, 40, 80, -1920]);
      const [fullA, fullB] = [first, second].map((batch) => run(network, batch, 'full').dInput);
      assert.deepEqual([fullA[0], fullB[0]], [40 + 80, 40 - 1920]);
    });

    test('with k1 = 1 every loss goes back exactly k2 - 1 = 19 steps', () => {
      for (const t of [0, 7, 19, 20, 42, 59]) {
        const { dInput } = run(adder(backend), stream(backend, [t]), { k1: 1, k2: 20 });
        assert.deepEqual(
          [...dInput],
          Array.from({ length: T }, (_, s) => (s <= t && s >= t - 19 ? 2 * (t + 1) : 0)),
        );
      }
    });

    test('with k1 = 5 the newest target of a window goes 19 steps back, the oldest 15', () => {
      // Window of t = 40 ... 44: [25, 45). From 44 back to 25 are 19 steps, from 40 back to 25 are 15.
      for (const [t, reach] of [
        [44, 19],
        [40, 15],
      ]) {
        const { dInput } = run(adder(backend), stream(backend, [t]), { k1: 5, k2: 20 });
        assert.equal(dInput[t - reach], 2 * (t + 1));
        assert.equal(dInput[t - reach - 1], 0);
      }
    });
  });
}

for (const cell of ['rnn', 'lstm', 'gru', 'gru-reset-before', 'mingru', 'lru'] as const) {
  test(`${cell}, two layers: the state is carried to the bit, the gradient is cut`, () => {
    const backend = scalarBackend();
    const model = { cell, hiddenSize: 5, layers: 2 };
    const network = new Network(backend, model, input, 1);
    initialize(network, model, 3);
    const batch = stream(backend, [39]);
    for (let t = 0; t < T; t++) batch.vectors[t] = Math.sin(t);
    const bptt = { k1: 20, k2: 20 };
    const full = run(network, batch, 'full');
    const truncated = run(network, batch, bptt);
    assert.equal(truncated.outputs.get(39), full.outputs.get(39));
    // Within the window the gradient is the full one; beyond it there is none, where full BPTT has one.
    for (let t = 20; t < 40; t++) assert.equal(truncated.dInput[t], full.dInput[t]);
    for (let t = 0; t < 20; t++) assert.equal(truncated.dInput[t], 0);
    for (let t = 0; t < 20; t++) assert.notEqual(full.dInput[t], 0);
    // And forward the old input counts: the output moves by dL/dx / dL/dz to first order.
    const moved = stream(backend, [39]);
    moved.vectors.set(batch.vectors);
    moved.vectors[19] += 1e-3;
    const after = run(network, moved, bptt).outputs.get(39)!;
    const z = full.outputs.get(39)!;
    const predicted = (full.dInput[19] / (2 * z)) * 1e-3;
    assert.ok(Math.abs(after - z - predicted) <= 2e-3 * Math.abs(predicted));
  });
}
