import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';
import { GradientNorm } from './gradientNorm.ts';

const parts = [
  { at: 0, length: 2 },
  { at: 2, length: 1 },
];

test('(3, 4) and 12: the norms are 5 and 12, and 13 in all; squares that float32 cannot hold are no trouble', async () => {
  for (const backend of [scalarBackend(), await wasmBackend()]) {
    const gradient = backend.allocate(3);
    const monitor = new GradientNorm(2);
    gradient.set([3, 4, 12]);
    const { total, parameters } = monitor.measure(backend, gradient, parts);
    assert.deepEqual([total, ...parameters], [13, 5, 12]);
    gradient.set([3e30, 4e30, 12e30]);
    assert.ok(Math.abs(monitor.measure(backend, gradient, parts).total / 13e30 - 1) < 1e-6);
    const each = new GradientNorm(2).measureEach(backend, [gradient.subarray(0, 2), gradient.subarray(2)]);
    assert.deepEqual([...each.parameters], [...monitor.measure(backend, gradient, parts).parameters]);
  }
});

test('quantiles: an outlier moves them by a rank at most, and a NaN not at all', () => {
  const backend = scalarBackend();
  const gradient = backend.allocate(1);
  const monitor = new GradientNorm(1);
  const see = (norm: number) => {
    gradient[0] = norm;
    monitor.measure(backend, gradient, [{ at: 0, length: 1 }]);
  };
  for (let norm = 1; norm <= 100; norm++) see(norm);
  assert.deepEqual(
    [0.5, 0.9, 0.99].map((q) => monitor.quantile(q)),
    [50, 90, 99],
  );
  for (const poison of [Number.NaN, Infinity]) see(poison);
  assert.equal(monitor.quantile(0.9), 90);
  see(1e100);
  assert.equal(monitor.quantile(0.9), 91);
  assert.equal(monitor.quantile(0.5), 51);
});
