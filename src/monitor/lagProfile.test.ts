/**
 * Lag gradients where the truth is known in closed form. A tanh network whose biases and inputs are 0 stays at h = 0, where
 * the slope of tanh is 1: through a layer with W = diag(w), the gradient of each unit is multiplied by its w at every step.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend, CellBackwardStep, CellStep, Reals } from '../compute/backend.ts';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';
import { allocateBatch, type Batch } from '../network/batch.ts';
import { losses } from '../network/loss/losses.ts';
import type { ModelOptions } from '../network/model.ts';
import { initialize, Network } from '../network/network.ts';
import { Unrolled } from '../network/unroll/unrolled.ts';
import { keepProbes, type LagPoint, lagGradients, lagProfile } from './lagProfile.ts';

const input = { kind: 'vectors', size: 1 } as const;

const backends: readonly (readonly [string, Backend])[] = [
  ['scalar', scalarBackend()],
  ['wasm, relaxed SIMD', await wasmBackend()],
  ['wasm, plain SIMD', await wasmBackend({ relaxed: false })],
];

interface Linear {
  /** Per layer, the diagonal of W. */
  readonly rates: readonly (readonly number[])[];
  /** The read-out's row: dL/dh at lag 0 is this times dL/dz. */
  readonly readout: readonly number[];
  readonly activation?: 'tanh' | 'relu';
}

/** A network of diagonal recurrent matrices, identities between the layers, and everything else 0. */
function linear(backend: Backend, { rates, readout, activation = 'tanh' }: Linear): Network {
  const H = readout.length;
  const network = new Network(backend, { cell: 'rnn', activation, hiddenSize: H, layers: rates.length }, input, 1);
  const { parameters } = network;
  for (const [layer, diagonal] of rates.entries()) {
    for (let j = 0; j < H; j++) {
      parameters.valuesOf(`weight_hh_l${layer}`)[j * H + j] = diagonal[j];
      if (layer > 0) parameters.valuesOf(`weight_ih_l${layer}`)[j * H + j] = 1;
    }
  }
  parameters.valuesOf('readout.weight').set(readout);
  network.changed();
  return network;
}

/** B sequences of zeros, with the target -1/2 at the given steps: z = 0 and L = (z + 1/2)^2 give dL/dz = 1. */
function zeros(backend: Backend, T: number, steps: readonly number[] = [T - 1], B = 1): Batch {
  const batch = allocateBatch(backend, input, { kind: 'values', size: 1 }, T, B);
  for (const t of steps) {
    for (let b = 0; b < B; b++) {
      batch.values[batch.counted] = -0.5;
      batch.rows[batch.counted++] = t * B + b;
    }
  }
  return batch;
}

const profileOf = (network: Network, batch: Batch) => lagGradients(new Unrolled(network, batch.T, batch.B), batch, losses.mse)[0];

/** log10 sqrt(sum of 10^(2 l)) of logarithms l. */
function joint(...logs: number[]): number {
  const top = Math.max(...logs);
  return top + Math.log10(Math.sqrt(logs.reduce((sum, log) => sum + 10 ** (2 * (log - top)), 0)));
}

function agree(found: ArrayLike<number>, truth: (lag: number) => number, bound: number): void {
  for (let k = 0; k < found.length; k++) {
    const expected = truth(k);
    assert.ok(Math.abs(found[k] - expected) <= bound, `lag ${k}: 10^${found[k]}, not 10^${expected}`);
  }
}

for (const [name, backend] of backends) {
  // 420 roundings of 2^-24 are 420 * 6e-8 / ln 10 = 1.1e-5 in log10, if all of them go the same way.
  const bound = backend.precision === 'float32' ? 1.2e-5 : 1e-11;
  /** The number nearest to a rate that the backend can hold. */
  const held = (rate: number) => (backend.precision === 'float32' ? Math.fround(rate) : rate);

  describe(`${name}: a lag profile beyond the range of its numbers`, () => {
    for (const T of [130, 420]) {
      test(`W = 0.1 I over ${T} steps: log10 g_k = -k, down to 1e-${T - 1}`, () => {
        const rates = [new Array(5).fill(0.1)];
        const found = profileOf(linear(backend, { rates, readout: [1, 0, 0, 0, 0] }), zeros(backend, T));
        assert.equal(found.length, T);
        agree(found, (k) => k * Math.log10(held(0.1)), bound);
        assert.ok(Math.abs(found[T - 1] + (T - 1)) <= 2e-5);
      });

      test(`W = 10 I over ${T} steps: log10 g_k = k, up to 1e+${T - 1}, nothing infinite`, () => {
        const found = profileOf(linear(backend, { rates: [[10, 10, 10]], readout: [0, 1, 0] }), zeros(backend, T));
        agree(found, (k) => k, bound);
      });
    }

    test('powers of two are exact: W = I / 8 loses exactly 3 bits a step', () => {
      const found = profileOf(linear(backend, { rates: [[1 / 8, 1 / 8]], readout: [1, 0] }), zeros(backend, 420));
      agree(found, (k) => -3 * k * Math.log10(2), 1e-12 * 420);
    });

    test('a ReLU network at its unstable fixed point: h = 10 h - 9 stays at 1, while the gradient grows to 1e+100', () => {
      // x_0 = 1 with W_ih = 10 gives h_0 = relu(10 - 9) = 1, and then 10 * 1 - 9 = 1 for ever, exactly. Slope 1, W = 10.
      const network = linear(backend, { rates: [[10]], readout: [1], activation: 'relu' });
      network.parameters.valuesOf('weight_ih_l0')[0] = 10;
      network.parameters.valuesOf('bias_ih_l0')[0] = -9;
      network.changed();
      const batch = zeros(backend, 101);
      batch.vectors[0] = 1;
      batch.values[0] = 0.5;
      // z = h = 1, L = (1 - 1/2)^2, dL/dz = 1.
      agree(profileOf(network, batch), (k) => k, bound);
    });

    test('a ReLU network with all units open: W = 0.1 I, h -> b / 0.9', () => {
      const network = linear(backend, { rates: [[0.1, 0.1]], readout: [1, 0], activation: 'relu' });
      network.parameters.valuesOf('bias_hh_l0').fill(9);
      network.changed();
      const batch = zeros(backend, 130);
      // h_t = 9 (1 + 0.1 + ...) -> 10 = z; the target 9.5 makes dL/dz = 2 (10 - 9.5) = 1.
      batch.values[0] = 9.5;
      agree(profileOf(network, batch), (k) => k * Math.log10(held(0.1)), bound);
    });

    test('two layers of different rates: the lower one gets what the upper one hands down at every step', () => {
      // Upper: b^k. Lower, as the state that step t+1 reads: d(0) = 0, d(k) = a (d(k-1) + b^(k-1)), which sums to
      // a (a^k - b^k) / (a - b) = a^(k+1) / (a - b) * (1 - (b/a)^k).
      for (const [a, b] of [
        [0.3, 0.1],
        [0.1, 0.3],
        [0.9, 0.01],
        [4, 0.25],
        [0.25, 4],
      ].map((pair) => pair.map(held))) {
        const [slow, fast] = a > b ? [a, b] : [b, a];
        const found = profileOf(linear(backend, { rates: [[a], [b]], readout: [1] }), zeros(backend, 300));
        agree(
          found,
          (k) => {
            const upper = k * Math.log10(b);
            if (k === 0) return upper;
            const lower = Math.log10(a) + k * Math.log10(slow) - Math.log10(slow - fast) + Math.log10(1 - (fast / slow) ** k);
            return joint(upper, lower);
          },
          bound,
        );
      }
    });

    test('a slow unit that starts at 1e-15 takes over from a fast one', () => {
      // g_k^2 = (0.1^k)^2 + (1e-15 * 0.8^k)^2; the two meet where 8^k = 1e15, at k = 16.6.
      const network = linear(backend, { rates: [[0.1, 0.8]], readout: [1, 1e-15] });
      const found = profileOf(network, zeros(backend, 420));
      const start = Math.log10(held(1e-15));
      agree(found, (k) => joint(k * Math.log10(held(0.1)), start + k * Math.log10(held(0.8))), bound);
      assert.ok(Math.abs(found[10] + 10) < 1e-4);
      assert.ok(Math.abs(found[400] - (-15 + 400 * Math.log10(0.8))) < 1e-4);
    });

    test('a unit that grows under one that vanishes', () => {
      const network = linear(backend, { rates: [[0.5, 2]], readout: [1, 2 ** -60] });
      agree(profileOf(network, zeros(backend, 420)), (k) => joint(-k * Math.log10(2), (k - 60) * Math.log10(2)), 1e-10);
    });

    test('losses at several steps, of any exponents: sums where they meet, each alone elsewhere', () => {
      // D(t) = dL/dh_t = w D(t+1) + [t is counted].
      const T = 260;
      const steps = [3, 90, 91, 200, 259];
      for (const rate of [0.1, 10, 0.5, 2, 0.97]) {
        const w = held(rate);
        const network = linear(backend, { rates: [[rate, rate]], readout: [1, 0] });
        const unrolled = new Unrolled(network, T, 1);
        const record = { squares: new Float64Array(T), exponents: new Int32Array(T), afterInjection: true };
        unrolled.forward(zeros(backend, T, steps));
        unrolled.backward(losses.mse, { statesOnly: true, record: [record] });
        const found = Float64Array.from({ length: T }, (_, t) => Math.log10(record.squares[t]) / 2 + record.exponents[t] * Math.log10(2));
        agree(
          found,
          (t) => {
            // All terms are positive: the sum of 10^l over the counted steps from t on.
            const logs = steps.filter((step) => step >= t).map((step) => (step - t) * Math.log10(w));
            const top = Math.max(...logs);
            return top + Math.log10(logs.reduce((sum, log) => sum + 10 ** (log - top), 0));
          },
          bound,
        );
      }
    });

    test('sequences of different lengths have their own exponents', () => {
      const B = 3;
      const T = 200;
      const batch = zeros(backend, T, [], B);
      // Probes at steps 10, 150 and 199.
      for (const [r, row] of [10 * B + 1, 150 * B + 0, 199 * B + 2].entries()) {
        batch.rows[r] = row;
        batch.values[r] = -0.5;
      }
      batch.counted = 3;
      batch.lengths.set([151, 11, 200]);
      const network = linear(backend, { rates: [[0.1]], readout: [1] });
      const found = lagGradients(new Unrolled(network, T, B), batch, losses.mse);
      assert.deepEqual(
        found.map((each) => each.length),
        [11, 151, 200],
      );
      for (const each of found) agree(each, (k) => k * Math.log10(held(0.1)), bound);
    });
  });
}

test('what plain float32 makes of it: 0.1^k is denormal from k = 38 and 0 from k = 46', () => {
  let g = 1;
  const norms = [g];
  for (let k = 1; k < 130; k++) {
    g = Math.fround(g * Math.fround(0.1));
    norms.push(g);
  }
  assert.ok(norms[37] > 2 ** -126 && norms[38] < 2 ** -126);
  assert.ok(norms[45] > 0 && norms[46] === 0 && norms[129] === 0);
  // And float64 from k = 324: where the profile above reads 1e-419.
  assert.equal(0.1 ** 324, 0);
});

describe('wasm: no denormal numbers are stored on the way', () => {
  for (const { cell, scale } of [
    { cell: 'rnn', scale: 0.9 },
    { cell: 'rnn', scale: 0.1 },
    { cell: 'lstm', scale: 1 },
    { cell: 'gru', scale: 1 },
  ] as const) {
    test(`${cell}, recurrent weights times ${scale}, an impulse and 600 steps of nothing`, async () => {
      const backend = await wasmBackend();
      const model: ModelOptions = { cell, hiddenSize: 7, layers: 2, recurrentInit: 'orthogonal' };
      const network = new Network(backend, model, input, 1);
      initialize(network, model, 4);
      const { parameters } = network;
      for (const { name } of parameters.list) {
        // Without biases nothing keeps the state from decaying.
        if (name.startsWith('bias')) parameters.valuesOf(name).fill(0);
        const values = parameters.valuesOf(name);
        if (name.startsWith('weight_hh')) for (let i = 0; i < values.length; i++) values[i] *= scale;
      }
      const seen = { steps: 0, denormal: 0 };
      const look = (x: Reals, at: number, length: number) => {
        for (let i = at; i < at + length; i++) if (x[i] !== 0 && Math.abs(x[i]) < 2 ** -126) seen.denormal++;
      };
      const { kernel } = network;
      const { gates, apart } = network.cell;
      const lookAt = (step: CellStep) => {
        const size = step.B * step.H;
        look(step.pre, step.preAt, size * gates);
        look(step.apart, step.apartAt, size * apart);
        for (const state of step.states) look(state, step.nextAt, size);
        seen.steps++;
      };
      const watched = {
        forward(step: CellStep) {
          kernel.forward(step);
          lookAt(step);
        },
        backward(step: CellBackwardStep) {
          kernel.backward(step);
          lookAt(step);
          for (const state of step.dStates) look(state, 0, step.B * step.H);
        },
      };
      Object.defineProperty(network, 'kernel', { value: watched });
      const T = 600;
      const batch = zeros(backend, T, [T - 1], 2);
      batch.vectors[0] = 1;
      const found = lagGradients(new Unrolled(network, T, 2), batch, losses.mse);
      assert.deepEqual(seen, { steps: 2 * 2 * T, denormal: 0 });
      // And the profile goes on beyond where float32 ends.
      for (const profile of found) for (const each of profile) assert.ok(Number.isFinite(each));
      assert.ok(found[0][T - 1] < -25);
    });
  }
});

describe('keepProbes', () => {
  test('of each sequence, its last counted target with its value', () => {
    const backend = scalarBackend();
    const batch = allocateBatch(backend, input, { kind: 'values', size: 2 }, 4, 3);
    // Sequence 0 counts at steps 0 and 2, sequence 1 nowhere, sequence 2 at steps 1 and 3.
    for (const [r, row] of [0, 5, 6, 11].entries()) {
      batch.rows[r] = row;
      batch.values.set([row, row + 0.5], 2 * r);
    }
    batch.counted = 4;
    keepProbes(batch, 1);
    assert.equal(batch.counted, 2);
    assert.deepEqual([...batch.rows.subarray(0, 2)], [6, 11]);
    assert.deepEqual([...batch.values.subarray(0, 4)], [6, 6.5, 11, 11.5]);
  });
});

describe('lagProfile', () => {
  const near = ({ lag, meanLog10, p10, p90, ratio }: LagPoint, expected: LagPoint) => {
    assert.equal(lag, expected.lag);
    for (const [found, wanted] of [
      [meanLog10, expected.meanLog10],
      [p10, expected.p10],
      [p90, expected.p90],
    ]) {
      assert.ok(found === wanted || Math.abs(found - wanted) < 1e-12, `${found}, not ${wanted}`);
    }
    assert.ok(Math.abs(ratio - expected.ratio) <= 1e-12 * expected.ratio, `ratio ${ratio}, not ${expected.ratio}`);
  };

  test('means, percentiles and ratios, each lag over the sequences that reach it', () => {
    // Lag 0: -1, -2, -3: mean -2; the 10th percentile lies at 0.2 of the way from -3 to -2. Lag 1: -4 and -6.
    const points = lagProfile([Float64Array.of(-1, -4), Float64Array.of(-2, -6), Float64Array.of(-3)]);
    assert.equal(points.length, 2);
    near(points[0], { lag: 0, meanLog10: -2, p10: -2.8, p90: -1.2, ratio: 1 });
    near(points[1], { lag: 1, meanLog10: -5, p10: -5.8, p90: -4.2, ratio: 1e-3 });
  });

  test('exact zeros are -Infinity, in a percentile too, and never NaN', () => {
    const points = lagProfile([Float64Array.of(0, Number.NEGATIVE_INFINITY), Float64Array.of(0, -1), Float64Array.of(0, -2)]);
    near(points[1], { lag: 1, meanLog10: Number.NEGATIVE_INFINITY, p10: Number.NEGATIVE_INFINITY, p90: -1.2, ratio: 0 });
  });

  test('no sequences, no points', () => assert.deepEqual(lagProfile([]), []));
});
