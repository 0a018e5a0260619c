/** Lag gradients of sequences that are held a segment at a time. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { lagGradients, longLagGradients } from '../../src/monitor/lagProfile.ts';
import type { Batch } from '../../src/network/batch.ts';
import { losses } from '../../src/network/loss/losses.ts';
import { Network } from '../../src/network/network.ts';
import { Checkpointed } from '../../src/network/unroll/checkpointed.ts';
import type { MemoryPlan } from '../../src/network/unroll/memoryPlan.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { batchOf, copySteps, networkOf, samples } from './sample.ts';

const backends = [scalarBackend(), await wasmBackend()];

const planOf = (plan: MemoryPlan['plan'], T: number, B: number, segmentSteps: number, slots: number): MemoryPlan => {
  return { plan, T, B, segmentSteps, segments: Math.ceil(T / segmentSteps), slots, bytes: 0, extraForward: 0 };
};

for (const backend of backends) {
  describe(backend.name, () => {
    test('are those of the sequence as a whole, to the bit, for any network, batch and plan', () => {
      const segments = fc.record({ length: fc.integer({ min: 1, max: 8 }), slots: fc.integer({ min: 1, max: 3 }) });
      fc.assert(
        fc.property(samples, segments, (sample, { length, slots }) => {
          const mark = backend.mark();
          const { T, B } = sample;
          const loss = losses[sample.loss];
          const batch = batchOf(backend, sample);
          const through = new Checkpointed(networkOf(backend, sample), batch.target, planOf('binomial', T, B, Math.min(length, T), slots));
          const copy = (begin: number, end: number, into: Batch) => copySteps(batch, begin, end, into);
          const found = longLagGradients(through, { T, B, copy }, loss);
          assert.deepEqual(found, lagGradients(new Unrolled(networkOf(backend, sample), T, B), batch, loss));
          backend.release(mark);
        }),
        { numRuns: 200 },
      );
    });

    test('20,000 lags of a gradient that loses a factor 2 a step: 10^-6020 where that is the truth', () => {
      // tanh at h = 0 has the slope 1, so that W = 1/2 halves dL/dh at every step: log10 g_k = log10 g_0 - k log10 2.
      const T = 20_000;
      const network = new Network(backend, { cell: 'rnn', hiddenSize: 1 }, { kind: 'vectors', size: 1 }, 1);
      network.parameters.valuesOf('weight_hh_l0')[0] = 0.5;
      network.parameters.valuesOf('readout.weight')[0] = 1;
      network.changed();
      const through = new Checkpointed(network, { kind: 'values', size: 1 }, planOf('squareRoot', T, 1, 150, 133));
      const copy = (begin: number, end: number, into: Batch) => {
        into.T = end - begin;
        into.B = 1;
        into.lengths[0] = into.T;
        // z = 0 and the target -1/2 give dL/dz = 1. Targets before the last are left out.
        into.counted = 0;
        for (let t = begin; t < end; t++) {
          if (t % 1000 !== 999) continue;
          into.rows[into.counted] = t - begin;
          into.values[into.counted++] = -0.5;
        }
      };
      const [lags, ...others] = longLagGradients(through, { T, B: 1, copy }, losses.mse);
      assert.equal(others.length, 0);
      assert.equal(lags.length, T);
      for (const k of [0, 1, 149, 150, 151, 10_000, T - 1]) {
        assert.ok(Math.abs(lags[k] + k * Math.log10(2)) < 1e-9 * (1 + k), `${lags[k]} at lag ${k}`);
      }
    });
  });
}
