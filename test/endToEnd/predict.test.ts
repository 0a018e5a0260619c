import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { readExperiment } from '../../src/run/experiment.ts';
import { generateText } from '../../src/run/generateText.ts';
import { type ForecastValue, type PredictRequest, predictRun } from '../../src/run/predictRun.ts';
import { trainRun } from '../../src/run/trainRun.ts';
import { throughtime, workplace } from './commandLine.ts';

const place = workplace();
after(() => place[Symbol.dispose]());

/** Hourly values that go up and down, with a second column that leads them. */
const hours = Array.from({ length: 240 }, (_, t) => {
  const time = new Date(Date.UTC(2020, 0, 1, t)).toISOString().replace('T', ' ').slice(0, 19);
  return {
    time,
    a: 40 + 5 * Math.sin(t / 4) + ((t * 7) % 5) / 10,
    b: -3 + Math.cos(t / 4),
  };
});
const csv = (rows: typeof hours) => `time,a,b\n${rows.map(({ time, a, b }) => `${time},${a},${b}\n`).join('')}`;
const lines = Array.from({ length: 60 }, (_, n) => {
  const x = Array.from({ length: 3 + (n % 4) }, (_, t) => [((n * 5 + t * 3) % 7) - 3, ((n + t) % 3) * 10]);
  return { x, y: x.map(([one, two]) => 100 + one - two) };
});
const ndjson = (objects: readonly object[]) => objects.map((each) => `${JSON.stringify(each)}\n`).join('');

/** Trains in the folder and gives what `train --json` says. */
async function train(name: string, data: object, model: object = { cell: 'gru', hiddenSize: 6 }, training: object = {}) {
  const settings = {
    updates: 60,
    learningRate: 0.02,
    batchSize: 8,
    ...training,
  };
  const file = place.write(`${name}.json`, {
    name,
    data,
    model,
    training: settings,
  });
  const { code, stdout, stderr } = await throughtime(['train', file, '--run', place.path(name), '--json'], { cwd: place.folder });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as { best: { validation: number } };
}

/** What the library says against a request. */
const refused = (request: Omit<PredictRequest, 'backend'>, message: RegExp) => {
  const paths = {
    run: place.path(request.run),
    data: place.path(request.data),
  };
  return assert.rejects(predictRun({ ...request, ...paths, backend: scalarBackend() }), { kind: 'input', message });
};

const predict = (...args: string[]) => throughtime(['predict', ...args], { cwd: place.folder });

describe('a run on a table', () => {
  let best = Number.NaN;
  const horizon = 4;
  const split = [120, 60, 60];
  before(async () => {
    place.write('table.csv', csv(hours));
    const table = {
      kind: 'table',
      path: 'table.csv',
      time: 'time',
      inputs: ['b', 'a'],
      target: 'a',
      window: 12,
      horizon,
      split,
    };
    best = (await train('table', table)).best.validation;
  });

  test('forecasts of the validation part, in the unit of the file, have the loss that training found', async () => {
    const { code, stdout, stderr } = await predict('table', '--data', 'table.csv', '--every');
    assert.equal(code, 0, stderr);
    const [header, ...rows] = stdout.trimEnd().split('\n');
    assert.equal(header, 'origin,time,ahead,forecast');
    assert.equal(rows.length, (hours.length - 12 + 1) * horizon);
    const known = new Map(hours.map(({ time, a }, row) => [time, { row, a }]));
    const trained = hours.slice(0, split[0]).map(({ a }) => a);
    const mean = trained.reduce((sum, a) => sum + a, 0) / trained.length;
    const variance = trained.reduce((sum, a) => sum + (a - mean) ** 2, 0) / trained.length;
    let squares = 0;
    let count = 0;
    for (const row of rows) {
      const [origin, time, ahead, forecast] = row.split(',');
      const from = known.get(origin)!.row;
      assert.equal((Date.parse(`${time}Z`) - Date.parse(`${origin}Z`)) / 3_600_000, Number(ahead));
      // The validation part predicts rows 120 to 179 only.
      if (from + 1 < split[0] || from + horizon >= split[0] + split[1]) continue;
      squares += (Number(forecast) - known.get(time)!.a) ** 2 / variance;
      count++;
    }
    assert.equal(count, (split[1] - horizon + 1) * horizon);
    assert.ok(Math.abs(squares / count - best) < 1e-5 * best, `${squares / count} and ${best}`);
  });

  test('by default the rows after the newest one, from a file without the target of the future, and with --json the same', async () => {
    place.write('newest.csv', csv(hours.slice(-12)));
    const { stdout } = await predict('table', '--data', 'newest.csv');
    const rows = stdout.trimEnd().split('\n').slice(1);
    assert.deepEqual(
      rows.map((row) => row.split(',').slice(0, 3).join()),
      ['00', '01', '02', '03'].map((hour, i) => `2020-01-10 23:00:00,2020-01-11 ${hour}:00:00,${i + 1}`),
    );
    const json = JSON.parse((await predict('table', '--data', 'newest.csv', '--json')).stdout);
    assert.equal(json.weights, 'best');
    assert.deepEqual(
      json.predictions.map(({ forecast }: { forecast: number }) => forecast),
      rows.map((row) => Number(row.split(',')[3])),
    );
    const written = JSON.parse((await predict('table', '--data', 'newest.csv', '--json', '--out', 'forecast.csv')).stdout);
    assert.deepEqual({ count: written.count, out: written.out }, { count: horizon, out: 'forecast.csv' });
    assert.equal(readFileSync(place.path('forecast.csv'), 'utf8'), stdout);
  });

  test('what does not fit is refused in a sentence', async () => {
    place.write('short.csv', csv(hours.slice(-11)));
    await refused({ run: 'table', data: 'short.csv' }, /short\.csv: has 11 rows, and a forecast reads 12/);
    place.write('column.csv', 'time,a\n2020-01-01,1\n');
    await refused({ run: 'table', data: 'column.csv' }, /column\.csv:1: b: must be a column of the file/);
    place.write('number.csv', csv(hours.slice(0, 12)).replace('40,-2', ',-2'));
    await refused({ run: 'table', data: 'number.csv' }, /number\.csv:2: a: must be a number/);
    await refused({ run: 'table', data: 'table.csv', targets: 'last' }, /--targets has no meaning for a run on a table/);
    const { code, stdout, stderr } = await predict('table', '--data', 'short.csv');
    assert.deepEqual({ code, stdout, lines: stderr.trimEnd().split('\n').length }, { code: 2, stdout: '', lines: 1 });
  });
});

describe('a run on a table with gaps, the calendar, and windows relative to now', () => {
  const horizon = 3;
  const split = [120, 60, 60];
  // Two rows are missing, and a number in each of three others; of those that are predicted in the validation part, none.
  const gaps = hours.filter((_, t) => t !== 30 && t !== 31);
  const gapped = csv(gaps).replace(/^(2020-01-0[23] 05:00:00),[^,]+/gm, '$1,');
  const data = {
    ...{
      kind: 'table',
      path: 'gaps.csv.gz',
      time: 'time',
      inputs: ['a', 'b'],
      target: 'a',
      window: 8,
      horizon,
      split,
    },
    ...{
      relative: true,
      missing: 'linear',
      calendar: ['hourOfDay', 'dayOfWeek'],
    },
  };
  let answer: Awaited<ReturnType<typeof trainRun>>;
  before(async () => {
    writeFileSync(place.path('gaps.csv.gz'), gzipSync(gapped));
    const model = { cell: 'gru', hiddenSize: 5 };
    const experiment = readExperiment(
      JSON.stringify({
        name: 'gaps',
        data,
        model,
        training: { updates: 40, batchSize: 8 },
      }),
      'gaps.json',
    );
    const source = {
      experiment,
      folder: place.folder,
      runPath: place.path('gaps'),
    };
    answer = await trainRun({
      source,
      backend: scalarBackend(),
      reason: 'asked for',
    });
  });

  test('what was filled is counted, and the naive predictors are scored on the test part too', () => {
    const { description } = answer.data;
    assert.deepEqual(description.kind === 'table' && description.filled, {
      numbers: { a: 4, b: 2 },
      rows: 2,
    });
    assert.deepEqual(
      answer.result.baselines.map(({ name, test: ofTest }) => [name, Number.isFinite(ofTest)]),
      [
        ['lastValue', true],
        ['seasonal', true],
      ],
    );
  });

  for (const [kind, name] of [
    ['gzipped CSV', 'gaps.csv.gz'],
    ['Parquet', 'gaps.parquet'],
  ]) {
    test(`forecasts from ${kind} have the loss that training found`, async () => {
      const fields = gapped
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((row) => row.split(','));
      const number = (text: string) => (text === '' ? null : Number(text));
      const columnData = [
        {
          name: 'time',
          data: fields.map(([time]) => time),
          type: 'STRING' as const,
        },
        {
          name: 'b',
          data: fields.map(([, , b]) => number(b)),
          type: 'DOUBLE' as const,
        },
        {
          name: 'a',
          data: fields.map(([, a]) => number(a)),
          type: 'DOUBLE' as const,
        },
      ];
      writeFileSync(place.path('gaps.parquet'), new Uint8Array(parquetWriteBuffer({ columnData })));
      const predicted = await predictRun({
        run: place.path('gaps'),
        data: place.path(name),
        backend: scalarBackend(),
        every: true,
      });
      assert.equal(predicted.kind, 'table');
      const known = new Map(hours.map(({ time, a }, row) => [time, { row, a }]));
      const { description, train } = answer.data;
      const deviation = description.kind === 'table' ? description.deviations.a : Number.NaN;
      let squares = 0;
      let count = 0;
      for (const { origin, time, forecast } of predicted.values as Iterable<ForecastValue>) {
        const from = known.get(String(origin))!.row;
        if (from + 1 < split[0] || from + horizon >= split[0] + split[1]) continue;
        squares += ((forecast - known.get(String(time))!.a) / deviation) ** 2;
        count++;
      }
      assert.equal(train.input.size, 2 + 4);
      assert.equal(count, (split[1] - horizon + 1) * horizon);
      const found = answer.result.best!.validation;
      assert.ok(Math.abs(squares / count - found) < 1e-6 * found, `${squares / count} and ${found}`);
    });
  }
});

describe('a run on sequences', () => {
  let best = Number.NaN;
  before(async () => {
    place.write('train.ndjson', ndjson(lines));
    place.write('validation.ndjson', ndjson(lines.slice(0, 20)));
    const files = { train: 'train.ndjson', validation: 'validation.ndjson' };
    best = (
      await train('sequences', {
        kind: 'sequences',
        ...files,
        loss: 'mse',
        standardize: true,
      })
    ).best.validation;
  });

  test('predictions of the validation file, in its own unit, have the loss that training found; y need not be there', async () => {
    // Of every other line.
    place.write('inputs.ndjson', ndjson(lines.slice(0, 20).map(({ x, y }, n) => (n % 2 === 0 ? { x } : { x, y }))));
    const { code, stdout, stderr } = await predict('sequences', '--data', 'inputs.ndjson');
    assert.equal(code, 0, stderr);
    const targets = lines.flatMap(({ y }) => y);
    const mean = targets.reduce((sum, y) => sum + y, 0) / targets.length;
    const variance = targets.reduce((sum, y) => sum + (y - mean) ** 2, 0) / targets.length;
    const predicted = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { y: number[] });
    assert.deepEqual(
      predicted.map(({ y }) => y.length),
      lines.slice(0, 20).map(({ y }) => y.length),
    );
    const squares = predicted.flatMap(({ y }, n) => y.map((value, t) => (value - lines[n].y[t]) ** 2 / variance));
    const loss = squares.reduce((sum, square) => sum + square, 0) / squares.length;
    assert.ok(Math.abs(loss - best) < 1e-5 * best, `${loss} and ${best}`);
    const last = (await predict('sequences', '--data', 'inputs.ndjson', '--targets', 'last')).stdout.trimEnd().split('\n');
    assert.deepEqual(
      last.map((line) => JSON.parse(line).y),
      predicted.map(({ y }) => y.at(-1)),
    );
  });

  test('inputs that do not fit are refused in a sentence', async () => {
    place.write('wide.ndjson', '{"x": [[1, 2]]}\n{"x": [[1, 2, 3]]}\n');
    await refused({ run: 'sequences', data: 'wide.ndjson' }, /wide\.ndjson:2: x\[0\]: must have 2 numbers, as the network has, got 3/);
    await refused({ run: 'sequences', data: 'train.ndjson', every: true }, /--every has no meaning for a run on sequences/);
    await refused({ run: 'nothing', data: 'train.ndjson' }, /nothing: is not a run directory/);
  });

  test('classes come with the probability of each', async () => {
    await train('recall', {
      kind: 'task',
      name: 'recall',
      lag: 2,
      symbols: 4,
      trainSequences: 100,
      validationSequences: 20,
    });
    place.write('symbols.ndjson', '{"x": [1, 2, 3]}\n{"x": [0, 0, 0, 1, 3]}\n');
    const { code, stdout, stderr } = await predict('recall', '--data', 'symbols.ndjson');
    assert.equal(code, 0, stderr);
    for (const line of stdout.trimEnd().split('\n')) {
      const { y, p } = JSON.parse(line) as { y: number; p: number[] };
      assert.equal(p.length, 4);
      assert.ok(Math.abs(p.reduce((sum, each) => sum + each, 0) - 1) < 1e-12);
      assert.equal(p[y], Math.max(...p));
    }
  });
});

describe('a run on text', () => {
  const text = 'the cat sat on the mat.\n'.repeat(60);
  before(async () => {
    place.write('text.txt', text);
    await train(
      'text',
      { kind: 'text', path: 'text.txt', split: 0.8 },
      { cell: 'gru', hiddenSize: 24 },
      { updates: 250, bptt: { k1: 12, k2: 12 } },
    );
  });
  const generate = (...args: string[]) => throughtime(['generate', 'text', ...args], { cwd: place.folder });

  test('it goes on with a prompt as the text does; the same seed gives the same text', async () => {
    const said = await generate('--prompt', 'the cat ', '--length', '40', '--temperature', '0.1');
    assert.equal(said.code, 0, said.stderr);
    assert.equal(said.stdout, `${text.slice(0, 48)}\n`);
    const { stdout } = await generate('--seed', '7', '--temperature', '2', '--length', '60', '--backend', 'scalar', '--json');
    const { text: first, prompt } = JSON.parse(stdout) as {
      text: string;
      prompt: string;
    };
    assert.equal(first.length, 60);
    const request = {
      run: place.path('text'),
      prompt,
      length: 60,
      temperature: 2,
      backend: scalarBackend(),
    };
    assert.equal((await generateText({ ...request, seed: 7 })).text, first);
    assert.notEqual((await generateText({ ...request, seed: 8 })).text, first);
  });

  test('what cannot be done is refused in a sentence', async () => {
    const wrong = (run: string, prompt: string, message: RegExp) => {
      const request = {
        run: place.path(run),
        prompt,
        length: 1,
        temperature: 1,
        seed: 0,
        backend: scalarBackend(),
      };
      return assert.rejects(generateText(request), { kind: 'input', message });
    };
    await wrong('text', 'the dog', /prompt: has the character "d", which was not in the text/);
    await wrong('text', '', /needs a prompt of at least one symbol/);
    await wrong('sequences', 'a', /only one on text can write/);
    await refused({ run: 'text', data: 'text.txt' }, /continues a text; use: throughtime generate/);
    assert.equal((await generate('--temperature', '0')).code, 2);
  });
});
