import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Random } from '../../src/compute/random.ts';
import { readSafetensors } from '../../src/interop/safetensors.ts';
import { readMetrics } from '../../src/run/metrics.ts';
import { throughtime, updatesMade, workplace } from './commandLine.ts';

/** Carried state, dropout, two layers and an optimizer with memory: everything that a checkpoint must hold. */
const experiment = {
  name: 'killed',
  data: { kind: 'text', path: 'text.txt', split: 0.9 },
  model: { cell: 'lstm', hiddenSize: 64, layers: 2, dropout: 0.2 },
  training: {
    updates: 600,
    batchSize: 16,
    bptt: { k1: 10, k2: 25 },
    learningRate: 0.003,
    validateEvery: 75,
    monitors: ['saturation'],
    monitorEvery: 50,
  },
};

function text(): string {
  const random = new Random(5);
  const words = ['gradient ', 'through ', 'time ', 'and ', 'back, ', 'layer ', 'by layer.\n'];
  return Array.from({ length: 4000 }, () => words[random.below(words.length)]).join('');
}

const weights = (run: string) => readFileSync(`${run}/checkpoint.safetensors`);

test('a run killed with -9 at 20 random moments, and resumed each time, ends with the same bits as one never stopped', async () => {
  using place = workplace();
  const file = place.write('experiment.json', experiment);
  place.write('text.txt', text());
  const whole = place.path('whole');
  const killed = place.path('killed');
  const reference = await throughtime(['train', file, '--run', whole, '--json']);
  assert.equal(reference.code, 0, reference.stderr);

  const random = new Random(Number(process.env.THROUGHTIME_SEED ?? 7));
  let kills = 0;
  const checkpoints = new Set<string>();
  for (let started = 0; kills < 20; started++) {
    const source = existsSync(`${killed}/run.json`) ? [killed] : [file, '--run', killed];
    // In turn: while it keeps every update, with metrics far ahead of the checkpoint, and at any moment of its start.
    const kind = started % 3;
    const made = updatesMade(killed, kind === 0 ? 1 + random.below(40) : 1);
    const late = performance.now() + 600 * random.uniform();
    const { signal, code, stderr } = await throughtime(['train', ...source, '--checkpoint-every', kind === 0 ? '0.001' : '1000'], {
      when: kind < 2 ? made : (said) => performance.now() > late || /^Training /m.test(said),
    });
    if (signal === 'SIGKILL') kills++;
    else assert.equal(code, 0, stderr);
    if (existsSync(`${killed}/checkpoint.safetensors`)) {
      checkpoints.add(readSafetensors(weights(killed), 'checkpoint').metadata.cursor);
    }
    if (signal === null) break;
    assert.ok(started < 200);
  }
  const { code, stderr } = await throughtime(['train', killed]);
  assert.equal(code, 0, stderr);

  assert.equal(kills, 20);
  assert.ok(checkpoints.size >= 3, 'was taken up at several places');
  assert.deepEqual(weights(killed), weights(whole));
  const best = (run: string) => readFileSync(`${run}/best.safetensors`);
  assert.deepEqual(best(killed), best(whole));
  assert.equal(readFileSync(`${killed}/profiles.jsonl`, 'utf8'), readFileSync(`${whole}/profiles.jsonl`, 'utf8'));
  const strip = (run: string) => readMetrics(`${run}/metrics.jsonl`).lines.map(({ seconds: _, ...line }) => line);
  assert.deepEqual(strip(killed), strip(whole));
});

test('Ctrl-C finishes the update, writes the checkpoint and says how to go on', async () => {
  using place = workplace();
  const file = place.write('experiment.json', { ...experiment, training: { ...experiment.training, updates: 100_000 } });
  place.write('text.txt', text());
  const run = place.path('stopped');
  const { code, stdout, stderr } = await throughtime(['train', file, '--run', run], {
    when: updatesMade(run, 1),
    signal: 'SIGINT',
    // As npm does, which hands on what the terminal has sent already.
    twice: true,
  });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /\nStopped as asked; go on with: throughtime train \S+\/stopped\n$/);
  assert.doesNotMatch(stdout, /throughtime inspect/);
  const { lines } = readMetrics(`${run}/metrics.jsonl`);
  const { cursor } = readSafetensors(weights(run), 'checkpoint').metadata;
  assert.equal((JSON.parse(cursor) as { update: number }).update, lines.length);
  assert.equal((JSON.parse(readFileSync(`${run}/run.json`, 'utf8')) as { status: string }).status, 'stopped');
});

test('--budget bounds the whole command and says so', async () => {
  using place = workplace();
  const file = place.write('experiment.json', { ...experiment, training: { ...experiment.training, updates: 100_000 } });
  place.write('text.txt', text());
  const { code, stdout, stderr } = await throughtime(['train', file, '--run', place.path('in short'), '--budget', '1', '--json']);
  assert.equal(code, 0);
  // A path with a space is written as a shell reads it.
  assert.match(stderr, /\nStopped because the budget was used up; go on with: throughtime train '\S+\/in short'\n$/);
  const answer = JSON.parse(stdout) as { stopped: string; updates: number };
  assert.equal(answer.stopped, 'budget');
  assert.ok(answer.updates < 100_000);
});
