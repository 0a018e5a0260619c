import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Random } from '../../src/compute/random.ts';
import { readMetrics } from '../../src/run/metrics.ts';
import type { RunRecord } from '../../src/run/runDirectory.ts';
import { throughtime, updatesMade, workplace } from './commandLine.ts';

const experiment = {
  name: 'long',
  data: { kind: 'task', name: 'adding', length: [800, 1500], trainSequences: 6, validationSequences: 4 },
  model: { cell: 'lstm', hiddenSize: 16, layers: 2, dropout: 0.1 },
  training: { updates: 30, batchSize: 2, learningRate: 0.01, memory: '300kB' },
};

const recordOf = (run: string) => JSON.parse(readFileSync(`${run}/run.json`, 'utf8')) as RunRecord;
const checkpoint = (run: string) => readFileSync(`${run}/checkpoint.safetensors`);

test('a run in bounded memory says its plan, keeps to it, and ends with the same bits however often it is killed', async () => {
  using place = workplace();
  const file = place.write('experiment.json', experiment);
  const [whole, killed] = [place.path('whole'), place.path('killed')];
  const reference = await throughtime(['train', file, '--run', whole]);
  assert.equal(reference.code, 0, reference.stderr);
  assert.match(
    reference.stderr,
    /^Plan: 1\d\d\d steps of 2 sequences in \d+ segments of \d+, \d+ states kept \((squareRoot|binomial)\), .* allowed\.$/m,
  );
  const { memory } = recordOf(whole);
  assert.ok(memory && memory.limit === 300_000 && memory.bytes <= 300_000 && memory.pass.segments > 3);

  const random = new Random(11);
  for (let kills = 0; kills < 4; kills++) {
    const source = existsSync(`${killed}/run.json`) ? [killed] : [file, '--run', killed];
    const { signal, stderr } = await throughtime(['train', ...source, '--checkpoint-every', '0.001'], {
      when: updatesMade(killed, 1 + random.below(4)),
    });
    assert.equal(signal, 'SIGKILL', stderr);
  }
  const { code, stderr } = await throughtime(['train', killed]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(checkpoint(killed), checkpoint(whole));
  assert.deepEqual(recordOf(killed).memory, memory);
  const strip = (run: string) => readMetrics(`${run}/metrics.jsonl`).lines.map(({ seconds: _, ...line }) => line);
  assert.deepEqual(strip(killed), strip(whole));
});

test('inspect in bounded memory finds what it finds at once', async () => {
  using place = workplace();
  const run = place.path('run');
  const small = { ...experiment, model: { cell: 'lstm', hiddenSize: 4 }, training: { updates: 2, batchSize: 2 } };
  const trained = await throughtime(['train', place.write('experiment.json', small), '--run', run]);
  assert.equal(trained.code, 0, trained.stderr);
  assert.doesNotMatch(trained.stderr, /^Plan/m);
  const [plain, bounded] = await Promise.all([
    throughtime(['inspect', run, '--json']),
    throughtime(['inspect', run, '--json', '--memory', '400kB']),
  ]);
  assert.equal(plain.stderr, '');
  assert.match(bounded.stderr, /^Plan: 1\d\d\d steps of 4 sequences in .* of 400 kB allowed\.\n$/);
  const [expected, found] = [plain, bounded].map(({ stdout }) => JSON.parse(stdout));
  // What comes from states and their gradients has the same bits; the gradient of the weights is another sum of the same.
  assert.deepEqual(found.lagProfile, expected.lagProfile);
  assert.equal(found.lagProfile.length, expected.over.steps);
  assert.deepEqual(found.over, expected.over);
  for (const [name, norm] of Object.entries(expected.parameters as Record<string, number>)) {
    assert.ok(Math.abs(found.parameters[name] - norm) <= 1e-5 * norm, name);
  }
});

test('a size that is none, one that is too small, and one for a run that has its own are refused with exit code 2', async () => {
  using place = workplace();
  const file = place.write('experiment.json', experiment);
  const answers: [string[], RegExp][] = [
    [['train', file, '--memory', 'much'], /^throughtime: option '--memory <size>' argument 'much' is invalid\. It must be a size above 0/],
    [
      ['train', file, '--memory', '2kB'],
      /^throughtime: --set: training\.memory: is too small with 2 kB: .* need .*kB at least; allow that/,
    ],
    [
      ['train', file, '--memory', '1MB', '--set', 'training.memory=2MB'],
      /^throughtime: --memory and --set training\.memory set the same field/,
    ],
    [['train', file, '--set', 'training.memory=lots'], /^throughtime: --set: training\.memory: must be a size above 0, .* got "lots"/],
    [['train', file, '--set', 'training.memory=-1'], /^throughtime: --set: training\.memory: must be /],
    [['train', place.folder, '--memory', '1MB'], /--memory does not go with a run directory/],
  ];
  for (const [args, answer] of answers) {
    const { code, stderr, stdout } = await throughtime(args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, answer);
    assert.equal(stdout, '');
  }
  assert.ok(!existsSync('runs/long'));
});
