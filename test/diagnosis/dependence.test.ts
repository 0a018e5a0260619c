/** The data horizon on data with known truth. The chance of a horizon above it is at most 0.01 each, and the seeds are fixed. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/compute/random.ts';
import { type DependenceReport, dependence, makeTask, sequencesData, type TaskOptions } from '../../src/index.ts';

const of = (task: Partial<TaskOptions>) => dependence(makeTask({ kind: 'task', trainSequences: 1000, ...task } as TaskOptions).train);

/** Sequences of numbers with one target each, read at the last step. */
async function numbers(count: number, make: (random: Random) => { x: number[][]; y: number }): Promise<DependenceReport> {
  const random = new Random(5);
  const lines = Array.from({ length: count }, () => JSON.stringify(make(random)));
  const source = { file: 'made.ndjson', lines };
  const { train } = await sequencesData({ train: source, validation: source, options: { kind: 'sequences', loss: 'mse' } });
  return dependence(train);
}

test('recall of the input 10 steps before the newest: 11', () => {
  const { horizon, outcome } = of({ name: 'recall', lag: 10, length: 30 });
  assert.equal(horizon, 11);
  assert.equal(outcome, 'dependence');
});

test('independent noise: 0, and a planted dependence is found where it is said to be', async () => {
  const { horizon, outcome, power } = await numbers(1000, (random) => ({
    x: Array.from({ length: 20 }, () => [random.normal()]),
    y: random.normal(),
  }));
  assert.equal(horizon, 0);
  assert.notEqual(outcome, 'dependence');
  assert.ok(power.length > 0);
});

test('a first-order autoregression with coefficient 0.99: 1, however slowly its correlation falls', async () => {
  const { horizon } = await numbers(1000, (random) => {
    let value = random.normal() * 7;
    const x = Array.from({ length: 40 }, () => {
      value = 0.99 * value + random.normal();
      return [value];
    });
    return { x, y: 0.99 * value + random.normal() };
  });
  assert.equal(horizon, 1);
});

test('an exclusive or of the newest input and the one 15 steps before, without a trace at any single lag: 16', async () => {
  const { horizon } = await numbers(1500, (random) => {
    const x = Array.from({ length: 30 }, () => [random.below(2)]);
    return { x, y: x[29][0] ^ x[14][0] };
  });
  assert.equal(horizon, 16);
});

test('targets that are all the same, and too few sequences, are refused with a sentence', async () => {
  const x = () => Array.from({ length: 10 }, () => [0.5]);
  await assert.rejects(
    numbers(100, () => ({ x: x(), y: 3 })),
    { code: 'DATA_INVALID', message: /^all 100 counted targets are 3,/ },
  );
  await assert.rejects(
    numbers(12, (random) => ({ x: x(), y: random.normal() })),
    { code: 'DATA_TOO_SHORT', message: /^12 sequences with 12 counted targets are too few/ },
  );
});

test('inputs that do not vary: no input helps, and nothing is said to have been planted', async () => {
  const { horizon, power } = await numbers(100, (random) => ({ x: Array.from({ length: 10 }, () => [0.5]), y: random.normal() }));
  assert.equal(horizon, 0);
  assert.deepEqual(power, []);
});
