/** Sequences that repeat another one are counted once, and chance is not taken for repetition. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SequencesBuilder, StoredSequences } from '../../src/data/storedSequences.ts';
import { withoutCopies } from '../../src/diagnosis/dependence/copies.ts';
import { samplesOf } from '../../src/diagnosis/dependence/samples.ts';
import { Random } from '../../src/index.ts';

interface Sequence {
  readonly x: readonly number[];
  readonly y: number;
}

/** Which of the sequences are kept. */
function kept(sequences: readonly Sequence[]): number[] {
  const builder = new SequencesBuilder();
  for (const { x, y } of sequences) {
    for (const value of x) builder.vectors.push(value);
    builder.targetSteps.push(x.length - 1);
    builder.values.push(y);
    builder.end(x.length);
  }
  const shape = { input: { kind: 'vectors', size: 1 }, target: { kind: 'values', size: 1 }, loss: 'mse' } as const;
  const pieces = samplesOf(new StoredSequences(shape, builder.take()));
  let piece = pieces.next();
  while (!piece.done) piece = pieces.next();
  return [
    ...withoutCopies(
      piece.value,
      sequences.map((_, n) => n),
    ),
  ];
}

describe('sequences that repeat another one', () => {
  const random = new Random(4);
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
  const drawn = (length: number): Sequence => ({ x: upTo(length).map(() => random.normal()), y: random.normal() });
  const twenty = upTo(20).map(() => drawn(10));

  test('are left out, wherever they stand', () => {
    assert.deepEqual(kept([...twenty, twenty[3], twenty[3], twenty[19]]), upTo(20));
    assert.deepEqual(kept([twenty[0], ...twenty]), [0, ...upTo(21).slice(2)]);
  });

  test('stay where equal inputs have different targets: then targets are drawn, not copied', () => {
    assert.deepEqual(kept([...twenty, { x: twenty[3].x, y: 7 }]), upTo(21));
  });

  test('stay where sequences are so short that they are alike by chance', () => {
    const short = upTo(30).map((i) => ({ x: [i % 2, i % 3, i % 2], y: i % 2 }));
    assert.deepEqual(kept(short), upTo(30));
  });

  test('stay where those that begin alike seldom end alike', () => {
    const beginning = drawn(10).x.slice(0, 5);
    const ends = upTo(20).map(() => ({ ...drawn(10), x: [...beginning, ...drawn(5).x] }));
    assert.deepEqual(kept([...ends, ends[6]]), upTo(21));
  });

  test('are no copies when they differ at a single step, by the least bit, or in length', () => {
    const [one] = twenty;
    const changed = { ...one, x: one.x.map((value, t) => (t === 9 ? value + 1e-6 : value)) };
    const longer = { ...one, x: [...one.x, 0] };
    assert.deepEqual(kept([...twenty, changed, longer]), upTo(22));
  });
});
