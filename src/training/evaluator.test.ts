import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import type { Dataset, LossName } from '../data/dataset.ts';
import { sequencesData } from '../data/sequences.ts';
import { allocateBatch } from '../network/batch.ts';
import { losses } from '../network/loss/losses.ts';
import type { ModelOptions } from '../network/model.ts';
import { initialize, Network } from '../network/network.ts';
import { Unrolled } from '../network/unroll/unrolled.ts';
import { Evaluator } from './evaluator.ts';

async function read(lines: object[], loss: LossName, targets?: 'last' | 'every'): Promise<Dataset> {
  const file = { file: 'a.ndjson', lines: lines.map((line) => JSON.stringify(line)) };
  return (await sequencesData({ train: file, validation: file, options: { kind: 'sequences', loss, targets } })).train;
}

function networkFor(dataset: Dataset, model: ModelOptions = { cell: 'lstm', hiddenSize: 3, layers: 2 }): Network {
  const network = new Network(scalarBackend(), model, dataset.input, dataset.target.size);
  initialize(network, model, 3);
  return network;
}

/** A network whose output is this, whatever it reads: the read-out's weights are 0. */
function constantNetwork(dataset: Dataset, outputs: readonly number[]): Network {
  const network = networkFor(dataset, { cell: 'rnn', hiddenSize: 2 });
  network.parameters.valuesOf('readout.weight').fill(0);
  network.parameters.valuesOf('readout.bias').set(outputs);
  network.changed();
  return network;
}

describe('the loss is the mean over all counted targets', () => {
  test('in windows of 512 steps it is that of one pass over 1300', async () => {
    const x = (phase: number) => Array.from({ length: 1300 }, (_, t) => [Math.sin(phase + t)]);
    const dataset = await read(
      [0, 1, 2].map((phase) => ({ x: x(phase), y: x(phase + 0.5) })),
      'mse',
      'every',
    );
    const network = networkFor(dataset);
    const unrolled = new Unrolled(network, 1300, 3);
    const batch = allocateBatch(network.backend, dataset.input, dataset.target, 1300, 3);
    dataset.copy({ sequences: [0, 1, 2], begin: 0, end: 1300, countFrom: 0 }, batch);
    unrolled.forward(batch);
    const whole = unrolled.loss(losses.mse);
    for (const batchSize of [1, 2, 3, 10]) {
      const { loss, metric } = new Evaluator(network, dataset, batchSize).evaluate();
      assert.ok(Math.abs(loss - whole) < 1e-12, `batches of ${batchSize}: ${loss}, not ${whole}`);
      assert.deepEqual(metric, { name: 'rootMeanSquaredError', value: Math.sqrt(loss) });
    }
  });

  test('lengths 1, 4 and 2: each target weighs the same, however the batches fall', async () => {
    const lines = [1, 4, 2].map((T) => ({ x: Array.from({ length: T }, (_, t) => [t]), y: Array.from({ length: T }, (_, t) => t + T) }));
    const dataset = await read(lines, 'mse', 'every');
    // Targets 1; 4 5 6 7; 2 3 against 0: (1 + 16 + 25 + 36 + 49 + 4 + 9) / 7 = 20.
    const network = constantNetwork(dataset, [0]);
    for (const batchSize of [1, 2, 3]) assert.equal(new Evaluator(network, dataset, batchSize).evaluate().loss, 20);
  });

  test('in pieces: each says how much of the data it is of, and one cut short does no harm to the next', async () => {
    const lines = [1, 4, 2].map((T) => ({ x: Array.from({ length: T }, (_, t) => [t]), y: Array.from({ length: T }, (_, t) => t + T) }));
    const dataset = await read(lines, 'mse', 'every');
    const evaluator = new Evaluator(constantNetwork(dataset, [0]), dataset, 1);
    const pieces = evaluator.pieces();
    // Target 1 alone; then 4 5 6 7 too: (1 + 16 + 25 + 36 + 49) / 5 = 25.4.
    assert.deepEqual(
      [pieces.next().value, pieces.next().value].map((value) => [value?.loss, value?.share]),
      [
        [1, 1 / 7],
        [25.4, 5 / 7],
      ],
    );
    const { loss, share } = evaluator.evaluate();
    assert.deepEqual([loss, share], [20, 1]);
  });

  test('measured twice it is the same, and it leaves nothing behind', async () => {
    const dataset = await read(
      [
        { x: [[1], [2]], y: 1 },
        { x: [[3]], y: 2 },
      ],
      'mse',
    );
    const evaluator = new Evaluator(networkFor(dataset), dataset, 2);
    assert.deepEqual(evaluator.evaluate(), evaluator.evaluate());
  });
});

describe('metrics, by hand', () => {
  test('accuracy: the output prefers class 1, and 2 of the 5 targets are', async () => {
    const dataset = await read(
      [
        { x: [0, 1, 0], y: [1, 0, 2] },
        { x: [1, 1], y: [1, 2] },
      ],
      'crossEntropy',
    );
    const { loss, metric } = new Evaluator(constantNetwork(dataset, [0, 1, 0]), dataset, 2).evaluate();
    assert.deepEqual(metric, { name: 'accuracy', value: 2 / 5 });
    // -log softmax: log(2 + e) - 1 for class 1, log(2 + e) for the others.
    assert.ok(Math.abs(loss - (Math.log(2 + Math.E) - 2 / 5)) < 1e-12);
  });

  test('outputs that are not numbers are never right', async () => {
    const dataset = await read(
      [
        { x: [0], y: 0 },
        { x: [1], y: 1 },
      ],
      'crossEntropy',
    );
    const { loss, metric } = new Evaluator(constantNetwork(dataset, [Number.NaN, Number.NaN]), dataset, 2).evaluate();
    assert.ok(Number.isNaN(loss));
    assert.equal(metric.value, 0);
  });

  test('nats per step: O times the mean', async () => {
    const dataset = await read([{ x: [[1]], y: [0, 1, 1] }], 'binaryCrossEntropy', 'last');
    const { loss, metric } = new Evaluator(constantNetwork(dataset, [0, 0, 0]), dataset, 2).evaluate();
    // A probability of 1/2 for each of the three: ln 2 each.
    assert.ok(Math.abs(loss - Math.LN2) < 1e-12);
    assert.ok(Math.abs(metric.value - 3 * Math.LN2) < 1e-12);
    assert.equal(metric.name, 'nllPerStep');
  });
});
