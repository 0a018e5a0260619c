import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backend } from '../compute/backend.ts';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';
import { allocateBatch } from '../network/batch.ts';
import { losses } from '../network/loss/losses.ts';
import { Network } from '../network/network.ts';
import { StateWatch } from '../network/unroll/stateWatch.ts';
import { Unrolled } from '../network/unroll/unrolled.ts';
import { normGrowth } from './normGrowth.ts';

/** One linear unit per sequence (a ReLU that is never off): dL/dh_{t-1} = w dL/dh_t. */
function chain(backend: Backend, weight: number, T: number, lengths: readonly number[]): StateWatch {
  const B = lengths.length;
  const network = new Network(backend, { cell: 'rnn', activation: 'relu', hiddenSize: 1 }, { kind: 'vectors', size: 1 }, 1);
  network.parameters.values.fill(0);
  network.parameters.valuesOf('weight_hh_l0')[0] = weight;
  network.parameters.valuesOf('weight_ih_l0')[0] = 1;
  network.parameters.valuesOf('readout.weight')[0] = 1;
  network.changed();
  const batch = allocateBatch(backend, network.input, { kind: 'values', size: 1 }, T, B);
  for (let t = 0; t < T; t++) {
    for (let b = 0; b < B; b++) {
      batch.lengths[b] = lengths[b];
      // Holds the state at 1.
      batch.vectors[t * B + b] = t === 0 ? 1 : 1 - weight;
    }
  }
  const last = lengths.map((length, b) => (length - 1) * B + b).sort((a, b) => a - b);
  for (const row of last) {
    batch.rows[batch.counted] = row;
    batch.values[batch.counted++] = 0;
  }
  const unrolled = new Unrolled(network, T, B);
  const watch = new StateWatch(backend, 1, B);
  unrolled.forward(batch);
  unrolled.backward(losses.mse, { watch });
  return watch;
}

const backends = [scalarBackend(), await wasmBackend()];

test('a loss at the last step: the curve in three points is w to the power of the lag, far beyond the range of float32', () => {
  for (const backend of backends) {
    for (const [weight, T] of [
      [2, 161],
      [1000, 161],
      [0.5, 161],
      [1e-4, 81],
      [3, 9],
    ]) {
      const mark = backend.mark();
      const { newest, middle, oldest, lag } = normGrowth(chain(backend, weight, T, [T, T, T]));
      backend.release(mark);
      // 16 strides reach from the last step to the first; dL/dy = 2 (1 - 0) / 3 sequences.
      assert.equal(lag, T - 1);
      assert.ok(Math.abs(newest - Math.log10(2 / 3)) < 1e-5);
      assert.ok(Math.abs(oldest - newest - lag * Math.log10(weight)) < 1e-4, `${oldest - newest}`);
      assert.ok(Math.abs(middle - newest - (lag / 2) * Math.log10(weight)) < 1e-4);
    }
  }
});

test('sequences of different lengths: each from its own last step', () => {
  const { newest, oldest, lag } = normGrowth(chain(scalarBackend(), 2, 17, [17, 9]));
  // Lags of 16 and 8 steps.
  assert.equal(lag, 12);
  assert.ok(Math.abs(oldest - newest - 12 * Math.log10(2)) < 1e-9);
});

test('no gradient anywhere: no growth', () => {
  assert.ok(Number.isNaN(normGrowth(chain(scalarBackend(), 0, 9, [9])).oldest));
});
