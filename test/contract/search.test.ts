/** Every search names each of its settings by its index alone, once, and keeps to what the file allows. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NamedAxis } from '../../src/sweep/axes.ts';
import type { Plan, PlanOptions } from '../../src/sweep/search/search.ts';
import { planOf, searches } from '../../src/sweep/search/searches.ts';
import type { SearchOption } from '../../src/sweep/sweepSchema.ts';

const axes: NamedAxis[] = [
  { field: 'model.cell', axis: ['rnn', 'lstm', 'gru'] },
  { field: 'training.learningRate', axis: { logRange: [1e-4, 1e-1], count: 4 } },
  { field: 'model.hiddenSize', axis: { range: [8, 32], count: 3, whole: true } },
];
const options: PlanOptions = { axes, seeds: 2, updates: 1000 };

const cases: Record<keyof typeof searches, SearchOption> = {
  grid: 'grid',
  random: { random: { trials: 40, seed: 3 } },
  halving: { halving: { start: 100, factor: 3, budget: 12_000, seed: 3 } },
};

/** Updates that all trainings of a plan make. */
function costOf({ settings, rungs }: Plan, { seeds, updates }: PlanOptions): number {
  const stages = [...rungs.map((rung) => rung.updates), updates];
  const alive = [settings, ...rungs.map(({ keep }) => keep)];
  return seeds * stages.reduce((sum, at, index) => sum + alive[index] * (at - (stages[index - 1] ?? 0)), 0);
}

for (const [name, option] of Object.entries(cases)) {
  describe(name, () => {
    const plan = planOf(option, options);

    test('is listed under its name', () => {
      assert.equal(searches[name as keyof typeof searches].name, name);
    });

    test('each setting has a value for every axis, is there once, and is the same when it is asked for again', () => {
      const all = Array.from({ length: plan.settings }, (_, index) => JSON.stringify(plan.setting(index)));
      assert.equal(new Set(all).size, plan.settings);
      const again = planOf(option, options);
      for (let index = plan.settings - 1; index >= 0; index--) {
        assert.equal(JSON.stringify(again.setting(index)), all[index]);
        assert.deepEqual(
          Object.keys(again.setting(index)),
          axes.map(({ field }) => field),
        );
      }
    });

    test('rungs go up, below the whole training, and never let more on than there are', () => {
      let [before, left] = [0, plan.settings];
      for (const { updates, keep } of plan.rungs) {
        assert.ok(updates > before && updates < options.updates);
        assert.ok(keep >= 1 && keep <= left);
        [before, left] = [updates, keep];
      }
    });
  });
}

test('a grid is all combinations, the last axis fastest: 3 x 4 x 3', () => {
  const plan = planOf('grid', options);
  assert.equal(plan.settings, 36);
  assert.deepEqual(plan.setting(0), { 'model.cell': 'rnn', 'training.learningRate': 0.0001, 'model.hiddenSize': 8 });
  assert.deepEqual(plan.setting(1), { 'model.cell': 'rnn', 'training.learningRate': 0.0001, 'model.hiddenSize': 20 });
  assert.deepEqual(plan.setting(3), { 'model.cell': 'rnn', 'training.learningRate': 0.001, 'model.hiddenSize': 8 });
  assert.deepEqual(plan.setting(35), { 'model.cell': 'gru', 'training.learningRate': 0.1, 'model.hiddenSize': 32 });
});

test('halving: as many settings as the budget allows, and not one more', () => {
  // With 2 seeds: n to 100, n/3 to 300, n/9 to 900, one to 1000. 22 settings: 2 (2200 + 7 * 200 + 2 * 600 + 100) = 9800.
  const budget = 9800;
  const plan = planOf({ halving: { start: 100, factor: 3, budget } }, options);
  assert.equal(plan.settings, 22);
  assert.deepEqual(plan.rungs, [
    { updates: 100, keep: 7 },
    { updates: 300, keep: 2 },
    { updates: 900, keep: 1 },
  ]);
  assert.equal(costOf(plan, options), 9800);
  assert.equal(planOf({ halving: { start: 100, factor: 3, budget: budget - 1 } }, options).settings, 21);
});

test('halving takes the whole grid where the budget allows more', () => {
  const plan = planOf({ halving: { start: 100, factor: 3, budget: 1e6 } }, options);
  assert.equal(plan.settings, 36);
  assert.deepEqual(plan.setting(35), planOf('grid', options).setting(35));
});

test('numbers of a range without count are spread evenly over it, in the logarithm', () => {
  const open: NamedAxis[] = [{ field: 'training.learningRate', axis: { logRange: [1e-4, 1e-1] } }];
  const plan = planOf({ random: { trials: 3000 } }, { axes: open, seeds: 1, updates: 10 });
  const counts = [0, 0, 0];
  for (let index = 0; index < plan.settings; index++) {
    const rate = plan.setting(index)['training.learningRate'] as number;
    assert.ok(rate >= 1e-4 && rate <= 1e-1);
    counts[Math.min(2, Math.floor(Math.log10(rate) + 4))]++;
  }
  // Of 3000 in thirds: 1000 each, with a standard deviation of 26.
  for (const count of counts) assert.ok(Math.abs(count - 1000) < 130, String(counts));
});

const refused: [string, SearchOption, RegExp][] = [
  ['more settings than the axes have', { random: { trials: 74 } }, /asks for 37 settings with 2 seeds, and the axes have 36/],
  ['trials that seeds do not divide', { random: { trials: 7 } }, /multiple of the 2 seeds/],
  ['a first rung at the end', { halving: { start: 1000, factor: 3, budget: 1e5 } }, /must be below the 1000 updates/],
  ['a budget for less than one setting', { halving: { start: 100, factor: 3, budget: 1999 } }, /must allow 2 trainings of 1000 updates/],
];
for (const [what, option, sentence] of refused) {
  test(`refused: ${what}`, () => {
    assert.throws(() => planOf(option, options), sentence);
  });
}

test('refused: a grid of a range without count', () => {
  const open: NamedAxis[] = [{ field: 'training.learningRate', axis: { range: [0, 1] } }];
  assert.throws(() => planOf('grid', { ...options, axes: open }), /without "count"/);
});
