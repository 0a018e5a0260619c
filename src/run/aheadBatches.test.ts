import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { Random } from '../compute/random.ts';
import type { Dataset } from '../data/dataset.ts';
import { makeTask } from '../data/task/tasks.ts';
import { allocateBatch, type Batch } from '../network/batch.ts';
import { BatchOrder, type OrderOptions, type Place, roomFor } from '../training/batchOrder.ts';
import { directBatches } from '../training/batchSource.ts';
import { openBatches } from './aheadBatches.ts';
import { readExperiment } from './experiment.ts';
import { openDataFiles } from './openData.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'throughtime-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function opened(content: string, data: object, batchSize: number) {
  const name = `${Math.random()}`.slice(2);
  writeFileSync(path.join(folder, name), content);
  const experiment = { name: 'a', data: { ...data, path: name }, model: { cell: 'rnn', hiddenSize: 2 }, training: { batchSize } };
  const { data: parts } = await openDataFiles(readExperiment(JSON.stringify(experiment), 'a.json'), folder, { held: 0 });
  return { parts, file: path.join(folder, name) };
}

const text = (B: number) => opened('the gradient goes back, 世界 by 世界\n'.repeat(60), { kind: 'text', split: 0.8 }, B);
const table = (B: number) => {
  const rows = Array.from({ length: 90 }, (_, i) => `${i % 7},${(i * i) % 11}`);
  return opened(['a,b', ...rows].join('\n'), { kind: 'table', inputs: ['b', 'a'], target: 'b', window: 9, horizon: 2 }, B);
};

/** A batch's memory in each precision. */
const memory = (precision: 'float32' | 'float64') => ({
  precision,
  allocate: (length: number) => (precision === 'float64' ? new Float64Array(length) : new Float32Array(length)),
  allocateIndices: (length: number) => new Int32Array(length),
});

/** All of a batch that counts. */
function filled({ input, target, T, B, lengths, vectors, symbols, counted, rows, classes, values }: Batch) {
  return {
    ...{ T, B, counted, lengths: lengths.slice(0, B), rows: rows.slice(0, counted) },
    inputs: input.kind === 'vectors' ? vectors.slice(0, T * B * input.size) : symbols.slice(0, T * B),
    targets: target.kind === 'classes' ? classes.slice(0, counted) : values.slice(0, counted * target.size),
  };
}

async function both(dataset: Dataset, options: OrderOptions, precision: 'float32' | 'float64') {
  const { batches, close } = await openBatches(dataset, options, memory(precision), 'ahead');
  const { T, B } = roomFor(dataset, options);
  const [ahead, direct] = [0, 1].map(() => allocateBatch(memory(precision), dataset.input, dataset.target, T, B));
  const order = new BatchOrder(dataset, options);
  const source = directBatches(dataset);
  return {
    order,
    close,
    same() {
      source.fill(order, direct);
      batches!.fill(order, ahead);
      assert.deepEqual(filled(ahead), filled(direct));
      order.advance();
    },
    fill: () => batches!.fill(order, ahead),
  };
}

describe('batches prepared ahead', () => {
  for (const precision of ['float32', 'float64'] as const) {
    for (const [what, open, options] of [
      ['a text in windows', text, { batchSize: 3, seed: 4, bptt: { k1: 7, k2: 10 } }],
      ['a table in batches', table, { batchSize: 4, seed: 5, bptt: 'full' }],
      ['a table in windows, the last of which alone has targets', table, { batchSize: 50, seed: 6, bptt: { k1: 2, k2: 4 } }],
    ] as const) {
      test(`${what}, ${precision}: those that are copied on the spot, over several epochs and from any place on`, async () => {
        const { parts } = await open(options.batchSize);
        const { order, same, close } = await both(parts.train, options, precision);
        const places: Place[] = [];
        for (let i = 0; i < 200; i++) {
          places.push(order.place);
          same();
        }
        assert.ok(order.place.epoch >= 2, `${order.place.epoch}`);
        const random = new Random(8);
        for (let jump = 0; jump < 12; jump++) {
          order.place = places[random.below(places.length)];
          // Sometimes the thread is in the middle of it, sometimes it has come to rest.
          if (jump % 3 === 0) await later(5);
          for (let i = random.below(5); i >= 0; i--) same();
        }
        await close();
        parts.close?.();
      });
    }
  }

  test('an error comes at the batch that could not be filled, with its code, file and words, and again when it is tried again', async () => {
    const options = { batchSize: 3, seed: 4, bptt: { k1: 7, k2: 10 } } as const;
    const { parts, file } = await text(3);
    const { same, fill, close } = await both(parts.train, options, 'float32');
    for (let i = 0; i < 5; i++) same();
    await later(50);
    truncateSync(file, 10);
    let before = 0;
    const changed = { code: 'DATA_CHANGED', message: /^\S+: now has 10 bytes, and had \d+ bytes when it was opened/ };
    assert.throws(() => {
      for (; before < 10; before++) fill();
    }, changed);
    assert.ok(before <= 3, 'what had been filled before is used');
    assert.throws(fill, changed);
    await close();
    parts.close?.();
  });

  test('where they are prepared, and why', async () => {
    const { parts } = await table(4);
    const options = { batchSize: 4, seed: 0, bptt: 'full' } as const;
    const task = makeTask({ kind: 'task', name: 'adding', length: 5, trainSequences: 9 }).train;
    const where = async (dataset: Dataset, prepare: 'auto' | 'inline' | 'ahead') => {
      const { preparation, batches, close } = await openBatches(dataset, options, memory('float32'), prepare);
      await close();
      assert.equal(batches !== undefined, preparation.where === 'ahead');
      return `${preparation.where}: ${preparation.reason}`;
    };
    const cores = os.availableParallelism();
    assert.equal(await where(parts.train, 'auto'), cores > 1 ? 'ahead: the data are read from a file' : 'inline: there is one core');
    assert.equal(await where(parts.train, 'inline'), 'inline: asked for');
    assert.equal(await where(parts.train, 'ahead'), 'ahead: asked for');
    assert.equal(await where(task, 'auto'), 'inline: the data are in memory');
    await assert.rejects(where(task, 'ahead'), {
      code: 'OPTION_INVALID',
      message: /--prepare ahead has no meaning for tasks and sequences/,
    });
    parts.close?.();
  });
});
