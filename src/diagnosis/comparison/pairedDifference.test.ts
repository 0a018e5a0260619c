import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../compute/random.ts';
import { deviationOf, meanOf, pairedDifference } from './pairedDifference.ts';
import { criticalT, twoSided } from './studentT.ts';

/** P(|T| > t) by Simpson's rule on the density in the angle atan(t / sqrt(f)), where it is c cos(angle)^(f-1). */
function integrated(t: number, f: number): number {
  const steps = 20_000;
  const area = (from: number, to: number) => {
    const h = (to - from) / steps;
    let sum = 0;
    for (let i = 0; i <= steps; i++) sum += (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2) * Math.cos(from + i * h) ** (f - 1);
    return (sum * h) / 3;
  };
  return area(Math.atan(t / Math.sqrt(f)), Math.PI / 2) / area(0, Math.PI / 2);
}

describe("Student's t", () => {
  // Critical values of 95% and 99%: Abramowitz & Stegun 1964, Table 26.10, with the digits that any statistics program gives.
  const table: readonly [f: number, t95: number, t99: number][] = [
    [1, 12.706204736, 63.656741162],
    [2, 4.302652729, 9.924843201],
    [3, 3.182446305, 5.840909309],
    [4, 2.776445105, 4.604094871],
    [9, 2.262157163, 3.249835541],
    [30, 2.042272456, 2.749995654],
    [120, 1.979930405, 2.617421145],
  ];
  for (const [f, t95, t99] of table) {
    test(`f = ${f}: the critical values of the table`, () => {
      assert.ok(Math.abs(criticalT(0.95, f) / t95 - 1) < 1e-9, String(criticalT(0.95, f)));
      assert.ok(Math.abs(criticalT(0.99, f) / t99 - 1) < 1e-9, String(criticalT(0.99, f)));
      assert.ok(Math.abs(twoSided(t95, f) - 0.05) < 1e-9);
    });
  }

  test('is what integration of the density gives', () => {
    for (const f of [1, 2, 3, 4, 5, 8, 17, 60]) {
      for (const t of [0, 0.1, 0.7, 1.5, 3, 9]) assert.ok(Math.abs(twoSided(t, f) - integrated(t, f)) < 1e-11, `t = ${t}, f = ${f}`);
    }
  });

  test('what has no degrees of freedom is refused', () => {
    for (const f of [0, 1.5, Number.NaN]) assert.throws(() => criticalT(0.95, f), RangeError);
    for (const level of [0, 1]) assert.throws(() => criticalT(level, 3), RangeError);
  });
});

describe('paired difference', () => {
  test("the data of Student's own paper (1908): ten patients, two drugs", () => {
    const first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2];
    const second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
    const { mean, deviation, interval, p, above, below, pairs } = pairedDifference(first.map((each, i) => each - second[i]));
    const near = (value: number | null | undefined, expected: number) =>
      assert.ok(Math.abs((value ?? Number.NaN) - expected) < 1e-6, `${value}`);
    near(mean, -1.58);
    near(deviation, 1.2299955);
    near(interval?.[0], -2.4598858);
    near(interval?.[1], -0.7001142);
    near(p, 0.00283289);
    assert.deepEqual([pairs, above, below], [10, 0, 9]);
  });

  test('the interval holds the true mean 95 times in 100, of three pairs and of six', () => {
    const random = new Random(1);
    const trials = 4000;
    for (const n of [3, 6]) {
      let held = 0;
      for (let trial = 0; trial < trials; trial++) {
        const { interval } = pairedDifference(Array.from({ length: n }, () => 0.3 + 2 * random.normal()));
        if (interval && interval[0] <= 0.3 && 0.3 <= interval[1]) held++;
      }
      // Standard error of the share: sqrt(.95 * .05 / 4000) = 0.0034; four of them.
      assert.ok(Math.abs(held / trials - 0.95) < 0.014, `${held} of ${trials} with n = ${n}`);
    }
  });

  test('of fewer than three pairs there is no interval', () => {
    assert.deepEqual(pairedDifference([]), { pairs: 0, mean: null, deviation: null, interval: null, p: null, above: 0, below: 0 });
    assert.deepEqual(pairedDifference([0.5]), { pairs: 1, mean: 0.5, deviation: null, interval: null, p: null, above: 1, below: 0 });
    const { interval, p, mean } = pairedDifference([0.5, -0.1]);
    assert.deepEqual([interval, p, mean], [null, null, 0.2]);
  });

  test('differences without spread: the interval is a point', () => {
    assert.deepEqual(pairedDifference([0.25, 0.25, 0.25]).interval, [0.25, 0.25]);
    assert.equal(pairedDifference([0.25, 0.25, 0.25]).p, 0);
    assert.equal(pairedDifference([0, 0, 0]).p, 1);
  });

  test('mean and deviation keep their digits where the mean is large', () => {
    // 1e9 + {4, 7, 13, 16}: mean 1e9 + 10, squares 36 + 9 + 9 + 36 = 90, deviation sqrt(30).
    const values = [4, 7, 13, 16].map((each) => 1e9 + each);
    assert.equal(meanOf(values), 1e9 + 10);
    assert.equal(deviationOf(values), Math.sqrt(30));
    assert.equal(deviationOf([1]), null);
  });
});
