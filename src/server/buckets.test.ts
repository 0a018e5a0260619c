import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Buckets } from './buckets.ts';

test('a view gives the mean, the smallest and the largest of each span, over what is finite', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.option(
          fc.double({ min: -1e6, max: 1e6 }).map((each) => each + 0),
          { nil: undefined },
        ),
        { minLength: 1, maxLength: 300 },
      ),
      fc.integer({ min: 1, max: 40 }),
      (values, points) => {
        const column = new Buckets();
        for (const value of values) column.add(value);
        const span = column.spanFor(1, values.length, points);
        assert.ok(Math.ceil(values.length / span) <= points || span === 1);
        const last = Math.floor((values.length - 1) / span);
        const { mean, low = mean, high = mean } = column.view(0, last, span);
        for (let index = 0; index <= last; index++) {
          const inside = values
            .slice(index * span, (index + 1) * span)
            .filter((each) => each !== undefined && Number.isFinite(each)) as number[];
          const expected = inside.length === 0 ? null : inside.reduce((sum, each) => sum + each, 0) / inside.length;
          if (expected === null) assert.equal(mean[index], null);
          else assert.ok(Math.abs((mean[index] as number) - expected) <= 1e-9 * Math.max(1, Math.abs(expected), ...inside.map(Math.abs)));
          assert.equal(low[index], inside.length === 0 ? null : Math.min(...inside));
          assert.equal(high[index], inside.length === 0 ? null : Math.max(...inside));
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('beyond 131,072 updates buckets hold two, and lose no extreme', () => {
  const column = new Buckets();
  const count = 2 ** 17 + 1000;
  for (let index = 0; index < count; index++) column.add(index === 70_001 ? 1e9 : index % 7 === 0 ? Number.NaN : 1);
  assert.equal(column.length, count);
  assert.equal(column.spanFor(1, 10, 10), 2);
  const { mean, high } = column.view(35_000, 35_000, 2);
  assert.equal(high?.[0], 1e9);
  // 70,000 is a multiple of 7 and so not finite: the only value of the span is the extreme.
  assert.equal(mean[0], 1e9);
  const whole = column.view(0, Math.floor((count - 1) / 512), 512);
  assert.equal(Math.max(...(whole.high as number[])), 1e9);
  assert.equal(whole.mean.at(-1), 1);
});
