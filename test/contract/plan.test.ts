/** The contract of plans, on every one of them: what is done in which order, how much of it, and how many states are kept meanwhile. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Plan } from '../../src/network/unroll/plan/plan.ts';
import { plans } from '../../src/network/unroll/plan/plans.ts';

interface Work {
  /** The segments that were gone back through, in order. */
  readonly backward: number[];
  /** How often each segment was advanced. */
  readonly advanced: number[];
  /** The most slots that held a state still to be taken up, at any time. */
  readonly held: number;
}

/** Does the work of a plan with nothing but the number of the segment that is at hand, and refuses what cannot be done. */
function work(plan: Plan, segments: number, slots: number): Work {
  const actions = [...plan.actions(segments, slots)];
  const kept = new Map<number, number>();
  const backward: number[] = [];
  const advanced = new Array<number>(segments).fill(0);
  let present = 0;
  let held = 0;
  for (const [index, action] of actions.entries()) {
    if (action.kind === 'restore') {
      assert.equal(kept.get(action.slot), action.segment, 'a state that is taken up is the one that was kept');
      present = action.segment;
      continue;
    }
    assert.equal(action.segment, present, 'the state before the segment is at hand');
    if (action.kind === 'store') {
      assert.ok(action.slot >= 0 && action.slot < slots);
      kept.set(action.slot, action.segment);
    } else if (action.kind === 'advance') {
      assert.ok(action.until > action.segment && action.until < segments);
      for (let segment = action.segment; segment < action.until; segment++) advanced[segment]++;
      present = action.until;
    } else {
      backward.push(action.segment);
    }
    const needed = [...kept].filter(([slot]) => nextUse(actions.slice(index + 1), slot) === 'restore');
    held = Math.max(held, needed.length);
  }
  return { backward, advanced, held };
}

function nextUse(actions: readonly { kind: string; slot?: number }[], slot: number): string | undefined {
  return actions.find((action) => action.slot === slot)?.kind;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

/** The least advances that any schedule needs, by trying every place of the first state to keep. */
function least(segments: number, slots: number, known = new Map<string, number>()): number {
  if (segments === 1) return 0;
  if (slots === 0) return Infinity;
  const key = `${segments} ${slots}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  let best = Infinity;
  for (let first = 1; first < segments; first++) {
    best = Math.min(best, first + least(segments - first, slots - 1, known) + least(first, slots, known));
  }
  known.set(key, best);
  return best;
}

for (const plan of Object.values(plans)) {
  describe(plan.name, () => {
    /** Numbers of segments and slots that the plan can do with. */
    const sizes = fc
      .record({ segments: fc.integer({ min: 1, max: 60 }), slots: fc.integer({ min: 1, max: 60 }) })
      .filter(({ segments, slots }) => plan.advanced(segments, slots) < Infinity);

    test('goes back through every segment once, from the last to the first, and advances as many as its formula says', () => {
      fc.assert(
        fc.property(sizes, ({ segments, slots }) => {
          const { backward, advanced } = work(plan, segments, slots);
          assert.deepEqual(
            backward,
            Array.from({ length: segments }, (_, i) => segments - 1 - i),
          );
          assert.equal(sum(advanced), plan.advanced(segments, slots));
          // The last segment is gone back through as soon as it is reached.
          assert.equal(advanced[segments - 1], 0);
        }),
      );
    });

    test('never keeps more states than it has slots, nor a state that it does not take up again', () => {
      fc.assert(
        fc.property(sizes, ({ segments, slots }) => {
          const { held } = work(plan, segments, slots);
          assert.ok(held <= Math.min(slots, segments - 1));
          const actions = [...plan.actions(segments, slots)];
          for (const [index, action] of actions.entries()) {
            if (action.kind === 'store') assert.equal(nextUse(actions.slice(index + 1), action.slot), 'restore');
          }
        }),
      );
    });

    test('no plan advances less than the least there is', () => {
      fc.assert(fc.property(sizes, ({ segments, slots }) => assert.ok(plan.advanced(segments, slots) >= least(segments, slots))));
    });

    test('with a slot for every segment but the last, each is advanced once: one forward pass more', () => {
      for (let segments = 1; segments <= 40; segments++) {
        const { advanced } = work(plan, segments, Math.max(1, segments - 1));
        assert.deepEqual(
          advanced,
          Array.from({ length: segments }, (_, i) => (i < segments - 1 ? 1 : 0)),
        );
      }
    });
  });
}

describe('squareRoot', () => {
  test('cannot do with fewer slots', () => {
    assert.equal(plans.squareRoot.advanced(10, 9), 9);
    assert.equal(plans.squareRoot.advanced(10, 8), Infinity);
  });
});

describe('binomial', () => {
  test('is the best that there is, for every number of segments to 60 and of slots to 12', () => {
    const known = new Map<string, number>();
    for (let segments = 1; segments <= 60; segments++) {
      for (let slots = 1; slots <= 12; slots++) {
        const best = least(segments, slots, known);
        assert.equal(plans.binomial.advanced(segments, slots), best);
        assert.equal(sum(work(plans.binomial, segments, slots).advanced), best);
      }
    }
  });

  test('the numbers of the paper: c slots and r repetitions reach C(c + r, c) segments, no segment advanced more often', () => {
    // 10 = C(5, 2) with c = 2, r = 3: 3 * 10 - β(3, 2) = 30 - C(5, 3) = 20.
    assert.equal(plans.binomial.advanced(10, 2), 20);
    // 184756 = C(20, 10) with c = r = 10: 10 * 184756 - β(11, 9) = 1847560 - C(20, 11) = 1847560 - 167960 = 1679600.
    assert.equal(plans.binomial.advanced(184756, 10), 1679600);
    for (const [slots, r, segments] of [
      [1, 4, 5],
      [2, 3, 10],
      [3, 3, 20],
      [5, 2, 21],
      [4, 4, 70],
    ]) {
      assert.equal(Math.max(...work(plans.binomial, segments, slots).advanced), r);
      assert.equal(Math.max(...work(plans.binomial, segments + 1, slots).advanced), r + 1);
    }
  });

  test('with one slot the beginning is all it has: m (m - 1) / 2', () => {
    for (let segments = 1; segments <= 30; segments++) {
      assert.equal(plans.binomial.advanced(segments, 1), (segments * (segments - 1)) / 2);
    }
  });

  test('a million segments with 20 slots: the work comes one after the other and is never held whole', () => {
    let backward = 0;
    let advanced = 0;
    for (const action of plans.binomial.actions(1_000_000, 20)) {
      if (action.kind === 'backward') backward++;
      else if (action.kind === 'advance') advanced += action.until - action.segment;
    }
    assert.equal(backward, 1_000_000);
    assert.equal(advanced, plans.binomial.advanced(1_000_000, 20));
  });
});
