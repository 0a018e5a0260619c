import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summarize } from './summary.ts';
import type { UpdateRecord } from './trainer.ts';

const record = (update: number, fields: Partial<UpdateRecord> = {}): UpdateRecord => ({
  ...{ update, loss: 1, gradientNorm: update, clippedNorm: update, learningRate: 0.1, nonFinite: null, seconds: 0.5 },
  ...fields,
});

test('nothing happened', () => {
  const none = { p50: null, p90: null, p99: null, max: null };
  assert.deepEqual(summarize([]), {
    gradientNorm: none,
    clippedFraction: 0,
    clip: null,
    nonFiniteUpdates: 0,
    seconds: 0,
    recentLoss: null,
  });
});

test('norms 1 to 100: as many updates lie below a quantile as it says', () => {
  const { gradientNorm, seconds } = summarize(Array.from({ length: 100 }, (_, i) => record(100 - i)));
  assert.deepEqual(gradientNorm, { p50: 51, p90: 91, p99: 100, max: 100 });
  assert.equal(seconds, 50);
});

test('clipped and skipped updates are counted apart; a norm that is not finite is no norm', () => {
  const skipped = { gradientNorm: Number.NaN, clippedNorm: Number.NaN, nonFinite: 'loss', loss: Number.NaN };
  const { gradientNorm, clippedFraction, nonFiniteUpdates } = summarize([
    record(1),
    record(8, { clippedNorm: 1 }),
    record(3, skipped),
    record(4, { ...skipped, gradientNorm: Number.POSITIVE_INFINITY }),
  ]);
  assert.equal(clippedFraction, 1 / 4);
  assert.equal(nonFiniteUpdates, 2);
  assert.equal(gradientNorm.max, 8);
});

test('the recent loss is the mean of the last tenth, rounded up, and no number where one of those is none', () => {
  const records = Array.from({ length: 11 }, (_, i) => record(i + 1, { loss: i + 1 }));
  // A tenth of 11 is 2 rounded up: (10 + 11) / 2.
  assert.equal(summarize(records).recentLoss, 10.5);
  for (const loss of [Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(summarize(records.with(9, record(10, { loss }))).recentLoss, Number.NaN);
    assert.equal(summarize(records.with(10, record(11, { loss }))).recentLoss, Number.NaN);
    // One that is long past does not count.
    assert.equal(summarize(records.with(8, record(9, { loss }))).recentLoss, 10.5);
  }
});
