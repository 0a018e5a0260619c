/** Every clip: what it bounds, what it keeps, and that it leaves alone what is within its bound. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Backend, Reals } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import type { ClipOption } from '../../src/training/clip/clip.ts';
import { clipOf } from '../../src/training/clip/clips.ts';
import { backends, unit } from './guarded.ts';

const cases = fc.record({
  length: fc.integer({ min: 1, max: 40 }),
  seed: fc.nat(),
  power: fc.integer({ min: -6, max: 6 }),
  threshold: fc.constantFrom(1e-3, 0.25, 1, 5, 1e4),
});

const normOf = (x: ArrayLike<number>) => Math.sqrt(Array.from(x).reduce((sum, each) => sum + each * each, 0));

/** Clips a gradient with a guard element at its end; returns whether the clip says that it bounded anything. */
function apply(backend: Backend, option: ClipOption, gradient: Reals): boolean {
  const length = gradient.length - 1;
  const guard = gradient[length];
  const norm = Math.sqrt(backend.sumSquares(gradient, 0, length));
  const { share, factor } = clipOf(option)({ backend, gradient, length, norm });
  assert.equal(gradient[length], guard);
  assert.equal(share > 0, factor < 1);
  assert.ok(share >= 0 && share <= 1 && factor > 0 && factor <= 1);
  return share > 0;
}

/** Runs `body` with random gradients of any size; the last element is the guard. */
function forAll(backend: Backend, body: (gradient: Reals, before: Float64Array, threshold: number) => void): void {
  fc.assert(
    fc.property(cases, ({ length, seed, power, threshold }) => {
      const mark = backend.mark();
      const random = new Random(seed);
      const gradient = backend.allocate(length + 1);
      for (let i = 0; i <= length; i++) gradient[i] = random.normal() * 10 ** power;
      body(gradient, Float64Array.from(gradient.subarray(0, length)), threshold);
      backend.release(mark);
    }),
    { numRuns: 200 },
  );
}

for (const [name, backend] of backends) {
  describe(`${name}: clip`, () => {
    test('none changes nothing, whatever the norm', () => {
      const gradient = backend.allocate(4);
      gradient.set([1e30, -3, Number.NaN, 7]);
      const before = [...gradient];
      assert.equal(apply(backend, 'none', gradient), false);
      assert.deepEqual([...gradient], before);
    });

    test('globalNorm: the norm becomes the threshold, the direction stays; below the threshold not a bit changes', () => {
      forAll(backend, (gradient, before, threshold) => {
        const norm = normOf(before);
        const changed = apply(backend, { globalNorm: threshold }, gradient);
        assert.equal(changed, norm > threshold);
        const after = gradient.subarray(0, before.length);
        if (!changed) {
          assert.deepEqual(Float64Array.from(after), before);
          return;
        }
        // 1e-6 is added to the norm that is divided by.
        // A sum of n squares is off by (n + 1) u at most, a product or quotient by u each.
        const rounding = (before.length + 8) * unit(backend);
        const expected = threshold * (norm / (norm + 1e-6));
        assert.ok(Math.abs(normOf(after) - expected) <= rounding * threshold);
        assert.ok(normOf(after) <= threshold * (1 + rounding));
        for (const [i, each] of before.entries()) {
          const wanted = (each * threshold) / (norm + 1e-6);
          assert.ok(Math.abs(after[i] - wanted) <= rounding * Math.abs(wanted));
        }
      });
    });

    test('globalNorm by hand: (3, 4) has the norm 5; the threshold 1 gives (0.6, 0.8), the threshold 5 nothing', () => {
      const gradient = backend.allocate(3);
      gradient.set([3, 4]);
      assert.equal(apply(backend, { globalNorm: 5 }, gradient), false);
      assert.equal(apply(backend, { globalNorm: 1 }, gradient), true);
      assert.ok(Math.abs(gradient[0] - 0.6) < 1e-6 && Math.abs(gradient[1] - 0.8) < 1e-6);
    });

    test('globalNorm: a tiny gradient below a tiny threshold is not touched', () => {
      const gradient = backend.allocate(2).fill(5e-9);
      assert.equal(apply(backend, { globalNorm: 1e-8 }, gradient), false);
    });

    test('globalNorm: gradients whose squares float32 cannot hold are clipped all the same', () => {
      // Each square is 1e60, the norm 2e30.
      const gradient = backend.allocate(5).fill(1e30);
      assert.equal(apply(backend, { globalNorm: 1 }, gradient), true);
      for (const each of gradient.subarray(0, 4)) assert.ok(Math.abs(each - 0.5) < 1e-6);
    });

    test('value: every element within the threshold, those within it before not changed', () => {
      forAll(backend, (gradient, before, threshold) => {
        const limit = backend.precision === 'float32' ? Math.fround(threshold) : threshold;
        const changed = apply(backend, { value: threshold }, gradient);
        assert.equal(
          changed,
          before.some((each) => Math.abs(each) > limit),
        );
        for (const [i, each] of before.entries()) assert.equal(gradient[i], Math.abs(each) > limit ? Math.sign(each) * limit : each);
      });
    });

    test('value by hand: (3, -4, 0.5) at 1 gives (1, -1, 0.5)', () => {
      const gradient = backend.allocate(4);
      gradient.set([3, -4, 0.5, 9]);
      assert.equal(apply(backend, { value: 1 }, gradient), true);
      assert.deepEqual([...gradient], [1, -1, 0.5, 9]);
      assert.equal(apply(backend, { value: 1 }, gradient), false);
    });
  });
}

test('a threshold that is not a finite number above 0 is refused, with its field', () => {
  for (const threshold of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => clipOf({ globalNorm: threshold }), { code: 'OPTION_INVALID', place: { field: 'training.clip.globalNorm' } });
    assert.throws(() => clipOf({ value: threshold }), { code: 'OPTION_INVALID', place: { field: 'training.clip.value' } });
  }
});
