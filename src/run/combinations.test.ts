/** Combinations of cures that make no sense are refused by a sentence that says why; those that make some are not. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { readExperiment } from './experiment.ts';
import { openTraining } from './openTraining.ts';

const data = { kind: 'task', name: 'adding', length: 20, trainSequences: 4, validationSequences: 2 };
const read = (model: object, training: object, from: object = data) =>
  readExperiment(JSON.stringify({ name: 'a', data: from, model: { cell: 'rnn', hiddenSize: 4, layers: 2, ...model }, training }), 'a.json');

const add = { kind: 'add', lag: 8 };
const omega = { weight: 1 };

describe('refused before anything is read', () => {
  for (const [model, training, message] of [
    [{ cell: 'lru', orthogonal: true }, {}, /model\.orthogonal: has no meaning for the cell lru, .* without a recurrent matrix/],
    [{ cell: 'mingru', orthogonal: true }, {}, /model\.orthogonal: has no meaning for the cell mingru/],
    [{ cell: 'lru', recurrentInit: 'identity' }, {}, /model\.recurrentInit: has no meaning for the cell lru/],
    [{ orthogonal: true, recurrentInit: { gaussian: 1 } }, {}, /model\.orthogonal: keeps an orthogonal matrix, .* does not start from one/],
    [{ orthogonal: true, recurrentInit: { orthogonal: 2 } }, {}, /does not start from one/],
    [{ orthogonal: true, hiddenSize: 1 }, {}, /model\.orthogonal: has no meaning with one hidden unit/],
    [{ cell: 'gru', forgetBias: 'chrono' }, {}, /model\.forgetBias: has no meaning for the cell gru, which has no forget gate/],
    [{ forgetBias: 1 }, {}, /model\.forgetBias: has no meaning for the cell rnn/],
    [{ cell: 'lstm', activation: 'relu' }, {}, /model\.activation: has no meaning for the cell lstm/],
    [{ layers: 1, residual: true }, {}, /model\.residual: has no meaning with one layer/],
    [{ layers: 1, dropout: 0.1 }, {}, /model\.dropout: acts between layers and there is one/],
    [{ skip: add }, { bptt: { k1: 4, k2: 8 } }, /model\.skip: reaches 8 steps back, and the window .* is 8: no gradient would ever come/],
    [{ skip: { kind: 'dilated', lag: 1 } }, {}, /model\.skip\.lag: is 1, and the cell reads h_\{t-1\} anyway/],
    [{ skip: { kind: 'weighted', lag: 1 } }, {}, /reads h_\{t-1\} already/],
    [{ skip: { kind: 'dilated', perLayer: [1, 2, 4] } }, {}, /model\.skip\.perLayer: has an entry for each of the 2 layers/],
    [{ skip: { kind: 'dilated', perLayer: [1, 1] } }, {}, /is 1 in every layer, which is no skip/],
    [{ skip: { kind: 'dilated', lag: [2, 4] } }, {}, /model\.skip\.lag: is one lag a layer/],
    [{ cell: 'lru' }, { omega }, /training\.omega: has no meaning for the cell lru/],
    [{ cell: 'gru' }, { omega }, /training\.omega: has no meaning for the cell gru/],
    [{ orthogonal: true }, { omega }, /training\.omega: has no meaning beside model\.orthogonal/],
    [{ skip: add }, { omega }, /training\.omega: has no meaning beside model\.skip/],
    [{}, { omega, clip: { recurrentNorm: 1 } }, /training\.omega: has no meaning beside a clip inside the backward pass/],
    [{}, { omega, bptt: { k1: 1, k2: 1 } }, /training\.omega: has no meaning in windows of one step/],
    [{ skip: add }, { monitors: ['jacobian'] }, /training\.monitors: names "jacobian", which says nothing of a network with skip/],
    [{ cell: 'lru' }, { monitors: ['orthogonality'] }, /training\.monitors: names "orthogonality", .* no recurrent matrix; leave it out/],
  ] as const) {
    test(`${JSON.stringify(model)} ${JSON.stringify(training)}`, () => {
      assert.throws(() => read(model, training), { code: 'EXPERIMENT_INVALID', message });
    });
  }
});

describe('refused once the data are known', () => {
  for (const [model, from, message] of [
    [{ skip: { kind: 'add', lag: 20 } }, data, /model\.skip: reaches 20 steps back, and the longest training sequence has 20/],
    [{ skip: { kind: 'dilated', perLayer: [2, 64] } }, data, /model\.skip: reaches 64 steps back/],
    [
      { cell: 'lstm', forgetBias: 'chrono' },
      { kind: 'task', name: 'recall', lag: 1 },
      /model\.forgetBias: cannot be "chrono" .* fewer than 3/,
    ],
  ] as const) {
    test(`${JSON.stringify(model)} on ${JSON.stringify(from)}`, async () => {
      await assert.rejects(openTraining(read(model, {}, from), '.', scalarBackend()), { message });
    });
  }
});

test('what makes sense together is accepted', async () => {
  for (const [model, training] of [
    [
      { orthogonal: true, skip: add, residual: true, dropout: 0.1 },
      { bptt: { k1: 5, k2: 10 }, clip: { recurrentNorm: 1 } },
    ],
    [{ cell: 'lstm', forgetBias: 'chrono', orthogonal: { by: 'cayley' }, skip: { kind: 'dilated', perLayer: [1, 4] } }, { clip: 'auto' }],
    [
      { cell: 'lru', residual: true, skip: { kind: 'weighted', lag: [2, 8] } },
      { optimizer: 'adamw', weightDecay: 0.1 },
    ],
    [{ recurrentInit: { gaussian: 1 } }, { omega, optimizer: 'sgd', bptt: { k1: 5, k2: 5 } }],
    [{ activation: 'relu', recurrentInit: 'identity', skip: add }, { monitors: ['transport', 'orthogonality'] }],
  ] as const) {
    const { data: opened } = await openTraining(read(model, training), '.', scalarBackend());
    opened.close?.();
  }
});
