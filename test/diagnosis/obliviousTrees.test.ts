/** Boosted trees where what they give can be written down. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ObliviousTrees } from '../../src/diagnosis/dependence/obliviousTrees.ts';
import { Random } from '../../src/index.ts';

test('one column of 0 and 1: each tree takes 0.3 n / (n + 5) of what is left of the mean of n rows', () => {
  const n = 90;
  const column = Float64Array.from({ length: n }, (_, r) => (r % 3 === 0 ? 1 : 0));
  const targets = Float64Array.from(column, (bit, r) => (bit ? 2 : -1) + Math.cos(r));
  const predicted = new ObliviousTrees(column, 1, n).predict(targets, 1, Float64Array.of(0, 1, -7, 9), 4);
  const expected = [0, 1].map((bit) => {
    const members = [...targets].filter((_, r) => column[r] === bit);
    const mean = members.reduce((a, b) => a + b) / members.length;
    return mean * (1 - (1 - (0.3 * members.length) / (members.length + 5)) ** 30);
  });
  [expected[0], expected[1], expected[0], expected[1]].forEach((value, i) => {
    assert.ok(Math.abs(predicted[i] - value) < 1e-12, `${predicted[i]}, not ${value}`);
  });
});

test('a product of two numbers, which no column holds, is found at rows that were not fitted; each target by itself', () => {
  const random = new Random(2);
  const [n, m] = [800, 400];
  const side = (count: number) => {
    const columns = Float64Array.from({ length: 3 * count }, () => random.normal());
    const product = Float64Array.from({ length: count }, (_, r) => columns[r] * columns[count + r]);
    return { columns, product };
  };
  const [train, asked] = [side(n), side(m)];
  const targets = new Float64Array(2 * n);
  targets.set(train.product, n);
  const predicted = new ObliviousTrees(train.columns, 3, n).predict(targets, 2, asked.columns, m);
  assert.ok(predicted.subarray(0, m).every((value) => value === 0));
  let [left, whole] = [0, 0];
  asked.product.forEach((value, r) => {
    left += (value - predicted[m + r]) ** 2;
    whole += value ** 2;
  });
  assert.ok(left < 0.6 * whole, `${left / whole} of the squares are left`);
});

test('columns that do not vary tell nothing', () => {
  const predicted = new ObliviousTrees(new Float64Array(50).fill(3), 1, 50).predict(new Float64Array(50).fill(1), 1, Float64Array.of(3), 1);
  assert.deepEqual([...predicted], [0]);
});
