import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backend } from '../compute/backend.ts';
import { allocateBatch } from '../network/batch.ts';
import type { Dataset } from './dataset.ts';
import { neededColumns, type TableColumns, type TableOptions, tableData } from './table.ts';
import { parseTime } from './time.ts';

const memory = {
  allocate: (length: number) => new Float64Array(length),
  allocateIndices: (length: number) => new Int32Array(length),
} as unknown as Backend;

const hour = 3_600_000;

/** Columns `a` = row, `b` = 100 + row, hourly times; line = row + 2. */
function table(rows: number, change: Partial<TableColumns> = {}): TableColumns {
  const all = Array.from({ length: rows }, (_, row) => row);
  return {
    file: 't.csv',
    lines: all.map((row) => row + 2),
    numbers: { a: Float64Array.from(all), b: Float64Array.from(all, (row) => 100 + row) },
    texts: { date: all.map((row) => new Date(Date.UTC(2020, 1, 28) + row * hour).toISOString().slice(0, 19).replace('T', ' ')) },
    ...change,
  };
}

const options: TableOptions = { kind: 'table', inputs: ['a'], target: 'b', window: 3, horizon: 2, split: [10, 5, 4], standardize: false };

/** The inputs and the targets of one sequence. */
function sequence(data: Dataset, n: number): { inputs: number[]; targets: number[] } {
  const T = data.length(n);
  const batch = allocateBatch(memory, data.input, data.target, T, 1);
  data.copy({ sequences: [n], begin: 0, end: T, countFrom: 0 }, batch);
  assert.deepEqual([batch.counted, batch.rows[0]], [1, T - 1]);
  return { inputs: [...batch.vectors], targets: [...batch.values.subarray(0, data.target.size)] };
}

test('windows: every target row inside its part, inputs of a later part from before it', () => {
  const { train, validation, test: last } = tableData(table(20), options);
  // Training predicts rows 3..9 in pairs: 3-4 to 8-9. Validation rows 10..14: 10-11 to 13-14. Test rows 15..18.
  assert.deepEqual([train.count, validation.count, last!.count], [6, 4, 3]);
  assert.deepEqual(sequence(train, 0), { inputs: [0, 1, 2], targets: [103, 104] });
  assert.deepEqual(sequence(train, 5), { inputs: [5, 6, 7], targets: [108, 109] });
  assert.deepEqual(sequence(validation, 0), { inputs: [7, 8, 9], targets: [110, 111] });
  assert.deepEqual(sequence(validation, 3), { inputs: [10, 11, 12], targets: [113, 114] });
  assert.deepEqual(sequence(last!, 0), { inputs: [12, 13, 14], targets: [115, 116] });
});

test('shares of the rows, rounded at each boundary; the default is 60, 20 and 20 percent', () => {
  const counts = (split?: number[]) => {
    const parts = tableData(table(50), { ...options, split });
    return [parts.train.count, parts.validation.count, parts.test?.count];
  };
  // 30, 10 and 10 rows: 30 - 3 - 2 + 1 and 10 - 2 + 1 windows.
  assert.deepEqual(counts(), [26, 9, 9]);
  assert.deepEqual(counts([0.7, 0.1, 0.2]), [31, 4, 9]);
  assert.deepEqual(counts([0.5, 0.5]), [21, 24, undefined]);
});

test('means and deviations are those of the training rows alone', () => {
  const first = table(20);
  const changed = table(20);
  changed.numbers.b.fill(1e6, 10);
  const [one, other] = [first, changed].map((columns) => tableData(columns, { ...options, inputs: ['b', 'a'], standardize: true }));
  assert.deepEqual(one.description, other.description);
  // Rows 0..9 have mean 4.5 and variance (100 - 1) / 12.
  assert.deepEqual(one.description, {
    kind: 'table',
    inputs: ['b', 'a'],
    target: 'b',
    window: 3,
    horizon: 2,
    means: { a: 4.5, b: 104.5 },
    deviations: { a: Math.sqrt(8.25), b: Math.sqrt(8.25) },
  });
  for (let n = 0; n < one.train.count; n++) assert.deepEqual(sequence(one.train, n), sequence(other.train, n));
  assert.deepEqual(
    [...first.numbers.b],
    Array.from({ length: 20 }, (_, row) => 100 + row),
    'the given columns are not changed',
  );
});

test('baselines: the last value repeated, and the newest value of the same phase', () => {
  // On a ramp, the last value is 1 and 2 short; the value of 4 rows before is 4 short at both.
  const ramp = tableData(table(20), { ...options, season: 4 });
  assert.deepEqual(ramp.baselines, [
    { name: 'lastValue', loss: (1 + 4) / 2, test: (1 + 4) / 2 },
    { name: 'seasonal', loss: 16, test: 16 },
  ]);
  // A season shorter than the horizon is repeated: period 2 is then exact over 5 steps.
  const alternating = table(20, { numbers: { a: new Float64Array(20), b: Float64Array.from({ length: 20 }, (_, row) => row % 2) } });
  const seasonal = tableData(alternating, { ...options, horizon: 5, season: 2, split: [10, 5] }).baselines;
  assert.deepEqual(seasonal, [
    { name: 'lastValue', loss: 3 / 5 },
    { name: 'seasonal', loss: 0 },
  ]);
});

test('the season is a day where the times say so', () => {
  const names = (columns: TableColumns, time?: string) =>
    tableData(columns, { ...options, time, split: [0.6, 0.4] }).baselines.map((baseline) => baseline.name);
  assert.deepEqual(names(table(100), 'date'), ['lastValue', 'seasonal']);
  assert.deepEqual(names(table(100)), ['lastValue']);
  // 30 rows: the validation part begins at row 18, before a day has passed.
  assert.deepEqual(names(table(30), 'date'), ['lastValue']);
});

test('times are UTC, and must rise evenly', () => {
  assert.equal(parseTime('2016-07-01 00:00:00'), Date.UTC(2016, 6, 1));
  assert.equal(parseTime('2016-07-01'), Date.UTC(2016, 6, 1));
  assert.equal(parseTime('2016-07-01T13:05'), Date.UTC(2016, 6, 1, 13, 5));
  assert.equal(parseTime('2016-07-01T13:00:00.5Z'), Date.UTC(2016, 6, 1, 13, 0, 0, 500));
  assert.equal(parseTime('2016-07-01T13:00+02:00'), Date.UTC(2016, 6, 1, 11));
  assert.equal(parseTime('0050-01-01'), Date.parse('0050-01-01T00:00:00Z'));
  for (const text of ['', '2016-02-30', '2016-13-01', '2016-07-01 24:00', '1/7/2016', '2016-07-01 00:00:00 ', '1467331200']) {
    assert.equal(parseTime(text), undefined, text);
  }
  const dates = [...table(20).texts.date];
  const withDate = (row: number, text: string) => () =>
    tableData(table(20, { texts: { date: dates.with(row, text) } }), { ...options, time: 'date' });
  assert.throws(withDate(7, 'yesterday'), { code: 'DATA_INVALID', message: /^t.csv:9: date: must be a time/ });
  assert.throws(withDate(7, dates[6]), { code: 'DATA_INVALID', message: /^t.csv:9: date: must be later/ });
  assert.throws(withDate(19, '2020-03-01 00:00:00'), { code: 'DATA_INVALID', message: /^t.csv:21: date: must come 3600 seconds/ });
});

test('a part without a window is refused with its numbers', () => {
  const short = (split: number[]) => () => tableData(table(20), { ...options, split });
  assert.throws(short([4, 5]), {
    code: 'DATA_TOO_SHORT',
    message: /t.csv: has 20 rows, 4 of them in the training part, which needs at least 5/,
  });
  assert.throws(short([10, 1]), { code: 'DATA_TOO_SHORT', message: /1 of them in the validation part, which needs at least 2/ });
  assert.throws(short([10, 5, 6]), { code: 'DATA_TOO_SHORT', message: /asks for 21/ });
});

test('options that are not allowed are refused with their field', () => {
  const cases: [object, string][] = [
    [{ inputs: [] }, 'data.inputs'],
    [{ inputs: 'a' }, 'data.inputs'],
    [{ inputs: ['a', 'a'] }, 'data.inputs'],
    [{ target: undefined }, 'data.target'],
    [{ time: 'a' }, 'data.time'],
    [{ window: 0 }, 'data.window'],
    [{ horizon: 1.5 }, 'data.horizon'],
    [{ split: [1] }, 'data.split'],
    [{ split: [0.6, 0.6] }, 'data.split'],
    [{ split: [0.5, 10] }, 'data.split'],
    [{ split: [0.6, 0] }, 'data.split'],
    [{ season: 1 }, 'data.season'],
    [{ season: 11 }, 'data.season'],
    [{ lag: 1 }, 'data.lag'],
  ];
  for (const [change, field] of cases) {
    assert.throws(
      () => tableData(table(20), { ...options, ...change } as TableOptions),
      (error: { code?: string; place?: { field?: string } }) => error.code === 'EXPERIMENT_INVALID' && error.place?.field === field,
      JSON.stringify(change),
    );
  }
  assert.throws(() => tableData(table(20), { ...options, target: 'c' }), { code: 'DATA_INVALID', message: /^t.csv: c: / });
  assert.deepEqual(neededColumns({ ...options, time: 'date', inputs: ['a', 'b'] }), {
    numbers: ['a', 'b'],
    texts: ['date'],
    missing: false,
  });
});
