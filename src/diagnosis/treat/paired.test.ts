import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rank } from './halving.ts';
import { isSure, paired, partOf } from './paired.ts';

const losses = (...values: number[]) => Float64Array.from(values);

describe('a paired comparison', () => {
  test('mean and standard error of the differences', () => {
    // Differences 1, 2, 3: mean 2, deviation 1, error 1/sqrt(3).
    const { gain, error, before, after, units } = paired(losses(2, 4, 6), losses(1, 2, 3));
    assert.deepEqual([gain, before, after, units], [2, 4, 2, 3]);
    assert.ok(Math.abs(error - 1 / Math.sqrt(3)) < 1e-12);
  });

  test('a small gain on every unit is sure, however much units differ; the same gain on a few is not', () => {
    const hard = Float64Array.from({ length: 40 }, (_, u) => u);
    assert.ok(
      isSure(
        paired(
          hard,
          hard.map((each) => each - 0.01),
        ),
      ),
    );
    assert.ok(
      !isSure(
        paired(
          hard,
          hard.map((each, u) => each - (u === 7 ? 0.4 : 0)),
        ),
      ),
    );
    assert.ok(!isSure(paired(hard, hard)));
  });

  test('what is not finite is never better, and anything finite is better than it', () => {
    const bad = losses(1, Number.NaN, 1);
    assert.ok(!isSure(paired(losses(1, 1, 1), bad)));
    assert.ok(!isSure(paired(bad, bad)));
    assert.ok(isSure(paired(bad, losses(1, 1, 1))));
  });

  test('no unit is both chosen by and compared on', () => {
    const all = losses(0, 1, 2, 3, 4);
    assert.deepEqual([...partOf(all, 'choice')], [0, 2, 4]);
    assert.deepEqual([...partOf(all, 'comparison')], [1, 3]);
  });
});

describe('the order of candidates', () => {
  const around = (mean: number, noise: number) => Float64Array.from({ length: 80 }, (_, u) => mean + noise * Math.sin(7 * u + mean));

  test('the lowest loss first, what has none last', () => {
    assert.deepEqual(rank([around(3, 0.01), null, around(1, 0.01), around(2, 0.01), losses(Number.NaN)]).order, [2, 3, 0, 1, 4]);
  });

  test('those that are alike stay in the order in which they came', () => {
    const plateau = around(1, 0.5);
    const alike = plateau.map((each, u) => each + (u % 4 < 2 ? 0.1 : -0.1) - 0.001);
    assert.deepEqual(rank([plateau, alike, around(3, 0.1)]), { order: [0, 1, 2], alike: 2 });
  });
});
