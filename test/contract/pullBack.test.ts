/** Row vectors through one step of a layer: the kernels beside the definition, at sizes that fit no lane, and with threads. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend, PullBack, PullBackArrays, Reals } from '../../src/compute/backend.ts';
import { tryBlas } from '../../src/compute/blas/blas.ts';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';

interface Setting {
  readonly name: string;
  /** H, S states, G gates, A of them apart, B sequences of at most P rows, the input's width. */
  readonly sizes: readonly [H: number, S: number, G: number, A: number, B: number, P: number, width: number];
  /** Pairs a * G + g of states and gates that do not touch, and a * S + c of states that do not. */
  readonly without?: readonly number[];
  readonly withoutDirect?: readonly number[];
  /** Gates, from the first, that the input goes into; all unless said. */
  readonly fed?: number;
  /** Whether there is a recurrent matrix; there is unless said. */
  readonly matrix?: boolean;
  /** Factor on the weights. */
  readonly scale?: number;
}

const settings: Setting[] = [
  { name: 'a plain network', sizes: [13, 1, 1, 0, 3, 4, 0], withoutDirect: [0] },
  { name: 'one unit', sizes: [1, 1, 1, 0, 1, 1, 1] },
  { name: 'like an LSTM', sizes: [10, 2, 4, 0, 4, 7, 10], without: [7], withoutDirect: [0, 2] },
  { name: 'like a GRU', sizes: [9, 1, 3, 1, 2, 5, 9] },
  { name: 'like a GRU, wide and of many rows', sizes: [37, 1, 3, 1, 2, 33, 37], without: [1] },
  { name: 'six gates, wide and of many rows', sizes: [33, 2, 6, 2, 2, 40, 33], without: [2, 3, 4, 5, 10] },
  { name: 'two gates, both apart', sizes: [8, 1, 2, 2, 2, 3, 8] },
  { name: 'no gate reaches a state', sizes: [6, 2, 2, 0, 2, 3, 0], without: [0, 1, 2] },
  { name: 'six gates, three states', sizes: [5, 3, 6, 2, 3, 11, 17], without: [4, 9] },
  { name: 'like a minGRU', sizes: [9, 1, 2, 0, 3, 4, 9], matrix: false },
  { name: 'like an LRU', sizes: [11, 2, 6, 0, 3, 5, 11], fed: 3, matrix: false, without: [2, 8] },
  { name: 'like an LRU, large enough for threads', sizes: [40, 2, 6, 0, 33, 36, 40], fed: 3, matrix: false },
  { name: 'no matrix, and nothing left', sizes: [4, 2, 1, 0, 1, 2, 3], matrix: false, withoutDirect: [0, 1, 2, 3] },
  { name: 'nothing left', sizes: [4, 2, 1, 0, 1, 2, 3], without: [0, 1], withoutDirect: [0, 1, 2, 3] },
  { name: 'large enough for threads', sizes: [48, 2, 4, 0, 33, 36, 48] },
  { name: 'vanishing by 1e-9 a step', sizes: [12, 2, 3, 0, 3, 4, 12], scale: 1e-9 },
  { name: 'exploding by 1e9 a step', sizes: [12, 1, 3, 1, 3, 4, 12], scale: 1e9 },
];
const steps = 12;

async function openBlas(threads = 1): Promise<Backend | undefined> {
  const opened = await tryBlas({ threads });
  return 'backend' in opened ? opened.backend : undefined;
}

/** Random numbers that a float32 holds, the same for every backend. */
function fill(x: Reals, random: Random, factor = 1): Reals {
  for (let i = 0; i < x.length; i++) x[i] = Math.fround(random.normal() * factor);
  return x;
}

function open(
  backend: Backend,
  { sizes: [H, S, G, A, B, P, width], without = [], withoutDirect = [], scale = 1, fed, matrix = true }: Setting,
) {
  const random = new Random(3);
  const weights = fill(backend.allocate(3 + G * H * (H + width)), random, scale / Math.sqrt(H));
  const pre = fill(backend.allocate(S * B * G * H), random);
  const apart = fill(backend.allocate(S * B * A * H), random);
  const direct = fill(backend.allocate(S * S * B * H), random, scale / 3);
  for (let b = 0; b < B; b++) {
    for (const pair of without) {
      const [a, g] = [Math.floor(pair / G), pair % G];
      pre.fill(0, ((a * B + b) * G + g) * H, ((a * B + b) * G + g + 1) * H);
      const k = g - (G - A);
      if (k >= 0) apart.fill(0, ((a * B + b) * A + k) * H, ((a * B + b) * A + k + 1) * H);
    }
    for (const pair of withoutDirect) direct.fill(0, (pair * B + b) * H, (pair * B + b + 1) * H);
  }
  const arrays: PullBackArrays = {
    H,
    S,
    G,
    A,
    F: fed ?? G,
    B,
    P,
    width,
    pre,
    apart,
    direct,
    weights,
    recurrentAt: matrix ? 3 : -1,
    inputAt: 3 + G * H * H,
  };
  const pulled = backend.pullBack(arrays);
  pulled.pack();
  fill(pulled.rows, random);
  const active = Int32Array.from({ length: B }, (_, b) => (b === 1 ? 0 : 1 + ((b * 5 + P - 1) % P)));
  return { pulled, active, B, P, S, H, width };
}

/** Number i of a row, in float64. */
const trueValue = (x: ArrayLike<number>, i: number, exponent: number, reference: number) => x[i] * 2 ** (exponent - reference);

function compare(found: PullBack, truth: PullBack, at: { row: number; size: number; width: number }, bound: number): void {
  const check = (x: Reals, e: Int32Array, y: Reals, f: Int32Array, size: number, what: string) => {
    const reference = f[at.row];
    let largest = 0;
    for (let i = at.row * size; i < (at.row + 1) * size; i++) largest = Math.max(largest, Math.abs(y[i]));
    for (let i = at.row * size; i < (at.row + 1) * size; i++) {
      const value = trueValue(x, i, e[at.row], reference);
      assert.ok(Math.abs(value - y[i]) <= bound * largest, `${what} ${i}: ${value}, not ${y[i]} (largest ${largest})`);
    }
  };
  check(found.rows, found.exponents, truth.rows, truth.exponents, at.size, 'row element');
  check(found.input, found.inputExponents, truth.input, truth.inputExponents, at.width, 'input element');
  const square = found.squares[at.row] * 2 ** (2 * (found.exponents[at.row] - truth.exponents[at.row]));
  assert.ok(Math.abs(square - truth.squares[at.row]) <= 2 * bound * truth.squares[at.row], `${square}, not ${truth.squares[at.row]}`);
}

for (const [name, openBackend] of [
  ['wasm, relaxed SIMD', () => wasmBackend()],
  ['wasm, plain SIMD', () => wasmBackend({ relaxed: false })],
  ['a library of the machine', openBlas],
] as const) {
  const skip = (await openBackend()) ? false : 'no BLAS library of this machine is faster than the kernels';
  describe(`${name}: rows on their way back are those of the definition`, { skip }, () => {
    for (const setting of settings) {
      test(setting.name, async () => {
        const { pulled, active, B, P, S, H, width } = open((await openBackend()) as Backend, setting);
        const { pulled: truth } = open(scalarBackend(), setting);
        truth.rows.set(pulled.rows);
        for (let step = 1; step <= (setting.name.includes('threads') ? 2 : steps); step++) {
          pulled.step(B, active);
          truth.step(B, active);
          for (let b = 0; b < B; b++) {
            for (let p = 0; p < active[b]; p++) {
              // Sums of at most 6 * 48 + 3 products of numbers of either sign, each step adding its own roundings.
              compare(pulled, truth, { row: b * P + p, size: S * H, width }, step * 2e-5);
            }
          }
          const denormal = (value: number) => value !== 0 && Math.abs(value) < 2 ** -126;
          assert.ok(!pulled.rows.some(denormal));
        }
      });
    }
  });
}

test('the bits do not depend on the number of threads', async () => {
  const setting = settings.find((each) => each.name.includes('threads')) as Setting;
  const run = async (backend: Backend) => {
    const { pulled, active, B, P, S, H } = open(backend, setting);
    for (let step = 0; step < steps; step++) pulled.step(B, active);
    const rows = Array.from({ length: B }, (_, b) => [...pulled.rows.subarray(b * P * S * H, (b * P + active[b]) * S * H)]);
    return { rows, exponents: [...pulled.exponents] };
  };
  for (const openBackend of [(threads: number) => wasmBackend({ threads }), openBlas]) {
    const first = await openBackend(1);
    if (!first) continue;
    const one = await run(first);
    for (const threads of [2, 3]) assert.deepEqual(await run((await openBackend(threads)) as Backend), one, `${threads} threads`);
  }
});

test('a number that is not finite stays so, and does not touch other rows', async () => {
  for (const backend of [scalarBackend(), await wasmBackend()]) {
    const { pulled, B, P, S, H } = open(backend, settings[0]);
    pulled.rows[0] = Number.NaN;
    pulled.step(B, new Int32Array(B).fill(P));
    assert.ok(Number.isNaN(pulled.squares[0]));
    assert.ok(pulled.rows.subarray(S * H).every(Number.isFinite));
  }
});
