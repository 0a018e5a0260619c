/** The bench's turns: who is asked when, who counts, and what is made of the times. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { alternate, hasTurn, type Side } from '../../bench/alternate.ts';
import { geometricMean, median, ratio, type Timing, unsteady } from '../../bench/statistics.ts';

describe('statistics', () => {
  test('median: the middle one, or the mean of the two in the middle; of nothing it is refused', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([10, 1, 3, 2]), 2.5);
    assert.throws(() => median([]), RangeError);
  });

  test('median: as many values below as above, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
        const middle = median(values);
        assert.ok(values.filter((value) => value < middle).length <= values.length / 2);
        assert.ok(values.filter((value) => value > middle).length <= values.length / 2);
      }),
    );
  });

  test('geometricMean: 2 and 8 give 4; a ratio and its inverse give 1', () => {
    assert.ok(Math.abs(geometricMean([2, 8]) - 4) < 1e-12);
    assert.ok(Math.abs(geometricMean([5, 1 / 5]) - 1) < 1e-12);
    assert.throws(() => geometricMean([]), RangeError);
  });

  test('ratio: round by round, over the rounds in which both had a turn', () => {
    // A machine that was three times as slow in round 1 changes nothing; round 2 was not shared.
    const ours = timing([0, 1, 2], [10, 30, 10]);
    const theirs = timing([0, 1], [20, 60]);
    assert.equal(ratio(theirs, ours), 2);
    assert.equal(ratio(ours, theirs), 0.5);
  });

  test('unsteady: when half of the turns took over a quarter longer than the fastest step', () => {
    assert.equal(unsteady(timing([0, 1, 2], [10, 12, 40])), false);
    assert.equal(unsteady(timing([0, 1, 2], [10, 13, 14])), true);
  });
});

describe('turns', () => {
  test('hasTurn gives as many turns as were wanted, the first in round 0, at even distances', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (rounds, some) => {
        const turns = Math.min(rounds, some);
        const taken = Array.from({ length: rounds }, (_, round) => round).filter((round) => hasTurn(round, turns, rounds));
        assert.equal(taken.length, turns);
        assert.equal(taken[0], 0);
        const gaps = taken.slice(1).map((round, index) => round - taken[index]);
        for (const gap of gaps) assert.ok(gap === Math.floor(rounds / turns) || gap === Math.ceil(rounds / turns));
      }),
    );
  });

  test('sides alternate, a slow one sits rounds out, one that fails is out with its words and the others go on', async () => {
    const order: string[] = [];
    const outcomes = await alternate([fake('a', 100, order), fake('b', 400, order), fake('broken', 100, order, 5)], {
      rounds: 4,
      turn: 200,
      budget: 2500,
    });
    // Warm-up: three steps of a reach 300 ms, one of b does. Then turns of three steps; two turns of b are 2400 ms, four of a 1200.
    assert.equal(order.join(' '), 'a a a b broken broken broken a b broken a a b a');
    const [a, b, broken] = outcomes;
    assert.deepEqual(a.timing?.rounds, [0, 1, 2, 3]);
    assert.deepEqual(b.timing?.rounds, [0, 2]);
    assert.equal(a.timing?.steps, 12);
    assert.equal(a.timing?.median, 100);
    assert.equal(a.timing?.cores, 2);
    assert.equal(broken.failed, 'broken broke');
    assert.equal(broken.timing, undefined);
  });

  test('a side that cannot be prepared is out before the first round', async () => {
    const side: Side = { ...fake('x', 1, []), prepare: () => Promise.reject(new Error('not here')) };
    assert.deepEqual(await alternate([side], { rounds: 2, turn: 1, budget: 1 }), [{ failed: 'not here' }]);
  });
});

/** A side on a clock of its own, whose every step takes as long, on two cores; the `breaks`-th step fails. */
function fake(name: string, milliseconds: number, order: string[], breaks = Number.POSITIVE_INFINITY): Side {
  let made = 0;
  return {
    warmUp: 1,
    prepare: async () => {},
    steps: async (count) => {
      order.push(name);
      made += count;
      if (made >= breaks) throw new Error(`${name} broke`);
      return { milliseconds: Array.from({ length: count }, () => milliseconds), cpu: 2 * count * milliseconds };
    },
  };
}

function timing(rounds: number[], turns: number[]): Timing {
  return { rounds, turns, steps: turns.length, min: Math.min(...turns), max: Math.max(...turns), median: median(turns), cores: 1 };
}
