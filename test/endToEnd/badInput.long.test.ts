import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readSafetensors } from '../../src/interop/safetensors.ts';
import { type Finished, throughtime, workplace } from './commandLine.ts';

const model = { cell: 'rnn', hiddenSize: 3 };
const training = { updates: 2, batchSize: 2 };
const task = {
  name: 'task',
  data: { kind: 'task', name: 'parity', length: 4, trainSequences: 4, validationSequences: 4 },
  model,
  training,
};
const table = (rows: string[], data: object = {}) => ({
  files: { 'data.csv': ['a,b', ...rows].join('\n') },
  experiment: {
    name: 'table',
    data: { kind: 'table', path: 'data.csv', inputs: ['a', 'b'], target: 'b', window: 2, horizon: 1, ...data },
    model,
    training,
  },
});
const sequences = (train: string, validation = '{"x":[[1],[2]],"y":0}\n', data: object = {}) => ({
  files: { 'train.ndjson': train, 'validation.ndjson': validation },
  experiment: {
    name: 'sequences',
    data: { kind: 'sequences', train: 'train.ndjson', validation: 'validation.ndjson', loss: 'crossEntropy', ...data },
    model,
    training,
  },
});
const rows = (count: number) => Array.from({ length: count }, (_, i) => `${i},${i % 3}`);

interface BadInput {
  files?: Record<string, string>;
  experiment?: object;
  /** The experiment file's text, where it is not the JSON of an object. */
  text?: string;
  args?: string[];
  /** After `throughtime: `. */
  answer: RegExp;
}

const cases: Record<string, BadInput> = {
  'NaN in a column': { ...table(['1,2', '2,NaN', ...rows(20)]), answer: /data\.csv:3: b: must be a number .* got "NaN"/ },
  'a word in a column': { ...table(['1,2', '2,3', 'x,3', ...rows(20)]), answer: /data\.csv:4: a: must be a number .* got "x"/ },
  'a table shorter than its window': { ...table(rows(4)), answer: /data\.csv: has 4 rows/ },
  'a target column that is not there': { ...table(rows(20), { target: 'OT' }), answer: /data\.csv:1: OT: must be a column/ },
  'an empty table': { ...table(rows(20)), files: { 'data.csv': '' }, answer: /data\.csv: has no rows/ },
  'a ragged row': {
    ...sequences('{"x":[[1],[2]],"y":0}\n{"x":[[1],[2,3]],"y":0}\n'),
    answer: /train\.ndjson:2: x\[1\]: must have 1 number/,
  },
  'a class out of range': {
    ...sequences('{"x":[[1]],"y":0}\n{"x":[[1]],"y":3}\n', undefined, { classes: 3 }),
    answer: /train\.ndjson:2: y: .*got 3/,
  },
  'a class of the validation part alone': {
    ...sequences('{"x":[[1]],"y":0}\n{"x":[[1]],"y":1}\n', '{"x":[[1]],"y":1}\n{"x":[[1]],"y":2}\n'),
    answer: /validation\.ndjson:2: y: .*2/,
  },
  'an empty sequences file': { ...sequences(''), answer: /train\.ndjson: holds no sequence/ },
  'a sequence without steps': { ...sequences('{"x":[],"y":0}'), answer: /train\.ndjson:1: x: must be an array .*at least one/ },
  'an infinite number': { ...sequences('{"x":[[1e999]],"y":0}'), answer: /train\.ndjson:1: x\[0\]/ },
  'a line that is not JSON': { ...sequences('{"x":[[1]],"y":0}\n{"x":[[1]],'), answer: /train\.ndjson:2: / },
  'a text shorter than its streams': {
    files: { 'a.txt': 'abcabc' },
    experiment: { name: 'text', data: { kind: 'text', path: 'a.txt', split: 0.5 }, model, training: { ...training, batchSize: 8 } },
    answer: /a\.txt: the training part has 3 characters, too few for 8 streams/,
  },
  'a file that is not there': { experiment: sequences('').experiment, answer: /train\.ndjson: does not exist/ },
  'an unknown field': {
    experiment: { ...task, model: { ...model, size: 3 } },
    answer: /experiment\.json:\d+: model\.size: is not a field here/,
  },
  'a field that is missing': {
    experiment: { ...task, model: { cell: 'rnn' } },
    answer: /experiment\.json:\d+: model\.hiddenSize: is missing/,
  },
  'k2 below k1': {
    experiment: { ...task, training: { ...training, bptt: { k1: 3, k2: 2 } } },
    answer: /experiment\.json:\d+: training\.bptt\.k2: must not be smaller than k1/,
  },
  'no hidden unit': {
    experiment: { ...task, model: { ...model, hiddenSize: 0 } },
    answer: /experiment\.json:\d+: model\.hiddenSize: .*got 0/,
  },
  'a field without meaning beside the others': {
    experiment: { ...task, model: { ...model, forgetBias: 1 } },
    answer: /experiment\.json:\d+: model\.forgetBias: has no meaning for the cell rnn/,
  },
  'a field that stands twice': {
    text: '{"name": "a",\n"name": "b"}',
    answer: /experiment\.json:2: name: stands twice/,
  },
  'what is not JSON': { text: '{"name": "a",\n  "data": }', answer: /experiment\.json:2: is not JSON/ },
  'an experiment that is not an object': { text: '[]', answer: /experiment\.json:1: must be an object/ },
  '--set without a value': { experiment: task, args: ['--set', 'model.cell'], answer: /--set takes path=value/ },
  '--set of an unknown field': { experiment: task, args: ['--set', 'model.sel=lstm'], answer: /--set: model\.sel: is not a field here/ },
  '--set of what is not allowed': {
    experiment: task,
    args: ['--set', 'model.cell=lstn'],
    answer: /--set: model\.cell: must be .*got "lstn"/,
  },
  '--set in an unknown group': { experiment: task, args: ['--set', 'a.b=1'], answer: /--set: a: is not a field here/ },
  '--set of a prototype': { experiment: task, args: ['--set', '__proto__.b=1'], answer: /--set takes path=value/ },
  'the seed set twice': {
    experiment: task,
    args: ['--seed', '1', '--set', 'training.seed=2'],
    answer: /: --seed and --set training\.seed set the same field; leave one of them out/,
  },
  'a field set twice': {
    experiment: task,
    args: ['--set', 'model.cell=gru', '--set', 'training.updates=1', '--set', 'model.cell=lstm'],
    answer: /: --set sets model\.cell twice, .*leave one out/,
  },
  'no name for the run': {
    experiment: task,
    args: ['--run', ''],
    answer: /--run <directory>' argument '' is invalid\. It is empty; name a /,
  },
  'a place below a file that is not there': {
    experiment: task,
    args: ['--run', 'experiment.json/a/b'],
    answer: /experiment\.json\/a: cannot be written: a part of its path is not a directory/,
  },
  'a name too long': { experiment: task, args: ['--run', 'x'.repeat(300)], answer: /x{300}: cannot be written: .*name too long/ },
  'an unknown option': { experiment: task, args: ['--jso'], answer: /unknown option '--jso' \(Did you mean --json\?\)/ },
  'an unknown backend': { experiment: task, args: ['--backend', 'gpu'], answer: /--backend .*'gpu' is invalid/ },
  'a budget that is no number': { experiment: task, args: ['--budget', 'soon'], answer: /--budget .*'soon' is invalid/ },
  'a place below a file': { experiment: task, args: ['--run', 'experiment.json/run'], answer: /experiment\.json\/run: cannot be written/ },
  'a run that is there already': { experiment: task, args: ['--run', '.'], answer: /\.: exists already/ },
};

/** One line that begins with the program's name, exit code 2, nothing on stdout. */
function assertRefused({ code, stdout, stderr }: Finished, answer: RegExp): void {
  assert.match(stderr, answer);
  assert.match(stderr, /^throughtime: [^\n]+\n$/);
  assert.equal(code, 2);
  assert.equal(stdout, '');
}

describe('an experiment that cannot be trained is refused in one line, and nothing is written', { concurrency: 2 }, () => {
  for (const [what, { files = {}, experiment, text, args = [], answer }] of Object.entries(cases)) {
    test(what, async () => {
      using place = workplace();
      for (const [name, content] of Object.entries(files)) place.write(name, content);
      place.write('experiment.json', text ?? (experiment as object));
      const before = readdirSync(place.folder);
      assertRefused(await throughtime(['train', 'experiment.json', ...args], { cwd: place.folder }), answer);
      assert.deepEqual(readdirSync(place.folder), before);
    });
  }
});

describe('usage', { concurrency: 2 }, () => {
  for (const [args, answer] of [
    [['tran'], /unknown command 'tran' \(Did you mean train\?\)/],
    [['train'], /missing required argument/],
    [['train', 'a.json', 'b.json'], /too many arguments/],
    [['train', 'nowhere.json'], /nowhere\.json: does not exist/],
    [['train', ''], /value '' is invalid.*\. It is empty; name a file or directory/],
    [['train', 'package.json/a.json'], /package\.json\/a\.json: does not exist, because a part of its path is not a directory/],
    [['train', `${'x'.repeat(300)}.json`], /x+\.json: cannot be used: ENAMETOOLONG: name too long; choose another path/],
    [['inspect', ''], /value '' is invalid.*\. It is empty/],
    [['inspect', 'package.json'], /package\.json: is not a run directory/],
    [['inspect', '--weights', '', '--data', 'a', '--loss', 'mse'], /'--weights <file>' argument '' is invalid\. It is empty/],
    [['inspect'], /--weights is missing/],
    [['inspect', 'nowhere'], /nowhere: is not a run directory/],
    [['inspect', 'runs/a', '--loss', 'mse'], /--loss does not go with a run directory/],
    [['gradcheck', 'lsmt'], /there is no cell and no file "lsmt"/],
  ] as const) {
    test(args.join(' '), async () => assertRefused(await throughtime(args), answer));
  }
});

describe('a run directory that cannot be used', () => {
  let place: ReturnType<typeof workplace>;
  const inRun = (name: string) => path.join(place.folder, 'run', name);
  const cli = (...args: string[]) => throughtime(args, { cwd: place.folder });
  /** Runs with one file of the run replaced, and puts it back. */
  const damaged = async (file: string, damage: (content: Buffer) => Uint8Array | string, use: () => Promise<void>) => {
    const content = readFileSync(file);
    writeFileSync(file, damage(content));
    await use();
    writeFileSync(file, content);
  };
  before(async () => {
    place = workplace();
    const { files, experiment } = sequences('{"x":[[1],[2]],"y":0}\n{"x":[[1]],"y":1}\n');
    for (const [name, content] of Object.entries(files)) place.write(name, content);
    place.write('experiment.json', experiment);
    assert.equal((await cli('train', 'experiment.json', '--run', 'run', '--budget', '1e-9')).code, 0);
  });
  after(() => place[Symbol.dispose]());

  for (const verb of ['train', 'inspect']) {
    test(`${verb}: a checkpoint cut in half`, () =>
      damaged(
        inRun('checkpoint.safetensors'),
        (content) => content.subarray(0, content.length / 2),
        async () => assertRefused(await cli(verb, 'run'), /run\/checkpoint\.safetensors: .*(cut off|asks for)/),
      ));
    test(`${verb}: a record of another version`, () =>
      damaged(
        inRun('run.json'),
        (content) => content.toString().replace('"version": 1', '"version": 7'),
        async () => assertRefused(await cli(verb, 'run'), /run\/run\.json: is of version 7, and this program reads version 1/),
      ));
    test(`${verb}: a record of something else`, () =>
      damaged(
        inRun('run.json'),
        () => 'null',
        async () => assertRefused(await cli(verb, 'run'), /run\/run\.json: is not the record of a run/),
      ));
    test(`${verb}: data that have changed`, () =>
      damaged(
        place.path('train.ndjson'),
        (content) => `${content}\n`.replace('[2]', '[3]'),
        async () => assertRefused(await cli(verb, 'run'), /run: cannot be used: .*train\.ndjson has changed since the run began/),
      ));
  }

  test('train: an option that does not go with it', async () => {
    assertRefused(await cli('train', 'run', '--set', 'model.cell=gru'), /run: --set does not go with a run directory/);
  });

  test('train: a damaged line of metrics', async () => {
    await damaged(
      inRun('metrics.jsonl'),
      () => '{"update":1\n',
      async () => assertRefused(await cli('train', 'run'), /run\/metrics\.jsonl:1: is not the record of an update/),
    );
  });

  test('afterwards, with everything put back, it goes on; and a lost checkpoint is made good by the one before', async () => {
    const { code, stderr } = await cli('train', 'run');
    assert.equal(code, 0, stderr);
    assert.ok(existsSync(inRun('checkpoint.previous.safetensors')));
    truncateSync(inRun('checkpoint.safetensors'), 100);
    assertRefused(await cli('train', 'run'), /remove it to go on from checkpoint\.previous\.safetensors/);
    const whole = readFileSync(inRun('metrics.jsonl'), 'utf8');
    rmSync(inRun('checkpoint.safetensors'));
    const on = await cli('train', 'run', '--json');
    assert.match(on.stderr, /has lost its last checkpoint and goes on from the one before/);
    assert.equal((JSON.parse(on.stdout) as { updates: number }).updates, 2);
    // The same updates are made again: the same losses.
    const losses = (text: string) => text.match(/"loss":[^,]+/g);
    assert.deepEqual(losses(readFileSync(inRun('metrics.jsonl'), 'utf8')), losses(whole));
  });
});

test('a directory that may not be written', { skip: process.platform === 'win32' || process.getuid?.() === 0 }, async () => {
  using place = workplace();
  const file = place.write('experiment.json', task);
  chmodSync(place.folder, 0o555);
  const finished = await throughtime(['train', file], { cwd: place.folder });
  chmodSync(place.folder, 0o755);
  assertRefused(finished, /runs: cannot be written: this user may not write there/);
});

test('a full disk: the training ends in one line, and what was written before is whole', {
  skip: process.platform === 'win32',
}, async () => {
  using place = workplace();
  const file = place.write('experiment.json', {
    ...task,
    training: { ...training, updates: 100_000 },
    model: { cell: 'rnn', hiddenSize: 30 },
  });
  const run = place.path('run');
  const main = path.resolve(import.meta.dirname, '../../src/cli/main.ts');
  // No file may grow beyond 48 blocks: room for the checkpoint (13 KiB), and for some hundred lines of metrics.
  const script = `ulimit -f 48; exec "$0" "${main}" train "${file}" --run "${run}" --checkpoint-every 0.001`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath], { encoding: 'utf8' });
  assert.equal(status, 2, stderr);
  assert.equal(stdout, '');
  const last = stderr.trimEnd().split('\n').at(-1) as string;
  assert.match(last, /^throughtime: .*metrics\.jsonl: cannot be written: .*make room or choose another place$/);
  assert.match(readFileSync(`${run}/metrics.jsonl`, 'utf8'), /^({.*}\n)+$/);
  const { metadata } = readSafetensors(readFileSync(`${run}/checkpoint.safetensors`), 'checkpoint');
  assert.ok((JSON.parse(metadata.cursor) as { update: number }).update > 0);
  assert.deepEqual(readdirSync(run).sort(), [
    'checkpoint.previous.safetensors',
    'checkpoint.safetensors',
    'events.jsonl',
    'metrics.jsonl',
    'profiles.jsonl',
    'run.json',
  ]);

  // With room again, it goes on.
  const on = await throughtime(['train', run, '--budget', '0.5', '--json']);
  assert.equal(on.code, 0, on.stderr);
  assert.ok(statSync(`${run}/metrics.jsonl`).size > 0);
});

test('train --help says what paths are relative to, in lines of at most 80 columns', async () => {
  const { code, stdout } = await throughtime(['train', '--help']);
  assert.equal(code, 0);
  assert.match(stdout, /--set data\.path=\.\.\., is relative to\nthe experiment file/);
  assert.ok(stdout.split('\n').every((line) => line.length <= 80));
});
