/** The trained reference: its eigenvectors, its gradient, and what it finds that no feature shows. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/compute/random.ts';
import { SequencesBuilder, StoredSequences } from '../../src/data/storedSequences.ts';
import { eigenvectors } from '../../src/diagnosis/dependence/eigenvectors.ts';
import { gradientsOf, type Weights } from '../../src/diagnosis/dependence/patternNetwork.ts';
import { dependence } from '../../src/index.ts';

test('eigenvectors: A v is lambda v, they are orthonormal, the largest magnitude comes first; of [[2, 1], [1, 2]] 3 and 1', () => {
  assert.deepEqual(
    eigenvectors(Float64Array.of(2, 1, 1, 2), 2).map(({ value }) => Number(value.toFixed(12))),
    [3, 1],
  );
  const d = 9;
  const random = new Random(1);
  const matrix = new Float64Array(d * d);
  for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) matrix[i * d + j] = matrix[j * d + i] = random.normal();
  const found = eigenvectors(matrix, d);
  for (const [i, { value, vector }] of found.entries()) {
    assert.ok(i === 0 || Math.abs(value) <= Math.abs(found[i - 1].value));
    for (let r = 0; r < d; r++) {
      const product = vector.reduce((sum, each, c) => sum + matrix[r * d + c] * each, 0);
      assert.ok(Math.abs(product - value * vector[r]) < 1e-9);
    }
    for (const [j, other] of found.entries()) {
      const inner = vector.reduce((sum, each, c) => sum + each * other.vector[c], 0);
      assert.ok(Math.abs(inner - (i === j ? 1 : 0)) < 1e-9);
    }
  }
});

test('the gradient is that of central differences', () => {
  const [d, units, O, n] = [5, 4, 2, 13];
  const random = new Random(2);
  const drawn = (count: number) => Float64Array.from({ length: count }, () => random.normal());
  const columns = drawn(d * n);
  const target = drawn(O * n);
  const weights: Weights = { into: drawn(units * d), bias: drawn(units), out: drawn(O * units), offset: drawn(O) };
  const loss = () => {
    let sum = 0;
    for (let r = 0; r < n; r++) {
      for (let o = 0; o < O; o++) {
        let value = weights.offset[o] - target[o * n + r];
        for (let h = 0; h < units; h++) {
          let into = weights.bias[h];
          for (let j = 0; j < d; j++) into += weights.into[h * d + j] * columns[j * n + r];
          value += weights.out[o * units + h] * Math.max(0, into);
        }
        sum += value * value;
      }
    }
    // And 1e-3 times half the squares of the weights of the first layer.
    return sum / n + 5e-4 * weights.into.reduce((squares, each) => squares + each * each, 0);
  };
  const gradients = gradientsOf(columns, d, weights, target, O, n);
  for (const [i, part] of [weights.into, weights.bias, weights.out, weights.offset].entries()) {
    for (let at = 0; at < part.length; at++) {
      const kept = part[at];
      part[at] = kept + 1e-6;
      const above = loss();
      part[at] = kept - 1e-6;
      const below = loss();
      part[at] = kept;
      assert.ok(Math.abs((above - below) / 2e-6 - gradients[i][at]) < 1e-6, `${i} ${at}`);
    }
  }
});

test('the exclusive or of the bits after two markers at random places is found by the trained reference, and what the loss could be', () => {
  const T = 16;
  const random = new Random(3);
  const builder = new SequencesBuilder();
  for (let n = 0; n < 1200; n++) {
    const x = Array.from({ length: T }, () => random.below(2));
    const [one, other] = [random.below(T / 2 - 1), T / 2 + random.below(T / 2 - 1)];
    x[one] = x[other] = 2;
    for (const symbol of x) builder.symbols.push(symbol);
    builder.targetSteps.push(T - 1);
    builder.classes.push(x[one + 1] ^ x[other + 1]);
    builder.end(T);
  }
  const dataset = new StoredSequences(
    { input: { kind: 'symbols', size: 3 }, target: { kind: 'classes', size: 2 }, loss: 'crossEntropy' },
    builder.take(),
  );
  const { horizon, ladder, reference } = dependence(dataset, { power: false });
  assert.ok(horizon >= T - 3 && horizon <= T, `${horizon}`);
  assert.equal(ladder.find(({ window }) => window === horizon - 1)?.learner, 'a trained network');
  // ln 2 without any input.
  assert.ok(reference.loss !== null && reference.loss < 0.1, `${reference.loss}`);
});
