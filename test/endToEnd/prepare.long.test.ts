/** Data that are read from their files, and batches that are prepared ahead in a thread: the same bits, and errors in good order. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { readSafetensors } from '../../src/interop/safetensors.ts';
import { readExperiment } from '../../src/run/experiment.ts';
import { readMetrics } from '../../src/run/metrics.ts';
import { type TrainRequest, trainRun } from '../../src/run/trainRun.ts';
import { throughtime, updatesMade, workplace } from './commandLine.ts';

type Place = ReturnType<typeof workplace>;

const words = ['gradient ', 'through ', 'time ', '世界 ', 'back, ', 'layer ', 'by layer.\r\n'];

/** Carried state, dropout and an optimizer with memory; windows whose targets do not all count; more than one epoch. */
function experimentIn(place: Place, kind: 'text' | 'table') {
  const random = new Random(5);
  const model = { cell: 'lstm', hiddenSize: 6, layers: 2, dropout: 0.2 };
  if (kind === 'text') {
    place.write('a.txt', Array.from({ length: 300 }, () => words[random.below(words.length)]).join(''));
    const training = { updates: 60, batchSize: 4, bptt: { k1: 10, k2: 25 }, validateEvery: 20 };
    return { name: kind, data: { kind, path: 'a.txt', split: 0.8 }, model, training };
  }
  const rows = Array.from({ length: 120 }, (_, i) => `${Math.sin(i / 3).toFixed(6)},${random.uniform()}`);
  place.write('a.csv', ['a,b', ...rows].join('\n'));
  const data = { kind, path: 'a.csv', inputs: ['b', 'a'], target: 'a', window: 12, horizon: 2 };
  return { name: kind, data, model, training: { updates: 60, batchSize: 8, bptt: { k1: 5, k2: 8 }, validateEvery: 20 } };
}

const lines = (run: string) => readMetrics(`${run}/metrics.jsonl`).lines.map(({ seconds: _, ...line }) => line);
const kept = (run: string) => ['checkpoint', 'best'].map((name) => readFileSync(`${run}/${name}.safetensors`));
const status = (run: string) => (JSON.parse(readFileSync(`${run}/run.json`, 'utf8')) as { status: string }).status;

/** Trains in this process. */
async function train(place: Place, name: string, experiment: object, options: Partial<TrainRequest> = {}) {
  const run = place.path(name);
  const begin = { experiment: readExperiment(JSON.stringify(experiment), 'a.json'), folder: place.folder, runPath: run };
  const source = existsSync(run) ? { run } : begin;
  const { result, data } = await trainRun({ source, backend: scalarBackend(), reason: 'a test', ...options });
  data.close?.();
  const { run: _a, seconds: _b, stepsPerSecond: _c, batches, ...same } = result;
  return { result: same, batches };
}

for (const kind of ['text', 'table'] as const) {
  describe(`a ${kind}`, () => {
    test('from memory, from its file, and prepared ahead: the same bits in float32 and float64', async () => {
      using place = workplace();
      const experiment = experimentIn(place, kind);
      for (const [name, backend] of [
        ['scalar', scalarBackend()],
        ['wasm', await wasmBackend({ threads: 2 })],
      ] as const) {
        const whole = await train(place, `${name} in memory`, experiment, { backend });
        const inFile = await train(place, `${name} in its file`, experiment, { backend, held: 0, prepare: 'inline' });
        const ahead = await train(place, `${name} ahead`, experiment, { backend, prepare: 'ahead' });
        assert.deepEqual(
          [whole, inFile, ahead].map(({ batches }) => batches.where),
          ['inline', 'inline', 'ahead'],
        );
        assert.deepEqual(inFile.result, whole.result);
        assert.deepEqual(ahead.result, whole.result);
        for (const other of ['in its file', 'ahead']) {
          assert.deepEqual(kept(place.path(`${name} ${other}`)), kept(place.path(`${name} in memory`)));
          assert.deepEqual(lines(place.path(`${name} ${other}`)), lines(place.path(`${name} in memory`)));
        }
      }
    });

    test('stopped at any update and gone on with in another way each time: the same bits', async () => {
      using place = workplace();
      const experiment = experimentIn(place, kind);
      await train(place, 'whole', experiment);
      const random = new Random(Number(process.env.THROUGHTIME_SEED ?? 9));
      for (let stops = 0, next = 0; next < 60; stops++) {
        const stop = new AbortController();
        next += 2 + random.below(14);
        const at = next;
        const watcher = { updated: ({ update }: { update: number }) => (update >= at ? stop.abort() : undefined) };
        const prepare = (['ahead', 'inline', 'ahead', 'auto'] as const)[stops % 4];
        await train(place, 'stopped', experiment, { prepare, held: stops % 2 === 0 ? 0 : undefined, signal: stop.signal, watcher });
      }
      await train(place, 'stopped', experiment, { prepare: 'ahead' });
      assert.deepEqual(kept(place.path('stopped')), kept(place.path('whole')));
      assert.deepEqual(lines(place.path('stopped')), lines(place.path('whole')));
    });
  });
}

test('a text that is cut off meanwhile: the error is said, what was reached is kept, and with the text restored the bits are the same', async () => {
  using place = workplace();
  const experiment = experimentIn(place, 'text');
  const file = place.path('a.txt');
  const content = readFileSync(file);
  await train(place, 'whole', experiment);
  for (const prepare of ['ahead', 'inline'] as const) {
    const run = place.path(prepare);
    const watcher = {
      updated({ update }: { update: number }) {
        if (update === 7) truncateSync(file, 100);
      },
    };
    const message = /a\.txt: now has 100 bytes, and had \d+ bytes when it was opened; .*so restore it and go on$/;
    await assert.rejects(train(place, prepare, experiment, { prepare, held: 0, watcher, checkpointEvery: 1000 }), {
      code: 'DATA_CHANGED',
      message,
    });
    // Up to three batches had been prepared.
    const { length: reached } = lines(run);
    assert.ok(reached >= 7 && reached <= 10, `${reached}`);
    assert.equal(status(run), 'stopped');
    const { cursor } = readSafetensors(readFileSync(`${run}/checkpoint.safetensors`), 'c').metadata;
    assert.equal((JSON.parse(cursor) as { update: number }).update, reached);
    assert.equal(existsSync(`${run}/lock.json`), false);

    await assert.rejects(train(place, prepare, experiment, { prepare, held: 0 }), { code: 'RUN_INVALID', message: /a\.txt has changed/ });
    writeFileSync(file, content);
    await train(place, prepare, experiment, { prepare, held: 0 });
    assert.deepEqual(kept(run), kept(place.path('whole')));
    assert.deepEqual(lines(run), lines(place.path('whole')));
  }
});

test('a text that is cut off during an evaluation: the update is kept, and its evaluation is made up for', async () => {
  using place = workplace();
  const experiment = experimentIn(place, 'text');
  const file = place.path('a.txt');
  const content = readFileSync(file);
  await train(place, 'whole', experiment);
  const watcher = {
    updated({ update }: { update: number }) {
      // The batch of update 20 has been prepared by the time the one before it is made.
      if (update === 19) truncateSync(file, 100);
    },
  };
  await assert.rejects(train(place, 'cut', experiment, { prepare: 'ahead', watcher }), { code: 'DATA_CHANGED' });
  writeFileSync(file, content);
  const soFar = lines(place.path('cut'));
  assert.ok(soFar.length === 19 || (soFar.length === 20 && soFar[19].validationLoss === undefined));
  await train(place, 'cut', experiment, { prepare: 'ahead' });
  assert.deepEqual(lines(place.path('cut')), lines(place.path('whole')));
  assert.deepEqual(kept(place.path('cut')), kept(place.path('whole')));
});

describe('the command line', () => {
  test('--prepare: killed and gone on with, the same checkpoint; what is done is said in the answer and on stderr', async () => {
    using place = workplace();
    const experiment = experimentIn(place, 'text');
    const file = place.write('text.json', { ...experiment, training: { ...experiment.training, updates: 1000, validateEvery: 250 } });
    const inline = await throughtime(['train', file, '--run', place.path('inline'), '--prepare', 'inline', '--json']);
    assert.equal(inline.code, 0, inline.stderr);
    assert.deepEqual(JSON.parse(inline.stdout).batches, { where: 'inline', reason: 'asked for' });
    assert.doesNotMatch(inline.stderr, /prepared ahead/);

    const run = place.path('ahead');
    const args = ['--prepare', 'ahead', '--checkpoint-every', '0.001'];
    let source = [file, '--run', run];
    for (let kills = 0; kills < 3; kills++) {
      const { signal, stderr } = await throughtime(['train', ...source, ...args], { when: updatesMade(run, 30) });
      assert.equal(signal, 'SIGKILL', stderr);
      source = [run];
    }
    const { code, stdout, stderr } = await throughtime(['train', ...source, '--prepare', 'ahead', '--json']);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Batches are prepared ahead in a thread of their own: asked for\.$/m);
    assert.deepEqual(JSON.parse(stdout).batches, { where: 'ahead', reason: 'asked for' });
    assert.deepEqual(kept(run), kept(place.path('inline')));
  });

  test('--prepare ahead of data in memory is refused, and no run is begun', async () => {
    using place = workplace();
    const file = place.write('task.json', {
      name: 'task',
      data: { kind: 'task', name: 'adding', length: 5, trainSequences: 9, validationSequences: 9 },
      model: { cell: 'rnn', hiddenSize: 3 },
    });
    const { code, stdout, stderr } = await throughtime(['train', file, '--run', place.path('run'), '--prepare', 'ahead']);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^throughtime: --prepare ahead has no meaning for tasks and sequences[^\n]*\n$/);
    assert.equal(existsSync(place.path('run')), false);
  });

  test('a disk too small for a table: one line that says what to do, exit code 2, nothing left', {
    skip: process.platform === 'win32',
  }, () => {
    using place = workplace();
    const rows = Array.from({ length: 6000 }, (_, i) => `${i % 7}`);
    const file = place.write('table.json', {
      ...experimentIn(place, 'table'),
      data: { kind: 'table', path: 'b.csv', inputs: ['a'], target: 'a', window: 3, horizon: 1 },
    });
    place.write('b.csv', ['a', ...rows].join('\n'));
    const main = path.resolve(import.meta.dirname, '../../src/cli/main.ts');
    const temporary = place.path('temporary');
    // The columns take 48,000 bytes, and no file may have more than 32 KiB.
    const script = `mkdir "${temporary}"; ulimit -f 32; TMPDIR="${temporary}" exec "$0" "${main}" train "${file}" --prepare ahead --run "${place.path('run')}"`;
    const {
      status: code,
      stdout,
      stderr,
    } = spawnSync('bash', ['-c', script, process.execPath], { encoding: 'utf8', env: { ...process.env, THROUGHTIME_BLAS: 'none' } });
    assert.match(stderr, /^throughtime: \S*temporary\S*: cannot be written: [^\n]*the columns of \S*b\.csv go, [^\n]*TMPDIR\n$/);
    assert.deepEqual([code, stdout, readdirSync(temporary), existsSync(place.path('run'))], [2, '', [], false]);
  });
});
