import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Clock } from './clock.ts';

test('the time left goes by what was done since the clock was made, what is at hand included', () => {
  const clock = new Clock(10, 0);
  clock.skip(2);
  assert.equal(clock.left(60_000), null);
  clock.end(1, 1);
  clock.at(2, 0.5);
  assert.equal(clock.left(1000), null, 'too soon to tell');
  // 1.5 of it in 30 s; 10 - 2 - 1.5 are left.
  assert.equal(clock.left(30_000), 130);
  clock.end(2, 1);
  assert.equal(clock.left(30_000), 90);
});
