import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import type { Dataset, Window } from '../data/dataset.ts';
import { sequencesData } from '../data/sequences.ts';
import type { ModelOptions } from '../network/model.ts';
import { initialize, Network } from '../network/network.ts';
import { type TrainingOptions, trainingDefaults } from './options.ts';
import { Trainer } from './trainer.ts';

/** N sequences of the given lengths; x counts the steps, and the target of every step is the same number. */
async function counting(lengths: readonly number[]): Promise<Dataset> {
  const lines = lengths.map((T, n) => {
    const x = Array.from({ length: T }, (_, t) => [n / 10, t / 10]);
    return JSON.stringify({ x, y: x.map(([, t]) => t) });
  });
  return read(lines);
}

async function read(lines: string[]): Promise<Dataset> {
  const file = { file: 'a.ndjson', lines };
  return (await sequencesData({ train: file, validation: file, options: { kind: 'sequences', loss: 'mse', targets: 'every' } })).train;
}

/** The data set, and what was asked of it. */
function watched(dataset: Dataset): { dataset: Dataset; windows: Window[] } {
  const windows: Window[] = [];
  const watching: Dataset = {
    ...{ input: dataset.input, target: dataset.target, loss: dataset.loss, count: dataset.count },
    length: (sequence) => dataset.length(sequence),
    copy(window, batch) {
      windows.push({ ...window, sequences: Array.from(window.sequences) });
      dataset.copy(window, batch);
    },
  };
  return { dataset: watching, windows };
}

function trainerOf(dataset: Dataset, options: Partial<TrainingOptions>, model: Partial<ModelOptions> = {}): Trainer {
  const complete: ModelOptions = { cell: 'gru', hiddenSize: 3, ...model };
  const network = new Network(scalarBackend(), complete, dataset.input, dataset.target.size);
  initialize(network, complete, 1, 10);
  return new Trainer(network, dataset, { ...trainingDefaults, batchSize: 2, updates: 50, ...options });
}

describe('which sequences an update sees', () => {
  test('every sequence once an epoch, in an order that depends on the epoch; the last batch is smaller', async () => {
    const { dataset, windows } = watched(await counting([3, 3, 3, 3, 3]));
    const trainer = trainerOf(dataset, {});
    for (let update = 0; update < 9; update++) trainer.step();
    // 5 sequences in batches of 2: 2 + 2 + 1, so that 9 updates are 3 epochs.
    assert.deepEqual(
      windows.map(({ sequences }) => sequences.length),
      [2, 2, 1, 2, 2, 1, 2, 2, 1],
    );
    const epochs = [0, 3, 6].map((first) => windows.slice(first, first + 3).flatMap(({ sequences }) => Array.from(sequences)));
    for (const epoch of epochs) assert.deepEqual([...epoch].sort(), [0, 1, 2, 3, 4]);
    assert.ok(epochs.some((epoch) => epoch.join() !== epochs[0].join()));
    assert.deepEqual(trainer.cursor, { update: 9, applied: 9, epoch: 3, batch: 0, window: 0 });
  });

  test('a batch larger than the data is all of the data', async () => {
    const { dataset, windows } = watched(await counting([2, 2, 2]));
    const trainer = trainerOf(dataset, { batchSize: 100 });
    trainer.step();
    assert.equal(windows[0].sequences.length, 3);
    assert.equal(trainer.cursor.epoch, 1);
  });

  test('windows of truncated BPTT(2, 3) over 5 steps, then the next batch', async () => {
    const { dataset, windows } = watched(await counting([5, 4]));
    const trainer = trainerOf(dataset, { bptt: { k1: 2, k2: 3 } });
    for (let update = 0; update < 4; update++) trainer.step();
    assert.deepEqual(
      windows.map(({ begin, end, countFrom }) => [begin, end, countFrom]),
      // Steps 0-1; 1-3, of which 2 and 3 count; 2-4, of which 4 counts; and again from the beginning.
      [
        [0, 2, 0],
        [1, 4, 2],
        [2, 5, 4],
        [0, 2, 0],
      ],
    );
  });

  test('a window without a counted target makes no update, but the state goes through it', async () => {
    const lines = ['{"x":[[1],[1],[1],[1]],"y":[null,null,null,1]}', '{"x":[[2],[1],[1],[1]],"y":[null,null,null,1]}'];
    const dataset = await read(lines);
    const trainer = trainerOf(dataset, { bptt: { k1: 1, k2: 1 }, batchSize: 1, learningRate: 1e-9 });
    const losses = [trainer.step().loss, trainer.step().loss];
    assert.equal(trainer.cursor.update, 2);
    assert.equal(trainer.cursor.epoch, 1);
    // The sequences differ in their first input alone, 3 windows before the target.
    assert.ok(Math.abs(losses[0] - losses[1]) > 1e-6);
  });
});

test('the loss of the windows is that of one pass: the state is carried on, whatever k2 is', async () => {
  const dataset = await counting([6]);
  const step = { learningRate: 1e-12, batchSize: 1 };
  const whole = trainerOf(dataset, step).step().loss;
  for (const bptt of [
    { k1: 1, k2: 1 },
    { k1: 2, k2: 5 },
    { k1: 3, k2: 3 },
    { k1: 6, k2: 9 },
  ]) {
    const trainer = trainerOf(dataset, { ...step, bptt });
    const count = 6 / bptt.k1;
    let sum = 0;
    for (let window = 0; window < count; window++) sum += trainer.step().loss;
    assert.ok(Math.abs(sum / count - whole) < 1e-9, `${JSON.stringify(bptt)}: ${sum / count}, not ${whole}`);
  }
});

/** What a checkpoint keeps, taken from one trainer and put into another. */
function moved(from: Trainer, to: Trainer): Trainer {
  to.network.parameters.values.set(from.network.parameters.values);
  for (const [index, { values }] of from.updater.slots.entries()) to.updater.slots[index].values.set(values);
  const carried = new Map(from.carried().map(({ name, values }) => [name, values.slice()]));
  to.restore(from.cursor, (name) => carried.get(name) as ArrayLike<number>);
  return to;
}

for (const [what, options] of [
  ['full BPTT', {}],
  ['truncated BPTT', { bptt: { k1: 2, k2: 3 } }],
] as const) {
  test(`${what}: taken up at any update, a training goes on to the same bits`, async () => {
    const dataset = await counting([5, 3, 4, 5, 1]);
    const make = () => trainerOf(dataset, options, { cell: 'lstm', layers: 2, dropout: 0.3 });
    const whole = make();
    const reference = Array.from({ length: 15 }, () => whole.step().loss);
    for (let stop = 0; stop < 15; stop++) {
      const first = make();
      for (let update = 0; update < stop; update++) first.step();
      const second = moved(first, make());
      const losses = Array.from({ length: 15 - stop }, () => second.step().loss);
      assert.deepEqual(losses, reference.slice(stop), `taken up after update ${stop}`);
      assert.deepEqual(second.network.parameters.values, whole.network.parameters.values);
    }
  });
}

test('a carried state of another size is refused', async () => {
  const trainer = trainerOf(await counting([5, 5]), { bptt: { k1: 2, k2: 2 } });
  assert.throws(() => trainer.restore({ update: 1, applied: 1, epoch: 0, batch: 0, window: 1 }, () => [1, 2, 3]), {
    code: 'CHECKPOINT_INVALID',
    message: /carried\.h_l0 has 3 numbers where this training carries 6/,
  });
});

test('a gradient that is not finite: the update is counted and named, and the weights and the optimizer stay as they are', async () => {
  const trainer = trainerOf(await counting([3, 3]), {});
  trainer.step();
  const { parameters } = trainer.network;
  parameters.valuesOf('readout.bias')[0] = Number.NaN;
  trainer.network.changed();
  const before = parameters.values.slice();
  const slots = trainer.updater.slots.map(({ values }) => values.slice());
  const record = trainer.step();
  assert.equal(record.update, 2);
  assert.ok(Number.isNaN(record.loss));
  assert.match(record.nonFinite as string, /^(loss|gradient of )/);
  assert.deepEqual(parameters.values, before);
  assert.deepEqual(
    trainer.updater.slots.map(({ values }) => values),
    slots,
  );
  assert.deepEqual([trainer.cursor.update, trainer.cursor.applied], [2, 1]);

  parameters.valuesOf('readout.bias')[0] = 0;
  trainer.network.changed();
  assert.equal(trainer.step().nonFinite, null);
  assert.deepEqual([trainer.cursor.update, trainer.cursor.applied], [3, 2]);
});

test('a carried state that is not finite: the update is skipped, the state of its sequence set to 0, and the next one applied', async () => {
  const make = async () => trainerOf(await counting([9, 9, 9]), { bptt: { k1: 2, k2: 2 }, batchSize: 3 }, { cell: 'lstm' });
  for (const poison of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const trainer = await make();
    trainer.step();
    // c of the second sequence, H = 3.
    trainer.carried()[1].values[3] = poison;
    const before = trainer.carried().map(({ values }) => values.slice());
    const weights = trainer.network.parameters.values.slice();
    const { nonFinite } = trainer.step();
    assert.match(nonFinite as string, /state [hc]_l0 of 1 sequence set to 0$/);
    assert.deepEqual(trainer.network.parameters.values, weights);
    for (const [index, { values }] of trainer.carried().entries()) {
      assert.deepEqual(Array.from(values.subarray(3, 6)), [0, 0, 0]);
      // The other two went on.
      for (const i of [0, 1, 2, 6, 7, 8]) assert.ok(Number.isFinite(values[i]) && values[i] !== before[index][i]);
    }
    assert.equal(trainer.step().nonFinite, null);
    assert.deepEqual([trainer.cursor.update, trainer.cursor.applied], [3, 2]);
    assert.ok(trainer.network.parameters.values.every(Number.isFinite));
  }
});

test('the clip is applied before the optimizer, and both norms are recorded', async () => {
  const dataset = await counting([4, 4]);
  const free = trainerOf(dataset, { clip: 'none', optimizer: 'sgd', learningRate: 1 });
  const clipped = trainerOf(dataset, { clip: { globalNorm: 0.01 }, optimizer: 'sgd', learningRate: 1 });
  const before = clipped.network.parameters.values.slice();
  const [a, b] = [free.step(), clipped.step()];
  assert.equal(a.gradientNorm, b.gradientNorm);
  assert.equal(a.clippedNorm, a.gradientNorm);
  assert.ok(b.clippedNorm <= 0.01 && b.clippedNorm > 0.01 * (1 - 1e-4));
  // The step of plain gradient descent is the clipped gradient itself.
  const step = Math.hypot(...clipped.network.parameters.values.map((value, i) => value - before[i]));
  assert.ok(Math.abs(step - b.clippedNorm) < 1e-12);
});

test('without any target there is nothing to learn', async () => {
  const one = await counting([2, 2]);
  const { input, target, loss, count } = one;
  const silent: Dataset = {
    ...{ input, target, loss, count },
    length: (sequence) => one.length(sequence),
    copy(window, batch) {
      one.copy(window, batch);
      batch.counted = 0;
    },
  };
  assert.throws(() => trainerOf(silent, {}).step(), {
    code: 'DATA_INVALID',
    message: /no sequence of the training data has a counted target/,
  });
});
