import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { throughtime, workplace } from './commandLine.ts';

const place = workplace();
process.on('exit', () => place[Symbol.dispose]());

const recall = (lag: number) => ({ kind: 'task', name: 'recall', lag, symbols: 4, trainSequences: 1000, validationSequences: 300 });
const vanishing = {
  name: 'far',
  data: recall(60),
  model: { cell: 'rnn', hiddenSize: 16, recurrentInit: { gaussian: 0.5 } },
  training: { updates: 150, learningRate: 0.002 },
};

interface Answer {
  readonly verdict: string;
  readonly sick: boolean;
  readonly findings: { kind: string; because: string; evidence: object; prescription: { set: Record<string, unknown> }[] }[];
  readonly gradientHorizon: number;
  readonly dataHorizon: number;
  readonly dataOutcome: string;
  readonly lagProfile: { lag: number; ratio: number }[];
  readonly transport: { points: unknown[] };
  readonly loss: { model: number; constant: number; reference: number };
  readonly seconds: number;
  readonly spent: Record<string, number>;
  readonly cutShort: string[];
}

async function diagnose(...args: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await throughtime(['diagnose', ...args, '--json'], { cwd: place.folder });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Answer;
}

describe('an experiment whose gradient vanishes', () => {
  const file = place.write('far.json', vanishing);
  const run = path.join(place.folder, 'run');
  let answer: Answer;
  before(async () => {
    answer = await diagnose(file, '--run', run);
  });

  test('the answer has all that it should', () => {
    assert.equal(answer.verdict, 'vanishing');
    assert.equal(answer.sick, true);
    assert.equal(answer.findings[0].kind, 'vanishing');
    assert.equal(answer.dataHorizon, 61);
    assert.equal(answer.dataOutcome, 'dependence');
    assert.ok(answer.gradientHorizon < 20);
    assert.equal(answer.lagProfile.length, 61);
    assert.ok(answer.lagProfile[60].ratio < 1e-6);
    assert.ok(answer.transport.points.length > 3);
    assert.ok(answer.loss.reference < 0.01 && answer.loss.model > 1.3);
    assert.deepEqual(answer.cutShort, []);
    assert.ok(answer.spent.data > 0 && answer.spent.training > 0 && answer.spent.network > 0);
  });

  test('verdict.json of the run holds it', () => {
    const kept = JSON.parse(readFileSync(path.join(run, 'verdict.json'), 'utf8')) as Answer;
    assert.equal(kept.verdict, 'vanishing');
    assert.deepEqual(kept.loss, answer.loss);
  });

  test('the first prescription is accepted, and the gradient arrives with it', async () => {
    const set = Object.entries(answer.findings[0].prescription[0].set).flatMap(([field, value]) => [
      '--set',
      `${field}=${JSON.stringify(value)}`,
    ]);
    const cured = await diagnose(file, ...set, '--run', `${run}-cured`);
    assert.ok(cured.lagProfile[60].ratio > 1e-3);
    assert.notEqual(cured.verdict, 'vanishing');
  });

  test('the same is said of a run directory without profiles', async () => {
    rmSync(path.join(run, 'profiles.jsonl'));
    const again = await diagnose(run);
    assert.equal(again.verdict, 'vanishing');
    assert.ok(again.gradientHorizon < 20);
  });

  test('on the terminal: the verdict, why, what to do, and where the gradient goes', async () => {
    const { code, stdout } = await throughtime(['diagnose', run], { cwd: place.folder });
    assert.equal(code, 0);
    assert.match(stdout, /^ {2}VANISHING$/m);
    assert.match(stdout, /depend on the newest 61 inputs/);
    assert.match(stdout, /--set model\.cell=lstm/);
    assert.match(stdout, /│.*•/);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 130, line);
    assert.ok(stdout.split('\n').length <= 48);
  });

  test('its weights alone, with data for them', async () => {
    const lines = Array.from({ length: 600 }, (_, n) => {
      const x = Array.from({ length: 61 }, (_, t) => (n * 7919 + t * t * 31 + ((n * (t + 3)) % 101) * 17) % 4);
      return JSON.stringify({ x, y: x[0] });
    });
    const data = place.write('given.ndjson', `${lines.join('\n')}\n`);
    const { verdict, dataHorizon } = await diagnose(
      '--weights',
      path.join(run, 'best.safetensors'),
      '--data',
      data,
      '--loss',
      'crossEntropy',
    );
    assert.equal(dataHorizon, 61);
    assert.equal(verdict, 'vanishing');
  });
});

test('noise: nothing is there, and nothing is ill', async () => {
  const lines = (seed: number, count: number) => {
    let state = seed;
    const next = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    return Array.from({ length: count }, () => JSON.stringify({ x: Array.from({ length: 20 }, () => [next() - 0.5]), y: next() })).join(
      '\n',
    );
  };
  place.write('train.ndjson', lines(1, 1200));
  place.write('validation.ndjson', lines(2, 200));
  const file = place.write('noise.json', {
    name: 'noise',
    data: { kind: 'sequences', train: 'train.ndjson', validation: 'validation.ndjson', loss: 'mse' },
    model: { cell: 'lstm', hiddenSize: 8 },
    training: { updates: 60 },
  });
  const { verdict, sick, findings } = await diagnose(file, '--run', place.path('noise-run'));
  assert.equal(verdict, 'no-long-range-dependency');
  assert.equal(sick, false);
  assert.match(findings[0].because, /nothing to learn/);
});

test('a budget that is too small for the training is said, and is no evidence of a hard task', async () => {
  const file = place.write('long.json', {
    ...vanishing,
    name: 'long',
    data: recall(3),
    model: { cell: 'gru', hiddenSize: 64 },
    training: { updates: 1000000, learningRate: 1e-6 },
  });
  const { verdict, cutShort, seconds } = await diagnose(file, '--run', place.path('long-run'), '--budget', '8');
  assert.equal(verdict, 'inconclusive');
  assert.match(cutShort.join(), /updates \d+ to 1000000/);
  assert.ok(seconds < 60);
});

describe('refused in a sentence', () => {
  const refused = async (pattern: RegExp, ...args: string[]) => {
    const { code, stderr, stdout } = await throughtime(['diagnose', ...args], { cwd: place.folder });
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, pattern);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  };
  test('too few sequences', async () => {
    const file = place.write('few.json', { ...vanishing, name: 'few', data: { ...recall(5), trainSequences: 20 } });
    await refused(/20 sequences .* are too few to say anything/, file, '--run', place.path('few-run'));
    assert.ok(!existsSync(place.path('few-run')));
  });
  test('data that are not finite', async () => {
    place.write('nan.ndjson', '{"x": [[1], [NaN]], "y": 1}\n');
    const file = place.write('nan.json', {
      ...vanishing,
      name: 'nan',
      data: { kind: 'sequences', train: 'nan.ndjson', validation: 'nan.ndjson', loss: 'mse' },
    });
    await refused(/nan\.ndjson:1.*NaN/, file);
  });
  test('weights that do not fit', async () => {
    writeFileSync(place.path('other.ndjson'), '{"x": [[1], [2]], "y": 1}\n');
    const run = path.join(place.folder, 'run');
    await refused(/other\.ndjson:1/, '--weights', path.join(run, 'best.safetensors'), '--data', 'other.ndjson', '--loss', 'crossEntropy');
  });
  test('options that do not go together', async () => {
    await refused(/--data is missing/, '--weights', 'model.safetensors', '--loss', 'mse');
    await refused(/--set does not go with a run directory/, path.join(place.folder, 'run'), '--set', 'training.seed=3');
    await refused(/--loss does not go with/, path.join(place.folder, 'run'), '--loss', 'mse');
  });
});
