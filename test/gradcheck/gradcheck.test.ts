/** The check itself: it passes what is right, and finds what is wrong. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CellBackwardStep } from '../../src/compute/backend.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { allocateBatch } from '../../src/network/batch.ts';
import type { Cell } from '../../src/network/cell/cell.ts';
import { cells } from '../../src/network/cell/cells.ts';
import { lstm } from '../../src/network/cell/lstm.ts';
import { rnnTanh } from '../../src/network/cell/rnn.ts';
import { checkDerivative } from '../../src/network/derivative.ts';
import { gradcheck } from '../../src/network/gradcheck.ts';
import { gradcheckCases, gradcheckCell } from '../../src/network/gradcheckCell.ts';
import { losses } from '../../src/network/loss/losses.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { batchOf, networkOf, type Sample } from './sample.ts';

const sample: Sample = {
  cell: 'gru',
  loss: 'crossEntropy',
  reading: 'masked',
  layers: 2,
  residual: true,
  dropout: 0,
  input: 'vectors',
  T: 6,
  B: 3,
  I: 2,
  H: 4,
  O: 3,
  seed: 5,
};

describe('gradcheckCell', () => {
  for (const cell of cells) {
    test(`${cell.name} is right in every case, to 1e-6`, () => {
      const report = gradcheckCell(cell, { sample: Number.POSITIVE_INFINITY });
      assert.deepEqual(report.failures, []);
      assert.ok(report.ok);
      assert.equal(report.cases.length, gradcheckCases().length);
      assert.ok(report.largestRelative <= 1e-6);
      assert.equal(
        report.checked,
        report.cases.reduce((sum, { arrays }) => sum + arrays.reduce((all, { length }) => all + length, 0), 0),
      );
    });
  }

  test('a cell of your own: a leaky plain network, one line wrong and one line right', () => {
    // h_t = (1 - a) h_{t-1} + a tanh(pre): dL/dh_{t-1} beside the recurrent matrix is (1 - a) dL/dh_t.
    const a = 0.3;
    const leaky = (kept: number): Cell => ({
      name: 'leaky',
      gates: 1,
      apart: 0,
      states: ['h'],
      forward({ B, H, pre, preAt, states: [h], previousAt, nextAt }) {
        for (let i = 0; i < B * H; i++) {
          pre[preAt + i] = Math.tanh(pre[preAt + i]);
          h[nextAt + i] = (1 - a) * h[previousAt + i] + a * pre[preAt + i];
        }
      },
      backward({ B, H, pre, preAt, dStates: [dh] }) {
        for (let i = 0; i < B * H; i++) {
          pre[preAt + i] = a * dh[i] * (1 - pre[preAt + i] ** 2);
          dh[i] *= kept;
        }
      },
    });
    assert.ok(gradcheckCell(leaky(1 - a)).ok);
    const wrong = gradcheckCell(leaky(0));
    assert.ok(!wrong.ok);
    assert.ok(wrong.wrong > 100);
    assert.ok(wrong.failures.some(({ name }) => name === 'state h_l0'));
    // What needs no step back in time is right all the same.
    assert.ok(wrong.arrays.find(({ name }) => name === 'readout.weight')?.ok);
  });

  test('an LSTM that forgets 1 % of dL/dc is found', () => {
    const backward = (step: CellBackwardStep) => {
      lstm.backward(step);
      for (let i = 0; i < step.B * step.H; i++) step.dStates[1][i] *= 0.99;
    };
    const report = gradcheckCell({ ...lstm, backward });
    assert.ok(!report.ok);
    const state = report.arrays.find(({ name }) => name === 'state c_l0');
    // All but the units that dropout took away.
    assert.ok(state && state.wrong > 0.9 * state.checked);
  });

  test('a slope that is off by 1e-4 is found, one that is off by rounding is not', () => {
    const scaled = (factor: number): Cell => ({
      ...rnnTanh,
      backward(step) {
        rnnTanh.backward(step);
        for (let i = 0; i < step.B * step.H; i++) step.pre[step.preAt + i] *= factor;
      },
    });
    assert.ok(!gradcheckCell(scaled(1 + 1e-4)).ok);
    assert.ok(gradcheckCell(scaled(1 + 1e-13)).ok);
  });

  test('the same seed gives the same report, another seed another', () => {
    const [first, again, other] = [1, 1, 2].map((seed) => gradcheckCell(rnnTanh, { seed }));
    assert.deepEqual(first, again);
    assert.notEqual(first.cases[0].loss, other.cases[0].loss);
  });
});

describe('gradcheck', () => {
  test('leaves parameters and batch as they were, and says what was checked', () => {
    const backend = scalarBackend();
    const network = networkOf(backend, sample);
    const batch = batchOf(backend, sample);
    const values = network.parameters.values.slice();
    const vectors = batch.vectors.slice();
    const report = gradcheck(network, batch, losses[sample.loss], { sample: 7 });
    assert.ok(report.ok);
    assert.deepEqual(network.parameters.values, values);
    assert.deepEqual(batch.vectors, vectors);
    const names = network.parameters.list.map(({ name }) => name);
    assert.deepEqual(
      report.arrays.map(({ name }) => name),
      [...names, 'input', 'state h_l0', 'state h_l1'],
    );
    // weight_ih_l0 is [3 * 4, 2] = 24 numbers, readout.bias 3, the input 6 * 3 * 2 = 36, a state 3 * 4 = 12.
    const sizes = Object.fromEntries(report.arrays.map(({ name, length, checked }) => [name, [length, checked]]));
    assert.deepEqual(sizes.weight_ih_l0, [24, 7]);
    assert.deepEqual(sizes['readout.bias'], [3, 3]);
    assert.deepEqual(sizes.input, [36, 7]);
    assert.deepEqual(sizes['state h_l1'], [12, 7]);
  });

  test('a ReLU exactly at its kink is reported as a kink', () => {
    // All parameters 0 but the read-out 1: h_1 = relu(0) = 0. Moving a bias or an input weight by e > 0 gives h = e * (1 or x),
    // by e < 0 gives h = 0: L = (h - 1)^2 has the slopes -2 and 0 at a bias. BPTT takes the slope 0.
    const backend = scalarBackend();
    const network = new Network(backend, { cell: 'rnn', activation: 'relu', hiddenSize: 1 }, { kind: 'vectors', size: 1 }, 1);
    network.parameters.valuesOf('readout.weight')[0] = 1;
    const batch = allocateBatch(backend, { kind: 'vectors', size: 1 }, { kind: 'values', size: 1 }, 1, 1);
    batch.vectors[0] = 3;
    batch.values[0] = 1;
    batch.counted = 1;
    const report = gradcheck(network, batch, losses.mse);
    assert.ok(report.ok);
    const kinks = Object.fromEntries(report.arrays.map((each) => [each.name, each.kinks]));
    // The recurrent weight meets the state 0 and the input meets the weight 0: nothing moves there.
    assert.deepEqual(kinks, {
      weight_ih_l0: 1,
      weight_hh_l0: 0,
      bias_ih_l0: 1,
      bias_hh_l0: 1,
      'readout.weight': 0,
      'readout.bias': 0,
      input: 0,
      'state h_l0': 0,
    });
  });

  test('a network in float32 is refused', async () => {
    const backend = await wasmBackend();
    assert.throws(() => gradcheck(networkOf(backend, sample), batchOf(backend, sample), losses.crossEntropy), {
      code: 'OPTION_INVALID',
      message: /float64/,
    });
    assert.throws(() => gradcheckCell(rnnTanh, { tolerance: 0 }), { code: 'OPTION_INVALID', message: /tolerance/ });
    assert.throws(() => gradcheckCell(rnnTanh, { sample: -1 }), { code: 'OPTION_INVALID', message: /sample/ });
  });

  test('a gradient that is not finite is wrong', () => {
    const backend = scalarBackend();
    const network = networkOf(backend, sample);
    initialize(network, { cell: 'gru', hiddenSize: 4 }, 1);
    network.parameters.valuesOf('readout.weight')[0] = Number.NaN;
    const report = gradcheck(network, batchOf(backend, sample), losses.crossEntropy, { sample: 3 });
    assert.ok(!report.ok);
    assert.ok(Number.isNaN(report.largestRelative));
  });
});

describe('checkDerivative', () => {
  const check = (f: (x: number) => number, x: number, analytic: number) => checkDerivative((e) => f(x + e), x, analytic, 1e-6);

  test('smooth functions: agrees to 1e-9, and a derivative off by 1e-5 differs', () => {
    for (const [f, slope] of [
      [Math.sin, Math.cos],
      [Math.exp, Math.exp],
      [Math.tanh, (x: number) => 1 - Math.tanh(x) ** 2],
      [(x: number) => x ** 3, (x: number) => 3 * x * x],
    ] as const) {
      for (const x of [-2, -0.3, 0.01, 1, 3]) {
        const { outcome, relative } = check(f, x, slope(x));
        assert.equal(outcome, 'agrees');
        assert.ok(relative < 1e-9, `${relative} at ${x}`);
        assert.equal(check(f, x, slope(x) * (1 + 1e-5)).outcome, 'differs');
      }
    }
  });

  test('a large argument and a steep function', () => {
    assert.equal(check((x) => x * x, 1e6, 2e6).outcome, 'agrees');
    // The period 2 pi / 1e4 is shorter than the first step, 1e-3: only smaller steps see a slope.
    assert.equal(check((x) => Math.sin(1e4 * x), 0.1, 1e4 * Math.cos(1e3)).outcome, 'agrees');
  });

  test('at a kink, one of the two slopes is a kink, a number beyond them differs', () => {
    for (const slope of [-1, 0, 1]) assert.equal(check(Math.abs, 0, slope).outcome, 'kink');
    for (const slope of [-1.1, 1.1]) assert.equal(check(Math.abs, 0, slope).outcome, 'differs');
  });

  test('a kink near by is no excuse', () => {
    for (const distance of [3e-4, 2e-5, 3e-6]) {
      assert.equal(check((x) => Math.abs(x), distance, 1).outcome, 'agrees');
      assert.equal(check((x) => Math.abs(x), distance, 0).outcome, 'differs');
    }
  });

  test('a constant has the derivative 0, and nothing else', () => {
    assert.equal(check(() => 4, 1, 0).outcome, 'agrees');
    assert.equal(check(() => 4, 1, 1e-3).outcome, 'differs');
  });

  test('the tolerance is relative, down to what rounding lets be seen', () => {
    // A slope of 1e-8 on top of a value of 1: the differences are exact to about 64 * 2^-52 / 2^-10 = 1.5e-11.
    assert.equal(check((x) => 1 + 1e-8 * x, 0, 1e-8).outcome, 'agrees');
    assert.equal(check((x) => 1 + 1e-8 * x, 0, 1.1e-8).outcome, 'differs');
  });
});
