import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Backend, Reals } from '../../compute/backend.ts';
import { Random } from '../../compute/random.ts';
import { scalarBackend } from '../../compute/scalar/scalar.ts';
import { wasmBackend } from '../../compute/wasm/wasm.ts';
import { applyExponents, RowScale } from './rowScale.ts';

const backends: readonly (readonly [string, Backend])[] = [
  ['scalar', scalarBackend()],
  ['wasm', await wasmBackend()],
];

/** A row of normal numbers in the backend's memory. */
function normals(backend: Backend, length: number, seed: number): Reals {
  const random = new Random(seed);
  const row = backend.allocate(length);
  for (let j = 0; j < length; j++) row[j] = random.normal();
  return row;
}

/** m * 2^shift in float64, 0 below its range; m and 2^shift alone may lie beyond it. */
function shifted(m: number, shift: number): number {
  const half = Math.trunc(Math.max(-2100, Math.min(2100, shift)) / 3);
  const rest = Math.max(-2100, Math.min(2100, shift)) - 2 * half;
  return m * 2 ** half * 2 ** half * 2 ** rest;
}

for (const [name, backend] of backends) {
  const float32 = backend.precision === 'float32';
  const rounding = float32 ? 2 ** -23 : 2 ** -52;

  describe(`${name}: RowScale`, () => {
    test('addRow adds rows of any two exponents, to rounding of the larger one', () => {
      const exponent = fc.integer({ min: -3000, max: 3000 });
      const near = fc.integer({ min: -90, max: 90 });
      const shape = fc.record({ H: fc.integer({ min: 1, max: 9 }), seed: fc.nat(), own: exponent, apart: fc.oneof(exponent, near, near) });
      fc.assert(
        fc.property(shape, ({ H, seed, own, apart }) => {
          const mark = backend.mark();
          const scale = new RowScale(backend, 2, H);
          const state = backend.allocate(2 * H);
          const held = normals(backend, H, seed);
          const added = normals(backend, H, seed + 1);
          state.set(held, H);
          scale.exponents[1] = own;
          const exponent = own + apart;
          scale.addRow([state], 1, H, added, 0, exponent);
          // Everything relative to the larger of the two exponents, where float64 holds it.
          const top = Math.max(own, exponent);
          for (let j = 0; j < H; j++) {
            const expected = shifted(held[j], own - top) + shifted(added[j], exponent - top);
            const found = shifted(state[H + j], scale.exponents[1] - top);
            const size = Math.abs(shifted(held[j], own - top)) + Math.abs(shifted(added[j], exponent - top));
            // Beside a row that is 2^100 times larger, what is left of the smaller one may be taken for 0.
            assert.ok(Math.abs(found - expected) <= rounding * size + 2 ** -60, `${found}, not ${expected}`);
          }
          assert.deepEqual([...state.subarray(0, H)], new Array(H).fill(0));
          assert.equal(scale.exponents[0], 0);
          backend.release(mark);
        }),
        { numRuns: 500 },
      );
    });

    test('addRow moves all states of the sequence together', () => {
      // h = 1, c = 3 at exponent -200; 2^-210 is added to h, given as 2 at exponent -211: h = 2^-200 (1 + 2^-10), c = 3 * 2^-200.
      const scale = new RowScale(backend, 1, 1);
      const [h, c, row] = [1, 3, 2].map((value) => backend.allocate(1).fill(value));
      scale.exponents[0] = -200;
      scale.addRow([h, c], 0, 1, row, 0, -211);
      assert.equal(shifted(h[0], scale.exponents[0] + 200), 1 + 2 ** -10);
      assert.equal(shifted(c[0], scale.exponents[0] + 200), 3);
    });

    test('a sum that is back in the range of numbers has the exponent 0', () => {
      const scale = new RowScale(backend, 1, 1);
      const [h, row] = [1, 5].map((value) => backend.allocate(1).fill(value));
      scale.exponents[0] = -400;
      scale.addRow([h], 0, 1, row, 0, 0);
      assert.deepEqual([h[0], scale.exponents[0]], [5, 0]);
    });

    test('adding a row of zeros changes nothing, whatever its exponent', () => {
      const scale = new RowScale(backend, 1, 3);
      const state = backend.allocate(3).fill(7);
      scale.exponents[0] = 12;
      scale.addRow([state], 0, 3, backend.allocate(3), 0, -500);
      assert.deepEqual([...state, scale.exponents[0]], [7, 7, 7, 12]);
    });

    test('rescale keeps the true row to the bit and brings its largest number into [2^-20, 2^60]', () => {
      const limit = float32 ? 120 : 900;
      fc.assert(
        fc.property(fc.integer({ min: -limit, max: limit }), fc.integer({ min: -4000, max: 4000 }), fc.nat(), (power, exponent, seed) => {
          const mark = backend.mark();
          const scale = new RowScale(backend, 2, 4);
          const state = normals(backend, 8, seed);
          // Of equal magnitude, so that none of them is lost on the way.
          for (let i = 0; i < 8; i++) state[i] = (state[i] < 0 ? -1 : 1) * (1 + Math.abs(state[i] % 1)) * (i < 4 ? 1 : 2 ** power);
          const before = [...state];
          scale.exponents[1] = exponent;
          for (let pass = 0; pass < 10; pass++) scale.rescale([state], 2, 4);
          for (let i = 0; i < 4; i++) assert.equal(state[i], before[i]);
          for (let i = 4; i < 8; i++) {
            assert.equal(shifted(state[i], scale.exponents[1] - exponent), before[i]);
            assert.ok(Math.abs(state[i]) >= 2 ** -20 && Math.abs(state[i]) <= 2 ** 61);
          }
          backend.release(mark);
        }),
        { numRuns: 300 },
      );
    });

    test('rows that are 0, infinite or NaN keep their exponent', () => {
      const scale = new RowScale(backend, 3, 2);
      const state = backend.allocate(6);
      state.set([0, 0, Number.POSITIVE_INFINITY, 1, Number.NaN, 1]);
      scale.exponents.set([5, 6, 7]);
      scale.rescale([state], 3, 2);
      assert.deepEqual([...scale.exponents], [5, 6, 7]);
      assert.deepEqual([...state], [0, 0, Number.POSITIVE_INFINITY, 1, Number.NaN, 1]);
    });

    test('applyExponents: what fits is exact, what does not is infinite or 0, and a zero stays 0', () => {
      const top = float32 ? 127 : 1023;
      const exponents = new Int32Array([99, 3, -4, top + 20, 100 * top, -100 * top, 0]);
      const x = backend.allocate(12);
      x.set([1.5, 0, 1.5, 0, 2 ** -21, 0, 1.5, 0, 1.5, 0, 1.5, 0]);
      applyExponents(backend, x, 0, 6, 2, exponents, 1, backend.allocate(7));
      assert.deepEqual([...x], [12, 0, 1.5 / 16, 0, 2 ** (top - 1), 0, Number.POSITIVE_INFINITY, 0, 0, 0, 1.5, 0]);
    });
  });
}
