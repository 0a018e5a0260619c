/** Published and derived facts that the measures have to reproduce. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { lagGradients } from '../../src/monitor/lagProfile.ts';
import { exponentsOfProduct } from '../../src/monitor/lyapunov.ts';
import { singularRange } from '../../src/monitor/singularValues.ts';
import { allocateBatch, type Batch } from '../../src/network/batch.ts';
import type { Cell } from '../../src/network/cell/cell.ts';
import { losses } from '../../src/network/loss/losses.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { truncatedWindow } from '../../src/network/unroll/truncated.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';

const scalar = scalarBackend();
const backends: readonly (readonly [string, Backend])[] = [
  ['scalar', scalar],
  ['wasm', await wasmBackend()],
];

/** Normal inputs, and a normal target at every step of every sequence. */
function randomBatch(backend: Backend, network: Network, T: number, B: number, random: Random): Batch {
  const batch = allocateBatch(backend, network.input, { kind: 'values', size: network.O }, T, B);
  for (let i = 0; i < batch.vectors.length; i++) batch.vectors[i] = random.normal();
  for (let i = 0; i < batch.values.length; i++) batch.values[i] = random.normal();
  for (let row = 0; row < T * B; row++) batch.rows[batch.counted++] = row;
  return batch;
}

for (const [name, backend] of backends) {
  test(`${name}: over 1000 random tanh networks with sigma_1(W) < 1, no lag gradient exceeds sigma_1^k times that of lag 0`, () => {
    const random = new Random(11);
    const rounding = backend.precision === 'float32' ? 1e-6 : 1e-12;
    let compared = 0;
    let closest = Infinity;
    for (let round = 0; round < 1000; round++) {
      const mark = backend.mark();
      const H = 1 + random.below(12);
      const T = 2 + random.below(16);
      const model = { cell: 'rnn', hiddenSize: H, recurrentInit: round % 2 ? 'orthogonal' : { gaussian: 1 } } as const;
      const network = new Network(backend, model, { kind: 'vectors', size: 2 }, 1);
      initialize(network, model, round);
      const W = network.parameters.valuesOf('weight_hh_l0');
      const wanted = 1 - random.uniform() ** 2 * 0.999;
      const { largest } = singularRange(Float64Array.from(W), H);
      for (let i = 0; i < W.length; i++) W[i] *= wanted / largest;
      network.changed();
      const sigma = singularRange(Float64Array.from(W), H).largest;
      assert.ok(sigma < 1 + 1e-6);
      for (const profile of lagGradients(new Unrolled(network, T, 2), randomBatch(backend, network, T, 2, random), losses.mse, 4)) {
        for (const [k, value] of profile.entries()) {
          const room = profile[0] + k * Math.log10(sigma) + rounding * (k + 1) - value;
          assert.ok(room >= 0, `network ${round}, lag ${k}: 10^${value} above the bound`);
          if (k > 0) closest = Math.min(closest, room);
          compared++;
        }
      }
      backend.release(mark);
    }
    // The bound is not far away either: an orthogonal W and states near 0 come close to it.
    assert.ok(compared > 30_000 && closest < 0.01, `${compared} compared, ${closest} at the closest`);
  });

  for (const b of [1, 5]) {
    test(`${name}: an LSTM at small weights with forget bias ${b} loses sigma(${b}) a step`, () => {
      // dc_t/dc_{t-k} = sigma(b_f)^k where all else is 0: with x = 0 and W = 0, i g = 0, so that c stays 0 and o reads it with slope 1/2.
      const network = new Network(backend, { cell: 'lstm', hiddenSize: 3 }, { kind: 'vectors', size: 1 }, 1);
      network.parameters.valuesOf('bias_ih_l0').fill(b, 3, 6);
      network.parameters.valuesOf('readout.weight')[0] = 1;
      network.changed();
      const T = 300;
      const batch = allocateBatch(backend, network.input, { kind: 'values', size: 1 }, T, 1);
      batch.rows[0] = T - 1;
      batch.values[0] = -0.5;
      batch.counted = 1;
      const [profile] = lagGradients(new Unrolled(network, T, 1), batch, losses.mse);
      const sigma = Math.log10(1 / (1 + Math.exp(-b)));
      // Lag 0: dL/dh = 1. From lag 1 on only c carries: o sigma(b)^k = sigma(b)^k / 2.
      assert.ok(Math.abs(profile[0]) < 1e-6);
      for (let k = 1; k < T; k++) {
        assert.ok(Math.abs(profile[k] - (k * sigma - Math.log10(2))) < 2e-7 * k + 1e-6, `lag ${k}: 10^${profile[k]}`);
      }
    });
  }
}

test('iid Gaussian Jacobians: (ln(2/N) + psi((N - i + 1)/2)) / 2', () => {
  const N = 64;
  const factors = 600;
  const random = new Random(2);
  const matrices = function* () {
    for (let k = 0; k < factors; k++) yield Float64Array.from({ length: N * N }, () => random.normal() / Math.sqrt(N));
  };
  const found = exponentsOfProduct(matrices(), N, N);
  /** psi at whole and half numbers: psi(1) = -gamma, psi(1/2) = -gamma - 2 ln 2, psi(x + 1) = psi(x) + 1/x. */
  const psi = (x: number): number =>
    x > 1 ? psi(x - 1) + 1 / (x - 1) : x === 1 ? -0.5772156649015329 : -0.5772156649015329 - 2 * Math.LN2;
  const truth = Array.from({ length: N }, (_, index) => (Math.log(2 / N) + psi((N - index) / 2)) / 2);
  for (const [index, value] of [
    [0, -0.00785],
    [32, -0.3624],
    [63, -2.7146],
  ]) {
    assert.ok(Math.abs(truth[index] - value) < 6e-5);
  }
  assert.ok(Math.abs(truth.reduce((sum, each) => sum + each, 0) + 33.108) < 1e-3);
  // ln of a length is ln chi with N - i + 1 degrees of freedom: its variance is a quarter of psi'((N - i + 1)/2), about 1/(2 (N - i + 1)) or, for
  // one degree, 1.234. Five standard errors are allowed.
  for (const [index, value] of found.entries()) {
    const freedom = N - index;
    const deviation = Math.sqrt((freedom === 1 ? 1.234 : 1 / (2 * (freedom - 1))) / factors);
    assert.ok(Math.abs(value - truth[index]) < 5 * deviation, `exponent ${index + 1}: ${value}, not ${truth[index]} +- ${deviation}`);
  }
});

describe('influence balancing (Tallec & Ollivier 2017, section 3): s <- A s + theta signs, A = I/2 + shift/2, 10 plus and 13 minus', () => {
  const n = 23;
  const signs = Array.from({ length: n }, (_, i) => (i < 10 ? 1 : -1));
  const linear: Cell = {
    ...{ name: 'linear', gates: 1, apart: 0, states: ['h'] },
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

  /** The network, whose input weights are theta times the signs and whose input is 1; its output is s_1. */
  function balancing(): { network: Network; set: (theta: number) => void } {
    const network = new Network(scalar, { cell: linear, hiddenSize: n }, { kind: 'vectors', size: 1 }, 1);
    const A = network.parameters.valuesOf('weight_hh_l0');
    for (let i = 0; i < n; i++) {
      A[i * n + i] = 0.5;
      if (i + 1 < n) A[i * n + i + 1] = 0.5;
    }
    network.parameters.valuesOf('readout.weight')[0] = 1;
    const set = (theta: number) => {
      network.parameters.valuesOf('weight_ih_l0').set(signs.map((sign) => theta * sign));
      network.changed();
    };
    return { network, set };
  }

  /** Runs windows of truncated BPTT(1, K) over `steps` steps. `use` gets ds_1/dtheta of each and s_1, and may change theta. */
  function stream(K: number, steps: number, theta: number, use: (derivative: number, s: number) => number): void {
    const { network, set } = balancing();
    set(theta);
    const bptt = { k1: 1, k2: K };
    const unrolled = new Unrolled(network, K, 1);
    for (let index = 0; ; index++) {
      const window = truncatedWindow(index, steps, bptt);
      if (!window) return;
      const batch = allocateBatch(scalar, network.input, { kind: 'values', size: 1 }, window.end - window.begin, 1);
      batch.vectors.fill(1);
      batch.rows[0] = window.end - window.begin - 1;
      batch.values[0] = 1;
      batch.counted = 1;
      unrolled.forward(batch);
      const s = unrolled.readout.outputs[0];
      // L = (s_1 - 1)², dL/ds_1 = 2 (s_1 - 1).
      unrolled.backward(losses.mse);
      const gradient = Array.from(network.parameters.gradientOf('weight_ih_l0')).reduce((sum, each, i) => sum + each * signs[i], 0);
      set(use(gradient / (2 * (s - 1)), s));
      const next = truncatedWindow(index + 1, steps, bptt);
      if (next && next.begin > window.begin) unrolled.carry(next.begin - window.begin);
    }
  }

  const derivative = (K: number): number => {
    let last = Number.NaN;
    stream(K, K, 0.1, (found) => {
      last = found;
      return 0.1;
    });
    return last;
  };

  test('the truncated derivative ds_1/dtheta at the published windows', () => {
    for (const [K, expected, digits] of [
      [1, 1, 2],
      [10, 10, 1],
      [19, 16.48, 2],
      [30, 9.87, 2],
      [40, 0.57, 2],
      [50, -4.75, 2],
      [100, -6, 2],
    ]) {
      assert.ok(Math.abs(derivative(K) - expected) <= 0.5 * 10 ** -digits + 1e-9, `K = ${K}: ${derivative(K)}, not ${expected}`);
    }
  });

  test('it changes its sign exactly at K = 41, for good', () => {
    for (let K = 1; K <= 60; K++) assert.equal(Math.sign(derivative(K)), K <= 40 ? 1 : -1, `K = ${K}: ${derivative(K)}`);
  });

  test('gradient descent moves away with K = 40, and to theta* = -1/6 with K = 50', () => {
    for (const K of [40, 50]) {
      let theta = -0.1;
      stream(K, 1500, theta, (found, s) => {
        theta -= 4e-4 * (s - 1) * found;
        return theta;
      });
      if (K <= 40) assert.ok(theta > -0.1 + 0.01, `K = ${K}: theta = ${theta}`);
      else assert.ok(Math.abs(theta + 1 / 6) < 1e-3, `K = ${K}: theta = ${theta}`);
    }
  });
});
