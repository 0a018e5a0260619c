import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ThroughtimeError } from '../../src/errors.ts';
import { RunDirectory } from '../../src/run/runDirectory.ts';
import { openServer } from '../../src/sweep/queue/connection.ts';
import { runSweep, type SweepResult } from '../../src/sweep/runSweep.ts';
import { eachTrialEvent, SweepDirectory } from '../../src/sweep/sweepDirectory.ts';
import { readSweep } from '../../src/sweep/sweepFile.ts';
import type { TrialEvent } from '../../src/sweep/trialEvents.ts';
import { throughtime, workplace } from './commandLine.ts';

const base = {
  name: 'adding',
  data: { kind: 'task', name: 'adding', length: 8, trainSequences: 100, validationSequences: 50 },
  model: { cell: 'rnn', hiddenSize: 4 },
  training: { updates: 12, batchSize: 10, monitors: [] },
};
const axes = { 'training.learningRate': [0.001, 0.01], 'training.seed': { seeds: 2 } };
const sweep = { name: 'small', verdicts: false, base, axes };

const eventsOf = (folder: string) => {
  const events: TrialEvent[] = [];
  eachTrialEvent(path.join(folder, 'trials.jsonl'), (event) => events.push(event));
  return events;
};
const checkpointOf = (folder: string, trial: number) => readFileSync(path.join(folder, `trials/${trial}/checkpoint.safetensors`));

test('every setting is trained with every seed, each in a run directory of its own; what was killed in between goes on to the same bits', async () => {
  using place = workplace();
  const file = place.write('sweep.json', sweep);
  const whole = place.path('whole');
  const { code, stdout, stderr } = await throughtime(['sweep', file, '--out', whole, '--json', '--jobs', '2']);
  assert.equal(code, 0, stderr);
  const result = JSON.parse(stdout) as SweepResult;
  assert.deepEqual(result.trials, { count: 4, done: 4, failed: 0, leftOut: 0, waiting: 0 });
  // What the table says is what the runs say.
  const losses = [0, 1, 2, 3].map((trial) => {
    const { record } = RunDirectory.open(path.join(whole, `trials/${trial}`));
    assert.equal(record.experiment.training.learningRate, trial < 2 ? 0.001 : 0.01);
    assert.equal(record.seed, trial % 2);
    assert.equal(record.status, 'done');
    return (record.result as { loss: { validation: number } }).loss.validation;
  });
  for (const { setting, loss, done, best } of result.table) {
    const [a, b] = setting['training.learningRate'] === 0.001 ? losses.slice(0, 2) : losses.slice(2);
    assert.equal(done, 2);
    assert.equal(loss?.mean, (a + b) / 2);
    // Two numbers deviate from their mean by half their difference: sqrt(2 (d/2)^2 / 1).
    assert.ok(Math.abs((loss?.deviation as number) - Math.abs(a - b) / Math.SQRT2) < 1e-12);
    assert.equal(best?.loss, Math.min(a, b));
  }
  assert.equal(result.best?.loss, Math.min(...losses));
  assert.deepEqual(
    result.table.map(({ loss }) => loss?.mean).toSorted((a, b) => (a as number) - (b as number)),
    result.table.map(({ loss }) => loss?.mean),
  );
  // As after a kill: one trial has come to its end and nobody wrote that down, one is a directory without a run, one is not there, a line is torn.
  const before = [0, 1, 2, 3].map((trial) => checkpointOf(whole, trial));
  const kept = eventsOf(whole).filter(({ trial }) => trial === 0);
  for (const trial of [2, 3]) rmSync(path.join(whole, `trials/${trial}`), { recursive: true });
  place.write('whole/trials.jsonl', `${kept.map((event) => JSON.stringify(event)).join('\n')}\n{"at":"2026-`);
  const again = await throughtime(['sweep', file, '--out', whole, '--json', '--jobs', '1']);
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual((JSON.parse(again.stdout) as SweepResult).table, result.table);
  for (const trial of [0, 1, 2, 3]) assert.ok(checkpointOf(whole, trial).equals(before[trial]), `trial ${trial}`);
  const ends = eventsOf(whole).filter(({ event }) => event === 'done');
  assert.deepEqual(ends.map(({ trial }) => trial).sort(), [0, 1, 2, 3]);
  assert.equal(SweepDirectory.open(whole).record.status, 'done');
});

const refusals: readonly [string, object, RegExp][] = [
  [
    'an axis that is no field',
    { axes: { 'model.hidenSize': [4] } },
    /sweep\.json:\d+: axes\.model\.hidenSize: is not a field here; known are cell/,
  ],
  [
    'a value that a field has not',
    { axes: { 'model.cell': ['rnn', 'lstn'] } },
    /sweep\.json:\d+: axes\.model\.cell: must be .*, got "lstn"/,
  ],
  [
    'values that do not go together',
    { axes: { 'model.cell': ['rnn', 'gru'], 'model.activation': ['relu'] } },
    /axes\.model\.activation: has no meaning/,
  ],
  ['a mistake of the base', { base: { ...base, model: { cell: 'rnn' } } }, /sweep\.json:\d+: base\.model\.hiddenSize: is missing/],
  ['an unknown search', { search: 'all' }, /sweep\.json:\d+: search: must be "grid", \{"random"/],
  ['a base file that is not there', { base: 'none.json' }, /none\.json: does not exist; check the path/],
];
for (const [what, change, sentence] of refusals) {
  test(`refused before anything starts: ${what}`, () => {
    using place = workplace();
    const file = place.write('sweep.json', { ...sweep, ...change });
    assert.throws(
      () => readSweep(file),
      (error) => error instanceof ThroughtimeError && error.kind === 'input' && sentence.test(error.message),
    );
  });
}

test('refused, with one line and exit code 2: a wrong axis, and nothing is written', async () => {
  using place = workplace();
  const file = place.write('sweep.json', { ...sweep, axes: { 'training.learningRate': [0] } });
  const { code, stderr } = await throughtime(['sweep', file, '--out', place.path('out')]);
  assert.equal(code, 2);
  assert.match(stderr, /^throughtime: \S+sweep\.json:\d+: axes\.training\.learningRate: must be a number above 0, got 0\n$/);
  assert.ok(!existsSync(place.path('out')));
});

test('refused: the directory of another sweep file', async () => {
  using place = workplace();
  const request = (name: string, axes: object) => ({
    ...{ read: readSweep(place.write(name, { ...sweep, axes })), out: place.path('out'), program: '0' },
    hands: () => ({ name: 'nobody', work: async () => {}, close: async () => {} }),
  });
  await runSweep(request('one.json', { 'training.seed': [1] }));
  await assert.rejects(runSweep(request('other.json', { 'training.seed': [2] })), {
    code: 'SWEEP_INVALID',
    sentence: 'holds the sweep of another file, in which axes differs; give --out another name, or restore the file',
  });
});

test('a queue that is not there, or is no queue, is said without the password', async () => {
  const told = () => {};
  await assert.rejects(openServer('redis://:secret@127.0.0.1:1', told), {
    code: 'QUEUE_UNREACHABLE',
    message: 'the queue at 127.0.0.1:1 cannot be reached: nothing listens there; check the address, and that the server runs',
  });
  await assert.rejects(openServer('http://:secret@127.0.0.1', told), {
    code: 'OPTION_INVALID',
    message: '--redis must be an address such as redis://host:6379, or rediss://host:6379 for TLS; correct it',
  });
});
