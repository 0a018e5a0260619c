import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrainingEvent } from '../training/events.ts';
import { EventLines } from './events.ts';

const skipped = (update: number): TrainingEvent => ({ update, kind: 'nonFinite', action: 'skipped', because: 'not finite: loss' });

test('the same at update after update is told three times, then at the 10th and the 100th', () => {
  const lines = new EventLines();
  const said = Array.from({ length: 120 }, (_, i) => lines.line(skipped(i + 1)));
  const updates = said.flatMap((line, i) => (line === undefined ? [] : i + 1));
  assert.deepEqual(updates, [1, 2, 3, 10, 100]);
  assert.equal(said[2], 'Update 3: left out: not finite: loss');
  assert.equal(said[9], 'Update 10: left out, the 10th in a row: not finite: loss; each is in events.jsonl');
});

test('an update between, or something else, begins anew', () => {
  const lines = new EventLines();
  for (let update = 1; update <= 5; update++) lines.line(skipped(update));
  assert.equal(lines.line({ ...skipped(6), action: 'warned' }), 'Update 6: warning: not finite: loss');
  assert.equal(lines.line(skipped(7)), 'Update 7: left out: not finite: loss');
  assert.equal(lines.line(skipped(9)), 'Update 9: left out: not finite: loss');
});
