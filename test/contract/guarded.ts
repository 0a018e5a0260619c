/** What the contract tests of the backends share: the backends, ragged sizes, and arrays whose every element is checked. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Backend, Reals } from '../../src/compute/backend.ts';
import { tryBlas } from '../../src/compute/blas/blas.ts';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';

export const wasmBackends: readonly (readonly [string, Backend])[] = [
  ['wasm, relaxed SIMD', await wasmBackend({ relaxed: true })],
  ['wasm, plain SIMD', await wasmBackend({ relaxed: false })],
];

/** Of the BLAS libraries of this machine, the fastest; none where there is none that is faster than the kernels. */
export const blasBackends: readonly (readonly [string, Backend])[] = await openBlas();

async function openBlas(): Promise<[string, Backend][]> {
  const opened = await tryBlas();
  return 'backend' in opened ? [[`blas: ${opened.backend.detail}`, opened.backend]] : [];
}

export const backends: readonly (readonly [string, Backend])[] = [['scalar', scalarBackend()], ...wasmBackends, ...blasBackends];

/** Half the distance from 1 to the next number: the relative error of one rounding. */
export function unit(backend: Backend): number {
  return backend.precision === 'float32' ? 2 ** -24 : 2 ** -53;
}

/** Empty, single, and around the multiples of the vector (4), the panel (8) and the widest tile (32). */
export const size = fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 31, 32, 33);
/** Distance by which a row stride exceeds the width. */
export const slack = fc.constantFrom(0, 1, 3, 5);
export const offset = fc.constantFrom(0, 1, 2, 3, 7);
export const seed = fc.nat({ max: 2 ** 31 });

/** Numbers of mixed sign and of magnitudes from 2^-6 to 2^6 times a normal one; one in ten is 0. */
export function mixed(random: Random): number {
  if (random.below(10) === 0) return 0;
  return random.normal() * 2 ** (random.below(13) - 6);
}

/** Runs `body` on many samples with a random stream of its own; gives the backend's memory back after each. */
export function forAll<Sample>(
  backend: Backend,
  samples: fc.Arbitrary<Sample>,
  body: (sample: Sample, random: Random) => void,
  runs = 150,
) {
  fc.assert(
    fc.property(samples, seed, (sample, start) => {
      const mark = backend.mark();
      try {
        body(sample, new Random(start));
      } finally {
        backend.release(mark);
      }
    }),
    { numRuns: runs },
  );
}

/** An array of the backend, filled by `draw`. */
export function filled(backend: Backend, length: number, draw: () => number): Reals {
  const values = backend.allocate(length);
  for (let i = 0; i < length; i++) values[i] = draw();
  return values;
}

/**
 * What an array should be after an operation: a float64 copy taken before it, in which the reference writes the elements of
 * the output region, each with its error bound. All others must keep their value.
 */
export class Expected {
  readonly values: Float64Array;
  readonly bounds: Float64Array;
  readonly #actual: Reals;

  constructor(actual: Reals) {
    this.#actual = actual;
    this.values = Float64Array.from(actual);
    this.bounds = new Float64Array(actual.length);
  }

  set(at: number, value: number, bound = 0): void {
    this.values[at] = value;
    this.bounds[at] = bound;
  }

  verify(what = 'element'): void {
    for (let i = 0; i < this.values.length; i++) {
      const actual = this.#actual[i];
      const expected = this.values[i];
      if (Object.is(actual, expected) || actual === expected || Math.abs(actual - expected) <= this.bounds[i]) continue;
      assert.fail(`${what} ${i} is ${actual}, not ${expected} within ${this.bounds[i]}`);
    }
  }
}
