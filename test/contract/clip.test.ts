/** Every clip: what it bounds, what it keeps, and that it leaves alone what is within its bound. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Backend, Reals } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import type { AutoClip } from '../../src/training/clip/auto.ts';
import { type Clip, type ClipOption, clipKeys } from '../../src/training/clip/clip.ts';
import { clipOf } from '../../src/training/clip/clips.ts';
import type { Memory } from '../../src/training/memory.ts';
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

    test('parameterNorm: each parameter by itself, those within the threshold not touched', () => {
      forAll(backend, (gradient, before, threshold) => {
        const half = before.length >> 1;
        const parts = [
          { at: 0, length: half },
          { at: half, length: before.length - half },
        ];
        const norm = normOf(before);
        const { share } = clipOf({ parameterNorm: threshold })({ backend, gradient, length: before.length, norm, parts });
        let bound = 0;
        for (const { at, length } of parts) {
          const own = before.subarray(at, at + length);
          const ownNorm = normOf(own);
          const factor = ownNorm > threshold ? threshold / (ownNorm + 1e-6) : 1;
          if (factor < 1) bound++;
          for (const [i, each] of own.entries()) {
            assert.ok(Math.abs(gradient[at + i] - each * factor) <= (before.length + 8) * unit(backend) * Math.abs(each * factor));
          }
        }
        assert.equal(share, bound / 2);
      });
    });

    test('parameterNorm by hand: (3, 4) and (0.3, 0.4) at 1: the first becomes (0.6, 0.8), the second stays', () => {
      const gradient = backend.allocate(4);
      gradient.set([3, 4, 0.5, 0.25]);
      const parts = [
        { at: 0, length: 2 },
        { at: 2, length: 2 },
      ];
      const { share, factor } = clipOf({ parameterNorm: 1 })({ backend, gradient, length: 4, norm: Math.sqrt(25.3125), parts });
      assert.ok(Math.abs(gradient[0] - 0.6) < 1e-6 && Math.abs(gradient[1] - 0.8) < 1e-6);
      assert.deepEqual([...gradient.subarray(2)], [0.5, 0.25]);
      assert.equal(share, 1 / 2);
      assert.ok(Math.abs(factor - 0.2) < 1e-6);
    });

    test('percentile: the threshold is that of the norms before; the first gradient, and what is not finite, meet and leave none', () => {
      const clip = clipOf({ percentile: 75 });
      const gradient = backend.allocate(1);
      const after = (value: number) => {
        gradient[0] = value;
        clip({ backend, gradient, length: 1, norm: value });
        return gradient[0];
      };
      assert.equal(after(8), 8);
      // 8 alone: its percentiles are all 8.
      assert.ok(Math.abs(after(100) - 8) < 1e-4);
      // Of 8 and 100, the smallest with three quarters at or below it is 100.
      assert.equal(after(4), 4);
      assert.equal(after(2), 2);
      clip({ backend, gradient, length: 1, norm: Number.NaN });
      // Of 2, 4, 8, 100 it is 8, whatever the NaN.
      assert.ok(Math.abs(after(1e6) - 8) < 1e-4);
    });

    for (const [name, kind] of [
      ['recurrentNorm', 'norm'],
      ['recurrentValue', 'value'],
    ] as const) {
      test(`${name}: asks for a limit inside the backward pass, and leaves the finished gradient alone`, () => {
        forAll(backend, (gradient, before, threshold) => {
          const option = { [name]: threshold } as unknown as ClipOption;
          const { recurrent } = clipOf(option);
          assert.equal(recurrent?.kind, kind);
          assert.equal(recurrent?.threshold, threshold);
          assert.equal((recurrent?.mantissa ?? 0) * 2 ** (recurrent?.exponent ?? 0), threshold);
          assert.equal(apply(backend, option, gradient), false);
          assert.deepEqual(Float64Array.from(gradient.subarray(0, before.length)), before);
        });
      });
    }

    test('auto: nothing, until a threshold is chosen; then as globalNorm', () => {
      const clip = clipOf('auto') as AutoClip;
      const sign = { kind: 'overshoot', exploding: true, because: '' } as const;
      const gradient = backend.allocate(2);
      gradient.set([3, 4]);
      assert.equal(clip({ backend, gradient, length: 2, norm: 5 }).share, 0);
      assert.deepEqual([clip.wants(null), clip.waiting], [false, false]);
      assert.deepEqual([clip.wants(sign), clip.waiting], [true, true]);
      clip.choose(1);
      assert.deepEqual([clip.wants(sign), clip.waiting, clip.threshold], [false, false, 1]);
      assert.equal(clip({ backend, gradient, length: 2, norm: 5 }).share, 1);
      assert.ok(Math.abs(gradient[0] - 0.6) < 1e-6);
    });
  });
}

test('auto: a gradient that grows through time is no reason to wait, and where no threshold was needed the next explosion is', () => {
  const clip = clipOf('auto') as AutoClip;
  assert.equal(clip.wants({ kind: 'throughTime', exploding: false, because: '' }), false);
  const explodes = { kind: 'divergence', exploding: true, because: '' } as const;
  assert.equal(clip.wants(explodes), true);
  clip.choose(null);
  assert.equal(clip.wants(null), false);
  assert.equal(clip.wants(explodes), true);
});

test('what a clip remembers can be kept and taken up again', () => {
  const backend = scalarBackend();
  const gradient = backend.allocate(1);
  const norms = Array.from({ length: 30 }, (_, i) => ((i * 7) % 11) + 0.5);
  const outcome = (clip: Clip, norm: number) => clip({ backend, gradient, length: 1, norm });
  const whole = clipOf({ percentile: 60 });
  const first = clipOf({ percentile: 60 });
  for (const norm of norms.slice(0, 12)) outcome(first, norm);
  const second = clipOf({ percentile: 60 });
  second.memory?.restore((first.memory as Memory).save());
  const expected = norms.map((norm) => outcome(whole, norm)).slice(12);
  assert.deepEqual(
    norms.slice(12).map((norm) => outcome(second, norm)),
    expected,
  );
  assert.ok(expected.some(({ share }) => share > 0));

  const auto = clipOf('auto') as AutoClip;
  auto.wants({ kind: 'nonFinite', exploding: true, because: '' });
  const taken = clipOf('auto') as AutoClip;
  taken.memory?.restore((auto.memory as Memory).save());
  assert.deepEqual([taken.waiting, taken.threshold], [true, null]);
  taken.choose(3);
  auto.memory?.restore((taken.memory as Memory).save());
  assert.deepEqual([auto.waiting, auto.threshold], [false, 3]);
});

test('a threshold that is not a finite number above 0, or a percentile that is not between 0 and 100, is refused with its field', () => {
  const refused = (key: string, value: number) =>
    assert.throws(() => clipOf({ [key]: value } as unknown as ClipOption), {
      code: 'OPTION_INVALID',
      place: { field: `training.clip.${key}` },
    });
  for (const key of clipKeys) for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) refused(key, value);
  refused('percentile', 100);
});
