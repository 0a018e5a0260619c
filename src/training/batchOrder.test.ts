import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Random, seedFor } from '../compute/random.ts';
import { truncatedWindow } from '../network/unroll/truncated.ts';
import { BatchOrder, type OrderOptions, type Place, roomFor } from './batchOrder.ts';
import { EpochOrder } from './epochOrder.ts';

const sequencesOf = (lengths: readonly number[]) => ({ count: lengths.length, length: (sequence: number) => lengths[sequence] });

interface Step extends Place {
  readonly sequences: number[];
  readonly window: number;
  readonly steps: object | undefined;
}

/** The first windows of a training, written out: epochs shuffled whole, cut into batches, each gone through window by window. */
function written(lengths: readonly number[], { batchSize, seed, bptt }: OrderOptions, count: number): Step[] {
  const steps: Step[] = [];
  const B = Math.min(batchSize, lengths.length);
  for (let epoch = 0; steps.length < count; epoch++) {
    const order = lengths.map((_, sequence) => sequence);
    new Random(seedFor(seed, 'order', epoch)).shuffle(order);
    for (let batch = 0; batch * B < lengths.length; batch++) {
      const sequences = order.slice(batch * B, (batch + 1) * B);
      const T = Math.max(...sequences.map((sequence) => lengths[sequence]));
      for (let window = 0; window === 0 || truncatedWindow(window, T, bptt); window++) {
        steps.push({ epoch, batch, window, sequences, steps: truncatedWindow(window, T, bptt) });
      }
    }
  }
  return steps.slice(0, count);
}

const trainings = fc.record({
  lengths: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 9 }),
  options: fc.record({
    batchSize: fc.integer({ min: 1, max: 5 }),
    seed: fc.nat(99),
    bptt: fc.constantFrom('full', { k1: 1, k2: 1 }, { k1: 2, k2: 3 }, { k1: 4, k2: 4 }) as fc.Arbitrary<OrderOptions['bptt']>,
  }),
});

const at = (order: BatchOrder): Step => ({ ...order.place, sequences: [...order.sequences], steps: order.window });

describe('BatchOrder', () => {
  test('goes through the epochs, their batches and their windows', () => {
    fc.assert(
      fc.property(trainings, ({ lengths, options }) => {
        const order = new BatchOrder(sequencesOf(lengths), options);
        for (const expected of written(lengths, options, 40)) {
          assert.deepEqual(at(order), expected);
          order.advance();
        }
      }),
    );
  });

  test('can be put anywhere, and goes on from there as if it had come there', () => {
    fc.assert(
      fc.property(trainings, fc.nat(39), fc.nat(39), ({ lengths, options }, before, there) => {
        const steps = written(lengths, options, 42);
        const order = new BatchOrder(sequencesOf(lengths), options);
        order.place = steps[before];
        at(order);
        order.place = steps[there];
        for (const expected of steps.slice(there, there + 3)) {
          assert.deepEqual(at(order), expected);
          order.advance();
        }
      }),
    );
  });

  test('no window is larger than the room for it', () => {
    fc.assert(
      fc.property(trainings, ({ lengths, options }) => {
        const { T, B } = roomFor(sequencesOf(lengths), options);
        for (const { sequences, steps } of written(lengths, options, 40)) {
          const { begin, end } = (steps ?? { begin: 0, end: 0 }) as { begin: number; end: number };
          assert.ok(sequences.length <= B && end - begin <= T);
        }
      }),
    );
  });
});

describe('EpochOrder', () => {
  const whole = (count: number, seed: number, epoch: number, most?: number) => {
    const places = new Int32Array(count);
    new EpochOrder(count, seed, most).read(epoch, 0, places);
    return places;
  };

  test('what is computed is a permutation too, of any number of sequences', () => {
    for (const count of [1, 2, 3, 5, 8, 17, 64, 100, 1023, 1024, 1025, 4000]) {
      for (const epoch of [0, 1, 2]) {
        const sorted = whole(count, 7, epoch, 0).toSorted();
        assert.deepEqual(
          sorted,
          Int32Array.from({ length: count }, (_, i) => i),
        );
      }
    }
  });

  test('any part of it is read alone, and another seed or epoch gives another order', () => {
    for (const most of [0, 2000]) {
      const order = new EpochOrder(1000, 3, most);
      const all = whole(1000, 3, 5, most);
      const part = new Int32Array(7);
      order.read(4, 990, part);
      order.read(5, 123, part);
      assert.deepEqual(part, all.subarray(123, 130));
      for (const other of [whole(1000, 3, 6, most), whole(1000, 4, 5, most)]) {
        const same = all.filter((sequence, place) => sequence === other[place]).length;
        assert.ok(same < 12, `${same} of 1000 stand where they stood; 1 is expected`);
      }
    }
  });

  test('where a sequence comes, and which one comes next, is evenly spread over epochs', () => {
    const count = 100;
    const epochs = 4000;
    const order = new EpochOrder(count, 11, 0);
    const places = new Int32Array(count);
    /** How often sequence 17 came in each tenth of the epoch, and how far after it the sequence at the next place lies. */
    const tenths = new Float64Array(10);
    const distances = new Float64Array(count);
    for (let epoch = 0; epoch < epochs; epoch++) {
      order.read(epoch, 0, places);
      const place = places.indexOf(17);
      tenths[Math.floor(place / 10)]++;
      if (place + 1 < count) distances[(places[place + 1] - 17 + count) % count]++;
    }
    const chiSquare = (counts: Float64Array) => {
      const mean = counts.reduce((sum, each) => sum + each) / counts.length;
      return counts.reduce((sum, each) => sum + (each - mean) ** 2 / mean, 0);
    };
    // 9 and 98 degrees of freedom: the 99.99% quantiles are 33.7 and 157.
    assert.ok(chiSquare(tenths) < 33.7, `${chiSquare(tenths)}`);
    assert.ok(chiSquare(distances.subarray(1)) < 157, `${chiSquare(distances.subarray(1))}`);
  });

  test('more than 2^20 sequences take no memory for each', () => {
    const count = 2 ** 31 - 1;
    const order = new EpochOrder(count, 1);
    const some = new Int32Array(1000);
    order.read(0, count - 1000, some);
    assert.equal(new Set(some).size, 1000);
    assert.ok(some.every((sequence) => sequence >= 0 && sequence < count));
    // Uniform in [0, count): the mean of a thousand lies within 5 standard errors of the middle.
    const mean = some.reduce((sum, sequence) => sum + sequence / count / 1000, 0);
    assert.ok(Math.abs(mean - 0.5) < 5 * Math.sqrt(1 / 12 / 1000), `${mean}`);
  });
});
