import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../compute/random.ts';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { allocateBatch, type Batch } from '../network/batch.ts';
import type { Cell } from '../network/cell/cell.ts';
import { lstm } from '../network/cell/lstm.ts';
import type { ModelOptions } from '../network/model.ts';
import { initialize, Network } from '../network/network.ts';
import { Unrolled } from '../network/unroll/unrolled.ts';
import { type LyapunovOptions, lyapunovExponents } from './lyapunov.ts';

const backend = scalarBackend();

/** h_t = pre_t. */
const linear: Cell = {
  name: 'linear',
  gates: 1,
  apart: 0,
  states: ['h'],
  forward({ B, H, pre, preAt, states: [h], nextAt }) {
    for (let i = 0; i < B * H; i++) h[nextAt + i] = pre[preAt + i];
  },
  backward({ B, H, pre, preAt, dStates: [dh] }) {
    for (let i = 0; i < B * H; i++) {
      pre[preAt + i] = dh[i];
      dh[i] = 0;
    }
  },
};

function networkOf(model: ModelOptions, I = 2): Network {
  const network = new Network(backend, model, { kind: 'vectors', size: I }, 1);
  initialize(network, model, 5);
  return network;
}

/** B sequences of T steps of normal numbers. */
function batchOf(T: number, B: number, I = 2): Batch {
  const batch = allocateBatch(backend, { kind: 'vectors', size: I }, { kind: 'values', size: 1 }, T, B);
  const random = new Random(7);
  for (let i = 0; i < batch.vectors.length; i++) batch.vectors[i] = random.normal();
  return batch;
}

function spectrum(network: Network, batch: Batch, options?: LyapunovOptions) {
  const unrolled = new Unrolled(network, batch.T, batch.B);
  unrolled.forward(batch);
  return lyapunovExponents(unrolled, batch, options);
}

const exponents = (network: Network, batch: Batch, options?: LyapunovOptions) => spectrum(network, batch, options).exponents;

const near = (found: readonly number[], expected: readonly number[], bound = 1e-12) => {
  assert.equal(found.length, expected.length);
  for (const [i, value] of found.entries()) assert.ok(Math.abs(value - expected[i]) <= bound, `[${found}], not [${expected}]`);
};

describe('a linear network', () => {
  test('of g times an orthogonal matrix: every exponent is ln g', () => {
    for (const gain of [0.5, 1, 1.7]) {
      const network = networkOf({ cell: linear, hiddenSize: 4, recurrentInit: { orthogonal: gain } });
      near(exponents(network, batchOf(9, 2)), new Array(4).fill(Math.log(gain)), 1e-6);
    }
  });

  test('of a diagonal matrix: the logarithms of its entries, once the slower directions have fallen behind', () => {
    const network = networkOf({ cell: linear, hiddenSize: 3 });
    network.parameters.valuesOf('weight_hh_l0').set([0.5, 0, 0, 0, 2, 0, 0, 0, 1]);
    network.changed();
    near(exponents(network, batchOf(400, 1)), [Math.log(2), 0, Math.log(0.5)], 0.02);
    near(exponents(network, batchOf(400, 1), { count: 1 }), [Math.log(2)], 0.02);
  });

  test('of two layers: the sum is that of both, ln |det| = ln (0.5^2 * 2^2) = 0', () => {
    const network = networkOf({ cell: linear, hiddenSize: 2, layers: 2 });
    network.parameters.valuesOf('weight_hh_l0').set([0.5, 0, 0, 0.5]);
    network.parameters.valuesOf('weight_hh_l1').set([2, 0, 0, 2]);
    network.changed();
    const found = exponents(network, batchOf(30, 1));
    assert.ok(Math.abs(found.reduce((sum, each) => sum + each, 0)) < 1e-10);
  });

  test('that forgets everything has -Infinity, not NaN', () => {
    const network = networkOf({ cell: linear, hiddenSize: 2 });
    network.parameters.valuesOf('weight_hh_l0').fill(0);
    network.changed();
    assert.deepEqual(exponents(network, batchOf(3, 1)), [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  });
});

/** ln |det| by elimination with pivots. */
function logDeterminant(matrix: number[][]): number {
  const rows = matrix.map((row) => [...row]);
  let log = 0;
  for (let column = 0; column < rows.length; column++) {
    const pivot = rows.slice(column).reduce((best, row) => (Math.abs(row[column]) > Math.abs(best[column]) ? row : best));
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(column, 0, pivot);
    log += Math.log(Math.abs(pivot[column]));
    for (const row of rows.slice(column + 1)) {
      const factor = row[column] / pivot[column];
      for (let j = column; j < row.length; j++) row[j] -= factor * pivot[j];
    }
  }
  return log;
}

/** One LSTM step written out: [h, c] and x to the new [h, c]. */
function lstmStep(network: Network, state: readonly number[], x: readonly number[]): number[] {
  const { H, parameters } = network;
  const weights = (name: string) => parameters.valuesOf(name);
  const [W, U, b, d] = ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0'].map(weights);
  const pre = Array.from({ length: 4 * H }, (_, row) => {
    let sum = b[row] + d[row];
    for (const [i, each] of x.entries()) sum += W[row * x.length + i] * each;
    for (let j = 0; j < H; j++) sum += U[row * H + j] * state[j];
    return sum;
  });
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
  const c = Array.from({ length: H }, (_, j) => sigmoid(pre[H + j]) * state[H + j] + sigmoid(pre[j]) * Math.tanh(pre[2 * H + j]));
  return [...c.map((each, j) => sigmoid(pre[3 * H + j]) * Math.tanh(each)), ...c];
}

test('an LSTM: the exponents add up to the mean ln |det ds_t/ds_{t-1}|, the Jacobian taken by central differences', () => {
  const [T, B, H] = [12, 2, 3];
  const network = networkOf({ cell: lstm, hiddenSize: H });
  const batch = batchOf(T, B);
  let expected = 0;
  for (let b = 0; b < B; b++) {
    let state: number[] = new Array(2 * H).fill(0);
    for (let t = 0; t < T; t++) {
      const x = [0, 1].map((i) => batch.vectors[(t * B + b) * 2 + i]);
      const columns = state.map((_, j) => {
        const moved = (by: number) =>
          lstmStep(
            network,
            state.map((each, i) => (i === j ? each + by : each)),
            x,
          );
        const [up, down] = [moved(1e-5), moved(-1e-5)];
        return up.map((each, i) => (each - down[i]) / 2e-5);
      });
      expected += logDeterminant(columns) / (T * B);
      state = lstmStep(network, state, x);
    }
  }
  const found = exponents(network, batch);
  assert.equal(found.length, 2 * H);
  const sum = found.reduce((total, each) => total + each, 0);
  assert.ok(Math.abs(sum - expected) < 1e-5 * Math.abs(expected), `${sum}, not ${expected}`);
  near(
    found,
    [...found].sort((a, b) => b - a),
    0,
  );
});

test('only sequences with steps are looked at, and no more than asked for', () => {
  const network = networkOf({ cell: 'gru', hiddenSize: 2 });
  const batch = batchOf(5, 3);
  const all = exponents(network, batch);
  const first = exponents(network, batch, { sequences: 1 });
  assert.notDeepEqual(first, all);
  batch.lengths.set([5, 0, 0]);
  near(exponents(network, batch), first);
  batch.lengths.fill(0);
  assert.deepEqual(exponents(network, batch), []);
});

test('an LSTM of two layers with residual connections and one of a GRU: a symbol counts as its one-hot vector', () => {
  for (const cell of ['lstm', 'gru', 'gru-reset-before', 'mingru', 'lru'] as const) {
    const model = { cell, hiddenSize: 3, layers: 2, residual: true };
    const vectors = networkOf(model, 4);
    const symbols = new Network(backend, model, { kind: 'symbols', size: 4 }, 1);
    symbols.parameters.values.set(vectors.parameters.values);
    symbols.changed();
    const [dense, sparse] = ['vectors', 'symbols'].map((kind) =>
      allocateBatch(backend, { kind: kind as 'vectors' | 'symbols', size: 4 }, { kind: 'values', size: 1 }, 6, 2),
    );
    for (let row = 0; row < 12; row++) {
      sparse.symbols[row] = row % 4;
      dense.vectors[row * 4 + (row % 4)] = 1;
    }
    near(exponents(symbols, sparse), exponents(vectors, dense));
  }
});

describe('bounded work', () => {
  // One vector back through one step: G H² = 16. A step of one sequence with all 4 vectors: (4 + 1) * 16 + 2 * 4² * 4 = 208.
  const network = networkOf({ cell: 'rnn', hiddenSize: 4 });
  const batch = batchOf(300, 4);

  test('is bound by nothing unless it is told', () => {
    assert.deepEqual({ ...spectrum(network, batch), exponents: 0 }, { exponents: 0, sequences: 4, steps: 300 });
  });

  test('leaves out the first steps: the same as of a batch that begins there', () => {
    const found = spectrum(network, batch, { work: 4 * 120 * 208 });
    assert.deepEqual({ ...found, exponents: found.exponents.length }, { exponents: 4, sequences: 4, steps: 120 });
    const unrolled = new Unrolled(network, 300, 4);
    unrolled.forward(batch);
    unrolled.carry(180);
    const late = batchOf(120, 4);
    late.vectors.set(batch.vectors.subarray(180 * 4 * 2));
    unrolled.forward(late);
    near(found.exponents, lyapunovExponents(unrolled, late).exponents);
  });

  test('then sequences, of which at least 100 steps stay', () => {
    const found = spectrum(network, batch, { work: 2 * 150 * 208 });
    assert.deepEqual({ ...found, exponents: found.exponents.length }, { exponents: 4, sequences: 2, steps: 150 });
  });

  test('then exponents, and at last steps; never below 4 and 1', () => {
    const wide = networkOf({ cell: 'rnn', hiddenSize: 16 });
    // With 8 of the 16 exponents: (8 + 1) * 256 + 2 * 8² * 16 = 4352.
    const few = spectrum(wide, batch, { work: 115 * 4352 });
    assert.deepEqual({ ...few, exponents: few.exponents.length }, { exponents: 8, sequences: 1, steps: 115 });
    const least = spectrum(wide, batch, { work: 1 });
    assert.deepEqual({ ...least, exponents: least.exponents.length }, { exponents: 4, sequences: 1, steps: 1 });
  });
});
