import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { makeTask } from '../data/task/tasks.ts';
import { textData } from '../data/text.ts';
import { lookAt, lookDefaults } from '../monitor/look.ts';
import { defaultMonitors, monitors } from '../monitor/monitors.ts';
import { initialize, Network } from '../network/network.ts';
import { trainingDefaults } from './options.ts';
import { Profiler } from './profiler.ts';
import { Trainer } from './trainer.ts';

const backend = scalarBackend();
const data = makeTask({ kind: 'task', name: 'recall', lag: 9, length: [10, 30], trainSequences: 100, validationSequences: 1 }).train;

function trainerOf(options: object = {}, dataset = data): Trainer {
  const model = { cell: 'gru', hiddenSize: 5 } as const;
  const network = new Network(backend, model, dataset.input, dataset.target.size);
  initialize(network, model, 0);
  return new Trainer(network, dataset, { ...trainingDefaults, ...options });
}

test('looks by default: 40 at most, and fewer where their work would exceed 2% of the training', () => {
  for (const options of [{}, { updates: 1000000 }, { updates: 3 }, { batchSize: 1 }, { bptt: { k1: 2, k2: 4 } }]) {
    const trainer = trainerOf(options);
    for (const names of [defaultMonitors, monitors.map(({ name }) => name)]) {
      const { every, cost } = new Profiler(trainer, names);
      const { updates } = trainer.options;
      const looks = Math.floor(updates / every);
      assert.ok(looks <= 40 && looks * cost <= 0.02 * updates, `${looks} looks of ${cost} steps in ${updates} updates`);
      assert.ok(every === Math.ceil(updates / 40) || every === Math.ceil(cost / 0.02));
    }
  }
});

test('a look is due at 0, every so many updates, and after the last', () => {
  const trainer = trainerOf({ updates: 7 });
  const profiler = new Profiler(trainer, ['saturation'], 3);
  const due: number[] = [];
  for (;;) {
    if (profiler.isDue()) due.push(trainer.update);
    if (trainer.done) break;
    trainer.step();
  }
  assert.deepEqual(due, [0, 3, 6, 7]);
  assert.equal(new Profiler(trainer, []).isDue(), false);
});

test('a look depends on the seed and the update alone, and sees other sequences at another update', () => {
  const trainer = trainerOf();
  const seen = (update: number, seed = 0) =>
    lookAt(trainer.network, data, update, { ...lookDefaults, sequences: 4, seed }, ({ batch }) =>
      [...batch.symbols.subarray(0, 40)].join(''),
    );
  assert.equal(seen(3), seen(3));
  assert.notEqual(seen(3), seen(4));
  assert.notEqual(seen(3), seen(3, 1));
});

test('a look sees the newest steps: of longer streams, the last ones', () => {
  const text = textData('abcdefghij'.repeat(100), { split: 0.5 }).streams(4).train;
  const { network } = trainerOf({ bptt: { k1: 5, k2: 5 } }, text);
  lookAt(network, text, 0, { ...lookDefaults, sequences: 2, steps: 7 }, ({ batch }) => {
    assert.deepEqual([batch.T, batch.B, batch.counted], [7, 2, 14]);
    // A stream of floor(499 / 4) = 124 characters ends wherever it ends; the targets are the next characters.
    for (let r = 0; r < 12; r++) assert.equal(batch.classes[r], batch.symbols[batch.rows[r] + 2]);
  });
});
