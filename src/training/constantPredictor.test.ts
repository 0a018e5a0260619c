import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import type { Dataset, LossName } from '../data/dataset.ts';
import { sequencesData } from '../data/sequences.ts';
import { makeTask } from '../data/task/tasks.ts';
import { constantLoss } from './constantPredictor.ts';

const backend = scalarBackend();
async function read(loss: LossName, lines: object[], options: { targets?: 'last' | 'every'; classes?: number } = {}): Promise<Dataset> {
  const file = { file: 'a.ndjson', lines: lines.map((line) => JSON.stringify(line)) };
  return (await sequencesData({ train: file, validation: file, options: { kind: 'sequences', loss, ...options } })).train;
}
const near = (found: number, expected: number, bound = 1e-12) =>
  assert.ok(Math.abs(found - expected) <= bound, `${found}, not ${expected}`);

test('adding: the sum of two uniform numbers has the variance 1/12 + 1/12 = 1/6', () => {
  const { train, validation } = makeTask({ kind: 'task', name: 'adding', length: 4, trainSequences: 20_000, validationSequences: 20_000 });
  // The standard error of the variance of 20,000 such sums is about 0.0014.
  near(constantLoss(train, validation, backend), 1 / 6, 0.006);
});

test('classes: the entropy of the frequencies 1/2, 1/4, 1/4 is 1.5 ln 2', async () => {
  const data = await read(
    'crossEntropy',
    [0, 0, 1, 2].map((y) => ({ x: [[1]], y })),
  );
  near(constantLoss(data, data, backend), 1.5 * Math.LN2);
});

test('fitted on one part and measured on another', async () => {
  const fitted = await read(
    'crossEntropy',
    [0, 0, 0, 1].map((y) => ({ x: [[1]], y })),
  );
  const measured = await read(
    'crossEntropy',
    [1, 1].map((y) => ({ x: [[1]], y })),
  );
  near(constantLoss(fitted, measured, backend), Math.log(4));
});

test('a class that was never seen counts as half a time', async () => {
  const fitted = await read(
    'crossEntropy',
    [0, 0, 0, 0].map((y) => ({ x: [[1]], y })),
    { classes: 2 },
  );
  const measured = await read('crossEntropy', [{ x: [[1]], y: 1 }], { classes: 2 });
  // The outputs log(4/4) and log(0.5/4) go through a softmax: 1/8 of 9/8.
  near(constantLoss(fitted, measured, backend), Math.log(9));
});

test('vectors: the mean of each output; the loss is the mean of the variances', async () => {
  const data = await read(
    'mse',
    [
      { x: [[0]], y: [0, 10] },
      { x: [[0]], y: [2, 16] },
    ],
    { targets: 'last' },
  );
  // Means 1 and 13; squares 1, 1 and 9, 9.
  near(constantLoss(data, data, backend), 5);
});

test('binary values: the entropy of the frequency 1/4; no infinity where the frequency is 0', async () => {
  const data = await read(
    'binaryCrossEntropy',
    [1, 0, 0, 0].map((y) => ({ x: [[0]], y })),
  );
  near(constantLoss(data, data, backend), -(Math.log(1 / 4) / 4 + (3 * Math.log(3 / 4)) / 4));
  const zeros = await read('binaryCrossEntropy', [{ x: [[0]], y: 0 }]);
  const loss = constantLoss(zeros, data, backend);
  // Probability 1e-12 where a quarter of the targets is 1: 12 ln 10 / 4.
  near(loss, 3 * Math.log(10), 1e-6);
});

test('more steps than are held at once, and steps that do not count', async () => {
  const x = Array.from({ length: 5000 }, () => [0]);
  const data = await read('mse', [{ x, y: x.map((_, t) => (t % 2 === 0 ? null : t % 4)) }], { targets: 'every' });
  // Every other step counts, 1 and 3 in turn: variance 1.
  near(constantLoss(data, data, backend), 1);
});
