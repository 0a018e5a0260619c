/** A sweep in threads that is stopped, killed, and gone on with. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { SweepResult } from '../../src/sweep/runSweep.ts';
import { eachTrialEvent } from '../../src/sweep/sweepDirectory.ts';
import { throughtime, workplace } from './commandLine.ts';

const halving = {
  name: 'stopped',
  base: {
    name: 'adding',
    data: { kind: 'task', name: 'adding', length: 20, trainSequences: 400, validationSequences: 100 },
    model: { cell: 'gru', hiddenSize: 16 },
    training: { updates: 240, batchSize: 16 },
  },
  axes: { 'training.learningRate': { logRange: [1e-4, 1] }, 'training.seed': { seeds: 2 } },
  search: { halving: { start: 30, factor: 2, budget: 2000 } },
};

test('stopped by Ctrl-C, killed, and gone on with: the trials, the choices and the verdicts of one that never was', async () => {
  using place = workplace();
  const file = place.write('sweep.json', halving);
  const [whole, cut] = [place.path('whole'), place.path('cut')];
  const once = await throughtime(['sweep', file, '--out', whole, '--json']);
  assert.equal(once.code, 0, once.stderr);
  const args = ['sweep', file, '--out', cut, '--json'];
  const stopped = await throughtime(args, { once: /into/, killAfter: 2500, signal: 'SIGINT' });
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.match(stopped.stderr, /Stopped as asked after .*; the same command goes on\./);
  assert.equal((JSON.parse(stopped.stdout) as SweepResult).stopped, 'signal');
  await throughtime(args, { once: /into/, killAfter: 2500, signal: 'SIGKILL' });
  const last = await throughtime(args);
  assert.equal(last.code, 0, last.stderr);
  const [a, b] = [once, last].map(({ stdout }) => JSON.parse(stdout) as SweepResult);
  assert.deepEqual(b.table, a.table);
  assert.deepEqual(b.trials, a.trials);
  for (let trial = 0; trial < a.trials.count; trial++) {
    const name = `trials/${String(trial).padStart(String(a.trials.count - 1).length, '0')}/checkpoint.safetensors`;
    assert.ok(readFileSync(path.join(whole, name)).equals(readFileSync(path.join(cut, name))), name);
  }
  const ends: number[] = [];
  eachTrialEvent(path.join(cut, 'trials.jsonl'), ({ event, trial }) => void (event !== 'begun' && event !== 'reached' && ends.push(trial)));
  assert.deepEqual(
    ends.sort((one, other) => one - other),
    Array.from({ length: a.trials.count }, (_, trial) => trial),
  );
});
