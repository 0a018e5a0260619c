import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoredSequences } from '../storedSequences.ts';
import type { TaskOptions } from './task.ts';
import { makeTask, taskHorizon } from './tasks.ts';

/** One sequence of a task: its inputs, and its targets by step. */
function sequence(data: StoredSequences, n: number) {
  const { starts, targetStarts, symbols, vectors, targetSteps, classes, values } = data.arrays;
  const [from, past, first, last] = [starts[n], starts[n + 1], targetStarts[n], targetStarts[n + 1]];
  return {
    symbols: [...symbols.subarray(from, past)],
    vectors: [...vectors.subarray(from * data.input.size, past * data.input.size)],
    steps: [...targetSteps.subarray(first, last)],
    classes: [...classes.subarray(first, last)],
    values: [...values.subarray(first, last)],
  };
}

function* each(options: TaskOptions) {
  const data = makeTask({ trainSequences: 400, validationSequences: 4, ...options } as TaskOptions).train as StoredSequences;
  for (let n = 0; n < data.count; n++) yield sequence(data, n);
}

test('adding: one marker in each half, the target is the sum of the marked numbers, the variance of the targets is 1/6', () => {
  const sums: number[] = [];
  for (const { vectors, steps, values } of each({ kind: 'task', name: 'adding', length: 21, trainSequences: 4000 })) {
    const marked = Array.from({ length: 21 }, (_, t) => t).filter((t) => vectors[2 * t + 1] === 1);
    assert.equal(marked.length, 2);
    assert.ok(marked[0] < 10 && marked[1] >= 10);
    assert.deepEqual(steps, [20]);
    assert.equal(values[0], vectors[2 * marked[0]] + vectors[2 * marked[1]]);
    sums.push(values[0]);
  }
  const mean = sums.reduce((total, sum) => total + sum, 0) / sums.length;
  const variance = sums.reduce((total, sum) => total + (sum - mean) ** 2, 0) / sums.length;
  // Standard errors with 4000 sums: 0.0065 of the mean, 0.0031 of the variance; four of each are allowed.
  assert.ok(Math.abs(mean - 1) < 0.026, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1 / 6) < 0.0125, `variance ${variance}`);
});

test('copying: length + 2 memory steps, and the memory comes back after the delimiter', () => {
  for (const { symbols, steps, classes } of each({ kind: 'task', name: 'copying', length: 5, symbols: 4, memory: 3 })) {
    assert.equal(symbols.length, 11);
    const memory = symbols.slice(0, 3);
    assert.ok(memory.every((symbol) => symbol < 4));
    assert.deepEqual(symbols.slice(3), [4, 4, 4, 4, 5, 4, 4, 4]);
    assert.equal(steps.length, 11);
    assert.deepEqual(classes, [4, 4, 4, 4, 4, 4, 4, 4, ...memory]);
  }
});

test('copying: the memoryless baseline is 10 ln 8 / (T + 20): 0.1733 at T = 100, 0.0204 at T = 1000', () => {
  for (const [length, loss] of [
    [100, 0.1733],
    [1000, 0.0204],
  ]) {
    const { baselines } = makeTask({ kind: 'task', name: 'copying', length, trainSequences: 1, validationSequences: 3 });
    assert.equal(baselines[0].name, 'memoryless');
    assert.ok(Math.abs(baselines[0].loss - (10 * Math.log(8)) / (length + 20)) < 1e-12);
    assert.ok(Math.abs(baselines[0].loss - loss) < 5e-5);
  }
});

test('temporal order: two cues in their intervals, and the class is their order', () => {
  const counts = [0, 0, 0, 0];
  for (const { symbols, steps, classes } of each({ kind: 'task', name: 'temporalOrder', length: [10, 60] })) {
    const T = symbols.length;
    const cues = symbols.flatMap((symbol, t) => (symbol >= 4 ? [t] : []));
    assert.equal(cues.length, 2);
    assert.ok(10 * cues[0] >= T && 10 * cues[0] < 2 * T, `first cue at ${cues[0]} of ${T}`);
    assert.ok(10 * cues[1] >= 5 * T && 10 * cues[1] < 6 * T, `second cue at ${cues[1]} of ${T}`);
    assert.deepEqual(steps, [T - 1]);
    assert.equal(classes[0], 2 * (symbols[cues[0]] - 4) + symbols[cues[1]] - 4);
    counts[classes[0]]++;
  }
  // 400 sequences: 100 ± 8.7 of each class; four standard deviations are allowed.
  for (const count of counts) assert.ok(Math.abs(count - 100) < 35, counts.join());
});

test('recall: the class is the symbol of lag steps ago, at the last step or at every step that has one', () => {
  for (const { symbols, steps, classes } of each({ kind: 'task', name: 'recall', lag: 4, symbols: 3 })) {
    assert.equal(symbols.length, 5);
    assert.deepEqual([steps, classes], [[4], [symbols[0]]]);
  }
  for (const { symbols, steps, classes } of each({ kind: 'task', name: 'recall', lag: 2, length: [3, 7], read: 'every' })) {
    assert.deepEqual(steps, [2, 3, 4, 5, 6].slice(0, symbols.length - 2));
    assert.deepEqual(classes, symbols.slice(0, -2));
  }
});

test('parity: the class is the parity of all bits so far', () => {
  for (const { symbols, steps, classes } of each({ kind: 'task', name: 'parity', length: 9 })) {
    assert.deepEqual([steps, classes], [[8], [symbols.reduce((sum, bit) => sum + bit, 0) % 2]]);
  }
  for (const { symbols, classes } of each({ kind: 'task', name: 'parity', length: 9, read: 'every' })) {
    classes.forEach((parity, t) => {
      assert.equal(parity, symbols.slice(0, t + 1).reduce((sum, bit) => sum + bit, 0) % 2);
    });
  }
});

test('every length of the range is drawn, and none beyond it', () => {
  const drawn = new Set<number>();
  for (const { symbols } of each({ kind: 'task', name: 'parity', length: [3, 6] })) drawn.add(symbols.length);
  assert.deepEqual([...drawn].sort(), [3, 4, 5, 6]);
});

test("more sequences begin with the same ones, and a seed's validation sequences are no other seed's training sequences", () => {
  const parts = (seed: number, trainSequences: number) =>
    makeTask({ kind: 'task', name: 'parity', length: 40, seed, trainSequences, validationSequences: 3 });
  const symbols = (data: unknown) => [...(data as StoredSequences).arrays.symbols];
  assert.deepEqual(symbols(parts(1, 9).train).slice(0, 120), symbols(parts(1, 3).train));
  const all = [0, 1, 2, 3].flatMap((seed) => [symbols(parts(seed, 3).train).join(), symbols(parts(seed, 3).validation).join()]);
  assert.equal(new Set(all).size, 8);
});

test('the true horizons', () => {
  assert.equal(taskHorizon({ kind: 'task', name: 'adding', length: [50, 200] }), 200);
  assert.equal(taskHorizon({ kind: 'task', name: 'copying', length: 100 }), 111);
  assert.equal(taskHorizon({ kind: 'task', name: 'temporalOrder', length: 100 }), 90);
  assert.equal(taskHorizon({ kind: 'task', name: 'recall', lag: 7, length: 50 }), 8);
  assert.equal(taskHorizon({ kind: 'task', name: 'parity', length: 12 }), 12);
});

test('options that are not allowed are refused with their field', () => {
  const cases: [object, string][] = [
    [{ name: 'addition', length: 5 }, 'data.name'],
    [{ length: 5 }, 'data.name'],
    [{ name: 'adding' }, 'data.length'],
    [{ name: 'adding', length: 1 }, 'data.length'],
    [{ name: 'adding', length: 2.5 }, 'data.length'],
    [{ name: 'adding', length: '20' }, 'data.length'],
    [{ name: 'adding', length: [20, 10] }, 'data.length'],
    [{ name: 'adding', length: [5, 10, 20] }, 'data.length'],
    [{ name: 'adding', length: 2 ** 60 }, 'data.length'],
    [{ name: 'adding', length: 10, lag: 3 }, 'data.lag'],
    [{ name: 'adding', length: 10, trainSequences: 0 }, 'data.trainSequences'],
    [{ name: 'adding', length: 10, trainSequences: 2e9 }, 'data.trainSequences'],
    [{ name: 'adding', length: 10, validationSequences: null }, 'data.validationSequences'],
    [{ name: 'adding', length: 10, seed: -1 }, 'data.seed'],
    [{ name: 'copying', length: 10, symbols: 1 }, 'data.symbols'],
    [{ name: 'copying', length: 0 }, 'data.length'],
    [{ name: 'copying', length: 10, memory: 0 }, 'data.memory'],
    [{ name: 'temporalOrder', length: 9 }, 'data.length'],
    [{ name: 'recall' }, 'data.lag'],
    [{ name: 'recall', lag: 5, length: 5 }, 'data.length'],
    [{ name: 'recall', lag: 5, length: [5, 9] }, 'data.length'],
    [{ name: 'recall', lag: 5, read: 'first' }, 'data.read'],
    [{ name: 'parity', length: 5, symbols: 2 }, 'data.symbols'],
  ];
  for (const [options, field] of cases) {
    assert.throws(
      () => makeTask({ kind: 'task', ...options } as TaskOptions),
      (error: { code?: string; place?: { field?: string } }) => error.code === 'EXPERIMENT_INVALID' && error.place?.field === field,
      JSON.stringify(options),
    );
  }
});
