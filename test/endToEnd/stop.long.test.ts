import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { readSafetensors } from '../../src/interop/safetensors.ts';
import { readExperiment } from '../../src/run/experiment.ts';
import { readMetrics } from '../../src/run/metrics.ts';
import { openWeights } from '../../src/run/openWeights.ts';
import { type TrainRequest, trainRun } from '../../src/run/trainRun.ts';
import { throughtime, workplace } from './commandLine.ts';

/** 40 validation sequences in batches of 8: an evaluation is 5 pieces. */
const experiment = {
  name: 'stopped',
  data: { kind: 'task', name: 'adding', length: 6, trainSequences: 50, validationSequences: 40 },
  model: { cell: 'gru', hiddenSize: 4, layers: 2, dropout: 0.1 },
  training: { updates: 20, batchSize: 8, validateEvery: 3, learningRate: 0.03, bptt: { k1: 2, k2: 4 } },
};

type Place = ReturnType<typeof workplace>;

function train(place: Place, name: string, options: Partial<TrainRequest> = {}) {
  const run = place.path(name);
  const begin = { experiment: readExperiment(JSON.stringify(experiment), 'a.json'), folder: place.folder, runPath: run };
  const source = existsSync(run) ? { run } : begin;
  return trainRun({ source, backend: scalarBackend(), reason: 'a test', ...options });
}

/** A signal that comes when it has been looked at so many times. */
function signalAfter(looks: number): AbortSignal {
  let left = looks;
  return {
    get aborted() {
      return left-- <= 0;
    },
  } as AbortSignal;
}

const lines = (run: string) => readMetrics(`${run}/metrics.jsonl`).lines.map(({ seconds: _, ...line }) => line);
const kept = (run: string) => ['checkpoint', 'best'].map((name) => readFileSync(`${run}/${name}.safetensors`));
const isDue = (update: number) => update % 3 === 0 || update === 20;

describe('a stop', () => {
  test('at any moment, in the middle of evaluations too, changes no bit of the run that goes on after it', async () => {
    using place = workplace();
    const { result: whole } = await train(place, 'whole');
    const reference = lines(place.path('whole'));
    assert.deepEqual(
      reference.filter((line) => line.validationLoss !== undefined).map(({ update }) => update),
      [3, 6, 9, 12, 15, 18, 20],
    );
    const random = new Random(Number(process.env.THROUGHTIME_SEED ?? 3));
    let cut = 0;
    for (let round = 0; round < 4; round++) {
      const run = place.path(`stopped${round}`);
      for (;;) {
        const { result } = await train(place, `stopped${round}`, { signal: signalAfter(random.below(30)) });
        if (result.stopped === null) {
          const { run: _a, seconds: _b, stepsPerSecond: _c, ...rest } = result;
          const { run: _d, seconds: _e, stepsPerSecond: _f, ...expected } = whole;
          assert.deepEqual(rest, expected);
          break;
        }
        assert.equal(result.stopped, 'signal');
        const { cursor } = readSafetensors(readFileSync(`${run}/checkpoint.safetensors`), 'c').metadata;
        const soFar = lines(run);
        assert.equal((JSON.parse(cursor) as { update: number }).update, soFar.length);
        for (const [index, line] of soFar.entries()) {
          if (line.validationLoss !== undefined) continue;
          // The one that is due is made up for by the next sitting.
          if (isDue(line.update)) cut += Number(index === soFar.length - 1);
          assert.ok(!isDue(line.update) || index === soFar.length - 1);
        }
      }
      assert.deepEqual(lines(run), reference);
      assert.deepEqual(kept(run), kept(place.path('whole')));
    }
    assert.ok(cut >= 2, 'some evaluations were cut short');
  });

  test('before anything was measured: the answer has no loss, and says so', async () => {
    using place = workplace();
    const { result } = await train(place, 'run', { signal: signalAfter(0) });
    assert.deepEqual(
      [result.updates, result.loss, result.metric, result.validated, result.best, result.stopped],
      [0, { train: null, validation: null, constant: null }, null, null, null, 'signal'],
    );
    assert.equal((await train(place, 'run', { deadline: -1 })).result.stopped, 'budget');
  });

  test('between two evaluations: the loss is that of the last one, whose update is said', async () => {
    using place = workplace();
    const stop = new AbortController();
    const watcher = { updated: ({ update }: { update: number }) => (update === 5 ? stop.abort() : undefined) };
    const { result } = await train(place, 'run', { signal: stop.signal, watcher });
    assert.deepEqual([result.updates, result.validated], [5, { update: 3, share: 1 }]);
    const validation = lines(place.path('run'))[2].validationLoss as number;
    assert.equal(result.loss.validation, validation);
    assert.deepEqual(result.metric, { name: 'rootMeanSquaredError', value: Math.sqrt(validation) });
    const later = (await train(place, 'run', { signal: signalAfter(0) })).result;
    assert.deepEqual([later.loss.validation, later.metric, later.validated], [validation, null, { update: 3, share: 1 }]);
  });

  test('--budget cuts an evaluation short that takes longer; the loss is that of a share of the validation part', async () => {
    using place = workplace();
    const file = place.write('a.json', {
      ...experiment,
      data: { ...experiment.data, validationSequences: 100_000 },
      training: { validateEvery: 2, updates: 1000 },
    });
    // 3000 looks at the clock: far fewer lie before the evaluation, and more in it.
    const clock = pathToFileURL(path.join(import.meta.dirname, 'countedClock.ts'));
    const { code, stdout, stderr } = await throughtime(['train', file, '--run', place.path('run'), '--budget', '3'], {
      env: { NODE_OPTIONS: `--import=${clock}` },
    });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /validation loss .* on \S+% of the validation part/);
    const { result } = JSON.parse(readFileSync(place.path('run/run.json'), 'utf8'));
    assert.equal(result.stopped, 'budget');
    assert.ok(result.validated.share > 0 && result.validated.share < 1);
    assert.equal(existsSync(place.path('run/best.safetensors')), false);
  });
});

test('best.safetensors holds the weights of the lowest validation loss, under the names of any weights', async () => {
  using place = workplace();
  const { result, network } = await train(place, 'run');
  const measured = lines(place.path('run')).filter((line) => line.validationLoss !== undefined);
  const lowest = Math.min(...measured.map((line) => line.validationLoss as number));
  assert.equal(result.best?.validation, lowest);
  assert.equal(measured.find((line) => line.validationLoss === lowest)?.update, result.best.update);
  const file = place.path('run/best.safetensors');
  const { metadata, tensors } = readSafetensors(readFileSync(file), 'best');
  assert.deepEqual([metadata.update, Number(metadata.validation)], [String(result.best.update), lowest]);
  assert.deepEqual([...tensors.keys()].sort(), network.parameters.list.map(({ name }) => name as string).sort());
  assert.deepEqual((await openWeights(file)).model, { cell: 'gru', hiddenSize: 4, layers: 2 });
});

describe('two processes', () => {
  test('the second is refused in a sentence; after kill -9 of the first the run goes on', async () => {
    using place = workplace();
    const run = place.path('run');
    const file = place.write('a.json', { ...experiment, training: { ...experiment.training, updates: 1e6, validateEvery: 1e6 } });
    let refused = false;
    const first = throughtime(['train', file, '--run', run], { when: () => refused });
    while (!existsSync(`${run}/metrics.jsonl`)) await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await throughtime(['train', run, '--budget', '1']);
    refused = true;
    assert.deepEqual([second.code, second.stdout], [2, '']);
    assert.match(second.stderr, /^throughtime: \S*run: is being trained by process \d+; wait for it or stop it[^\n]*\n$/);
    assert.equal((await first).signal, 'SIGKILL');
    assert.ok(existsSync(`${run}/lock.json`));
    const third = await throughtime(['train', run, '--budget', '1']);
    assert.equal(third.code, 0, third.stderr);
    assert.equal(existsSync(`${run}/lock.json`), false);
  });

  test('the lock is given back after an error', async () => {
    using place = workplace();
    await train(place, 'run', { signal: signalAfter(10) });
    truncateSync(place.path('run/checkpoint.safetensors'), 100);
    await assert.rejects(train(place, 'run'), { code: 'CHECKPOINT_INVALID' });
    assert.equal(existsSync(place.path('run/lock.json')), false);
  });
});

describe('going on', () => {
  test('a checkpoint that was cut, and none before it: removing it lets the run begin anew', async () => {
    using place = workplace();
    await train(place, 'run', { signal: signalAfter(12) });
    const checkpoint = place.path('run/checkpoint.safetensors');
    truncateSync(checkpoint, 100);
    await assert.rejects(train(place, 'run'), { message: /, or remove it to begin the run anew$/ });
    rmSync(checkpoint);
    const said: string[] = [];
    const { result } = await train(place, 'run', { watcher: { noted: (sentence) => said.push(sentence) } });
    assert.deepEqual([result.updates, said], [20, ['The run has no checkpoint yet and begins anew.']]);
  });

  test('a line of metrics that is missing is named', async () => {
    using place = workplace();
    await train(place, 'run', { signal: signalAfter(20) });
    const metrics = place.path('run/metrics.jsonl');
    const whole = readFileSync(metrics, 'utf8').split('\n');
    writeFileSync(metrics, whole.toSpliced(1, 1).join('\n'));
    await assert.rejects(train(place, 'run'), { code: 'RUN_INVALID', message: /metrics\.jsonl:2: is the record of update 3 where / });
    writeFileSync(metrics, `${whole[0]}\n`);
    await assert.rejects(train(place, 'run'), { code: 'RUN_INVALID', message: /metrics\.jsonl:2: ends with update 1, and the checkpoint/ });
  });

  test('another processor or another Node: the bits may differ, and that is said', async () => {
    using place = workplace();
    await train(place, 'run', { signal: signalAfter(12) });
    const file = place.path('run/run.json');
    const record = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...record, machine: { ...record.machine, cpu: 'Another' } }));
    const said: string[] = [];
    await train(place, 'run', { watcher: { noted: (sentence) => said.push(sentence) } });
    assert.match(said.join('\n'), /^The run was begun on Another with Node v\S+ and is continued on .*: the bits may differ\.$/);
  });
});
