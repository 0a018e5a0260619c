/** Saturation, half-lives and lag contributions, where the numbers are known or come from another way. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Backend } from '../../src/compute/backend.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { halfLives } from '../../src/monitor/halfLife.ts';
import { lagContributions } from '../../src/monitor/lagContribution.ts';
import { keepProbes } from '../../src/monitor/lagProfile.ts';
import { quantile } from '../../src/monitor/quantile.ts';
import { saturation } from '../../src/monitor/saturation.ts';
import { allocateBatch } from '../../src/network/batch.ts';
import { losses } from '../../src/network/loss/losses.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { Network } from '../../src/network/network.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { batchOf, networkOf, samples, windowOf } from '../gradcheck/sample.ts';

const scalar = scalarBackend();
const backends: readonly (readonly [string, Backend])[] = [
  ['scalar', scalar],
  ['wasm', await wasmBackend()],
];

/** A network of one input whose weights and biases are 0 but for those given, and its forward pass over inputs [T][B]. */
function ran(backend: Backend, model: ModelOptions, set: Record<string, readonly number[]>, x: readonly (readonly number[])[]) {
  const network = new Network(backend, model, { kind: 'vectors', size: 1 }, 1);
  for (const [name, values] of Object.entries(set)) network.parameters.valuesOf(name).set(values);
  network.changed();
  const [T, B] = [x.length, x[0].length];
  const batch = allocateBatch(backend, network.input, { kind: 'values', size: 1 }, T, B);
  batch.vectors.set(x.flat());
  const unrolled = new Unrolled(network, T, B);
  return { network, batch, unrolled };
}

for (const [name, backend] of backends) {
  describe(`${name}: saturation`, () => {
    test('tanh: of units driven by 10 x, 0.1 x and -10 x over x = 1, -1 and 0', () => {
      const set = { weight_ih_l0: [10, 0.1, -10] };
      const { batch, unrolled } = ran(backend, { cell: 'rnn', hiddenSize: 3 }, set, [
        [1, -1],
        [0, 0],
      ]);
      unrolled.forward(batch);
      // Of 12 values, +-10 is at the ends twice each; in the second step, h = tanh(0).
      assert.deepEqual(saturation(unrolled, batch), [{ layer: 0, name: 'h', kind: 'tanh', low: 2 / 12, high: 2 / 12 }]);
      // Without the second sequence: 6 values, one at either end.
      batch.lengths[1] = 0;
      unrolled.forward(batch);
      assert.deepEqual(saturation(unrolled, batch), [{ layer: 0, name: 'h', kind: 'tanh', low: 1 / 6, high: 1 / 6 }]);
    });

    test('ReLU: a unit that is never above 0 is dead, one that is once is not', () => {
      const set = { weight_ih_l0: [1, -1, 0, 0], bias_ih_l0: [0, 0, -1, 1] };
      const { batch, unrolled } = ran(backend, { cell: 'rnn', activation: 'relu', hiddenSize: 4 }, set, [
        [1, 2],
        [-1, 3],
      ]);
      unrolled.forward(batch);
      // x = 1, 2, -1, 3 makes zeros: unit 0 one, unit 1 three, unit 2 four, unit 3 none.
      assert.deepEqual(saturation(unrolled, batch), [{ layer: 0, name: 'h', kind: 'relu', low: 8 / 16, high: 0, dead: 1 / 4 }]);
    });

    test('gates of an LSTM at their ends, and tanh of its cell', () => {
      // i open, f open, g at its upper end, o shut: c is 1, 2, 3, 4 and tanh(c) is above 0.975 from c = 3 on.
      const set = { bias_ih_l0: [20, 20, 20, -20] };
      const { batch, unrolled } = ran(backend, { cell: 'lstm', hiddenSize: 1 }, set, [[0], [0], [0], [0]]);
      unrolled.forward(batch);
      assert.deepEqual(
        saturation(unrolled, batch).map((each) => [each.name, each.low, each.high]),
        [
          ['i', 0, 1],
          ['f', 0, 1],
          ['g', 0, 1],
          ['o', 1, 0],
          ['c', 0, 0.5],
        ],
      );
    });

    test('gates of a GRU', () => {
      const set = { bias_ih_l0: [-20, 20, 0] };
      const { batch, unrolled } = ran(backend, { cell: 'gru', hiddenSize: 1 }, set, [[0]]);
      unrolled.forward(batch);
      assert.deepEqual(
        saturation(unrolled, batch).map((each) => [each.name, each.low, each.high]),
        [
          ['r', 1, 0],
          ['z', 0, 1],
          ['n', 0, 0],
        ],
      );
    });
  });

  describe(`${name}: half-lives`, () => {
    const close = (found: number, expected: number) => assert.ok(Math.abs(found - expected) < 1e-4 * expected, `${found}, not ${expected}`);

    test('an LSTM with forget biases 1 and 5: 2.2 and 103 steps', () => {
      for (const [b, steps] of [
        [1, 2.2],
        [5, 103],
      ]) {
        const set = { bias_ih_l0: [0, 0, b, b, 0, 0, 0, 0] };
        const { batch, unrolled } = ran(backend, { cell: 'lstm', hiddenSize: 2 }, set, [[1], [0], [-1]]);
        unrolled.forward(batch);
        const found = halfLives(unrolled, batch);
        assert.deepEqual([found.length, found[0].layer, found[0].state], [1, 0, 'c']);
        for (const each of [found[0].p10, found[0].p50, found[0].p90, found[0].longest]) {
          close(each, Math.LN2 / Math.log(1 + Math.exp(-b)));
          assert.ok(Math.abs(each - steps) < 0.05 * steps);
        }
      }
    });

    test('a GRU: the update gate, its mean in logarithms over the steps of a sequence', () => {
      // z = sigmoid(2 x): over x = 1 and -1, ln z is -0.1269 and -2.1269, 1.1269 in the mean.
      const { batch, unrolled } = ran(backend, { cell: 'gru', hiddenSize: 1 }, { weight_ih_l0: [0, 2, 0] }, [[1], [-1]]);
      unrolled.forward(batch);
      const [life] = halfLives(unrolled, batch);
      assert.equal(life.state, 'h');
      close(life.p50, Math.LN2 / ((Math.log(1 + Math.exp(-2)) + Math.log(1 + Math.exp(2))) / 2));
      batch.lengths[0] = 1;
      unrolled.forward(batch);
      close(halfLives(unrolled, batch)[0].p50, Math.LN2 / Math.log(1 + Math.exp(-2)));
    });

    test('a plain network keeps nothing around its matrix', () => {
      const { batch, unrolled } = ran(backend, { cell: 'rnn', hiddenSize: 2 }, { weight_hh_l0: [1, 0, 0, 1] }, [[1]]);
      unrolled.forward(batch);
      assert.deepEqual(halfLives(unrolled, batch), []);
    });
  });
}

test('quantiles lie between neighbours, and an infinity stays one', () => {
  assert.equal(quantile([1, 2, 4], 0.75), 3);
  assert.equal(quantile([5], 0.1), 5);
  assert.equal(quantile([Number.NEGATIVE_INFINITY, 1], 0.9), Number.NEGATIVE_INFINITY);
  assert.equal(quantile([1, Infinity, Infinity], 0.9), Infinity);
});

describe('lag contributions', () => {
  const recurrent = ({ parameters }: Network) => parameters.list.filter(({ name }) => !name.startsWith('readout'));

  test('in any network: the difference of the gradients of two windows, one of them a step longer', () => {
    fc.assert(
      fc.property(samples, (sample) => {
        const network = networkOf(scalar, { ...sample, dropout: 0 });
        const batch = batchOf(scalar, sample);
        const found = lagContributions(new Unrolled(network, batch.T, batch.B), batchOf(scalar, sample), losses[sample.loss]);
        keepProbes(batch, 1);
        const n = batch.counted;
        if (n < 2) {
          assert.equal(found, undefined);
          return;
        }
        const places = Array.from(batch.rows.subarray(0, n), (row) => [Math.floor(row / batch.B), row % batch.B]);
        const whole = new Unrolled(network, batch.T, batch.B);
        whole.forward(batch);
        /** The gradient of the loss of target r through `steps` steps, the state before them being a constant. */
        const through = (r: number, steps: number): Float64Array => {
          const [t, b] = places[r];
          const begin = Math.max(0, t + 1 - steps);
          const window = windowOf(scalar, batch, begin, t + 1);
          const kept = Array.from(window.rows.subarray(0, window.counted)).indexOf((t - begin) * batch.B + b);
          window.rows[0] = window.rows[kept];
          if (window.target.kind === 'classes') window.classes[0] = window.classes[kept];
          else window.values.copyWithin(0, kept * window.target.size, (kept + 1) * window.target.size);
          window.counted = 1;
          const unrolled = new Unrolled(network, t + 1 - begin, batch.B);
          for (const [layer, { states, history }] of unrolled.layers.entries()) {
            for (const [a, values] of states.entries()) {
              const size = batch.B * network.H;
              values.set(whole.layers[layer].states[a].subarray(begin * size, (begin + history) * size));
            }
          }
          unrolled.forward(window);
          unrolled.backward(losses[sample.loss]);
          return Float64Array.from(recurrent(network).flatMap(({ name }) => [...network.parameters.gradientOf(name)]));
        };
        const square = (x: ArrayLike<number>) => Array.from(x).reduce((sum, each) => sum + each * each, 0);
        const mean = (each: readonly Float64Array[]) =>
          each[0].map((_, i) => each.reduce((sum, gradient) => sum + gradient[i], 0) / each.length);
        const near = (log: number, expected: number, scale: number, what: string) =>
          assert.ok(
            Math.abs(10 ** (2 * log) - Math.max(0, expected)) <= 1e-9 * scale + 1e-300,
            `${what}: ${10 ** (2 * log)}, not ${expected}`,
          );
        const wholes = places.map(([t], r) => through(r, t + 1));
        const scale = Math.max(...wholes.map(square)) + 1e-30;
        for (const { lag, size, signal } of found?.lags ?? []) {
          const parts = places.flatMap(([t], r) => {
            if (t < lag) return [];
            const shorter = lag > 0 ? through(r, lag) : undefined;
            return [through(r, lag + 1).map((each, i) => each - (shorter?.[i] ?? 0))];
          });
          const m = parts.length;
          const sum = parts.reduce((total, each) => total + square(each), 0);
          near(size, sum / m, scale, `size at lag ${lag}`);
          // ‖sum‖² without the products of a sequence with itself.
          const crossed = m > 1 ? (m * m * square(mean(parts)) - sum) / (m * (m - 1)) : 0;
          near(signal, crossed, scale, `signal at lag ${lag}`);
        }
        near(found?.total ?? Number.NaN, square(mean(wholes)), scale, 'total');
        const variance = (wholes.reduce((total, each) => total + square(each), 0) - n * square(mean(wholes))) / (n - 1);
        near(found?.noise ?? Number.NaN, variance, scale, 'noise');
        assert.equal(found?.sequences, n);
      }),
      { numRuns: 60 },
    );
  });

  test('far below the range of numbers: W = 1e-3 I loses 3 decades a step', () => {
    for (const [, backend] of backends) {
      const { batch, unrolled, network } = ran(
        backend,
        { cell: 'rnn', hiddenSize: 2 },
        { weight_hh_l0: [1e-3, 0, 0, 1e-3], 'readout.weight': [1, 0] },
        Array.from({ length: 120 }, () => [0, 0]),
      );
      batch.rows.set([119 * 2, 119 * 2 + 1]);
      batch.values.set([-0.5, -0.5]);
      batch.counted = 2;
      const found = lagContributions(unrolled, batch, losses.mse);
      assert.equal(network.H, 2);
      // dL/dz = 1, x = 0 and h = 0: what is left are the two biases, sqrt(2) 10^(-3 k). Both sequences are the same.
      for (const { lag, size, signal } of found?.lags ?? []) {
        for (const each of [size, signal])
          assert.ok(Math.abs(each - Math.log10(2) / 2 + 3 * lag) < 1e-5 * (lag + 1), `lag ${lag}: ${each}`);
      }
      assert.equal(found?.lags.length, 120);
      assert.equal(found?.noise, Number.NEGATIVE_INFINITY);
    }
  });
});
