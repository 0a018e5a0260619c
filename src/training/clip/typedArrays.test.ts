import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundStates, makeClip, makeNormMonitor } from './typedArrays.ts';

test('globalNorm over several arrays of either precision: (3, 4) and (12) have the norm 13', () => {
  for (const Type of [Float32Array, Float64Array]) {
    const gradients = [Type.of(3, 4), Type.of(12)];
    const { norm, clippedNorm, parameters, binding } = makeClip({ globalNorm: 1.3 })(gradients);
    assert.deepEqual([norm, ...parameters], [13, 5, 12]);
    for (const [i, expected] of [0.3, 0.4].entries()) assert.ok(Math.abs(gradients[0][i] - expected) < 1e-6);
    assert.ok(Math.abs(gradients[1][0] - 1.2) < 1e-6 && Math.abs(clippedNorm - 1.3) < 1e-6);
    assert.equal(binding.share, 1);
  }
});

test('value and parameterNorm; a gradient that is not bounded keeps its bits', () => {
  const gradients = [Float32Array.of(3, -4), Float32Array.of(0.1)];
  assert.equal(makeClip({ value: 3.5 })(gradients).binding.share, 1 / 3);
  assert.deepEqual([...gradients[0]], [3, -3.5]);
  const arrays = [Float64Array.of(3, 4), Float64Array.of(0.1)];
  const { binding } = makeClip({ parameterNorm: 1 })(arrays);
  assert.equal(binding.share, 1 / 2);
  assert.equal(arrays[1][0], 0.1);
  assert.ok(Math.abs(Math.hypot(...arrays[0]) - 1) < 1e-6);
});

test('percentile remembers; what is not finite is left as it is', () => {
  const clip = makeClip({ percentile: 90 });
  for (let i = 0; i < 10; i++) clip([Float64Array.of(1)]);
  const gradient = Float64Array.of(50);
  clip([gradient]);
  assert.ok(Math.abs(gradient[0] - 1) < 1e-6);
  const broken = Float64Array.of(Number.NaN, 7);
  assert.ok(Number.isNaN(clip([broken]).norm));
  assert.equal(broken[1], 7);
});

test('a clip that needs the training itself is refused, and says what to call instead', () => {
  assert.throws(() => makeClip('auto'), { code: 'OPTION_INVALID', message: /choose a threshold/ });
  assert.throws(() => makeClip({ recurrentNorm: 1 }), { code: 'OPTION_INVALID', message: /boundStates/ });
});

test('the monitor: the norm, that of each array, and quantiles that a NaN does not poison', () => {
  const monitor = makeNormMonitor();
  for (let i = 1; i <= 100; i++) monitor([Float64Array.of(i), Float64Array.of(0)]);
  const poisoned = monitor([Float64Array.of(Number.NaN), Float64Array.of(0)]);
  assert.deepEqual([poisoned.p50, poisoned.p90, poisoned.p99], [50, 90, 99]);
  assert.deepEqual(monitor([Float64Array.of(3), Float64Array.of(4)]).parameters, [3, 4]);
});

test('boundStates: each sequence by itself, all its states as one vector', () => {
  // Sequence 0 has the norm 5 over h and c, sequence 1 the norm 0.5.
  for (const threshold of [1, 1e-9, 1e20]) {
    const h = Float64Array.of(3, 0, 0.3, 0);
    const c = Float64Array.of(0, 4, 0, 0.4);
    const bound = boundStates([h, c], 2, 2, 'norm', threshold);
    assert.equal(bound, [5, 0.5].filter((norm) => norm > threshold).length);
    const shrunk = (value: number, norm: number) => (norm > threshold ? (value * threshold) / norm : value);
    const expected = [shrunk(3, 5), shrunk(0.3, 0.5), shrunk(4, 5), shrunk(0.4, 0.5)];
    for (const [i, value] of [h[0], h[2], c[1], c[3]].entries()) assert.ok(Math.abs(value / expected[i] - 1) < 1e-12);
  }
  const h = Float32Array.of(3, -0.5, 0.25, 0);
  assert.equal(boundStates([h], 2, 2, 'value', 1), 1);
  assert.deepEqual([...h], [1, -0.5, 0.25, 0]);
  assert.throws(() => boundStates([h], 2, 2, 'norm', 0), { code: 'OPTION_INVALID' });
});
