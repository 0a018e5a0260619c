/** Plans keep within their limit, run as little again as they can, and are reckoned in the bytes that are really allocated. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { wasmBackend } from '../../compute/wasm/wasm.ts';
import type { TargetShape } from '../batch.ts';
import { cells } from '../cell/cells.ts';
import { Network } from '../network.ts';
import { Checkpointed } from './checkpointed.ts';
import { describePlan, leastMemory, type MemoryPlan, planMemory, segmentBegin } from './memoryPlan.ts';
import { passMemory } from './passMemory.ts';
import { plans } from './plan/plans.ts';

/** 1000 bytes whatever happens, 30 a step, 10 a state. */
const memory = { fixed: 1000, perStep: 30, perState: 10 };

describe('planMemory', () => {
  test('all at once where that fits, to the byte', () => {
    // 1000 + 30 * 100 = 4000.
    const plain: MemoryPlan = { plan: 'plain', T: 100, B: 2, segmentSteps: 100, segments: 1, slots: 0, bytes: 4000, extraForward: 0 };
    assert.deepEqual(planMemory(memory, 100, 2, 4000), plain);
    // A byte less: two segments and one state kept; (3999 - 1000 - 10) / 30 = 99 steps at a time, so that 1 step is run again.
    assert.deepEqual(planMemory(memory, 100, 2, 3999), {
      ...{ plan: 'squareRoot', T: 100, B: 2, segmentSteps: 99, segments: 2, slots: 1, bytes: 3980, extraForward: 0.01 },
    });
  });

  test('every state kept down to where states and segment take the same, then the binomial schedule', () => {
    // m segments of ceil(100 / m) steps take 30 ceil(100 / m) + 10 (m - 1). The least is at m = 17 and 6 steps: 180 + 160 = 340
    // (m = 15: 210 + 140 = 350; m = 20: 150 + 190 = 340; m = 25: 120 + 240 = 360).
    assert.equal(planMemory(memory, 100, 1, 1340)?.plan, 'squareRoot');
    const binomial = planMemory(memory, 100, 1, 1339);
    assert.equal(binomial?.plan, 'binomial');
    assert.ok(binomial!.bytes <= 1339);
  });

  test('a state that is kept beside comes out of the same limit', () => {
    assert.equal(planMemory(memory, 100, 1, 4009, 1)?.plan, 'squareRoot');
    assert.deepEqual(planMemory(memory, 100, 1, 4010, 1), { ...planMemory(memory, 100, 1, 4000), bytes: 4010 });
  });

  const sizes = fc.record({
    fixed: fc.integer({ min: 0, max: 1e5 }),
    perStep: fc.integer({ min: 1, max: 1e4 }),
    perState: fc.integer({ min: 1, max: 1e4 }),
  });
  const steps = fc.integer({ min: 1, max: 3000 });

  test('never more than the limit, and never more than 10 forward passes again', () => {
    fc.assert(
      fc.property(sizes, steps, fc.double({ min: 0, max: 1.1, noNaN: true }), (each, T, share) => {
        const limit = Math.floor(each.fixed + share * each.perStep * T);
        const plan = planMemory(each, T, 1, limit);
        if (!plan) return;
        const { segmentSteps, segments, slots, bytes, extraForward } = plan;
        assert.ok(bytes <= limit);
        assert.equal(bytes, each.fixed + segmentSteps * each.perStep + slots * each.perState);
        assert.equal(segments, Math.ceil(T / segmentSteps));
        assert.ok(extraForward <= 10);
        assert.equal(plan.plan === 'plain', segments === 1);
        if (plan.plan !== 'plain') assert.ok(plans[plan.plan].advanced(segments, slots) < Infinity);
      }),
      { numRuns: 400 },
    );
  });

  test('with every state kept, all but the last segment are run again, and no longer segment would have fitted', () => {
    fc.assert(
      fc.property(sizes, steps, fc.double({ min: 0, max: 1, noNaN: true }), (each, T, share) => {
        const limit = Math.floor(each.fixed + share * each.perStep * T);
        const plan = planMemory(each, T, 1, limit);
        if (plan?.plan !== 'squareRoot') return;
        assert.equal(plan.slots, plan.segments - 1);
        assert.ok(Math.abs(plan.extraForward - (T - plan.segmentSteps) / T) < 1e-12);
        for (let longer = plan.segmentSteps + 1; longer <= T; longer++) {
          assert.ok(each.fixed + longer * each.perStep + (Math.ceil(T / longer) - 1) * each.perState > limit);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('the least that would do does, and a byte less does not', () => {
    fc.assert(
      fc.property(sizes, steps, fc.constantFrom(0, 1), (each, T, states) => {
        const least = leastMemory(each, T, states);
        const plan = planMemory(each, T, 1, least, states);
        assert.ok(plan && plan.bytes <= least);
        assert.equal(planMemory(each, T, 1, least - 1, states), undefined);
      }),
      { numRuns: 200 },
    );
  });

  test('a million steps in the memory of a few dozen: 10 passes more at most', () => {
    const least = leastMemory(memory, 1_000_000);
    assert.ok(least < memory.fixed + 20 * memory.perStep, `${least}`);
    const plan = planMemory(memory, 1_000_000, 1, least);
    assert.equal(plan?.plan, 'binomial');
    assert.ok(plan.extraForward > 5 && plan.extraForward <= 10);
  });
});

test('segments meet, have their length, and end with the last step; the first may be shorter', () => {
  for (const [T, segmentSteps] of [
    [10, 3],
    [9, 3],
    [7, 7],
    [5, 1],
    [11, 10],
  ]) {
    const segments = Math.ceil(T / segmentSteps);
    const begins = Array.from({ length: segments + 1 }, (_, index) => segmentBegin(index, T, segmentSteps));
    assert.equal(begins[0], 0);
    assert.equal(begins[segments], T);
    for (let index = 1; index < segments; index++) assert.equal(begins[index + 1] - begins[index], segmentSteps);
    assert.ok(begins[1] >= 1 && begins[1] <= segmentSteps);
  }
});

test('a plan is said in one line', () => {
  assert.equal(describePlan(planMemory(memory, 100, 2, 4000)!), '100 steps of 2 sequences at once (plain), 4 kB');
  assert.equal(
    describePlan(planMemory(memory, 100, 1, 2000)!),
    '100 steps of 1 sequence in 4 segments of 32, 3 states kept (squareRoot), 1.99 kB, 0.68 forward passes more than plain',
  );
});

test('what is reckoned is what is allocated, to 2% and never less', async () => {
  const backend = await wasmBackend();
  const shapes = fc.record({
    cell: fc.constantFrom(...cells),
    layers: fc.integer({ min: 1, max: 3 }),
    between: fc.boolean(),
    input: fc.constantFrom('vectors', 'symbols'),
    kind: fc.constantFrom('classes', 'values'),
    H: fc.integer({ min: 16, max: 80 }),
    B: fc.integer({ min: 1, max: 9 }),
    T: fc.integer({ min: 20, max: 300 }),
    share: fc.double({ min: 0.05, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(shapes, ({ cell, layers, between, input, kind, H, B, T, share }) => {
      const beginning = backend.mark();
      const more = layers > 1 && between ? { residual: true, dropout: 0.2 } : {};
      const network = new Network(backend, { cell, hiddenSize: H, layers, ...more }, { kind: input, size: 5 }, 3);
      const target: TargetShape = { kind, size: 3 };
      const reckoned = passMemory(network, target, B);
      const plan = planMemory(reckoned, T, B, Math.floor(reckoned.fixed + share * T * reckoned.perStep));
      if (plan) {
        const before = backend.mark();
        new Checkpointed(network, target, plan, false);
        const allocated = backend.mark() - before;
        assert.ok(allocated <= plan.bytes, `${allocated} allocated, ${plan.bytes} reckoned`);
        assert.ok(plan.bytes <= 1.02 * allocated + 4096, `${allocated} allocated, ${plan.bytes} reckoned`);
      }
      backend.release(beginning);
    }),
    { numRuns: 150 },
  );
});
