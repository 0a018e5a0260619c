/** The fused losses beside the plain ones in float64, and the same bits for any number of threads. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Backend } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { allocateBatch, type Batch } from '../../src/network/batch.ts';
import { losses } from '../../src/network/loss/losses.ts';
import { forAll, wasmBackends } from './guarded.ts';

/** Four rounding errors of float32, in parts of what an element is made of. */
const close = 4 * 2 ** -24;
/** Smaller probabilities are 0 here. */
const least = Math.exp(-60);

function rows(backend: Backend, R: number, O: number, random: Random): Batch {
  const batch = allocateBatch(backend, { kind: 'vectors', size: 1 }, { kind: 'classes', size: O }, R, 1);
  batch.counted = R;
  for (let r = 0; r < R; r++) batch.classes[r] = random.below(O);
  return batch;
}

for (const [name, backend] of wasmBackends) {
  describe(`${name}: every fused loss is one of the losses`, () => {
    for (const fused of Object.keys(backend.fused.losses)) test(fused, () => assert.ok(fused in losses));
  });

  describe(`${name}: crossEntropy`, () => {
    const fused = backend.fused.losses.crossEntropy;
    const samples = fc.record({
      R: fc.integer({ min: 0, max: 5 }),
      O: fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 9, 31, 85),
      scale: fc.constantFrom(0.01, 1, 10, 100),
      weight: fc.constantFrom(1, 0.25, 1 / 7),
    });

    test('value and gradient are those of the plain one, and nothing beside the rows is touched', () => {
      forAll(backend, samples, ({ R, O, scale, weight }, random) => {
        const batch = rows(backend, R, O, random);
        const output = backend.allocate(R * O + 4);
        for (let i = 0; i < output.length; i++) output[i] = scale * random.normal();
        const before = output.slice();
        const expected = Float64Array.from(before);
        const value = losses.crossEntropy.evaluate(expected, batch, true, weight);
        const found = fused(output, batch, false, weight);
        assert.ok(Math.abs(found - value) <= close * (Math.abs(value) + R), `${found}, not ${value}`);
        for (let i = 0; i < output.length; i++) assert.equal(output[i], before[i]);
        assert.equal(fused(output, batch, true, weight), found);
        for (let i = R * O; i < output.length; i++) assert.equal(output[i], before[i]);
        for (let i = 0; i < R * O; i++) {
          // exp(x) is as exact as x, whose error grows with the distance from the largest of the row; the plain one takes 1 from a probability.
          const row = before.subarray(i - (i % O), i - (i % O) + O);
          const distance = Math.min(60, Math.max(...row) - Math.min(...row));
          const bound = close * (1 + distance / 4) * Math.abs(expected[i]) + least + 2 ** -52;
          assert.ok(Math.abs(output[i] - expected[i]) <= bound, `element ${i} of [${R}, ${O}]: ${output[i]}, not ${expected[i]}`);
        }
      });
    });

    test('what is nearly right keeps its digits: at a distance of 40 the gradient is exp(-40), not 0', () => {
      forAll(backend, fc.constantFrom(2, 3, 6), (O, random) => {
        const batch = rows(backend, 1, O, random);
        const output = backend.allocate(O);
        output.fill(-40);
        output[batch.classes[0]] = 0;
        const value = fused(output, batch, true, 1);
        const expected = (O - 1) * Math.exp(-40);
        assert.ok(Math.abs(value / expected - 1) < 1e-6);
        assert.ok(Math.abs(-output[batch.classes[0]] / expected - 1) < 1e-6);
      });
    });

    test('a NaN or an infinity makes the loss and its row NaN, and no other row', () => {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        forAll(backend, fc.constantFrom(2, 5, 8), (O, random) => {
          const batch = rows(backend, 3, O, random);
          const output = backend.allocate(3 * O);
          for (let i = 0; i < output.length; i++) output[i] = random.normal();
          output[O + batch.classes[1]] = bad;
          assert.ok(Number.isNaN(fused(output, batch, true, 1)));
          assert.ok(Number.isNaN(output[O + batch.classes[1]]));
          for (let o = 0; o < O; o++) assert.ok(Number.isFinite(output[o]) && Number.isFinite(output[2 * O + o]));
        });
      }
    });
  });
}

test('crossEntropy: the bits do not depend on the number of threads', async () => {
  const results: [number, Float32Array][] = [];
  for (const threads of [1, 2, 3]) {
    const backend = await wasmBackend({ threads });
    const random = new Random(3);
    const batch = rows(backend, 1700, 85, random);
    const output = backend.allocate(1700 * 85);
    for (let i = 0; i < output.length; i++) output[i] = random.normal();
    results.push([backend.fused.losses.crossEntropy(output, batch, true, 0.1), output.slice() as Float32Array]);
  }
  for (const [value, gradient] of results) {
    assert.equal(value, results[0][0]);
    assert.ok(gradient.every((each, i) => each === results[0][1][i]));
  }
});
