/** Every loss: its gradient is its derivative, and the conventions that all of them keep. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Reals } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { allocateBatch, type Batch } from '../../src/network/batch.ts';
import { checkDerivative } from '../../src/network/derivative.ts';
import type { Loss } from '../../src/network/loss/loss.ts';
import { losses } from '../../src/network/loss/losses.ts';

const backend = scalarBackend();

/** R rows of random targets for a loss on O outputs. */
function targets(loss: Loss, R: number, O: number, random: Random): Batch {
  const batch = allocateBatch(backend, { kind: 'vectors', size: 1 }, { kind: loss.target, size: O }, R, 1);
  batch.counted = R;
  for (let r = 0; r < R; r++) {
    batch.rows[r] = r;
    if (loss.target === 'classes') batch.classes[r] = random.below(O);
    else for (let o = 0; o < O; o++) batch.values[r * O + o] = random.uniform();
  }
  return batch;
}

const normals = (length: number, scale: number, random: Random) => Float64Array.from({ length }, () => scale * random.normal());

const shapes = fc.record({ R: fc.integer({ min: 1, max: 5 }), O: fc.integer({ min: 1, max: 6 }), seed: fc.nat() });

for (const [name, loss] of Object.entries(losses)) {
  describe(`loss ${name}`, () => {
    test('has its own name', () => assert.equal(loss.name, name));

    test('the gradient is the derivative of the sum over rows times the weight, to 1e-7', () => {
      fc.assert(
        fc.property(shapes, fc.constantFrom(1, 0.25, 1 / 7), ({ R, O, seed }, weight) => {
          const random = new Random(seed);
          const batch = targets(loss, R, O, random);
          const output = normals(R * O, 2, random);
          const gradient = output.slice();
          loss.evaluate(gradient, batch, true, weight);
          for (let i = 0; i < R * O; i++) {
            const at = (offset: number) => {
              const moved = output.slice();
              moved[i] += offset;
              return weight * loss.evaluate(moved, batch, false, weight);
            };
            const { outcome, analytic, numeric } = checkDerivative(at, output[i], gradient[i], 1e-7);
            assert.equal(outcome, 'agrees', `${analytic} by formula, ${numeric} by differences`);
          }
        }),
        { numRuns: 100 },
      );
    });

    test('the value is the same with and without the gradient, does not depend on the weight, and adds up over rows', () => {
      fc.assert(
        fc.property(shapes, ({ R, O, seed }) => {
          const random = new Random(seed);
          const batch = targets(loss, R, O, random);
          const output = normals(R * O, 2, random);
          const before = output.slice();
          const value = loss.evaluate(output, batch, false, 3);
          assert.deepEqual(output, before);
          const near = (other: number) => assert.ok(Math.abs(other - value) <= 1e-13 * (1 + Math.abs(value)));
          near(loss.evaluate(output.slice(), batch, true, 0.1));
          let sum = 0;
          for (let r = 0; r < R; r++) {
            const row = targets(loss, 1, O, random);
            row.classes.set(batch.classes.subarray(r, r + 1));
            if (loss.target === 'values') row.values.set(batch.values.subarray(r * O, (r + 1) * O));
            sum += loss.evaluate(output.slice(r * O, (r + 1) * O), row, false, 1);
          }
          near(sum);
        }),
        { numRuns: 50 },
      );
    });

    test('reads no further than the counted rows', () => {
      const batch = targets(loss, 3, 2, new Random(1));
      batch.counted = 2;
      const output = Float64Array.of(1, 2, 3, 4, Number.NaN, Number.NaN);
      assert.ok(Number.isFinite(loss.evaluate(output, batch, true, 1)));
      assert.ok(Number.isNaN(output[4]) && Number.isNaN(output[5]));
    });

    for (const [precision, make] of [
      ['float64', (values: number[]): Reals => Float64Array.from(values)],
      ['float32', (values: number[]): Reals => Float32Array.from(values)],
    ] as const) {
      test(`outputs of ±1000 give a finite loss and gradient (${precision})`, () => {
        for (const extreme of [
          [1000, -1000, 0],
          [-1000, -1000, -1000],
          [1000, 1000, 1000],
          [-1000, 1000, -1000],
        ]) {
          const random = new Random(5);
          for (let attempt = 0; attempt < 5; attempt++) {
            const batch = targets(loss, 1, 3, random);
            const output = make(extreme);
            assert.ok(Number.isFinite(loss.evaluate(output, batch, true, 1)));
            assert.ok(output.every(Number.isFinite));
          }
        }
      });
    }

    test('a NaN in the output is a NaN in the loss', () => {
      const batch = targets(loss, 1, 3, new Random(1));
      for (let at = 0; at < 3; at++) {
        const output = Float64Array.of(1, -1, 2);
        output[at] = Number.NaN;
        assert.ok(Number.isNaN(loss.evaluate(output, batch, false, 1)));
      }
    });
  });
}

describe('by hand', () => {
  const batchOf = (loss: Loss, given: number[], O: number) => {
    const batch = targets(loss, given.length / (loss.target === 'classes' ? 1 : O), O, new Random(0));
    (loss.target === 'classes' ? batch.classes : batch.values).set(given);
    return batch;
  };
  const near = (found: ArrayLike<number>, expected: number[]) => {
    for (const [i, each] of expected.entries()) assert.ok(Math.abs(found[i] - each) < 1e-15, `${found[i]}, not ${each}`);
  };

  test('crossEntropy: z = (0, ln 3), class 0: p = (1/4, 3/4), L = ln 4, gradient (-3/4, 3/4)', () => {
    const output = Float64Array.of(0, Math.log(3));
    near([losses.crossEntropy.evaluate(output, batchOf(losses.crossEntropy, [0], 2), true, 1)], [Math.log(4)]);
    near(output, [-3 / 4, 3 / 4]);
  });

  test('crossEntropy: a certain and right output has the loss 0 and the gradient 0, a wrong one of 2000 has 2000 and ±1', () => {
    const certain = Float64Array.of(1000, -1000);
    assert.equal(losses.crossEntropy.evaluate(certain, batchOf(losses.crossEntropy, [0], 2), true, 1), 0);
    assert.deepEqual([...certain].map(Math.abs), [0, 0]);
    const wrong = Float64Array.of(1000, -1000);
    assert.equal(losses.crossEntropy.evaluate(wrong, batchOf(losses.crossEntropy, [1], 2), true, 1), 2000);
    assert.deepEqual([...wrong], [1, -1]);
  });

  test('mse: z = (1, 3), y = (0, 1): L = (1 + 4) / 2, gradient (1, 2)', () => {
    const output = Float64Array.of(1, 3);
    near([losses.mse.evaluate(output, batchOf(losses.mse, [0, 1], 2), true, 1)], [2.5]);
    near(output, [1, 2]);
  });

  test('binaryCrossEntropy: z = (0, ln 3), y = (1, 0): L = (ln 2 + ln 4) / 2, gradient (-1/4, 3/8)', () => {
    // sigmoid(0) = 1/2, sigmoid(ln 3) = 3/4.
    const output = Float64Array.of(0, Math.log(3));
    const loss = losses.binaryCrossEntropy;
    near([loss.evaluate(output, batchOf(loss, [1, 0], 2), true, 1)], [(Math.log(2) + Math.log(4)) / 2]);
    near(output, [-1 / 4, 3 / 8]);
  });
});
