import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scalarBackend } from '../../compute/scalar/scalar.ts';
import { makeTask } from '../../data/task/tasks.ts';
import { initialize, Network } from '../../network/network.ts';
import { Evaluator } from '../../training/evaluator.ts';
import { heldOutLosses } from './heldOutLosses.ts';

const model = { cell: 'gru', hiddenSize: 5 } as const;
const counts = { kind: 'task', trainSequences: 2, seed: 3 } as const;

function losses(validationSequences: number, length: number) {
  const { validation } = makeTask({ ...counts, name: 'recall', lag: 0, length, symbols: 3, read: 'every', validationSequences });
  const network = new Network(scalarBackend(), model, validation.input, validation.target.size);
  initialize(network, model, 1);
  return { each: heldOutLosses(network, validation, 8), all: new Evaluator(network, validation, 8).evaluate().loss };
}

const mean = (values: Float64Array) => values.reduce((sum, each) => sum + each, 0) / values.length;

test('of many sequences each is a unit, and their mean is the loss of the whole', () => {
  // 45 sequences in batches of 8: the last one is not full.
  const { each, all } = losses(45, 6);
  assert.equal(each.length, 45);
  assert.ok(Math.abs(mean(each) - all) < 1e-12);
  assert.ok(new Set(each).size > 40);
});

test('of few long ones a block of steps is a unit, with the state carried on', () => {
  // 2 sequences of 640 steps: 1280 steps in 64 blocks of 20.
  const { each, all } = losses(2, 640);
  assert.equal(each.length, 64);
  assert.ok(Math.abs(mean(each) - all) < 1e-12);
});
