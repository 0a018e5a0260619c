/** Kernel ridge regression against Gauss's elimination, with every row really left out once and fitted again. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelRidge, linearKernel, type Points, radialKernel } from '../../src/diagnosis/dependence/kernelRidge.ts';
import { Random } from '../../src/index.ts';

const random = new Random(11);
const drawn = (n: number, dimensions: number): Points => ({
  values: Float64Array.from({ length: n * dimensions }, () => random.normal()),
  n,
  dimensions,
});
const rowOf = ({ values, dimensions: D }: Points, r: number) => [...values.subarray(r * D, (r + 1) * D)];
const inner = (a: readonly number[], b: readonly number[]) => a.reduce((sum, each, i) => sum + each * b[i], 0);
const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-8 * Math.max(1, Math.abs(expected)), `${actual}, not ${expected}`);

/** x of A x = b, by elimination with pivots. */
function solved(A: readonly (readonly number[])[], b: readonly number[]): number[] {
  const rows = A.map((row, i) => [...row, b[i]]);
  const d = rows.length;
  for (let j = 0; j < d; j++) {
    let pivot = j;
    for (let i = j; i < d; i++) if (Math.abs(rows[i][j]) > Math.abs(rows[pivot][j])) pivot = i;
    [rows[j], rows[pivot]] = [rows[pivot], rows[j]];
    for (let i = 0; i < d; i++) {
      if (i === j) continue;
      const factor = rows[i][j] / rows[j][j];
      for (let k = j; k <= d; k++) rows[i][k] -= factor * rows[j][k];
    }
  }
  return rows.map((row, j) => row[d] / row[j]);
}

test('inner products are in the unit of their mean square', () => {
  const points = drawn(9, 3);
  const unit = Array.from({ length: 9 }, (_, r) => inner(rowOf(points, r), rowOf(points, r))).reduce((a, b) => a + b) / 9;
  const other = drawn(4, 3);
  const values = linearKernel(points)(other, points);
  for (let i = 0; i < 4; i++) for (let j = 0; j < 9; j++) close(values[i * 9 + j], inner(rowOf(other, i), rowOf(points, j)) / unit);
});

test('the radial kernel is 1 for the same point, symmetric, falls with the distance, and does not see the unit of the points', () => {
  const points = drawn(30, 2);
  const values = radialKernel(points)(points, points);
  const pairs: [number, number][] = [];
  for (let i = 0; i < 30; i++) {
    close(values[i * 30 + i], 1);
    for (let j = 0; j < i; j++) {
      close(values[i * 30 + j], values[j * 30 + i]);
      const apart = rowOf(points, i).map((value, k) => value - rowOf(points, j)[k]);
      pairs.push([inner(apart, apart), values[i * 30 + j]]);
    }
  }
  pairs.sort(([a], [b]) => a - b);
  for (let i = 1; i < pairs.length; i++) assert.ok(pairs[i][1] <= pairs[i - 1][1]);
  const scaled: Points = { ...points, values: points.values.map((value) => 1000 * value) };
  radialKernel(scaled)(scaled, scaled).forEach((value, i) => {
    close(value, values[i]);
  });
});

test('each target takes the ridge whose errors are least when every row is left out', () => {
  const n = 24;
  const points = drawn(n, 2);
  const asked = drawn(5, 2);
  const smooth = (r: number) => Math.sin(2 * points.values[2 * r]) + 0.1 * points.values[2 * r + 1];
  const targets = [Array.from({ length: n }, (_, r) => smooth(r)), Array.from({ length: n }, () => random.normal())];
  const kernel = radialKernel(points);
  const K = kernel(points, points);
  const across = kernel(asked, points);
  const taken: number[] = [];
  const actual = kernelRidge(kernel, points, Float64Array.from(targets.flat()), 2, asked);
  targets.forEach((target, o) => {
    let best = { errors: Number.POSITIVE_INFINITY, ridge: 0 };
    const weightsOf = (rows: number[], ridge: number) =>
      solved(
        rows.map((i) => rows.map((j) => K[i * n + j] + (i === j ? ridge : 0))),
        rows.map((i) => target[i]),
      );
    const all = Array.from({ length: n }, (_, i) => i);
    for (const ridge of [1e-3, 0.03, 0.6]) {
      let errors = 0;
      for (const left of all) {
        const others = all.filter((i) => i !== left);
        const weights = weightsOf(others, ridge);
        errors += (target[left] - others.reduce((sum, i, at) => sum + K[left * n + i] * weights[at], 0)) ** 2;
      }
      if (errors < best.errors) best = { errors, ridge };
    }
    taken.push(best.ridge);
    const weights = weightsOf(all, best.ridge);
    for (let r = 0; r < 5; r++) {
      close(
        actual[o * 5 + r],
        all.reduce((sum, i) => sum + across[r * n + i] * weights[i], 0),
      );
    }
  });
  assert.ok(taken[1] > taken[0], `noise is to be held back more than a smooth target: ${taken}`);
});
