/** What an explosion is means the same to the detector, update by update, and to the judges of a whole run. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { thresholds } from '../../src/diagnosis/verdict/thresholds.ts';
import { explosion, graveSigns, isExplosion } from '../../src/training/guard/explosion.ts';

test('the gradient explodes through time from the same growth on', () => {
  assert.equal(thresholds.growth, explosion.decades);
});

test('every grave sign is one of an explosion; a spike, a plateau and a clip that was chosen are none', () => {
  for (const kind of graveSigns) assert.ok(isExplosion(kind));
  assert.ok(isExplosion('throughTime') && !graveSigns.has('throughTime'));
  for (const kind of ['spike', 'plateau', 'clip']) assert.ok(!isExplosion(kind));
});
