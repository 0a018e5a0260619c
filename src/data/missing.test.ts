import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../compute/backend.ts';
import { allocateBatch } from '../network/batch.ts';
import type { Dataset } from './dataset.ts';
import { type TableColumns, type TableOptions, tableData } from './table.ts';

const memory = {
  allocate: (length: number) => new Float64Array(length),
  allocateIndices: (length: number) => new Int32Array(length),
} as unknown as Backend;

/** All rows that the windows of some data read, one column after the other; windows of one row. */
function columnsOf(data: Dataset): number[][] {
  const rows = Array.from({ length: data.count }, (_, n) => {
    const batch = allocateBatch(memory, data.input, data.target, 1, 1);
    data.copy({ sequences: [n], begin: 0, end: 1, countFrom: 0 }, batch);
    return [...batch.vectors];
  });
  return Array.from({ length: data.input.size }, (_, column) => rows.map((row) => row[column]));
}

const hour = 3_600_000;
const iso = (ms: number) => new Date(ms).toISOString();

function table(a: readonly number[], dates?: readonly string[]): TableColumns {
  const lines = a.map((_, row) => row + 2);
  return {
    file: 't.csv',
    lines,
    numbers: { a: Float64Array.from(a) },
    texts: dates ? { date: dates } : {},
  };
}

const plain: TableOptions = {
  kind: 'table',
  inputs: ['a'],
  target: 'a',
  window: 1,
  horizon: 1,
  split: [0.5, 0.5],
  standardize: false,
};
/** What is read of the first half of some rows, the last of them aside. */
const read = (columns: TableColumns, options: Partial<TableOptions>) => columnsOf(tableData(columns, { ...plain, ...options }).train);

const N = Number.NaN;

describe('missing numbers', () => {
  const values = [1, N, N, 4, 5, N, 9, 1, 1, 1, 1, 1, 1, 1];
  test('the one before', () => {
    const data = tableData(table(values), { ...plain, missing: 'previous' });
    assert.deepEqual(columnsOf(data.train), [[1, 1, 1, 4, 5, 5]]);
    assert.deepEqual(data.description.kind === 'table' && data.description.filled, { numbers: { a: 3 }, rows: 0 });
  });
  test('the line between the neighbours', () => assert.deepEqual(read(table(values), { missing: 'linear' }), [[1, 2, 3, 4, 5, 7]]));
  test('a number', () => assert.deepEqual(read(table(values), { missing: -2 }), [[1, -2, -2, 4, 5, -2]]));
  test('columns have gaps of their own', () => {
    const both: TableColumns = {
      ...table([1, N, 3, N, N, 6, 0, 0, 0, 0, 0, 0, 0, 0]),
      numbers: {
        a: Float64Array.from([1, N, 3, N, N, 6, 0, 0, 0, 0, 0, 0, 0, 0]),
        b: Float64Array.from([0, N, N, N, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8]),
      },
    };
    assert.deepEqual(read(both, { inputs: ['a', 'b'], missing: 'linear' }), [
      [1, 2, 3, 4, 5, 6],
      [0, 2, 4, 6, 8, 8],
    ]);
  });
  test('what cannot be filled is refused with its line', () => {
    for (const missing of ['previous', 'linear'] as const) {
      assert.throws(() => tableData(table([N, 1, 2, 3]), { ...plain, missing }), {
        message: /^t\.csv:2: a: is missing, and there is none before it/,
      });
    }
    assert.throws(() => tableData(table([1, 2, N, N]), { ...plain, missing: 'linear' }), {
      message: /^t\.csv:4: a: is missing up to the last row/,
    });
    assert.throws(() => tableData(table([1, 2]), { ...plain, missing: 'mean' as 'linear' }), {
      message: /^data\.missing: must be "refuse"/,
    });
  });
});

describe('missing rows', () => {
  const at = (hours: readonly number[]) => hours.map((each) => iso(each * hour));
  const dated = table([0, 1, 4, 5, 6, 7, 8, 9], at([0, 1, 4, 5, 6, 7, 8, 9]));
  test('are filled where the times say so, and counted', () => {
    const data = tableData(dated, {
      ...plain,
      time: 'date',
      missing: 'linear',
    });
    assert.deepEqual(columnsOf(data.train), [[0, 1, 2, 3]]);
    assert.deepEqual(data.description.kind === 'table' && data.description.filled, { numbers: { a: 2 }, rows: 2 });
  });
  test('are refused else, and where they are no whole number', () => {
    assert.throws(() => tableData(dated, { ...plain, time: 'date' }), {
      message: /^t\.csv:4: date: must come 3600 seconds .* or let data\.missing do it/,
    });
    const uneven = table([0, 1, 2, 3], at([0, 1, 2.5, 3]));
    assert.throws(() => tableData(uneven, { ...plain, time: 'date', missing: 0 }), { message: /^t\.csv:4: date: must come 3600 seconds/ });
    const far = table([0, 1, 2, 3], at([0, 1, 5000, 5001]));
    assert.throws(() => tableData(far, { ...plain, time: 'date', missing: 0 }), { message: /comes 4998 rows after the row before/ });
  });
  test('daylight saving time is said where times have no zone, and is none where they have', () => {
    const naive = ['2024-10-27 01:00', '2024-10-27 02:00', '2024-10-27 02:00', '2024-10-27 03:00'];
    assert.throws(() => tableData(table([0, 1, 2, 3], naive), { ...plain, time: 'date' }), {
      message: /^t\.csv:4: .* daylight saving time/,
    });
    const zoned = ['2024-10-27T01:00+02:00', '2024-10-27T02:00+02:00', '2024-10-27T02:00+01:00', '2024-10-27T03:00+01:00'];
    assert.doesNotThrow(() => tableData(table([0, 1, 2, 3], zoned), { ...plain, time: 'date' }));
    const mixed = ['2024-10-27T01:00Z', '2024-10-27T02:00'];
    assert.throws(() => tableData(table([0, 1], mixed), { ...plain, time: 'date' }), { message: /must all say their zone or none/ });
  });
});

describe('calendar', () => {
  const sines = (columns: TableColumns, calendar: TableOptions['calendar']) => read(columns, { time: 'date', calendar }).slice(1);
  const close = (actual: readonly number[], expected: readonly number[]) => {
    assert.equal(actual.length, expected.length);
    for (const [n, value] of actual.entries()) assert.ok(Math.abs(value - expected[n]) < 1e-12, `${actual} ${expected}`);
  };
  const rows = (first: number, step: number, write = iso) => {
    const all = Array.from({ length: 10 }, (_, n) => n);
    return table(
      all,
      all.map((n) => write(first + n * step)),
    );
  };
  test('hours go round in a day, by the clock of the timestamps', () => {
    const [sine, cosine] = sines(rows(Date.UTC(2024, 0, 1), 6 * hour), ['hourOfDay']);
    close(sine, [0, 1, 0, -1]);
    close(cosine, [1, 0, -1, 0]);
    // 06:00 on a clock that is six hours ahead is midnight, UTC.
    const ahead = (ms: number) => iso(ms + 6 * hour).replace('Z', '+06:00');
    close(sines(rows(Date.UTC(2024, 0, 1), 6 * hour, ahead), ['hourOfDay'])[0], [1, 0, -1, 0]);
  });
  test('days go round in a week from Monday, and in a year of its own length', () => {
    // 2024 begins with a Monday, and has 366 days.
    const [sine, cosine, yearly] = sines(rows(Date.UTC(2024, 0, 1), 24 * hour), ['dayOfWeek', 'dayOfYear']);
    close(
      sine,
      [0, 1, 2, 3].map((n) => Math.sin((2 * Math.PI * n) / 7)),
    );
    close(
      cosine,
      [0, 1, 2, 3].map((n) => Math.cos((2 * Math.PI * n) / 7)),
    );
    close(
      yearly,
      [0, 1, 2, 3].map((n) => Math.sin((2 * Math.PI * n) / 366)),
    );
  });
  test('needs times, and known names', () => {
    assert.throws(() => tableData(table([1, 2]), { ...plain, calendar: ['hourOfDay'] }), { message: /has no meaning without data\.time/ });
    const unknown = ['week'] as unknown as ['hourOfDay'];
    assert.throws(() => tableData(rows(0, hour), { ...plain, time: 'date', calendar: unknown }), {
      message: /must be an array of some of "hourOfDay"/,
    });
  });
});

test('a split by the times when parts end', () => {
  const all = Array.from({ length: 20 }, (_, n) => n);
  const dated = table(
    all,
    all.map((n) => iso(n * hour)),
  );
  const counts = (split: readonly string[]) => {
    const { train, validation, test: last } = tableData(dated, { ...plain, time: 'date', split });
    return [train.count, validation.count, last?.count];
  };
  assert.deepEqual(counts([iso(10 * hour), iso(15 * hour), iso(18 * hour)]), [9, 5, 3]);
  // Between two rows, and up to the end.
  assert.deepEqual(counts([iso(9.5 * hour), iso(20 * hour)]), [9, 10, undefined]);
  assert.throws(() => counts([iso(10 * hour), iso(21 * hour)]), {
    code: 'DATA_TOO_SHORT',
    message: /ends before 1970-01-01T21:00/,
  });
  assert.throws(() => counts([iso(10 * hour), iso(10 * hour)]), {
    message: /must be ascending times/,
  });
  assert.throws(() => tableData(dated, { ...plain, split: ['1970-01-01', '1970-01-02'] }), { message: /without data\.time/ });
});

test('windows relative to their newest row', () => {
  const columns: TableColumns = {
    ...table([1, 2, 4, 8, 16, 32, 64, 128]),
    numbers: {
      a: Float64Array.from([1, 2, 4, 8, 16, 32, 64, 128]),
      b: Float64Array.from([5, 4, 3, 2, 1, 0, -1, -2]),
    },
  };
  const options: TableOptions = {
    ...plain,
    inputs: ['b', 'a'],
    window: 3,
    horizon: 2,
    relative: true,
    split: [6, 2],
  };
  const { train, baselines } = tableData(columns, options);
  const batch = allocateBatch(memory, train.input, train.target, 3, 1);
  train.copy({ sequences: [1], begin: 0, end: 3, countFrom: 0 }, batch);
  // Rows 1 to 3, and the targets of rows 4 and 5, against row 3: b = 2, a = 8.
  assert.deepEqual([...batch.vectors], [2, -6, 1, -4, 0, 0]);
  assert.deepEqual([...batch.values.subarray(0, 2)], [8, 24]);
  // A window that does not hold the newest row is relative to it all the same.
  const part = allocateBatch(memory, train.input, train.target, 1, 1);
  train.copy({ sequences: [1], begin: 1, end: 2, countFrom: 1 }, part);
  assert.deepEqual([[...part.vectors], part.counted], [[1, -4], 0]);
  // The naive predictors' errors are those of the values: 64 and 128 against 32.
  assert.equal(baselines[0].loss, (32 ** 2 + 96 ** 2) / 2);
  assert.throws(() => tableData(columns, { ...options, inputs: ['b'] }), {
    message: /^data\.relative: needs the newest value of the target "a"/,
  });
});
