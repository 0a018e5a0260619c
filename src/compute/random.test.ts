import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random, seedFor } from './random.ts';

test('the same seed gives the same numbers, and a state can be taken up', () => {
  const a = new Random(5);
  const b = new Random(5);
  const numbers = Array.from({ length: 10 }, () => a.uniform());
  assert.deepEqual(
    Array.from({ length: 10 }, () => b.uniform()),
    numbers,
  );
  const { state } = a;
  const next = a.uniform();
  b.state = state;
  assert.equal(b.uniform(), next);
});

test('no two of 200,000 seeds begin alike: small ones, large ones, and those of neighbouring updates', () => {
  const seen = new Set<string>();
  for (let i = 0; i < 100_000; i++) {
    seen.add(new Random(i).state.join());
    seen.add(new Random(seedFor(0, 'dropout', i)).state.join());
  }
  assert.equal(seen.size, 200_000);
});

test('seeds differ by their high words, by purpose and by index', () => {
  const seeds = [seedFor(1, 'order'), seedFor(1, 'order', 1), seedFor(1, 'dropout'), seedFor(2, 'order'), seedFor(2 ** 32 + 1, 'order')];
  assert.equal(new Set(seeds).size, seeds.length);
  assert.notDeepEqual(new Random(1).state, new Random(2 ** 32 + 1).state);
});

test('uniform: mean 1/2 and variance 1/12; normal: mean 0, variance 1, within five standard errors of 100,000 draws', () => {
  const N = 100_000;
  const random = new Random(3);
  const moments = (draw: () => number) => {
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < N; i++) {
      const x = draw();
      sum += x;
      squares += x * x;
    }
    const mean = sum / N;
    return { mean, variance: squares / N - mean * mean };
  };
  const uniform = moments(() => random.uniform());
  // Standard errors: sqrt(1/12 / N) of the mean, sqrt((1/80 - 1/144) / N) of the variance.
  assert.ok(Math.abs(uniform.mean - 1 / 2) < 5 * Math.sqrt(1 / 12 / N));
  assert.ok(Math.abs(uniform.variance - 1 / 12) < 5 * Math.sqrt((1 / 80 - 1 / 144) / N));
  const normal = moments(() => random.normal());
  assert.ok(Math.abs(normal.mean) < 5 / Math.sqrt(N));
  assert.ok(Math.abs(normal.variance - 1) < 5 * Math.sqrt(2 / N));
});

test('below(n) gives each of 0 to n - 1 about equally often', () => {
  const random = new Random(11);
  const counts = new Int32Array(7);
  for (let i = 0; i < 70_000; i++) counts[random.below(7)]++;
  // Standard deviation of a count: sqrt(70000 * 6/49) = 92.6.
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 5 * 92.6);
});

test('shuffle keeps every value, and moves them', () => {
  const values = Int32Array.from({ length: 50 }, (_, i) => i);
  new Random(2).shuffle(values);
  assert.notDeepEqual(
    values,
    Int32Array.from({ length: 50 }, (_, i) => i),
  );
  assert.deepEqual(
    values.toSorted(),
    Int32Array.from({ length: 50 }, (_, i) => i),
  );
});

test('a seed that is no whole number from 0 is refused', () => {
  for (const seed of [-1, 0.5, Number.NaN, 2 ** 53]) assert.throws(() => new Random(seed), { code: 'OPTION_INVALID' });
});
