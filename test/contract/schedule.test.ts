/** Every schedule at its edges: the first update, the end of the warm-up, the last update. Updates count from 1. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ScheduleOption } from '../../src/training/schedule/schedule.ts';
import { scheduleOf } from '../../src/training/schedule/schedules.ts';

function values(option: ScheduleOption, updates: number, at: readonly number[]): number[] {
  const schedule = scheduleOf(option, updates);
  return at.map(schedule);
}

function near(found: number[], expected: number[]): void {
  assert.equal(found.length, expected.length);
  for (const [i, each] of expected.entries()) assert.ok(Math.abs(found[i] - each) < 1e-12, `${found}, not ${expected}`);
}

describe('schedule', () => {
  test('constant is 1', () => assert.deepEqual(values('constant', 100, [1, 50, 100, 1000]), [1, 1, 1, 1]));

  test('warmUp 10: a tenth more at each update, 1 from update 10 on', () => {
    near(values({ warmUp: 10 }, 100, [1, 2, 5, 9, 10, 11, 100]), [0.1, 0.2, 0.5, 0.9, 1, 1, 1]);
  });

  test('a warm-up of 0 or 1 updates is none', () => {
    for (const warmUp of [0, 1]) assert.deepEqual(values({ warmUp }, 10, [1, 2, 10]), [1, 1, 1]);
  });

  test('cosine over 100 updates: (1 + cos(pi (u - 1) / 100)) / 2', () => {
    // Update 51 is half way: cos(pi/2) = 0. Update 26: cos(pi/4) = 1/sqrt(2). Update 101, were there one: cos(pi) = -1.
    near(values({ cosine: {} }, 100, [1, 26, 51, 101]), [1, (1 + Math.SQRT1_2) / 2, 0.5, 0]);
    const [last] = values({ cosine: {} }, 100, [100]);
    assert.ok(last > 0 && last < 1e-3, 'the last update still moves the weights');
  });

  test('cosine to a minimum of 0.1, and no further after the last update', () => {
    // Half way from 1 to 0.1 is 0.55.
    near(values({ cosine: { minimum: 0.1 } }, 100, [51, 101, 102, 1000]), [0.55, 0.1, 0.1, 0.1]);
    assert.deepEqual(values({ cosine: { minimum: 1 } }, 100, [1, 60, 100]), [1, 1, 1]);
  });

  test('cosine after a warm-up of 20: up to 1 at updates 20 and 21, half way at update 61, the minimum after update 100', () => {
    near(values({ cosine: { warmUp: 20, minimum: 0.2 } }, 100, [1, 10, 19, 20, 21, 61, 101]), [0.05, 0.5, 0.95, 1, 1, 0.6, 0.2]);
  });

  test('cosine never rises after the warm-up and stays within [minimum, 1]', () => {
    const found = values(
      { cosine: { warmUp: 7, minimum: 0.05 } },
      53,
      [...Array(53).keys()].map((u) => u + 1),
    );
    for (let u = 7; u < 53; u++) assert.ok(found[u] <= found[u - 1] && found[u] >= 0.05);
  });

  test('step every 10 by 1/2: updates 1 to 10 at 1, 11 to 20 at 1/2, 21 at 1/4', () => {
    assert.deepEqual(values({ step: { every: 10, factor: 0.5 } }, 100, [1, 10, 11, 20, 21, 100]), [1, 1, 0.5, 0.5, 0.25, 0.5 ** 9]);
  });

  test('a training of one update', () => {
    near(values('constant', 1, [1]), [1]);
    near(values({ cosine: { minimum: 0.3 } }, 1, [1]), [1]);
  });

  test('numbers that make no schedule are refused, with their field', () => {
    for (const [option, field] of [
      [{ warmUp: -1 }, 'warmUp'],
      [{ warmUp: 1.5 }, 'warmUp'],
      [{ cosine: { warmUp: Number.NaN } }, 'cosine.warmUp'],
      [{ cosine: { minimum: 1.1 } }, 'cosine.minimum'],
      [{ cosine: { minimum: -0.1 } }, 'cosine.minimum'],
      [{ warmUp: 100 }, 'warmUp'],
      [{ cosine: { warmUp: 100 } }, 'cosine.warmUp'],
      [{ step: { every: 100, factor: 0.5 } }, 'step.every'],
      [{ step: { every: 0, factor: 0.5 } }, 'step.every'],
      [{ step: { every: 10, factor: 0 } }, 'step.factor'],
      [{ step: { every: 10, factor: Number.POSITIVE_INFINITY } }, 'step.factor'],
    ] as const) {
      assert.throws(() => scheduleOf(option, 100), { code: 'OPTION_INVALID', place: { field: `training.schedule.${field}` } });
    }
  });
});
