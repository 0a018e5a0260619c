import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gradientHorizon, type HorizonLook } from './gradientHorizon.ts';

/** A look whose lag k adds 10^sizes[k], beside noise of 10^noise. */
const look = (update: number, sizes: readonly number[], noise = 0): HorizonLook => ({
  update,
  lagProfile: sizes.map((meanLog10, lag) => ({ lag, meanLog10, p10: meanLog10, p90: meanLog10, ratio: 1 })),
  lagContribution: { lags: sizes.map((size, lag) => ({ lag, size, signal: -Infinity })), total: 0, noise, sequences: 16 },
});

// sqrt(100 * 100) = 100: two decades; 15 deviations are 1.176 decades. So 10^-0.824 of the noise is the least.
const budget = { updates: 100, batchSize: 100 };

test('the largest lag that comes to 15 deviations with the budget of the whole training', () => {
  const found = gradientHorizon([look(0, [0, -0.5, -0.7, -0.82, -0.83, -1.7])], budget);
  assert.equal(found.horizon, 3);
  assert.equal(found.atLeast, false);
  assert.ok(Math.abs(found.reach[4] - 1.17) < 1e-12 && Math.abs(found.threshold - Math.log10(15)) < 1e-12);
  // A hundred times as many updates: a decade more.
  assert.equal(gradientHorizon([look(0, [0, -0.5, -0.7, -0.82, -0.83, -1.7])], { updates: 1e4, batchSize: 100 }).horizon, 5);
  // Relative to the noise, whatever the size of both.
  assert.equal(gradientHorizon([look(0, [-50, -50.5, -50.7, -50.82, -50.83, -52], -50)], budget).horizon, 3);
});

test('the best look counts: a lag that the gradient reaches later is within the horizon', () => {
  assert.equal(gradientHorizon([look(0, [0, -3, -6]), look(50, [0, -0.8, -0.8]), look(100, [-9, -12, -15], 0)], budget).horizon, 2);
});

test('a lag beyond a gap counts; the longest one measured is a lower bound', () => {
  const gap = gradientHorizon([look(0, [0, -5, -5, -0.8, -5])], budget);
  assert.deepEqual([gap.horizon, gap.atLeast], [3, false]);
  const all = gradientHorizon([look(0, [0, 0, 0])], budget);
  assert.deepEqual([all.horizon, all.atLeast], [2, true]);
});

test('nothing reaches, nothing was measured, or it is not finite: -1, and no NaN', () => {
  for (const looks of [[], [look(0, [-9, -9])], [look(0, [Number.NaN, Number.NaN], Number.NaN)]]) {
    const { horizon, atLeast, reach } = gradientHorizon(looks, budget);
    assert.deepEqual([horizon, atLeast], [-1, false]);
    assert.ok(!reach.some(Number.isNaN));
  }
  // A pass that was not finite does not hide those that were.
  assert.equal(gradientHorizon([look(0, [0, 0]), look(50, [Number.NaN, Infinity], Number.NaN)], budget).horizon, 1);
});

test('slope and level of the last profile, apart', () => {
  // One decade below lag 0, then a quarter of a decade a step; an exact zero is left out.
  const { slope, level } = gradientHorizon([look(0, [3, 3]), look(9, [-2, -3.25, -3.5, -3.75, Number.NEGATIVE_INFINITY])], budget);
  assert.ok(Math.abs(slope + 0.25) < 1e-12 && Math.abs(level + 1) < 1e-12, `${slope}, ${level}`);
  assert.ok(Number.isNaN(gradientHorizon([look(0, [0, 0])], budget).slope));
});
