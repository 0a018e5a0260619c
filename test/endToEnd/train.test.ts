import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { readSafetensors } from '../../src/interop/safetensors.ts';
import { readExperiment } from '../../src/run/experiment.ts';
import { readMetrics } from '../../src/run/metrics.ts';
import type { RunRecord } from '../../src/run/runDirectory.ts';
import { type TrainResult, trainRun } from '../../src/run/trainRun.ts';
import type { Metric } from '../../src/training/evaluator.ts';
import { throughtime, workplace } from './commandLine.ts';

/** Of a training that was not stopped, where everything has been measured. */
type Measured = TrainResult & { loss: { validation: number; constant: number }; metric: Metric };
type Answer = Measured & { sample?: string };

const recall = {
  name: 'recall',
  data: { kind: 'task', name: 'recall', lag: 3, symbols: 2, trainSequences: 500, validationSequences: 100 },
  model: { cell: 'rnn', hiddenSize: 12 },
  training: { updates: 300, learningRate: 0.01 },
};

/** Trains in this process. */
async function trained(
  place: ReturnType<typeof workplace>,
  run: string,
  experiment: object,
  options: { scalar?: boolean; set?: string[] } = {},
) {
  const backend = options.scalar ? scalarBackend() : await wasmBackend();
  const source = {
    experiment: readExperiment(JSON.stringify(experiment), 'a.json', options.set),
    folder: place.folder,
    runPath: place.path(run),
  };
  const { result, network } = await trainRun({ source, backend, reason: 'a test' });
  return { result: result as Measured, network, checkpoint: readFileSync(`${place.path(run)}/checkpoint.safetensors`) };
}

const record = (run: string) => JSON.parse(readFileSync(`${run}/run.json`, 'utf8')) as RunRecord;

describe('train --json', () => {
  test('prints one JSON document on stdout with every promised field, and progress on stderr', async () => {
    using place = workplace();
    const file = place.write('recall.json', recall);
    const { code, stdout, stderr } = await throughtime(['train', file, '--json', '--seed', '3', '--threads', '1'], { cwd: place.folder });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^[^\n]+\n$/);
    const answer = JSON.parse(stdout) as Answer;
    assert.equal(answer.run, 'runs/recall');
    assert.equal(answer.updates, 300);
    for (const value of [answer.loss.train, answer.loss.validation, answer.loss.constant, answer.seconds, answer.stepsPerSecond]) {
      assert.ok(Number.isFinite(value) && (value as number) > 0);
    }
    assert.equal(answer.metric.name, 'accuracy');
    const { p50, p90, p99, max } = answer.gradientNorm as Record<string, number>;
    assert.ok(p50 > 0 && p50 <= p90 && p90 <= p99 && p99 <= max);
    assert.ok(answer.clippedFraction >= 0 && answer.clippedFraction <= 1);
    assert.equal(answer.nonFiniteUpdates, 0);
    assert.deepEqual([answer.backend.name, answer.stopped], ['wasm', null]);
    assert.ok(Number.isInteger(answer.backend.threads) && answer.backend.threads >= 1);
    assert.match(answer.backend.reason, /because no BLAS library was found on this machine/);
    assert.match(stderr, /^Training recall \(1 x 12 rnn-tanh, .*\) into runs\/recall\..*\nupdate 300\/300 {2}loss .*\n$/);

    const kept = record(place.path('runs/recall'));
    assert.deepEqual([kept.magic, kept.version, kept.seed, kept.status], ['throughtime-run', 1, 3, 'done']);
    assert.deepEqual(kept.result, answer);
    assert.equal(readMetrics(place.path('runs/recall/metrics.jsonl')).lines.length, 300);
  });

  test('taking up a finished run changes none of its files, and says that it is finished', async () => {
    using place = workplace();
    const run = place.path('run');
    const { result } = await trained(place, 'run', { ...recall, training: { updates: 5 } });
    const names = ['run.json', 'metrics.jsonl', 'checkpoint.safetensors'].map((name) => `${run}/${name}`);
    const state = () => names.map((name) => [readFileSync(name, 'utf8'), statSync(name).mtimeMs, statSync(name).ino]);
    const before = state();
    const { code, stdout, stderr } = await throughtime(['train', run, '--json']);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /is finished: all its 5 updates were made before/);
    assert.deepEqual((JSON.parse(stdout) as Answer).loss, result.loss);
    assert.deepEqual(state(), before);
  });

  test('an update that would not be finite is skipped, counted and named, and never reaches the weights', async () => {
    using place = workplace();
    const file = place.write('recall.json', recall);
    const sets = [
      'model.activation=relu',
      'training.optimizer=sgd',
      'training.learningRate=1e30',
      'training.clip=none',
      'training.updates=20',
    ];
    const run = place.path('run');
    const { code, stdout } = await throughtime(['train', file, '--run', run, '--json', ...sets.flatMap((set) => ['--set', set])]);
    assert.equal(code, 0);
    const answer = JSON.parse(stdout) as Answer;
    assert.ok(answer.nonFiniteUpdates >= 15);
    assert.equal(answer.appliedUpdates, 20 - answer.nonFiniteUpdates);
    assert.match(answer.firstNonFinite?.what as string, /^(loss|gradient|weight|update)/);
    const { lines } = readMetrics(`${run}/metrics.jsonl`);
    assert.equal(lines.length, 20);
    assert.equal(lines.filter((line) => line.nonFinite !== null).length, answer.nonFiniteUpdates);
    assert.equal(lines.find((line) => line.nonFinite !== null)?.update, answer.firstNonFinite?.update);
    for (const [name, { values }] of readSafetensors(readFileSync(`${run}/checkpoint.safetensors`), 'c').tensors) {
      // What the guard remembers of the losses holds those that were not finite too.
      assert.ok(name.startsWith('memory.') || values.every(Number.isFinite), name);
    }
  });
});

describe('every kind of data trains', () => {
  const small = { model: { cell: 'gru', hiddenSize: 4 }, training: { updates: 4, batchSize: 3 } };
  const lines = (make: (i: number) => object) => Array.from({ length: 7 }, (_, i) => JSON.stringify(make(i))).join('\n');
  const kinds: Record<string, { content: string; data: object; metric: string }> = {
    'classes at the last step, symbols of several lengths': {
      content: lines((i) => ({ x: Array.from({ length: 1 + (i % 3) }, (_, t) => t % 2), y: i % 2 })),
      data: { loss: 'crossEntropy' },
      metric: 'accuracy',
    },
    'vectors, some steps not counted': {
      content: lines((i) => ({
        x: [
          [i, 1],
          [0, i],
          [1, 1],
        ],
        y: [[i, 0, 1, 2], null, [1, i, 0, 1]],
      })),
      data: { loss: 'mse', standardize: true },
      metric: 'rootMeanSquaredError',
    },
    'binary vectors at the last step': {
      content: lines((i) => ({ x: [[i], [1]], y: [i % 2, 1, 0] })),
      data: { loss: 'binaryCrossEntropy' },
      metric: 'nllPerStep',
    },
  };
  for (const [what, { content, data, metric }] of Object.entries(kinds)) {
    test(`sequences: ${what}`, async () => {
      using place = workplace();
      place.write('a.ndjson', content);
      const files = { train: 'a.ndjson', validation: 'a.ndjson', test: 'a.ndjson' };
      const { result } = await trained(place, 'run', { name: 's', data: { kind: 'sequences', ...files, ...data }, ...small });
      assert.ok(Number.isFinite(result.loss.validation));
      assert.equal(result.metric.name, metric);
      assert.equal(result.test?.loss, result.best?.validation);
    });
  }

  test('the test part is measured with the weights that did best on the validation part, and the last ones stay', async () => {
    using place = workplace();
    // Targets that have nothing to do with the inputs: what is learned of them makes other sequences worse.
    const noise = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 8 }, () => JSON.stringify({ x: [[random.uniform()], [random.uniform()]], y: random.below(2) })).join(
        '\n',
      );
    };
    place.write('train.ndjson', noise(1));
    place.write('other.ndjson', noise(2));
    const files = { train: 'train.ndjson', validation: 'other.ndjson', test: 'other.ndjson' };
    const training = { updates: 200, learningRate: 0.05, validateEvery: 10 };
    const model = { cell: 'rnn', hiddenSize: 16 };
    const { result, network } = await trained(place, 'run', {
      name: 's',
      data: { kind: 'sequences', loss: 'crossEntropy', ...files },
      model,
      training,
    });
    const { best, loss, test: tested } = result;
    assert.ok(best && best.update < 200 && best.validation < loss.validation - 0.1, JSON.stringify({ best, loss }));
    assert.equal(tested?.loss, best.validation);
    assert.equal(tested?.weights, 'best');
    const checkpoint = readSafetensors(readFileSync(place.path('run/checkpoint.safetensors')), 'checkpoint');
    const kept = checkpoint.tensors.get('weight_hh_l0')?.values as Float32Array;
    assert.deepEqual([...network.parameters.valuesOf('weight_hh_l0')], [...kept]);
  });

  test('what it writes follows from the seed of the run', async () => {
    using place = workplace();
    place.write('a.txt', 'the gradient goes back through time\n'.repeat(20));
    const file = place.write('text.json', { name: 'text', data: { kind: 'text', path: 'a.txt', split: 0.8 }, ...small });
    const sample = async (run: string, ...args: string[]) => {
      const { stdout } = await throughtime(['train', file, '--run', place.path(run), '--json', ...args]);
      return (JSON.parse(stdout) as Answer).sample as string;
    };
    const first = await sample('first', '--seed', '1');
    assert.equal(await sample('again', '--seed', '1'), first);
    assert.notEqual(await sample('other', '--seed', '2'), first);
  });

  test('text, with a sample of what it writes', async () => {
    using place = workplace();
    place.write('a.txt', 'Über die Zeit.\r\n世界 😀\n'.repeat(20));
    const file = place.write('text.json', { name: 'text', data: { kind: 'text', path: 'a.txt', split: 0.8 }, ...small });
    const { code, stdout, stderr } = await throughtime(['train', file, '--run', place.path('run'), '--json']);
    assert.equal(code, 0, stderr);
    const { sample, loss } = JSON.parse(stdout) as Answer;
    assert.equal([...(sample as string)].length, 400);
    assert.ok([...(sample as string)].every((character) => 'Über die Zeit.\r\n世界 😀'.includes(character)));
    // 19 different characters: an untrained network is near ln 19 = 2.94, and the best constant below it.
    assert.ok(Math.abs(loss.validation - Math.log(19)) < 0.3);
    assert.ok(loss.constant < Math.log(19));
  });

  test('table, with its naive predictors and a test part', async () => {
    using place = workplace();
    place.write(
      'a.csv',
      [
        't,v',
        ...Array.from({ length: 60 }, (_, i) => `2020-01-0${1 + Math.floor(i / 24)} ${String(i % 24).padStart(2, '0')}:00,${i % 24}`),
      ].join('\n'),
    );
    const data = { kind: 'table', path: 'a.csv', time: 't', inputs: ['v'], target: 'v', window: 4, horizon: 2, split: [30, 15, 15] };
    const { result } = await trained(place, 'run', { name: 'table', data, ...small });
    assert.deepEqual(result.baselines.map(({ name }) => name).sort(), ['lastValue', 'seasonal']);
    // For people it is said in which unit losses are, and what to do next.
    for (const [standardize, says] of [
      [true, true],
      [false, false],
    ] as const) {
      const file = place.write('table.json', { name: 'table', data: { ...data, standardize }, ...small });
      const { stdout } = await throughtime(['train', file, '--run', `said-${says}`], { cwd: place.folder });
      assert.equal(stdout.includes('in standard deviations of the training part'), says, stdout);
      assert.match(stdout, /\nLook at its gradient with: throughtime inspect said-\w+\n$/);
    }
    // The values repeat every day, so that yesterday's are exact.
    assert.equal(result.baselines.find(({ name }) => name === 'seasonal')?.loss, 0);
    assert.ok(Number.isFinite(result.test?.loss));
  });

  test('one sequence of one step, one hidden unit, a batch larger than the data', async () => {
    using place = workplace();
    const data = { kind: 'task', name: 'recall', lag: 0, length: 1, trainSequences: 1, validationSequences: 1 };
    const { result } = await trained(place, 'run', { name: 'one', data, model: { cell: 'lstm', hiddenSize: 1 }, training: { updates: 3 } });
    assert.ok(Number.isFinite(result.loss.validation));
  });
});

describe('what training does', () => {
  test('recall of 3 steps ago is learned: the loss falls far below the best constant, ln 2', async () => {
    using place = workplace();
    const { result } = await trained(place, 'run', recall);
    assert.ok(Math.abs(result.loss.constant - Math.log(2)) < 0.05);
    assert.ok(result.loss.validation < 0.3 * result.loss.constant, `${result.loss.validation}`);
    assert.ok(result.metric.value > 0.9);
  });

  test('with a window of 2 steps the gradient never sees the symbol 3 steps ago; with 4 it does', async () => {
    using place = workplace();
    const loss = async (k: number) => {
      const training = { ...recall.training, bptt: { k1: 1, k2: k } };
      const experiment = { ...recall, data: { ...recall.data, length: 8, read: 'every' }, training };
      return (await trained(place, `k${k}`, { ...experiment, training: { ...training, updates: 1200 } })).result.loss.validation;
    };
    const [short, long] = [await loss(2), await loss(4)];
    // Not all of ln 2: what the drawn recurrence happens to keep of that symbol, the read-out learns to use.
    assert.ok(short > 0.6 * Math.log(2), `window 2: ${short}`);
    assert.ok(long < 0.3 * Math.log(2), `window 4: ${long}`);
  });

  test('the same seed gives the same bits, another seed others', async () => {
    using place = workplace();
    const short = { ...recall, training: { ...recall.training, updates: 20 } };
    const { checkpoint: first } = await trained(place, 'first', short);
    assert.deepEqual((await trained(place, 'second', short)).checkpoint, first);
    assert.notDeepEqual((await trained(place, 'third', short, { set: ['training.seed=1'] })).checkpoint, first);
  });

  test('the scalar backend trains to nearly the same losses', async () => {
    using place = workplace();
    const short = { ...recall, training: { ...recall.training, updates: 20 } };
    const scalar = await trained(place, 'scalar', short, { scalar: true });
    const wasm = await trained(place, 'wasm', short);
    assert.ok(Math.abs(scalar.result.loss.validation - wasm.result.loss.validation) < 1e-3);
    assert.equal(record(place.path('scalar')).backend.name, 'scalar');
  });

  test('--set takes words, numbers, objects, lists, truth values and null', async () => {
    using place = workplace();
    const set = [
      'model.cell=lstm',
      'model.layers=2',
      'model.residual=true',
      'training.clip={"value":0.5}',
      'training.bptt={"k1":2,"k2":3}',
      'data.length=[4,6]',
      'training.updates=2',
      'training.learningRate=null',
    ];
    await trained(place, 'run', recall, { set });
    const { experiment } = record(place.path('run')) as unknown as { experiment: Record<string, Record<string, unknown>> };
    assert.deepEqual(experiment.model, { cell: 'lstm', hiddenSize: 12, layers: 2, residual: true });
    const { clip, bptt, learningRate, updates } = experiment.training;
    assert.deepEqual(
      { clip, bptt, learningRate, updates },
      { clip: { value: 0.5 }, bptt: { k1: 2, k2: 3 }, learningRate: 0.001, updates: 2 },
    );
    assert.deepEqual(experiment.data.length, [4, 6]);
  });
});
