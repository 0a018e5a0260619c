import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Backend } from '../compute/backend.ts';
import { allocateBatch } from '../network/batch.ts';
import { heldBytes } from './byteSource.ts';
import type { DataParts, Dataset } from './dataset.ts';
import { RowLines } from './rowLines.ts';
import { type ByteSink, RowStore, type RowStoreOptions } from './rowStore.ts';
import { neededColumns, TableBuilder, type TableColumns, type TableOptions, tableData } from './table.ts';

const memory = {
  allocate: (length: number) => new Float64Array(length),
  allocateIndices: (length: number) => new Int32Array(length),
} as unknown as Backend;

/** A file that is an array, and whether it has been closed. */
function arraySink(): ByteSink & { closed: boolean } {
  let bytes = new Uint8Array(0);
  return {
    closed: false,
    write(piece) {
      const longer = new Uint8Array(bytes.length + piece.length);
      longer.set(bytes);
      longer.set(piece, bytes.length);
      bytes = longer;
    },
    finish: () => heldBytes(bytes),
    close() {
      this.closed = true;
    },
  };
}

/** The table's rows one by one. */
function built(table: TableColumns, options: TableOptions, store: RowStoreOptions): DataParts {
  const { numbers, texts } = neededColumns(options);
  const builder = new TableBuilder(options, table.file, store);
  for (let row = 0; row < table.lines.length; row++) {
    builder.add(
      numbers.map((name) => table.numbers[name][row]),
      table.lines[row],
      texts.length > 0 ? table.texts[texts[0]][row] : undefined,
    );
  }
  return builder.finish();
}

/** Every window of every sequence, with its targets. */
function everything(data: Dataset) {
  const T = data.length(0);
  const sequences = Array.from({ length: data.count }, (_, n) => n);
  const batch = allocateBatch(memory, data.input, data.target, T, data.count);
  data.copy({ sequences, begin: 0, end: T, countFrom: 0 }, batch);
  return { ...batch };
}

/** The same sequences one by one in another order, so that nothing is read on from the one before. */
function oneByOne(data: Dataset) {
  const T = data.length(0);
  const all = Array.from({ length: data.count }, (_, n) => (n * 7 + 3) % data.count);
  return all.map((sequence) => {
    const batch = allocateBatch(memory, data.input, data.target, T, 1);
    for (const begin of [0, T >> 1]) data.copy({ sequences: [sequence], begin, end: T, countFrom: begin }, batch);
    return { ...batch };
  });
}

const hour = 3_600_000;
const tables = fc
  .record({
    rows: fc.integer({ min: 24, max: 90 }),
    values: fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 5, maxLength: 40 }),
    blank: fc.nat(3),
  })
  .map(({ rows, values, blank }): TableColumns => {
    const column = (factor: number) => Float64Array.from({ length: rows }, (_, row) => values[(row * factor) % values.length] + row);
    return {
      file: 't.csv',
      lines: Array.from({ length: rows }, (_, row) => row + 2 + (row > 10 ? blank : 0)),
      numbers: { a: column(1), b: column(3), c: column(7) },
      texts: { date: Array.from({ length: rows }, (_, row) => new Date(row * hour).toISOString()) },
    };
  });

describe('a table whose rows are in a file', () => {
  test('gives the data sets, statistics and baselines of the same table in memory', () => {
    fc.assert(
      fc.property(
        tables,
        fc.constantFrom(['a'], ['b', 'a'], ['a', 'b', 'c']),
        fc.constantFrom('a', 'c'),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        fc.constantFrom(undefined, 2, 5),
        fc.constantFrom(undefined, 'date'),
        (table, inputs, target, window, horizon, standardize, season, time) => {
          const options: TableOptions = { kind: 'table', inputs, target, window, horizon, standardize, season, time };
          const expected = tableData(table, options);
          const inFile = built(table, options, { held: 0, spill: arraySink });
          assert.deepEqual(inFile.description, expected.description);
          assert.deepEqual(inFile.baselines, expected.baselines);
          for (const part of ['train', 'validation', 'test'] as const) {
            assert.deepEqual(everything(inFile[part]!), everything(expected[part]!));
            assert.deepEqual(oneByOne(inFile[part]!), oneByOne(expected[part]!));
          }
          assert.ok(inFile.close && !expected.close);
        },
      ),
      { numRuns: 120 },
    );
  });

  test('rows go to the file once they are too many for the memory, those before too', () => {
    const C = 3;
    // A block is 2^20 bytes, here 43,690 rows; two of them are allowed.
    const rows = 200_000;
    let sinks = 0;
    const store = (held: number) => {
      const made = new RowStore(C, {
        held,
        spill: () => {
          sinks++;
          return arraySink();
        },
      });
      for (let row = 0; row < rows; row++) made.add([row, -row, row * row]);
      return made;
    };
    const place = () => ({ file: 't.csv', line: 0, field: 'a' });
    const [inMemory, inFile] = [store(rows * C * 8), store(2 ** 21)];
    assert.deepEqual([inMemory.spilled, inFile.spilled, sinks], [false, true, 1]);
    const [expected, actual] = [inMemory, inFile].map((each) => each.finish(rows / 2, place));
    assert.deepEqual(actual.moments, expected.moments);
    const read = [new Float64Array(5000 * C), new Float64Array(5000 * C)];
    for (const from of [0, 43_000, 43_690, 100_000, 4000, 8999, rows - 5000]) {
      expected.rows.read(from, 5000, read[0]);
      actual.rows.read(from, 5000, read[1]);
      assert.deepEqual(read[1], read[0]);
    }
  });

  test('a value too large to be standardised is refused in the same words, and the file is closed', () => {
    const lines = Array.from({ length: 40 }, (_, row) => row + 2 + (row > 20 ? 4 : 0));
    const b = Float64Array.from(lines, (line) => line % 2).fill(3e38, 30, 31);
    const table: TableColumns = { file: 't.csv', lines, numbers: { a: Float64Array.from(lines), b }, texts: {} };
    const options: TableOptions = { kind: 'table', inputs: ['a', 'b'], target: 'a', window: 2, horizon: 1, split: [20, 10, 10] };
    const sink = arraySink();
    const message = /^t\.csv:36: b: this value is 3e\+38, which after standardisation by mean 0\.5 and deviation 0\.5 is not finite/;
    assert.throws(() => tableData(table, options), { code: 'DATA_INVALID', message });
    assert.throws(() => built(table, options, { held: 0, spill: () => sink }), { code: 'DATA_INVALID', message });
    assert.ok(sink.closed);
    b[30] = Number.NaN;
    assert.throws(() => tableData(table, options), { code: 'DATA_INVALID', message: /^t\.csv:36: b: this value is NaN/ });
  });

  test('the line of every row is known, whatever the rows are apart', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 60 }), (steps) => {
        const known = new RowLines();
        let line = 1;
        const lines = steps.map((step) => {
          line += step;
          return line;
        });
        for (const each of lines) known.add(each);
        assert.deepEqual(
          lines.map((_, row) => known.of(row)),
          lines,
        );
      }),
    );
  });
});
