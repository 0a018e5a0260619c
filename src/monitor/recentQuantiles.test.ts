import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RecentQuantiles } from './recentQuantiles.ts';

const number = fc.oneof(fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, 1, 1), fc.double({ noNaN: true, min: -1e6, max: 1e6 }));

test('the quantiles of the newest finite numbers, as sorting them gives, at any time and after being taken up', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(number, { maxLength: 60 }), (window, stream) => {
      let recent = new RecentQuantiles(window);
      const finite: number[] = [];
      for (const [i, value] of stream.entries()) {
        recent.add(value);
        if (Number.isFinite(value)) finite.push(value);
        if (i % 7 === 3) {
          const taken = new RecentQuantiles(window);
          taken.restore(recent.save());
          recent = taken;
        }
        const newest = finite.slice(-window).sort((a, b) => a - b);
        assert.equal(recent.count, newest.length);
        for (const q of [0.001, 0.25, 0.5, 0.9, 1]) {
          // Nearest rank: the smallest with a share of q at or below it.
          const expected = newest.find((_, rank) => (rank + 1) / newest.length >= q - 1e-12);
          assert.equal(recent.quantile(q), expected ?? Number.NaN);
        }
      }
    }),
    { numRuns: 300 },
  );
});
