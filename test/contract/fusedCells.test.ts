/**
 * The fused cells beside the formulas of PyTorch's cells written out in float64 (`reference`). Errors are given in parts of
 * the sum of the magnitudes that enter an element; every array is compared whole, so that nothing else is written.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Backend, CellBackwardStep, CellStep, Reals } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { Expected, filled, forAll, mixed, offset, size, wasmBackends } from './guarded.ts';

/** Results below this are 0. */
const LEAST = 2 ** -90;

/** What a cell makes of one unit: gates after their functions, and states; each as value and the magnitude its error scales with. */
type Result = Record<'pre' | 'apart' | 'states', [value: number, magnitude: number][]>;

interface ReferenceCell {
  readonly G: number;
  readonly A: number;
  readonly S: number;
  /** Constants of single units; the last U of the G blocks are theirs. */
  readonly U?: number;
  /** [] for parts that stay as they are. */
  forward(pre: number[], apart: number[], previous: number[], units: number[]): Result;
  /** In `states`, the gradients of the previous states that do not go through the matrix. */
  backward(pre: number[], apart: number[], previous: number[], next: number[], dStates: number[], units: number[]): Result;
}

const { abs, exp, tanh } = Math;
const sigmoid = (x: number) => 1 / (1 + exp(-Math.max(x, -60)));
/** A value computed by products alone. */
const exactly = (value: number): [number, number] => [value, abs(value)];

const reference: Record<string, ReferenceCell> = {
  'rnn-tanh': {
    ...{ G: 1, A: 0, S: 1 },
    forward: ([x]) => ({ pre: [exactly(tanh(x))], apart: [], states: [exactly(tanh(x))] }),
    backward: ([h], _apart, _previous, _next, [dh]) => ({ pre: [[dh * (1 - h * h), abs(dh)]], apart: [], states: [[0, 0]] }),
  },
  'rnn-relu': {
    ...{ G: 1, A: 0, S: 1 },
    forward: ([x]) => ({ pre: [[Math.max(x, 0), 0]], apart: [], states: [[Math.max(x, 0), 0]] }),
    backward: ([h], _apart, _previous, _next, [dh]) => ({ pre: [[h > 0 ? dh : 0, 0]], apart: [], states: [[0, 0]] }),
  },
  lstm: {
    ...{ G: 4, A: 0, S: 2 },
    forward(pre, _apart, [, before]) {
      const [i, f, o] = [pre[0], pre[1], pre[3]].map(sigmoid);
      const g = tanh(pre[2]);
      const c = f * before + i * g;
      const size = abs(f * before) + abs(i * g);
      return {
        pre: [i, f, g, o].map(exactly),
        apart: [],
        states: [
          [o * tanh(c), abs(o) * size],
          [c, size],
        ],
      };
    },
    backward([i, f, g, o], _apart, [, before], [, c], [dh, dc]) {
      const total = dc + dh * o * (1 - tanh(c) ** 2);
      const size = abs(dc) + abs(dh * o);
      return {
        pre: [
          [total * g * i * (1 - i), size * abs(g) * i],
          [total * before * f * (1 - f), size * abs(before) * f],
          [total * i * (1 - g * g), size * i],
          [dh * tanh(c) * o * (1 - o), abs(dh * tanh(c)) * o],
        ],
        apart: [],
        states: [
          [0, 0],
          [total * f, size * f],
        ],
      };
    },
  },
  gru: {
    ...{ G: 3, A: 1, S: 1 },
    forward(pre, [apart], [before]) {
      const [r, z] = [pre[0], pre[1]].map(sigmoid);
      const n = tanh(pre[2] + r * apart);
      const size = abs(pre[2]) + abs(r * apart);
      return { pre: [exactly(r), exactly(z), [n, size]], apart: [], states: [[(1 - z) * n + z * before, size + abs(before)]] };
    },
    backward([r, z, n], [apart], [before], _next, [dh]) {
      const dn = dh * (1 - z) * (1 - n * n);
      const size = abs(dh * (1 - z));
      return {
        pre: [
          [dn * apart * r * (1 - r), size * abs(apart) * r],
          [dh * (before - n) * z * (1 - z), abs(dh) * (abs(before) + abs(n)) * z],
          [dn, size],
        ],
        apart: [[dn * r, size * r]],
        states: [exactly(dh * z)],
      };
    },
  },
  mingru: {
    ...{ G: 2, A: 0, S: 1 },
    forward(pre, _apart, [before]) {
      const [z, n] = [sigmoid(pre[0]), pre[1]];
      return { pre: [exactly(z), [n, 0]], apart: [], states: [[(1 - z) * n + z * before, abs(n) + abs(before)]] };
    },
    backward([z, n], _apart, [before], _next, [dh]) {
      return {
        pre: [
          [dh * (before - n) * z * (1 - z), abs(dh) * (abs(before) + abs(n)) * abs(z)],
          [dh * (1 - z), abs(dh)],
        ],
        apart: [],
        states: [exactly(dh * z)],
      };
    },
  },
  lru: {
    ...{ G: 6, A: 0, S: 2, U: 3 },
    forward([u, v, gate, ...rest], _apart, [x, y], [real, imaginary, gamma]) {
      const s = sigmoid(gate);
      const [into, intoImag] = [gamma * s * u, gamma * s * v];
      return {
        pre: [[u, 0], [v, 0], exactly(s), ...rest.map((each): [number, number] => [each, 0])],
        apart: [],
        states: [
          [real * x - imaginary * y + into, abs(real * x) + abs(imaginary * y) + abs(into)],
          [real * y + imaginary * x + intoImag, abs(real * y) + abs(imaginary * x) + abs(intoImag)],
        ],
      };
    },
    backward([u, v, s], _apart, [x, y], _next, [dx, dy], [real, imaginary, gamma]) {
      const along = dx * u + dy * v;
      const size = abs(dx * u) + abs(dy * v);
      return {
        pre: [
          exactly(gamma * s * dx),
          exactly(gamma * s * dy),
          [gamma * along * s * (1 - s), abs(gamma * s) * size * 2],
          [dx * x + dy * y, abs(dx * x) + abs(dy * y)],
          [dy * x - dx * y, abs(dy * x) + abs(dx * y)],
          [s * along, abs(s) * size],
        ],
        apart: [],
        states: [
          [real * dx + imaginary * dy, abs(real * dx) + abs(imaginary * dy)],
          [real * dy - imaginary * dx, abs(real * dy) + abs(imaginary * dx)],
        ],
      };
    },
  },
};

for (const [name, backend] of wasmBackends) {
  describe(name, () => {
    for (const [cell, plain] of Object.entries(reference)) {
      const kernel = backend.fused.cells[cell];
      const sample = fc.record({ B: fc.constantFrom(0, 1, 2, 3, 5), H: size, at: offset, slot: fc.nat({ max: 2 }) });

      test(`${cell} forward: |error| <= 1e-6 of the magnitudes that enter, + 2^-90`, () => {
        forAll(backend, sample, (s, random) => {
          const step = backwardStep(backend, plain, s, () => mixed(random));
          const expected = expectations(step);
          for (let b = 0; b < s.B; b++) {
            for (let j = 0; j < s.H; j++) {
              const { pre, apart, previous, units } = unitOf(step, plain, b, j);
              const result = plain.forward(pre, apart, previous, units);
              expect(expected, step, b, j, result, 1e-6, step.nextAt, expected.states);
            }
          }
          kernel.forward(step);
          verify(expected);
        });
      });

      test(`${cell} backward: |error| <= 2e-6 of the magnitudes that enter, + 2^-90`, () => {
        forAll(backend, sample, (s, random) => {
          const step = backwardStep(backend, plain, s, () => mixed(random));
          activate(step, plain, s.B * s.H, random);
          const expected = expectations(step);
          for (let b = 0; b < s.B; b++) {
            for (let j = 0; j < s.H; j++) {
              const { pre, apart, previous, next, dStates, units } = unitOf(step, plain, b, j);
              const result = plain.backward(pre, apart, previous, next, dStates, units);
              expect(expected, step, b, j, result, 2e-6, 0, expected.dStates);
            }
          }
          kernel.backward(step);
          verify(expected);
        });
      });

      test(`${cell}: no result is below 2^-90 but 0, whatever the magnitude of the inputs`, () => {
        forAll(backend, sample, (s, random) => {
          const anywhere = () => random.normal() * 2 ** -random.below(150);
          const step = backwardStep(backend, plain, s, anywhere);
          kernel.forward(step);
          const { B, H } = s;
          for (const state of step.states) assertNoSmall(state, step.nextAt, B * H);
          // Of a cell whose arithmetic begins with them, the inputs stay as they are.
          if (!cell.startsWith('mingru') && cell !== 'lru') assertNoSmall(step.pre, step.preAt, B * H * plain.G);
          kernel.backward(step);
          assertNoSmall(step.pre, step.preAt, B * H * plain.G);
          assertNoSmall(step.apart, step.apartAt, B * H * plain.A);
          for (const d of step.dStates) assertNoSmall(d, 0, B * H);
        });
      });

      test(`${cell}: a NaN in one unit's inputs comes out in that unit, and only there`, () => {
        for (let gate = 0; gate < plain.G - (plain.U ?? 0); gate++) {
          const mark = backend.mark();
          const [B, H] = [2, 5];
          const step = backwardStep(backend, plain, { B, H, at: 0, slot: 0 }, () => 0.5);
          step.pre[step.preAt + gate * H + 3] = Number.NaN;
          kernel.forward(step);
          // The imaginary part of an input stays in the imaginary part.
          const spoilt = (i: number) => step.states.some((state) => Number.isNaN(state[step.nextAt + i]));
          for (let i = 0; i < B * H; i++) assert.equal(spoilt(i), i === 3);
          step.dStates[0][7] = Number.NaN;
          kernel.backward(step);
          assert.ok(Number.isNaN(step.pre[step.preAt + plain.G * H + 2]) || cell === 'rnn-relu');
          backend.release(mark);
        }
      });
    }

    test('tanh: |relative error| <= 3.5 * 2^-24, for 400,000 inputs of magnitude 2^-60 to 2^7', () => {
      const worst = worstRelativeError(backend, Math.tanh, -60, (step) => {
        backend.fused.cells['rnn-tanh'].forward(step);
        return [step.states[0], step.nextAt];
      });
      assert.ok(worst <= 3.5 * 2 ** -24, `${worst * 2 ** 24} * 2^-24`);
    });

    test('sigmoid: |relative error| <= 3.5 * 2^-24, for 400,000 inputs of magnitude 2^-60 to 2^7, those below -60 as -60', () => {
      const worst = worstRelativeError(backend, sigmoid, -60, (step) => {
        backend.fused.cells.lstm.forward(step);
        return [step.pre, step.preAt];
      });
      assert.ok(worst <= 3.5 * 2 ** -24, `${worst * 2 ** 24} * 2^-24`);
    });

    test('far out, tanh is 1 or -1 and sigmoid is 1 or 8.8e-27; infinities too', () => {
      const mark = backend.mark();
      const step = backwardStep(backend, reference.lstm, { B: 1, H: 4, at: 0, slot: 0 }, () => 0);
      const extremes = [1e30, -1e30, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      step.pre.set([...extremes, ...extremes, ...extremes, ...extremes], step.preAt);
      backend.fused.cells.lstm.forward(step);
      const floor = Math.fround(step.pre[step.preAt + 1]);
      assert.ok(abs(floor - exp(-60)) <= 3.5 * 2 ** -24 * exp(-60));
      assert.deepEqual([...step.pre.subarray(step.preAt, step.preAt + 4)], [1, floor, 1, floor]);
      assert.deepEqual([...step.pre.subarray(step.preAt + 8, step.preAt + 12)], [1, -1, 1, -1]);
      backend.release(mark);
    });
  });
}

/** A step whose arrays are all filled by `draw`, at uneven places: states are [slot + 2, B, H] with room before and after. */
function backwardStep(
  backend: Backend,
  { G, A, S, U = 0 }: ReferenceCell,
  { B, H, at, slot }: { B: number; H: number; at: number; slot: number },
  draw: () => number,
): CellBackwardStep {
  const array = (length: number) => filled(backend, length, draw);
  const several = (length: number) => Array.from({ length: S }, () => array(length));
  return {
    ...{ B, H, preAt: at, apartAt: at + 1, previousAt: at + slot * B * H, nextAt: at + (slot + 1) * B * H },
    pre: array(at + B * G * H + 3),
    apart: array(at + 1 + B * A * H + 3),
    states: several(at + (slot + 2) * B * H + 3),
    units: array(at + U * H + 3),
    unitsAt: at,
    dStates: several(B * H + 3),
  };
}

/** Gives `pre` what a forward step leaves in it: gates in (0, 1), candidates in (-1, 1). */
function activate(step: CellBackwardStep, { G }: ReferenceCell, units: number, random: Random): void {
  const { H, pre, preAt } = step;
  // The third gate of lstm and gru; of rnn the only one.
  const candidate = Math.min(2, G - 1);
  for (let i = 0; i < units * G; i++) {
    const gate = Math.floor(i / H) % G;
    pre[preAt + i] = gate === candidate ? tanh(mixed(random)) : sigmoid(mixed(random));
  }
}

/** The numbers of unit j of sequence b. */
function unitOf(
  { H, pre, preAt, apart, apartAt, states, previousAt, nextAt, dStates, units, unitsAt }: CellBackwardStep,
  { G, A, U = 0 }: ReferenceCell,
  b: number,
  j: number,
) {
  const gates = (x: Reals, at: number, count: number) => Array.from({ length: count }, (_, gate) => x[at + (b * count + gate) * H + j]);
  return {
    pre: gates(pre, preAt, G),
    apart: gates(apart, apartAt, A),
    previous: states.map((state) => state[previousAt + b * H + j]),
    next: states.map((state) => state[nextAt + b * H + j]),
    dStates: dStates.map((d) => d[b * H + j]),
    units: Array.from({ length: U }, (_, u) => units[unitsAt + u * H + j]),
  };
}

function expectations({ pre, apart, states, dStates }: CellBackwardStep) {
  const of = (x: Reals) => new Expected(x);
  return { pre: of(pre), apart: of(apart), states: states.map(of), dStates: dStates.map(of) };
}

type Expectations = ReturnType<typeof expectations>;

/** Notes a unit's results; the states go to `stateAt` of the arrays `states`. */
function expect(
  expected: Expectations,
  { H, preAt, apartAt }: CellStep,
  b: number,
  j: number,
  result: Result,
  error: number,
  stateAt: number,
  states: Expected[],
): void {
  const { pre, apart } = result;
  for (const [gate, [value, size]] of pre.entries()) {
    expected.pre.set(preAt + (b * pre.length + gate) * H + j, value, error * size + LEAST);
  }
  for (const [gate, [value, size]] of apart.entries()) {
    expected.apart.set(apartAt + (b * apart.length + gate) * H + j, value, error * size + LEAST);
  }
  for (const [s, [value, size]] of result.states.entries()) {
    states[s].set(stateAt + b * H + j, value, error * size + (value === 0 ? 0 : LEAST));
  }
}

function verify({ pre, apart, states, dStates }: Expectations): void {
  pre.verify('pre');
  apart.verify('apart');
  for (const [s, state] of states.entries()) state.verify(`state ${s}`);
  for (const [s, d] of dStates.entries()) d.verify(`dState ${s}`);
}

function assertNoSmall(x: Reals, at: number, length: number): void {
  for (let i = at; i < at + length; i++) assert.ok(x[i] === 0 || abs(x[i]) >= LEAST, `${x[i]} at ${i}`);
}

/** Of 400,000 inputs, half with magnitudes spread over 2^-60 to 2^7, half even over [-10, 10]. */
function worstRelativeError(
  backend: Backend,
  exact: (x: number) => number,
  lowest: number,
  run: (step: CellBackwardStep) => readonly [Reals, number],
): number {
  let worst = 0;
  const random = new Random(1);
  const mark = backend.mark();
  const H = 400_000;
  const step = backwardStep(backend, reference.lstm, { B: 1, H, at: 0, slot: 0 }, () => 0);
  const inputs = new Float32Array(H);
  for (let i = 0; i < H; i++) {
    const sign = random.uniform() < 0.5 ? -1 : 1;
    inputs[i] = i % 2 === 0 ? sign * 2 ** (random.uniform() * 67 - 60) : 20 * random.uniform() - 10;
  }
  step.pre.set(inputs, step.preAt);
  const [out, at] = run(step);
  for (let i = 0; i < H; i++) {
    const value = exact(Math.max(inputs[i], lowest));
    worst = Math.max(worst, abs(out[at + i] - value) / abs(value));
  }
  backend.release(mark);
  return worst;
}
