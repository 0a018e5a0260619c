/** The Jacobian of a step, its singular values, and the transport over many steps, each beside a slow way to the same numbers. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { jacobianSpectrum } from '../../src/monitor/jacobian.ts';
import { singularRange } from '../../src/monitor/singularValues.ts';
import { StepJacobian } from '../../src/monitor/stepJacobian.ts';
import { transport } from '../../src/monitor/transport.ts';
import type { Batch } from '../../src/network/batch.ts';
import type { Network } from '../../src/network/network.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { samples as anySamples, batchOf, networkOf, type Sample, windowOf } from '../gradcheck/sample.ts';

const scalar = scalarBackend();

function ranForward(network: Network, batch: Batch): Unrolled {
  const unrolled = new Unrolled(network, batch.T, batch.B);
  unrolled.forward(batch);
  return unrolled;
}

/** s_t of sequence b, all layers, where s_{t-1} is given: the network's own forward pass over one step. */
function stepFrom(network: Network, batch: Batch, t: number, b: number, state: ArrayLike<number>): number[] {
  const window = windowOf(scalar, batch, t, t + 1);
  const unrolled = new Unrolled(network, 1, batch.B);
  const { H, cell } = network;
  const S = cell.states.length;
  for (const [layer, { states }] of unrolled.layers.entries()) {
    for (const [a, values] of states.entries()) for (let j = 0; j < H; j++) values[b * H + j] = state[(layer * S + a) * H + j];
  }
  window.lengths.fill(1);
  unrolled.forward(window);
  return unrolled.layers.flatMap(({ states }) =>
    states.flatMap((values) => [...values.subarray((batch.B + b) * H, (batch.B + b + 1) * H)]),
  );
}

/** Of networks whose steps read the step before alone; those with skip connections are in test/contract/skip.test.ts. */
const samples = anySamples.filter(({ skip }) => skip === undefined);

/** The state of sequence b before step t. */
const stateBefore = ({ layers, network: { H } }: Unrolled, B: number, t: number, b: number) =>
  layers.flatMap(({ states }) => states.flatMap((values) => [...values.subarray((t * B + b) * H, (t * B + b + 1) * H)]));

/** Some step of some sequence that has one. */
function placeIn(batch: Batch, seed: number): [t: number, b: number] | undefined {
  const places = Array.from({ length: batch.T * batch.B }, (_, row) => [Math.floor(row / batch.B), row % batch.B] as [number, number]);
  const there = places.filter(([t, b]) => t < batch.lengths[b]);
  return there.length > 0 ? there[seed % there.length] : undefined;
}

test('ds_t/ds_{t-1}: central differences of the forward pass, in any network', () => {
  fc.assert(
    fc.property(samples, fc.nat(), (sample: Sample, seed) => {
      const network = networkOf(scalar, sample);
      const batch = batchOf(scalar, sample);
      const place = placeIn(batch, seed);
      if (!place) return;
      const [t, b] = place;
      const unrolled = ranForward(network, batch);
      const found = new StepJacobian(network).take(unrolled, batch, t, b);
      const state = stateBefore(unrolled, batch.B, t, b);
      const n = state.length;
      // ReLU has no derivative at 0, and differences across it are wrong.
      const kinked = sample.cell === 'rnn-relu';
      for (let j = 0; j < n; j++) {
        const moved = (by: number) =>
          stepFrom(
            network,
            batch,
            t,
            b,
            state.map((each, i) => (i === j ? each + by : each)),
          );
        const [up, down] = [moved(1e-5), moved(-1e-5)];
        for (let i = 0; i < n; i++) {
          const expected = (up[i] - down[i]) / 2e-5;
          const off = Math.abs(found[i * n + j] - expected);
          assert.ok(off < 1e-8 || (kinked && Math.abs(up[i]) < 1e-3), `[${i}, ${j}]: ${found[i * n + j]}, not ${expected}`);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('of a plain tanh network it is diag(1 - h_t²) W', () => {
  const sample: Sample = {
    ...{ cell: 'rnn-tanh', loss: 'mse', reading: 'every', layers: 1, residual: false, dropout: 0, input: 'vectors' },
    ...{ T: 5, B: 2, I: 3, H: 4, O: 1, seed: 9 },
  };
  const network = networkOf(scalar, sample);
  const batch = batchOf(scalar, sample);
  const unrolled = ranForward(network, batch);
  const found = new StepJacobian(network).take(unrolled, batch, 2, 1);
  const W = network.parameters.valuesOf('weight_hh_l0');
  for (let i = 0; i < 4; i++) {
    const h = unrolled.layers[0].states[0][((2 + 1) * 2 + 1) * 4 + i];
    for (let j = 0; j < 4; j++) assert.ok(Math.abs(found[i * 4 + j] - (1 - h * h) * W[i * 4 + j]) < 1e-15);
  }
});

/** Singular values by one-sided Jacobi rotations, ascending: slow, and independent of the other way. */
function singularValues(matrix: Float64Array, n: number): number[] {
  const columns = Array.from({ length: n }, (_, j) => Float64Array.from({ length: n }, (_, i) => matrix[i * n + j]));
  const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, each, i) => sum + each * y[i], 0);
  for (let sweep = 0; sweep < 60; sweep++) {
    let largest = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const [x, y] = [columns[p], columns[q]];
        const [a, b, c] = [dot(x, x), dot(y, y), dot(x, y)];
        if (c === 0) continue;
        largest = Math.max(largest, Math.abs(c) / Math.sqrt(a * b));
        const zeta = (b - a) / (2 * c);
        const tangent = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const cosine = 1 / Math.hypot(1, tangent);
        for (let i = 0; i < n; i++) [x[i], y[i]] = [cosine * (x[i] - tangent * y[i]), cosine * (tangent * x[i] + y[i])];
      }
    }
    if (largest < 1e-15) break;
  }
  return columns.map((column) => Math.sqrt(dot(column, column))).sort((a, b) => a - b);
}

describe('singularRange', () => {
  test('one-sided Jacobi rotations find the same, at sizes 1 to 24 and scales 1e-150 to 1e+150', () => {
    const random = new Random(4);
    for (let n = 1; n <= 24; n++) {
      const scale = 10 ** (random.uniform() * 300 - 150);
      const unscaled = Float64Array.from({ length: n * n }, () => random.normal());
      const values = singularValues(unscaled, n);
      const { largest, smallest } = singularRange(
        unscaled.map((each) => each * scale),
        n,
      );
      const top = values[n - 1];
      assert.ok(Math.abs(largest / scale - top) < 1e-13 * n * top, `${n}: ${largest / scale}, not ${top}`);
      assert.ok(Math.abs(smallest / scale - values[0]) < 1e-13 * n * top, `${n}: ${smallest / scale}, not ${values[0]}`);
    }
  });

  test('by hand: a diagonal, a permutation, a singular matrix, zeros, a NaN', () => {
    const near = (found: { largest: number; smallest: number }, largest: number, smallest: number) => {
      assert.ok(Math.abs(found.largest - largest) < 1e-14 && Math.abs(found.smallest - smallest) < 1e-14, JSON.stringify(found));
    };
    near(singularRange(Float64Array.of(3, 0, 0, -1e-9), 2), 3, 1e-9);
    near(singularRange(Float64Array.of(0, 1, 0, 0, 0, 1, 1, 0, 0), 3), 1, 1);
    // Every singular value of ones [n, n] is 0 but one, n.
    near(singularRange(new Float64Array(16).fill(1), 4), 4, 0);
    near(singularRange(new Float64Array(4), 2), 0, 0);
    assert.deepEqual(singularRange(Float64Array.of(1, Number.NaN, 0, 1), 2), { largest: Number.NaN, smallest: Number.NaN });
  });
});

test('the spectrum: of g times an orthogonal matrix without inputs, both are g at every step', () => {
  const sample: Sample = {
    ...{ cell: 'rnn-tanh', loss: 'mse', reading: 'every', layers: 1, residual: false, dropout: 0, input: 'vectors' },
    ...{ T: 6, B: 2, I: 1, H: 3, O: 1, seed: 9 },
  };
  const network = networkOf(scalar, sample);
  for (const { name } of network.parameters.list) network.parameters.valuesOf(name).fill(0);
  network.parameters.valuesOf('weight_hh_l0').set([0, 0.25, 0, 0, 0, 0.25, 0.25, 0, 0]);
  network.changed();
  const batch = batchOf(scalar, sample);
  batch.lengths.fill(6);
  const spectrum = jacobianSpectrum(ranForward(network, batch), batch, { count: 5 });
  assert.equal(spectrum?.jacobians, 5);
  for (const spread of [spectrum?.largest, spectrum?.smallest]) {
    for (const each of [spread?.meanLog10, spread?.p10, spread?.p90]) assert.ok(Math.abs(Number(each) - Math.log10(0.25)) < 1e-14);
  }
  assert.equal(jacobianSpectrum(ranForward(network, batch), batch, { work: 1 })?.jacobians, 1);
});

for (const [name, backend, bound] of [
  ['scalar', scalar, 1e-9],
  ['wasm', await wasmBackend(), 1e-3],
] as const) {
  test(`${name}: transport over k steps is the product of the steps' Jacobians, in any network`, () => {
    fc.assert(
      fc.property(samples, (sample) => {
        const network = networkOf(backend, sample);
        const batch = batchOf(backend, sample);
        const unrolled = ranForward(network, batch);
        const { points, sequences } = transport(unrolled, batch, { sequences: 1 });
        const b = batch.lengths.findIndex((length) => length > 1);
        assert.equal(sequences, b < 0 ? 0 : 1);
        if (b < 0) return;
        const jacobian = new StepJacobian(network);
        const n = jacobian.size;
        const last = batch.lengths[b] - 1;
        assert.equal(points[points.length - 1].lag, last);
        let product = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
        for (let k = 1; k <= last; k++) {
          const step = jacobian.take(unrolled, batch, last - k + 1, b);
          const next = new Float64Array(n * n);
          for (let i = 0; i < n; i++) {
            for (let l = 0; l < n; l++) for (let j = 0; j < n; j++) next[i * n + j] += product[i * n + l] * step[l * n + j];
          }
          product = next;
          const point = points.find(({ lag }) => lag === k);
          if (!point) continue;
          const values = singularValues(product, n);
          const square = values.reduce((sum, each) => sum + each * each, 0);
          const near = (found: number, expected: number) =>
            assert.ok(found === expected || Math.abs(found - expected) < bound, `lag ${k}: 10^${found}, not 10^${expected}`);
          near(point.largest, Math.log10(values[n - 1]));
          near(point.rootMeanSquare, Math.log10(square / n) / 2);
        }
      }),
      { numRuns: 12 },
    );
  });

  test(`${name}: transport beyond the range of numbers: W = 1e-4 of a permutation over 100 steps is 1e-400`, () => {
    const sample: Sample = {
      ...{ cell: 'rnn-tanh', loss: 'mse', reading: 'last', layers: 1, residual: false, dropout: 0, input: 'vectors' },
      ...{ T: 101, B: 1, I: 1, H: 3, O: 1, seed: 9 },
    };
    const network = networkOf(backend, sample);
    for (const { name: parameter } of network.parameters.list) network.parameters.valuesOf(parameter).fill(0);
    network.parameters.valuesOf('weight_hh_l0').set([0, 1e-4, 0, 0, 0, 1e-4, 1e-4, 0, 0]);
    network.changed();
    const batch = batchOf(backend, sample);
    batch.lengths.fill(101);
    const { points } = transport(ranForward(network, batch), batch);
    assert.deepEqual(
      points.map(({ lag }) => lag),
      [1, 2, 4, 8, 16, 32, 64, 100],
    );
    for (const { lag, largest, rootMeanSquare } of points) {
      for (const each of [largest, rootMeanSquare]) assert.ok(Math.abs(each + 4 * lag) < 1e-5 * lag, `lag ${lag}: 10^${each}`);
    }
  });
}
