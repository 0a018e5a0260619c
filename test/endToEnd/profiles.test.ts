/** What monitors leave in a run, and that they leave the training alone. */

import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { test } from 'node:test';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { monitors } from '../../src/monitor/monitors.ts';
import { type Experiment, readExperiment } from '../../src/run/experiment.ts';
import { readProfiles } from '../../src/run/profiles.ts';
import { type TrainRequest, trainRun } from '../../src/run/trainRun.ts';
import { throughtime, workplace } from './commandLine.ts';

const experiment = {
  name: 'watched',
  data: { kind: 'task', name: 'recall', lag: 5, length: [6, 12], trainSequences: 200, validationSequences: 20, read: 'every' },
  model: { cell: 'lstm', hiddenSize: 6, layers: 2, residual: true, dropout: 0.2 },
  training: { updates: 30, batchSize: 8, bptt: { k1: 3, k2: 6 }, monitorEvery: 10 },
};

const read = (changed: object = {}): Experiment =>
  readExperiment(JSON.stringify({ ...experiment, training: { ...experiment.training, ...changed } }), 'experiment.json');

/** Trains in this process, up to an update where one is given. */
async function train(source: TrainRequest['source'], until = Infinity): Promise<void> {
  const stop = new AbortController();
  const watcher = { updated: ({ update }: { update: number }) => update >= until && stop.abort() };
  await trainRun({ source, backend: await wasmBackend(), reason: 'of the test', signal: stop.signal, watcher });
}

const bytes = (file: string) => readFileSync(file);

test('a run has a look at 0, every so many updates and after the last; a line for each monitor', async () => {
  using place = workplace();
  const run = place.path('run');
  await train({ experiment: read({ updates: 25 }), folder: place.folder, runPath: run });
  const { lines, torn } = readProfiles(`${run}/profiles.jsonl`);
  assert.equal(torn, false);
  const names = ['saturation', 'half-life', 'lag-profile', 'lag-contribution'];
  assert.deepEqual(
    lines.map(({ update, monitor }) => [update, monitor]),
    [0, 10, 20, 25].flatMap((update) => names.map((name) => [update, name])),
  );
  for (const { over, monitor, value } of lines) {
    assert.ok(over.sequences === 8 && over.steps >= 6 && over.steps <= 12);
    assert.ok(monitor === 'lag-contribution' ? value !== null : (value as unknown[]).length > 0, monitor);
  }
});

test('every monitor can be asked for, and the bits of the training are those without any', async () => {
  using place = workplace();
  const names = monitors.map(({ name }) => name);
  for (const [name, changed] of Object.entries({ all: { monitors: names }, none: { monitors: [], monitorEvery: undefined } })) {
    await train({ experiment: read(changed), folder: place.folder, runPath: place.path(name) });
  }
  assert.deepEqual(bytes(place.path('all/checkpoint.safetensors')), bytes(place.path('none/checkpoint.safetensors')));
  assert.ok(!existsSync(place.path('none/profiles.jsonl')));
  const { lines } = readProfiles(place.path('all/profiles.jsonl'));
  assert.deepEqual(
    lines.slice(0, names.length).map(({ monitor }) => monitor),
    names,
  );
});

test('a run that is stopped, torn or set back goes on to the same profiles', async () => {
  using place = workplace();
  const whole = place.path('whole');
  await train({ experiment: read(), folder: place.folder, runPath: whole });
  const profiles = bytes(`${whole}/profiles.jsonl`);
  const run = place.path('run');
  const file = `${run}/profiles.jsonl`;
  await train({ experiment: read(), folder: place.folder, runPath: run }, 7);
  copyFileSync(`${run}/checkpoint.safetensors`, place.path('at7'));
  await train({ run }, 20);
  // As if killed in the middle of a look, with the checkpoint of update 20.
  truncateSync(file, bytes(file).length - 40);
  await train({ run }, 27);
  // As if killed before a checkpoint: the lines are ahead of it.
  copyFileSync(place.path('at7'), `${run}/checkpoint.safetensors`);
  appendFileSync(file, '{"update":');
  await train({ run });
  assert.deepEqual(bytes(file), profiles);
  assert.deepEqual(bytes(`${run}/checkpoint.safetensors`), bytes(`${whole}/checkpoint.safetensors`));
});

test('--monitor names what looks; what is not there, or stands twice, is refused', async () => {
  using place = workplace();
  const file = place.write('experiment.json', experiment);
  const run = place.path('run');
  const trained = await throughtime(['train', file, '--run', run, '--monitor', 'orthogonality', '--monitor', 'lyapunov']);
  assert.equal(trained.code, 0, trained.stderr);
  assert.deepEqual(
    readProfiles(`${run}/profiles.jsonl`)
      .lines.slice(0, 2)
      .map(({ monitor }) => monitor),
    ['lyapunov', 'orthogonality'],
  );
  const refused: [string[], RegExp][] = [
    [['--monitor', 'mood'], /Allowed choices are saturation, half-life/],
    [['--monitor', 'lyapunov', '--monitor', 'lyapunov'], /training\.monitors: names one twice/],
    [['--monitor', 'lyapunov', '--set', 'training.monitors=[]'], /--monitor and --set training\.monitors set the same field/],
    [['--set', 'training.monitors=[]'], /training\.monitorEvery: has no meaning without monitors/],
    [['--set', 'training.monitors=["mood"]'], /training\.monitors\.0: must be "saturation" or/],
  ];
  for (const [flags, message] of refused) {
    const { code, stderr } = await throughtime(['train', file, '--run', place.path('refused'), ...flags]);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
});
