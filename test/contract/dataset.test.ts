import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Backend } from '../../src/compute/backend.ts';
import { heldBytes } from '../../src/data/byteSource.ts';
import type { DataParts, Dataset } from '../../src/data/dataset.ts';
import { sequencesData } from '../../src/data/sequences.ts';
import { neededColumns, TableBuilder, type TableColumns, type TableOptions, tableData } from '../../src/data/table.ts';
import type { TaskOptions } from '../../src/data/task/task.ts';
import { makeTask } from '../../src/data/task/tasks.ts';
import { indexedText, textData } from '../../src/data/text.ts';
import { TextScan } from '../../src/data/textScan.ts';
import { allocateBatch, type Batch } from '../../src/network/batch.ts';

/** A batch's memory, all that a data set touches of a backend. */
const memory = {
  allocate: (length: number) => new Float64Array(length),
  allocateIndices: (length: number) => new Int32Array(length),
} as unknown as Backend;

const small = { trainSequences: 7, validationSequences: 4 };

/** Every kind of data set, made twice from the same options and once from another seed or text. */
const cases: Record<string, (seed: number) => DataParts | Promise<DataParts>> = {
  ...Object.fromEntries(
    (
      [
        { name: 'adding', length: 9 },
        { name: 'adding', length: [2, 12] },
        { name: 'copying', length: [1, 8], memory: 3 },
        { name: 'temporalOrder', length: [10, 17] },
        { name: 'recall', lag: 3 },
        { name: 'recall', lag: 3, length: [4, 11], read: 'every' },
        { name: 'parity', length: [1, 9] },
        { name: 'parity', length: 6, read: 'every' },
      ] as const
    ).map((task) => [
      `task ${JSON.stringify(task)}`,
      (seed: number) => makeTask({ kind: 'task', ...small, seed, ...task } as unknown as TaskOptions),
    ]),
  ),
  'sequences of vectors, a vector target at the last step': (seed) =>
    sequences('mse', [`{"x":[[${seed},2],[3,4]],"y":[1,2,3]}`, '{"x":[[5,6]],"y":[4,5,6]}', '{"x":[[7,8],[9,1],[2,3]],"y":[7,8,9]}']),
  'sequences of symbols, a class at some steps': (seed) =>
    sequences('crossEntropy', [`{"x":[${seed},2,3],"y":[null,1,0]}`, '{"x":[1,2],"y":[null,null]}', '{"x":[3,1,2,3],"y":[1,null,null,1]}']),
  'sequences of vectors, a vector target at some steps': (seed) =>
    sequences('binaryCrossEntropy', [`{"x":[[${seed}],[2]],"y":[[0,1],null]}`, '{"x":[[1],[0],[1]],"y":[null,[1,1],[0,0.5]]}']),
  text: (seed) =>
    textData(`${'wh'.repeat(seed)}y to be or not to be, that is the question: whether 'tis nobler in the mind`, { split: 0.6 }).streams(3),
  'text, read by position': (seed) => {
    const bytes = new TextEncoder().encode(
      `${'wh'.repeat(seed)}y to be or not to be, that is the question: whether ’tis nobler in the mind`,
    );
    const scan = new TextScan({ spacing: 3, mostAnchors: 8 });
    scan.add(bytes);
    return indexedText(heldBytes(bytes), scan.finish(), { split: 0.6 }).streams(3);
  },
  table: (seed) => tableData(waves(seed), { kind: 'table', inputs: ['a', 'b'], target: 'b', window: 5, horizon: 2 }),
  'table, rows in a file': (seed) => tableInFile(waves(seed), { kind: 'table', inputs: ['a', 'b'], target: 'b', window: 5, horizon: 2 }),
};

function sequences(loss: 'mse' | 'crossEntropy' | 'binaryCrossEntropy', lines: string[]): Promise<DataParts> {
  const source = { file: 'lines.ndjson', lines };
  return sequencesData({ train: source, validation: source, options: { kind: 'sequences', loss } });
}

function waves(seed: number): TableColumns {
  const lines = Array.from({ length: 40 }, (_, row) => row + 2);
  const wave = (period: number) => Float64Array.from(lines, (line) => Math.sin((seed + line) / period));
  return { file: 'waves.csv', lines, numbers: { a: wave(1), b: wave(3) }, texts: {} };
}

/** The rows as `TableBuilder` keeps them where there are too many for the memory. */
function tableInFile({ file, lines, numbers }: TableColumns, options: TableOptions): DataParts {
  const pieces: Uint8Array[] = [];
  const sink = {
    write: (piece: Uint8Array) => pieces.push(piece.slice()),
    finish: () => heldBytes(Buffer.concat(pieces)),
    close: () => {},
  };
  const builder = new TableBuilder(options, file, { held: 0, spill: () => sink });
  const names = neededColumns(options).numbers;
  for (let row = 0; row < lines.length; row++) {
    builder.add(
      names.map((name) => numbers[name][row]),
      lines[row],
    );
  }
  return builder.finish();
}

/** A copy of a window into a batch that was full of other numbers, with some room to spare. */
function copied(data: Dataset, sequenceIndices: number[], begin: number, end: number, countFrom: number): Batch {
  const batch = allocateBatch(memory, data.input, data.target, end - begin + 2, sequenceIndices.length + 1);
  for (const array of [batch.lengths, batch.vectors, batch.symbols, batch.rows, batch.classes, batch.values]) array.fill(77);
  data.copy({ sequences: sequenceIndices, begin, end, countFrom }, batch);
  return batch;
}

/** A batch as one record per (sequence, step): its input, and its target where one is counted. */
function records(batch: Batch, data: Dataset, begin: number): Map<string, unknown> {
  const { T, B, lengths } = batch;
  const targets = new Map<number, number[]>();
  const O = data.target.size;
  for (let n = 0; n < batch.counted; n++) {
    const target = data.target.kind === 'classes' ? [batch.classes[n]] : [...batch.values.subarray(n * O, (n + 1) * O)];
    targets.set(batch.rows[n], target);
  }
  const all = new Map<string, unknown>();
  for (let t = 0; t < T; t++) {
    for (let b = 0; b < B; b++) {
      if (t >= lengths[b]) continue;
      const row = t * B + b;
      const I = data.input.size;
      const input = data.input.kind === 'symbols' ? [batch.symbols[row]] : [...batch.vectors.subarray(row * I, (row + 1) * I)];
      all.set(`${b}:${begin + t}`, { input, target: targets.get(row) });
    }
  }
  return all;
}

const allOf = (data: Dataset) => Array.from({ length: data.count }, (_, n) => n);
const longest = (data: Dataset) => Math.max(...allOf(data).map((n) => data.length(n)));

function everything(data: Dataset): Map<string, unknown> {
  return records(copied(data, allOf(data), 0, longest(data), 0), data, 0);
}

for (const [name, make] of Object.entries(cases)) {
  describe(name, () => {
    test('any window holds what the copy of the whole holds there', async () => {
      for (const data of [(await make(1)).train, (await make(1)).validation]) {
        const T = longest(data);
        const whole = everything(data);
        const step = fc.nat({ max: T + 2 });
        const indices = fc.array(fc.nat({ max: data.count - 1 }), { minLength: 1, maxLength: 6 });
        fc.assert(
          fc.property(indices, step, step, step, (chosen, one, other, countFrom) => {
            const begin = Math.min(one, other);
            const end = Math.max(one, other);
            const batch = copied(data, chosen, begin, end, countFrom);
            assert.equal(batch.T, end - begin);
            assert.equal(batch.B, chosen.length);
            const expected = new Map<string, unknown>();
            chosen.forEach((sequence, b) => {
              assert.equal(batch.lengths[b], Math.max(0, Math.min(data.length(sequence), end) - begin));
              for (let t = begin; t < Math.min(end, data.length(sequence)); t++) {
                const { input, target } = whole.get(`${sequence}:${t}`) as { input: number[]; target?: number[] };
                expected.set(`${b}:${t}`, { input, target: t < countFrom ? undefined : target });
              }
            });
            assert.deepEqual(new Map([...records(batch, data, begin)].sort()), new Map([...expected].sort()));
          }),
          { numRuns: 40 },
        );
      }
    });

    test('rows ascend, lie inside their sequences, and hold finite numbers or indices in range', async () => {
      const { train } = await make(1);
      const batch = copied(train, allOf(train), 0, longest(train), 0);
      assert.ok(batch.counted > 0);
      for (let n = 0; n < batch.counted; n++) {
        if (n > 0) assert.ok(batch.rows[n] > batch.rows[n - 1]);
        assert.ok(Math.floor(batch.rows[n] / batch.B) < batch.lengths[batch.rows[n] % batch.B]);
        if (train.target.kind === 'classes') assert.ok(batch.classes[n] >= 0 && batch.classes[n] < train.target.size);
      }
      for (const { input } of records(batch, train, 0).values() as Iterable<{ input: number[] }>) {
        for (const value of input)
          assert.ok(train.input.kind === 'symbols' ? value >= 0 && value < train.input.size : Number.isFinite(value));
      }
    });

    test('where the targets alone are asked for, they are the same', async () => {
      const { train } = await make(1);
      const T = longest(train);
      for (const [begin, end] of [
        [0, T],
        [T >> 1, T],
        [0, T >> 1],
      ]) {
        const [expected, actual] = [false, true].map((targetsOnly) => {
          const batch = allocateBatch(memory, train.input, train.target, T, train.count);
          train.copy({ sequences: allOf(train), begin, end, countFrom: begin, targetsOnly }, batch);
          const { B, lengths, counted, rows, classes, values } = batch;
          return { T: batch.T, B, lengths, counted, rows, classes, values };
        });
        assert.deepEqual(actual, expected);
      }
    });

    test('padding is zero, and nothing is written beyond the window', async () => {
      const { train } = await make(1);
      const T = longest(train) + 2;
      const batch = copied(train, allOf(train), 0, T, 0);
      const { B, lengths } = batch;
      const I = train.input.kind === 'symbols' ? 1 : train.input.size;
      const inputs = train.input.kind === 'symbols' ? batch.symbols : batch.vectors;
      for (let b = 0; b < B; b++) {
        for (let t = lengths[b]; t < T; t++) for (let i = 0; i < I; i++) assert.equal(inputs[(t * B + b) * I + i], 0);
      }
      assert.ok(inputs.subarray(T * B * I).every((value) => value === 77));
      assert.ok(batch.rows.subarray(batch.counted).every((value) => value === 77));
    });

    test('the same options give the same data, another seed gives others', async () => {
      const [first, again, other] = [await make(1), await make(1), await make(3)];
      assert.deepEqual(everything(first.train), everything(again.train));
      assert.deepEqual(everything(first.validation), everything(again.validation));
      assert.notDeepEqual(everything(first.train), everything(other.train));
      if (name.startsWith('task')) assert.notDeepEqual(everything(first.train), everything(first.validation));
    });

    test('a batch that is too small or of another shape is refused, as is a sequence that does not exist', async () => {
      const { train } = await make(1);
      const fits = allocateBatch(memory, train.input, train.target, 2, 1);
      const copy = (sequenceIndices: number[], end: number, batch: Batch) => () =>
        train.copy({ sequences: sequenceIndices, begin: 0, end, countFrom: 0 }, batch);
      assert.throws(copy([0], 3, fits), { code: 'SHAPE_MISMATCH' });
      assert.throws(copy([0, 1], 1, fits), { code: 'SHAPE_MISMATCH' });
      const wide = { kind: train.input.kind, size: train.input.size + 1 };
      assert.throws(copy([0], 1, allocateBatch(memory, wide, train.target, 2, 1)), { code: 'SHAPE_MISMATCH' });
      assert.throws(copy([train.count], 1, fits), { code: 'OPTION_INVALID' });
      assert.throws(copy([0], -1, fits), { code: 'OPTION_INVALID' });
    });
  });
}
