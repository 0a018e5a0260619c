import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { workplace } from '../../test/endToEnd/commandLine.ts';
import { ThroughtimeError } from '../errors.ts';
import { experimentFrom, readExperiment, withPlace } from './experiment.ts';
import { experimentJsonSchema } from './experimentSchema.ts';

const text = `{
  // the shortest one
  "name": "a",
  "data": { "kind": "task", "name": "adding", "length": 9 },
  "model": {
    "cell": "rnn",
    "hiddenSize": 4
  },
  "training": {
    "updates": 25
  }
}`;
const read = (...overrides: string[]) => readExperiment(text, 'a.json', overrides);

describe('what is not said', () => {
  test('has the documented defaults', () => {
    assert.deepEqual(read().training, {
      ...{ optimizer: 'adam', learningRate: 0.001, schedule: 'constant', batchSize: 32, updates: 25, seed: 0, bptt: 'full' },
      ...{
        clip: { globalNorm: 1 },
        guard: 'warn',
        validateEvery: 3,
        monitors: ['saturation', 'half-life', 'lag-profile', 'lag-contribution'],
      },
    });
    assert.deepEqual(read('model.orthogonal=true').training.monitors.at(-1), 'orthogonality');
    assert.equal(read('training=null').training.updates, 2000);
    assert.equal(read('training=null').training.validateEvery, 200);
    assert.deepEqual(read('data={"kind":"text","path":"a.txt"}').training.bptt, { k1: 50, k2: 50 });
  });

  test('an experiment that a run keeps is read back as it was', () => {
    const experiment = read('training.bptt={"k1":2,"k2":3}', 'model.recurrentInit={"gaussian":0.5}');
    assert.deepEqual(experimentFrom(JSON.parse(JSON.stringify(experiment)), 'run.json'), experiment);
  });

  test('a byte order mark and CRLF do no harm', () => {
    assert.deepEqual(readExperiment(`\ufeff${text.replaceAll('\n', '\r\n')}`, 'a.json'), read());
  });
});

describe('--set', () => {
  test('JSON or a word, new groups, the last one wins, null removes', () => {
    const { model, training } = read(
      'model.cell=lstm',
      'model.cell=gru',
      'model.layers=2',
      'model.residual=true',
      'training.clip=none',
      'training.updates=null',
    );
    assert.deepEqual(model, { cell: 'gru', hiddenSize: 4, layers: 2, residual: true });
    assert.deepEqual([training.clip, training.updates], ['none', 2000]);
    assert.equal(read('name=12x').name, '12x');
  });

  test('does not reach what every object has', () => {
    assert.throws(() => read('__proto__.polluted=1'), { code: 'OPTION_INVALID' });
    assert.throws(() => read('constructor.prototype.polluted=1'), ThroughtimeError);
    assert.equal(({} as { polluted?: number }).polluted, undefined);
  });
});

describe('what is not allowed is refused with file, line and field', () => {
  const refusals: [change: [from: string, to: string], message: RegExp][] = [
    [['"name": "a"', '"name": "a b"'], /^a\.json:3: name: must consist of letters/],
    [['"name": "a"', '"name": ".a"'], /^a\.json:3: name: must not begin with a dot/],
    [['"name": "a"', '"title": "a"'], /^a\.json:\d: (name: is missing|title: is not a field here)/],
    [['"name": "a",', '"name": "a", "name": "b",'], /^a\.json:3: name: stands twice/],
    [['"adding"', '"addition"'], /^a\.json:4: data\.name: must be one of "adding", .*got "addition"/],
    [['"task"', '"tasks"'], /^a\.json:4: data\.kind: must be one of "task", .*got "tasks"/],
    [['"kind": "task", ', ''], /^a\.json:4: data\.kind: is missing; give one of "task"/],
    [['9', '0.5'], /^a\.json:4: data\.length: must be a whole number from 1, or \[least, most\], got 0\.5/],
    [['"length": 9', '"length": 9, "lag": 3'], /^a\.json:4: data\.lag: is not a field here; known are kind, .*length/],
    [['"rnn"', '"rmn"'], /^a\.json:6: model\.cell: must be "rnn" or "lstm" or "gru" or "gru-reset-before" or "mingru" or "lru", got "rmn"/],
    [['"hiddenSize": 4', '"hiddenSize": 0'], /^a\.json:7: model\.hiddenSize: must be a whole number from 1, got 0/],
    [['"hiddenSize": 4', '"hiddenSize": "4"'], /^a\.json:7: model\.hiddenSize: must be a whole number from 1, got "4"/],
    [['"hiddenSize": 4', '"hiddenSize": 4, "forgetBias": 1'], /^a\.json:7: model\.forgetBias: has no meaning for the cell rnn/],
    [['"rnn"', '"gru", "activation": "relu"'], /^a\.json:6: model\.activation: has no meaning for the cell gru/],
    [['"hiddenSize": 4', '"hiddenSize": 4, "residual": true'], /^a\.json:7: model\.residual: has no meaning with one layer/],
    [['"hiddenSize": 4', '"hiddenSize": 4, "dropout": 0.5'], /^a\.json:7: model\.dropout: acts between layers/],
    [['"hiddenSize": 4', '"hiddenSize": 4, "recurrentInit": "ortho"'], /^a\.json:7: model\.recurrentInit: must be "default"/],
    [['25', '25, "momentum": 0.9'], /^a\.json:10: training\.momentum: has no meaning for adam, only for momentum/],
    [['25', '25, "learningRate": 0'], /^a\.json:10: training\.learningRate: must be a number above 0, got 0/],
    [['25', '25, "beta1": 1'], /^a\.json:10: training\.beta1: must be below 1, got 1/],
    [['25', '25, "clip": 1'], /^a\.json:10: training\.clip: must be "none", .*got 1/],
    [['25', '25, "bptt": {"k1": 5, "k2": 4}'], /^a\.json:10: training\.bptt\.k2: must not be smaller than k1/],
    [['25', '25, "schedule": {"cosine": {"warmUp": 25}}'], /^a\.json:10: training\.schedule\.cosine\.warmUp: must end before/],
    [['25', '25, "schedule": {"warmUp": 25}'], /^a\.json:10: training\.schedule\.warmUp: must end before the last of the 25/],
    [['25', '25, "schedule": {"step": {"every": 25, "factor": 0.5}}'], /training\.schedule\.step\.every: must be smaller than the 25/],
    [['25', '25, "epsilon": 1e-17'], /^a\.json:10: training\.epsilon: must be a number from 1e-16, got 1e-17/],
    [['"training"', '"train"'], /^a\.json:9: train: is not a field here/],
    [['"updates": 25', '"updates": '], /^a\.json:11: is not JSON/],
  ];
  for (const [[from, to], message] of refusals) {
    test(to, () => {
      assert.ok(text.includes(from));
      assert.throws(() => readExperiment(text.replace(from, to), 'a.json'), { code: 'EXPERIMENT_INVALID', message });
    });
  }

  test('a text has no end, so that it cannot be gone through as a whole', () => {
    assert.throws(() => read('data={"kind":"text","path":"a.txt"}', 'training.bptt=full'), {
      message: /^--set: training\.bptt: cannot be "full" for a text/,
    });
  });

  for (const [override, message] of [
    ['model.cell=lstn', /^--set: model\.cell: /],
    ['model={"cell":"rnn","hiddenSize":0}', /^--set: model\.hiddenSize: /],
    ['new.group=1', /^--set: new: is not a field here/],
    ['model', /--set takes path=value/],
    ['=1', /--set takes path=value/],
    ['model..cell=rnn', /--set takes path=value/],
    ['model.hiddenSize=null', /^a\.json:5: model\.hiddenSize: is missing|^--set: model\.hiddenSize: is missing/],
  ] as const) {
    test(`--set ${override}`, () => assert.throws(() => read(override), { message }));
  }

  test('an error of later work, which knows only the field, gets its place', async () => {
    const failing = (field: string) => async () => {
      throw new ThroughtimeError('EXPERIMENT_INVALID', 'is wrong; correct it', { field });
    };
    await assert.rejects(withPlace('a.json', ['data.length=2'], failing('data.length')), {
      message: '--set: data.length: is wrong; correct it',
    });
    await assert.rejects(withPlace('nowhere.json', [], failing('data.length')), {
      message: 'nowhere.json: data.length: is wrong; correct it',
    });
    await assert.rejects(withPlace('a.json', ['data={"length":2}'], failing('data.length')), { message: /^--set: data\.length: is wrong/ });
  });
});

test('of the fields that an error names, it is put down to one that was given', async () => {
  using place = workplace();
  const failing = async () => {
    throw new ThroughtimeError('EXPERIMENT_INVALID', 'is too much; lower data.trainSequences or data.length', {
      field: 'data.trainSequences',
    });
  };
  const file = place.write('a.json', text);
  await assert.rejects(withPlace(file, [], failing), { message: /a\.json:4: data\.length: is too much/ });
  await assert.rejects(withPlace(file, ['data.length=5'], failing), { message: /^--set: data\.length: is too much/ });
  await assert.rejects(withPlace(file, ['data.trainSequences=5'], failing), { message: /^--set: data\.trainSequences: is too much/ });
  const both = place.write('b.json', text.replace('"length": 9', '"trainSequences": 9,\n"length": 9'));
  await assert.rejects(withPlace(both, [], failing), { message: /b\.json:4: data\.trainSequences: is too much/ });
});

test('every experiment in docs/experiment.md is accepted', () => {
  const page = readFileSync(new URL('../../docs/experiment.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/^```json\n([\s\S]*?)^```/gm)].map((match) => match[1]);
  assert.equal(examples.length, 2);
  for (const example of examples) readExperiment(example, 'docs/experiment.md');
});

test('docs/experiment.md names every field of model and training, and no other', () => {
  const page = readFileSync(new URL('../../docs/experiment.md', import.meta.url), 'utf8');
  const { properties } = experimentJsonSchema() as { properties: Record<string, { properties: object }> };
  for (const group of ['model', 'training']) {
    const section = page.split(`\n## ${group}\n`)[1].split('\n## ')[0];
    const named = [...section.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, names]) => names.replaceAll('`', '').split(', '));
    assert.deepEqual(named.sort(), Object.keys(properties[group].properties).sort());
  }
});
