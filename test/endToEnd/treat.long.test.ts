import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { throughtime, workplace } from './commandLine.ts';

const place = workplace();
process.on('exit', () => place[Symbol.dispose]());

/** A cue 12 steps back that a window of 4 steps cuts off; with the whole sequence it is learned in a second. */
const cut = {
  name: 'cut',
  data: { kind: 'task', name: 'recall', lag: 12, symbols: 3, trainSequences: 600, validationSequences: 200 },
  model: { cell: 'rnn', hiddenSize: 16, recurrentInit: 'orthogonal' },
  training: { updates: 160, learningRate: 0.005, bptt: { k1: 4, k2: 4 } },
};

interface Answer {
  readonly before: { verdict: string; sick: boolean; loss: number; repetitions: unknown[]; secondsPerUpdate: number };
  readonly tried: {
    change: Record<string, unknown>;
    verdict: string | null;
    loss: number;
    seconds: number;
    parameters: number;
    because: string;
  }[];
  readonly best: { change: Record<string, unknown>; cured: boolean; gains: { gain: number; error: number }[] } | null;
  readonly because: string;
  readonly experiment: string | null;
  readonly stopped: string | null;
}

async function treat(...args: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await throughtime(['treat', ...args, '--json'], { cwd: place.folder });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Answer;
}

describe('an experiment whose window is too short', () => {
  const file = place.write('cut.json', `// too short a window\n${JSON.stringify(cut)}`);
  let answer: Answer;
  before(async () => {
    answer = await treat(file, '--threads', '2');
  });

  test('is found sick, and what is recommended was seen to be well with two seeds', () => {
    assert.equal(answer.before.verdict, 'truncated');
    assert.ok(answer.best?.cured, answer.because);
    assert.equal(answer.best.gains.length, 2);
    for (const { gain, error } of answer.best.gains) assert.ok(gain > 3 * error);
    assert.equal(answer.before.repetitions.length, 2);
    assert.equal(answer.stopped, null);
  });

  test('everything that was tried says how far it came', () => {
    assert.ok(answer.tried.length >= 2);
    for (const { because, seconds, parameters } of answer.tried) assert.ok(because.length > 10 && seconds > 0 && parameters > 0);
    const cure = answer.tried.find(({ change }) => JSON.stringify(change) === JSON.stringify(answer.best?.change));
    assert.ok(cure && cure.loss < answer.before.loss / 2);
  });

  test('the file that it writes is the experiment with the change and no other', () => {
    assert.equal(answer.experiment, file.replace('.json', '.treated.json'));
    const written = JSON.parse(readFileSync(answer.experiment, 'utf8'));
    assert.equal(written.name, 'cut-treated');
    assert.deepEqual(written.data, cut.data);
    assert.notDeepEqual({ ...written, name: 'cut' }, cut);
  });

  test('which is not written over', async () => {
    const { code, stderr, stdout } = await throughtime(['treat', file]);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^throughtime: \S+cut\.treated\.json: is there already; .*--out\n$/);
  });
});

test('a healthy experiment is left as it is, and it is said why', async () => {
  const well = place.write('well.json', {
    name: 'well',
    data: { kind: 'task', name: 'recall', lag: 3, symbols: 3, trainSequences: 600, validationSequences: 200 },
    model: { cell: 'gru', hiddenSize: 16 },
    training: { updates: 250, learningRate: 0.01 },
  });
  const answer = await treat(well);
  assert.equal(answer.before.sick, false);
  assert.deepEqual([answer.best, answer.experiment, answer.tried], [null, null, []]);
  assert.match(answer.because, /^Nothing is changed, because /);
  assert.ok(!existsSync(place.path('well.treated.json')));
});

test('stopped while it tries, it says what is known', async () => {
  const long = place.write('long.json', { ...cut, name: 'long', training: { ...cut.training, updates: 400 } });
  const { code, stdout, stderr } = await throughtime(['treat', long, '--json', '--threads', '1'], {
    ...{ cwd: place.folder, signal: 'SIGINT', when: (said) => /to the end|updates each/.test(said) },
  });
  assert.equal(code, 0, stderr);
  const answer = JSON.parse(stdout) as Answer;
  assert.equal(answer.stopped, 'signal');
  assert.equal(answer.best, null);
  assert.match(answer.because, /stopped/i);
});

test('a folder that is not there is said before anything is trained', async () => {
  const file = place.write('other.json', { ...cut, name: 'other' });
  const { code, stderr } = await throughtime(['treat', file, '--out', place.path('nowhere/cured.json')]);
  assert.equal(code, 2);
  assert.match(stderr, /^throughtime: \S+cured\.json: cannot be written, because there is no such folder; .*\n$/);
});
