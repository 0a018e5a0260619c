/** Cells without a recurrent matrix: what every monitor says of them is known in closed form. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { halfLives } from '../../src/monitor/halfLife.ts';
import { lagGradients } from '../../src/monitor/lagProfile.ts';
import { lyapunovExponents } from '../../src/monitor/lyapunov.ts';
import { transport } from '../../src/monitor/transport.ts';
import { allocateBatch } from '../../src/network/batch.ts';
import { fillBatch } from '../../src/network/gradcheckCell.ts';
import { losses } from '../../src/network/loss/losses.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';

const [T, B, H] = [300, 2, 6];
const wasm = await wasmBackend();

for (const [name, backend, bound] of [
  ['scalar', scalarBackend(), 1e-9],
  ['wasm', wasm, 2e-4],
] as const) {
  const ran = (cell: 'lru' | 'mingru') => {
    const network = new Network(backend, { cell, hiddenSize: H }, { kind: 'vectors', size: 3 }, 1);
    initialize(network, { cell, hiddenSize: H }, 7);
    const batch = allocateBatch(backend, network.input, { kind: 'values', size: 1 }, T, B);
    fillBatch(batch, 'last', new Random(2));
    const unrolled = new Unrolled(network, T, B);
    unrolled.forward(batch);
    return { network, batch, unrolled };
  };
  const near = (found: number, expected: number, what: string) =>
    assert.ok(Math.abs(found - expected) <= bound * Math.max(1, Math.abs(expected)), `${what}: ${found}, not ${expected}`);

  describe(`${name}: LRU`, () => {
    const { network, batch, unrolled } = ran('lru');
    /** ln |λ| of each unit. */
    const logs = Array.from(network.parameters.valuesOf('nu_log_l0'), (nu) => -Math.exp(nu));
    const sorted = [...logs].sort((a, b) => b - a);

    test('transport over k steps is |λ|^k: the largest, and the root of the mean square', () => {
      const { points } = transport(unrolled, batch);
      assert.deepEqual(
        points.map(({ lag }) => lag),
        [1, 2, 4, 8, 16, 32, 64, 128, 256, 299],
      );
      for (const { lag, largest, rootMeanSquare } of points) {
        near(largest, (lag * sorted[0]) / Math.LN10, `largest at ${lag}`);
        const square = logs.reduce((sum, each) => sum + Math.exp(2 * lag * each), 0) / H;
        near(rootMeanSquare, Math.log10(square) / 2, `root mean square at ${lag}`);
      }
    });

    test('the Lyapunov exponents are ln |λ|, each twice', () => {
      const { exponents } = lyapunovExponents(unrolled, batch);
      const expected = sorted.flatMap((each) => [each, each]);
      // Over 300 steps the single ones still depend on where the vectors began; their sum does not.
      near(
        exponents.reduce((sum, each) => sum + each, 0),
        expected.reduce((sum, each) => sum + each, 0),
        'sum',
      );
      for (const [i, each] of exponents.entries()) assert.ok(Math.abs(each - expected[i]) < 0.01, `${i}`);
    });

    test('half-lives are ln 2 / -ln |λ|, of both parts of the state', () => {
      const found = halfLives(unrolled, batch);
      assert.deepEqual(
        found.map(({ state }) => state),
        ['h', 'imag'],
      );
      for (const { longest } of found) near(longest, Math.LN2 / -sorted[0], 'longest');
    });

    test('the lag gradient of a loss that reads one unit falls as |λ|^k', () => {
      const unit = 2;
      const weight = network.parameters.valuesOf('readout.weight');
      const before = weight.slice();
      weight.fill(0);
      weight[unit] = 1;
      network.changed();
      unrolled.forward(batch);
      const gradients = lagGradients(unrolled, batch, losses.mse, 1);
      weight.set(before);
      network.changed();
      const [first] = gradients;
      for (let lag = 0; lag < T; lag += 37) near(first[lag] - first[0], (lag * logs[unit]) / Math.LN10, `lag ${lag}`);
    });
  });

  describe(`${name}: minGRU`, () => {
    const { batch, unrolled } = ran('mingru');

    test('transport over k steps is the largest product of z, whatever the other inputs are', () => {
      const { pre } = unrolled.layers[0].kept;
      const { points, sequences } = transport(unrolled, batch, { sequences: 1 });
      assert.equal(sequences, 1);
      for (const { lag, largest } of points) {
        let top = -Infinity;
        for (let j = 0; j < H; j++) {
          let sum = 0;
          for (let k = 0; k < lag; k++) sum += Math.log10(pre[(T - 1 - k) * B * 2 * H + j]);
          top = Math.max(top, sum);
        }
        near(largest, top, `lag ${lag}`);
      }
    });
  });
}
