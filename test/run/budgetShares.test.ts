/** How a budget is divided between the test of the data, the training and the examination. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wasmBackend } from '../../src/index.ts';
import { budgetShares, sharesFor } from '../../src/run/budgetShares.ts';
import { readExperiment } from '../../src/run/experiment.ts';
import { openData } from '../../src/run/openData.ts';

test('what the training does not need goes to the test of the data, from a fifth to half of the budget; the rest is for the examination', () => {
  assert.deepEqual(sharesFor(0.1), { tested: 0.5, trained: 0.92 });
  assert.equal(sharesFor(0.45).tested.toFixed(3), '0.400');
  assert.deepEqual(sharesFor(0.7), { tested: 0.2, trained: 0.92 });
  for (let training = 0; training <= 0.72; training += 0.01) {
    const { tested, trained } = sharesFor(training);
    assert.ok(tested + training <= trained + 1e-9, `${training}`);
  }
  // It is not done in time in any case.
  assert.deepEqual(sharesFor(3), { tested: 0.35, trained: 0.85 });
});

test('it is measured on a network that is thrown away: memory is as before', async () => {
  const backend = await wasmBackend();
  const data = { kind: 'task', name: 'recall', lag: 2, length: 6, trainSequences: 50, validationSequences: 10 };
  const experiment = readExperiment(
    JSON.stringify({ name: 'x', data, model: { cell: 'rnn', hiddenSize: 4 }, training: { updates: 10 } }),
    'x.json',
    [],
  );
  const opened = await openData(experiment, '.');
  const before = backend.mark();
  const { tested, trained } = budgetShares(experiment, opened, backend, 60);
  assert.deepEqual(backend.mark(), before);
  assert.ok(tested >= 0.2 && tested <= 0.5 && trained > tested);
});
