/** The libraries of the machine: what is found, what is said where one is of no use, and that a run stays with the one it began with. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { tryBlas } from '../../src/compute/blas/blas.ts';
import { throughtime, workplace } from './commandLine.ts';

const place = workplace();
after(() => place[Symbol.dispose]());
const { folder } = place;
const env = { XDG_CACHE_HOME: path.join(folder, 'cache') };
const experiment = path.join(folder, 'recall.json');
writeFileSync(
  experiment,
  JSON.stringify({
    name: 'recall',
    data: { kind: 'task', name: 'recall', lag: 3, trainSequences: 100, validationSequences: 50 },
    model: { cell: 'lstm', hiddenSize: 48 },
    training: { updates: 20, batchSize: 48 },
  }),
);
const train = (variables: NodeJS.ProcessEnv, ...more: string[]) =>
  throughtime(['train', ...more, '--json'], { cwd: folder, env: { ...env, ...variables } });

test('without a library the wasm kernels compute, and the run says why', async () => {
  const { code, stdout } = await train({ THROUGHTIME_BLAS: 'none' }, experiment);
  assert.equal(code, 0);
  const { backend } = JSON.parse(stdout);
  assert.equal(backend.name, 'wasm');
  assert.match(backend.reason, /no BLAS library was found/);
});

test('a library that cannot be loaded is named, with the reason, and --backend blas refuses', async () => {
  const library = path.join(folder, 'libopenblas.so.9');
  writeFileSync(library, 'no library');
  const { code, stdout } = await train({ THROUGHTIME_BLAS: library }, experiment);
  assert.equal(code, 0);
  const { backend } = JSON.parse(stdout);
  assert.equal(backend.name, 'wasm');
  assert.ok(backend.reason.includes(library), backend.reason);
  const refused = await train({ THROUGHTIME_BLAS: library }, experiment, '--backend', 'blas');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /use the backend wasm, or see `throughtime doctor`/);
});

test('doctor measures, keeps what it measured, and says what is chosen and why', async () => {
  const { code, stdout } = await throughtime(['doctor', '--json'], { env: { ...env, THROUGHTIME_BLAS: '' } });
  assert.equal(code, 0);
  const { chosen, blas } = JSON.parse(stdout);
  assert.ok(chosen.why.length > 10);
  assert.equal(blas.wasm.length, blas.shapes.length);
  const kept = JSON.parse(readFileSync(blas.kept.file, 'utf8'));
  assert.deepEqual(kept.libraries, blas.libraries);
});

const there = 'backend' in (await tryBlas());
describe('with a library', { skip: there ? false : 'no BLAS library of this machine is faster than the kernels' }, () => {
  test('a run is taken up with the library and the bits that it began with', async () => {
    const whole = JSON.parse((await train({ THROUGHTIME_BLAS: '' }, experiment, '--run', 'whole')).stdout);
    assert.equal(whole.backend.name, 'blas');
    const part = await train({ THROUGHTIME_BLAS: '' }, experiment, '--run', 'part', '--set', 'training.updates=20', '--budget', '0.001');
    assert.equal(part.code, 0);
    const resumed = JSON.parse((await train({ THROUGHTIME_BLAS: '' }, 'part')).stdout);
    assert.equal(resumed.backend.name, 'blas');
    assert.match(resumed.backend.reason, /as the run began/);
    const weights = (run: string) => readFileSync(path.join(folder, run, 'checkpoint.safetensors'));
    assert.deepEqual(weights('part'), weights('whole'));
  });

  test('a library that only the run names is not loaded, nor any where they are switched off', async () => {
    await train({ THROUGHTIME_BLAS: '' }, experiment, '--run', 'foreign', '--budget', '0.001');
    const file = path.join(folder, 'foreign', 'run.json');
    const record = JSON.parse(readFileSync(file, 'utf8'));
    const library = path.join(folder, 'evil.so');
    writeFileSync(file, JSON.stringify({ ...record, backend: { ...record.backend, native: { ...record.backend.native, library } } }));
    const { code, stdout } = await train({ THROUGHTIME_BLAS: '' }, 'foreign');
    assert.equal(code, 0);
    const { backend } = JSON.parse(stdout);
    assert.ok(backend.reason.includes(`${library} is not among the BLAS libraries of this machine`), backend.reason);

    await train({ THROUGHTIME_BLAS: '' }, experiment, '--run', 'off', '--budget', '0.001');
    assert.equal(JSON.parse((await train({ THROUGHTIME_BLAS: 'none' }, 'off')).stdout).backend.name, 'wasm');
  });
});
