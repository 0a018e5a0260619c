/** A finding is confirmed where old inputs matter, and not where they merely stand in for a bend of the newest one. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SequencesBuilder, StoredSequences } from '../../src/data/storedSequences.ts';
import { channelsOf } from '../../src/diagnosis/dependence/channels.ts';
import { confirm } from '../../src/diagnosis/dependence/confirmation.ts';
import { exchangeTest } from '../../src/diagnosis/dependence/exchange.ts';
import type { FarPrediction } from '../../src/diagnosis/dependence/farLearners.ts';
import { divide } from '../../src/diagnosis/dependence/rows.ts';
import { samplesOf } from '../../src/diagnosis/dependence/samples.ts';
import { type Side, Split, sideOf } from '../../src/diagnosis/dependence/split.ts';
import { Random } from '../../src/index.ts';

const T = 12;
const exchanges = 999;

/** Sequences of slowly changing numbers with a target each, divided in two. */
function splitOf(seed: number, count: number, target: (x: readonly number[], random: Random) => number): Split {
  const random = new Random(seed);
  const builder = new SequencesBuilder();
  for (let n = 0; n < count; n++) {
    let value = random.normal();
    const x = Array.from({ length: T }, () => {
      value = 0.99 * value + Math.sqrt(1 - 0.99 ** 2) * random.normal();
      return value;
    });
    for (const each of x) builder.vectors.push(each);
    builder.targetSteps.push(T - 1);
    builder.values.push(target(x, random));
    builder.end(T);
  }
  const shape = { input: { kind: 'vectors', size: 1 }, target: { kind: 'values', size: 1 }, loss: 'mse' } as const;
  const pieces = samplesOf(new StoredSequences(shape, builder.take()));
  let piece = pieces.next();
  while (!piece.done) piece = pieces.next();
  const samples = piece.value;
  const division = divide(samples, seed, undefined, 0);
  assert.ok(typeof division !== 'number');
  const channels = channelsOf(samples, seed);
  const [train, tested] = division.halves.map((rows) => sideOf(samples, channels, rows, division.longest));
  return new Split(samples, train, tested, seed);
}

/** A bend of the input one step before the newest, as a far prediction. */
function ofLagOne(split: Split, bend: (value: number) => number): FarPrediction {
  const on = ({ past }: Side) => {
    const column = new Float64Array(past.n);
    past.addLag(0, 1, column);
    return column.map(bend);
  };
  return { name: 'the input before the newest, bent', values: on(split.test), on };
}

/** p-values without confirmation, and with it, of what is older than the newest input. */
function pValues(split: Split, bend: (value: number) => number): { plain: number; confirmed: number } {
  const near = split.near(1);
  const far = ofLagOne(split, bend);
  const partial = split.partial(near);
  const values = far.values.slice();
  partial.far(values);
  const { units, perUnit } = split.test.rows;
  const plain = exchangeTest(partial.residual(), [values], 1, units, perUnit, exchanges, new Random(1)).pValue;
  return { plain, confirmed: confirm(split, near, far, exchanges) };
}

describe('confirmation', () => {
  const wave = (value: number) => Math.sin(9 * value);

  test('what stands in for a fast wave of the newest input is found without it, and not with it', () => {
    const { plain, confirmed } = pValues(
      splitOf(3, 1000, (x, random) => 2 * wave(x[T - 1]) + 0.1 * random.normal()),
      wave,
    );
    assert.ok(plain <= 0.002, `${plain}`);
    assert.ok(confirmed > 0.02, `${confirmed}`);
  });

  test('the input before the newest stands, where the target is made of it', () => {
    const { confirmed } = pValues(
      splitOf(4, 1000, (x, random) => wave(x[T - 1]) + x[T - 2] + 0.3 * random.normal()),
      (value) => value,
    );
    assert.ok(confirmed <= 0.002, `${confirmed}`);
  });

  test('of 24 data sets with nothing older, at most 7 have a p-value of 0.1 or less: more have a chance of 0.002', () => {
    let small = 0;
    for (let seed = 100; seed < 124; seed++) {
      const split = splitOf(seed, 160, (x, random) => Math.tanh(3 * x[T - 1]) + 0.3 * random.normal());
      if (confirm(split, split.near(1), ofLagOne(split, Math.tanh), exchanges) <= 0.1) small++;
    }
    assert.ok(small <= 7, `${small}`);
  });
});
