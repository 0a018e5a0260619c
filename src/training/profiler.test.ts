import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backend } from '../compute/backend.ts';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';
import { makeTask } from '../data/task/tasks.ts';
import { textData } from '../data/text.ts';
import { lookAt, lookShape } from '../monitor/look.ts';
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
    for (const names of [defaultMonitors, monitors.map(({ name }) => name)]) {
      const { every, cost } = new Profiler(trainerOf({ ...options, monitors: names }));
      const { updates } = { ...trainingDefaults, ...options };
      const looks = Math.floor(updates / every);
      assert.ok(looks <= 40 && looks * cost <= 0.02 * updates, `${looks} looks of ${cost} steps in ${updates} updates`);
      assert.ok(every === Math.ceil(updates / 40) || every === Math.ceil(cost / 0.02));
    }
  }
});

test('a look is due at 0, every so many updates, and after the last', () => {
  const trainer = trainerOf({ updates: 7, monitors: ['saturation'], monitorEvery: 3 });
  const profiler = new Profiler(trainer);
  const due: number[] = [];
  for (;;) {
    if (profiler.isDue()) due.push(trainer.update);
    if (trainer.done) break;
    trainer.step();
  }
  assert.deepEqual(due, [0, 3, 6, 7]);
  const without = new Profiler(trainerOf({ monitors: [] }));
  assert.equal(without.isDue(), false);
  assert.deepEqual(without.take(), []);
});

test('a look depends on the seed and the update alone, and sees other sequences at another update', () => {
  const shape = lookShape(trainerOf().network, data, monitors, { sequences: 4 });
  const seen = (update: number, seed = 0) => lookAt(shape, { seed, update }, ({ batch }) => [...batch.symbols.subarray(0, 40)].join(''));
  assert.equal(seen(3), seen(3));
  assert.notEqual(seen(3), seen(4));
  assert.notEqual(seen(3), seen(3, 1));
});

test('a look sees the newest steps: of longer streams, the last ones', () => {
  const text = textData('abcdefghij'.repeat(100), { split: 0.5 }).streams(4).train;
  const { network } = trainerOf({ bptt: { k1: 5, k2: 5 } }, text);
  const shape = lookShape(network, text, monitors, { sequences: 2, steps: 7 });
  lookAt(shape, { seed: 0, update: 0 }, ({ batch }) => {
    assert.deepEqual([batch.T, batch.B, batch.counted], [7, 2, 14]);
    // A stream of floor(499 / 4) = 124 characters ends wherever it ends; the targets are the next characters.
    for (let r = 0; r < 12; r++) assert.equal(batch.classes[r], batch.symbols[batch.rows[r] + 2]);
  });
});

test('a look keeps to its memory: fewer sequences, then fewer steps; what it takes is what it says', async () => {
  for (const opened of [backend, await wasmBackend()]) {
    const model = { cell: 'lstm', hiddenSize: 16, layers: 2, residual: true } as const;
    const network = new Network(opened, model, data.input, data.target.size);
    initialize(network, model, 0);
    let [T, B] = [Infinity, Infinity];
    const perNumber = opened.precision === 'float32' ? 4 : 8;
    for (const bytes of [2 ** 28, 2e5 * perNumber, 1e5 * perNumber, 5e4 * perNumber, 3e4 * perNumber]) {
      const shape = lookShape(network, data, monitors, { bytes });
      assert.ok(shape.bytes <= bytes, `${shape.bytes} of ${bytes}`);
      assert.ok(shape.T <= T && shape.B <= B && (shape.T < T || shape.B < B));
      [T, B] = [shape.T, shape.B];
      let top = 0;
      const watched = Object.assign(Object.create(Network.prototype), network, {
        backend: { ...opened, ...watching(opened, (at) => (top = Math.max(top, at))) },
      });
      lookAt({ ...shape, network: watched }, { seed: 0, update: 0 }, (look) => {
        for (const monitor of monitors) monitor.measure(look);
      });
      if (opened.precision === 'float32') assert.ok(top <= shape.bytes && top > 0.9 * shape.bytes, `${top}, said ${shape.bytes}`);
    }
    assert.deepEqual([T, B], [15, 1]);
    const least = lookShape(network, data, monitors, { bytes: 1 });
    assert.deepEqual([least.T, least.B], [1, 1]);
  }
});

/** Says after each allocation how many bytes are in use beyond those at the beginning. */
function watching(opened: Backend, say: (bytes: number) => void): Partial<Backend> {
  const first = opened.mark();
  const then = <T>(answer: T): T => {
    say(opened.mark() - first);
    return answer;
  };
  return {
    allocate: (length) => then(opened.allocate(length)),
    allocateIndices: (length) => then(opened.allocateIndices(length)),
    allocatePacked: (...sizes) => then(opened.allocatePacked(...sizes)),
    pullBack: (arrays) => then(opened.pullBack(arrays)),
    sweep: (arrays) => then(opened.sweep?.(arrays)),
  };
}
