/** What an explosion is means the same to the detector, update by update, and to the judges of a whole run. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { thresholds } from '../../src/diagnosis/verdict/thresholds.ts';
import { explosion, isExplosion } from '../../src/training/guard/explosion.ts';

test('the gradient explodes through time from the same growth on', () => {
  assert.equal(thresholds.growth, explosion.decades);
});

test('what wrecks the weights is an explosion; what is only said, and a clip that was chosen, is none', () => {
  for (const kind of ['nonFinite', 'overshoot', 'divergence']) assert.ok(isExplosion(kind));
  for (const kind of ['throughTime', 'spike', 'plateau', 'clip']) assert.ok(!isExplosion(kind));
});
