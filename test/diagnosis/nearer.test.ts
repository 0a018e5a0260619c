/** The steps between are left out, and the same network is trained again: one that can learn it nearby does, and one that is too small does not. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SequencesBuilder, StoredSequences } from '../../src/data/storedSequences.ts';
import { dependence } from '../../src/diagnosis/dependence/dependence.ts';
import { type Nearer, nearerPieces } from '../../src/diagnosis/examination/nearer.ts';
import { shortened } from '../../src/diagnosis/examination/shortened.ts';
import { type ModelOptions, Network, Random, trainingDefaults, wasmBackend } from '../../src/index.ts';

type Sequence = { readonly x: readonly number[]; readonly targets: readonly (readonly [step: number, value: number])[] };

function stored(symbols: number, sequences: readonly Sequence[]): StoredSequences {
  const builder = new SequencesBuilder();
  for (const { x, targets } of sequences) {
    for (const symbol of x) builder.symbols.push(symbol);
    for (const [step, value] of targets) {
      builder.targetSteps.push(step);
      builder.classes.push(value);
    }
    builder.end(x.length);
  }
  return new StoredSequences(
    { input: { kind: 'symbols', size: symbols }, target: { kind: 'classes', size: symbols }, loss: 'crossEntropy' },
    builder.take(),
  );
}

function drawn(count: number, seed: number, length: number, value: (x: readonly number[]) => number): StoredSequences {
  const random = new Random(seed);
  const sequences = Array.from({ length: count }, () => {
    const x = Array.from({ length }, () => random.below(2));
    return { x, targets: [[length - 1, value(x)] as const] };
  });
  return stored(2, sequences);
}

const backend = await wasmBackend({ threads: 1 });
const training = { ...trainingDefaults, learningRate: 0.02, updates: 200, monitors: ['lag-profile'], monitorEvery: 10 };

/** @param loss of the network that is said to have been examined: that of a coin. */
function brought(model: ModelOptions, value: (x: readonly number[]) => number, length: number, late = () => false): Nearer | 'late' | null {
  const [train, validation] = [drawn(500, 1, length, value), drawn(200, 2, length, value)];
  const data = dependence(train, { power: false });
  const network = new Network(backend, model, train.input, 2);
  const mark = backend.mark();
  const pieces = nearerPieces({ network, model, training, train, validation, data, loss: Math.LN2, late });
  for (;;) {
    const { done, value: found } = pieces.next();
    if (!done) continue;
    assert.equal(backend.mark(), mark, 'memory is given back');
    return found;
  }
}

test('what is kept: the newest, and those beyond the gap; a sequence that ends before it is left out', () => {
  const x = [10, 11, 12, 13, 14, 15, 16, 17];
  const kept = shortened(
    stored(20, [
      { x, targets: [[7, 3]] },
      { x: x.slice(0, 5), targets: [[4, 2]] },
    ]),
    { near: 2, far: 5, oldest: 7 },
  );
  assert.ok(kept);
  // Counted back from 17: 0 and 1 are near, 5 and 6 are far.
  assert.deepEqual([...kept.sequences.arrays.symbols], [11, 12, 16, 17]);
  assert.deepEqual([...kept.sequences.arrays.targetSteps], [3]);
  assert.deepEqual([...kept.sequences.arrays.classes], [3]);
  assert.equal(kept.single, true);
});

test('of several targets the last is kept, and the steps after it are not', () => {
  const kept = shortened(
    stored(20, [
      {
        x: [10, 11, 12, 13, 14, 15],
        targets: [
          [2, 1],
          [4, 7],
        ],
      },
    ]),
    { near: 1, far: 3, oldest: 4 },
  );
  assert.ok(kept);
  assert.deepEqual([...kept.sequences.arrays.symbols], [11, 14]);
  assert.deepEqual([...kept.sequences.arrays.classes], [7]);
  assert.equal(kept.single, false);
});

test('a bit 12 steps back that is not learned: brought to 2 steps it is', () => {
  const found = brought({ cell: 'rnn', hiddenSize: 12 }, (x) => x[x.length - 13], 14);
  assert.ok(found !== null && found !== 'late');
  assert.equal(found.lag, 12);
  assert.equal(found.nearLag, 2);
  assert.ok(found.learned > 0.9, `${found.learned}`);
});

test('an exclusive or that one unit does not learn: it does not two steps back either, where the data still have it', () => {
  const found = brought({ cell: 'gru', hiddenSize: 1 }, (x) => x[x.length - 1] ^ x[x.length - 8], 9);
  assert.ok(found !== null && found !== 'late');
  assert.equal(found.lag, 7);
  assert.ok(found.nearLag <= 3);
  assert.ok(found.learned < 0.5, `${found.learned}`);
  assert.ok((found.preserved ?? 0) > 0.8, `${found.preserved}`);
});

test('without time it says so', () => {
  assert.equal(
    brought(
      { cell: 'rnn', hiddenSize: 4 },
      (x) => x[x.length - 13],
      14,
      () => true,
    ),
    'late',
  );
});
