/** A sweep in threads that is stopped, killed, and gone on with. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { SweepResult } from '../../src/sweep/runSweep.ts';
import { eachTrialEvent } from '../../src/sweep/sweepDirectory.ts';
import type { TrialEvent } from '../../src/sweep/trialEvents.ts';
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
  const written = () =>
    existsSync(path.join(cut, 'trials.jsonl')) ? readFileSync(path.join(cut, 'trials.jsonl'), 'utf8').split('\n').length - 1 : 0;
  const once = await throughtime(['sweep', file, '--out', whole, '--json']);
  assert.equal(once.code, 0, once.stderr);
  const args = ['sweep', file, '--out', cut, '--json'];
  const stopped = await throughtime(args, { when: () => written() >= 4, signal: 'SIGINT' });
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.match(stopped.stderr, /Stopped as asked after .*; the same command goes on\./);
  assert.equal((JSON.parse(stopped.stdout) as SweepResult).stopped, 'signal');
  const before = written();
  const killed = await throughtime(args, { when: () => written() >= before + 4 });
  assert.equal(killed.signal, 'SIGKILL');
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

test('a trial that takes more than its share of the memory fails with a sentence, and the others go on', async () => {
  using place = workplace();
  const file = place.write('sweep.json', {
    ...{ name: 'memory', verdicts: false },
    base: {
      name: 'adding',
      data: { kind: 'task', name: 'adding', length: 8000, trainSequences: 60, validationSequences: 20 },
      model: { cell: 'rnn', hiddenSize: 4 },
      training: { updates: 1, batchSize: 20, monitors: [] },
    },
    axes: { 'model.hiddenSize': [4, 400] },
  });
  const out = place.path('out');
  const { code, stdout, stderr } = await throughtime(['sweep', file, '--out', out, '--json', '--jobs', '1', '--memory', '500MB']);
  assert.equal(code, 0, stderr);
  const { trials } = JSON.parse(stdout) as SweepResult;
  assert.deepEqual(trials, { count: 2, done: 1, failed: 1, leftOut: 0, waiting: 0 });
  assert.match(stderr, /Trial 1 has failed: the trial took more than its share of the memory, 500 MB; give a larger --memory/);
  const failures: TrialEvent[] = [];
  eachTrialEvent(path.join(out, 'trials.jsonl'), (event) => void (event.event === 'failed' && failures.push(event)));
  const [failed] = failures as Extract<TrialEvent, { event: 'failed' }>[];
  assert.deepEqual([failed.trial, failed.code, failed.again], [1, 'MEMORY_EXHAUSTED', false]);
});

test('data that do not fit into the memory fail their trial while they are read, and no other', async () => {
  using place = workplace();
  const line = (x: unknown, y: number) => `${JSON.stringify({ x, y })}\n`;
  const small = Array.from({ length: 40 }, (_, index) => line([[index], [2]], index % 2)).join('');
  place.write('small.ndjson', small);
  place.write(
    'large.ndjson',
    line(
      Array.from({ length: 3e6 }, (_, index) => [index + 0.5]),
      1,
    ) + small,
  );
  const file = place.write('sweep.json', {
    ...{ name: 'parser', verdicts: false },
    base: {
      name: 'parser',
      data: { kind: 'sequences', train: 'small.ndjson', validation: 'small.ndjson', loss: 'crossEntropy' },
      model: { cell: 'rnn', hiddenSize: 4 },
      training: { updates: 3, monitors: [] },
    },
    axes: { 'data.train': ['large.ndjson', 'small.ndjson'] },
  });
  const { code, stdout, stderr } = await throughtime([
    'sweep',
    file,
    '--out',
    place.path('out'),
    '--json',
    '--jobs',
    '1',
    '--memory',
    '150MB',
  ]);
  assert.equal(code, 0, stderr);
  assert.deepEqual((JSON.parse(stdout) as SweepResult).trials, { count: 2, done: 1, failed: 1, leftOut: 0, waiting: 0 });
  assert.match(stderr, /Trial 0 has failed: the trial took more than its share of the memory, 150 MB/);
});
