/** Every cell: its backward step is the derivative of its forward step, and a backend's fused kernel computes the same. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Backend, CellBackwardStep, CellKernel } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { blocksOf, type Cell } from '../../src/network/cell/cell.ts';
import { cells } from '../../src/network/cell/cells.ts';
import { sigmoid } from '../../src/network/cell/sigmoid.ts';
import { checkDerivative } from '../../src/network/derivative.ts';
import { Network } from '../../src/network/network.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { batchOf, networkOf } from '../gradcheck/sample.ts';
import { wasmBackends } from './guarded.ts';

/** A step with guard rows before and after each array, filled with random numbers rounded to float32. */
function makeStep(backend: Backend, cell: Cell, B: number, H: number, seed: number): CellBackwardStep {
  const random = new Random(seed);
  const fill = (length: number) => {
    const array = backend.allocate(length);
    for (let i = 0; i < length; i++) array[i] = Math.fround(random.normal());
    return array;
  };
  const [G, A] = [cell.gates, cell.apart];
  const guard = 3;
  return {
    B,
    H,
    pre: fill(B * G * H + 2 * guard),
    preAt: guard,
    apart: fill(B * A * H + 2 * guard),
    apartAt: guard,
    // Two steps' worth of states: s_{t-1} from index 0, s_t after it, and a guard behind.
    states: cell.states.map(() => fill(2 * B * H + guard)),
    previousAt: 0,
    nextAt: B * H,
    units: fill(blocksOf(cell).U * H + 2 * guard),
    unitsAt: guard,
    dStates: cell.states.map(() => fill(B * H + guard)),
  };
}

const sizes = fc.record({ B: fc.integer({ min: 1, max: 4 }), H: fc.integer({ min: 1, max: 13 }), seed: fc.nat() });

for (const cell of cells) {
  describe(`cell ${cell.name}`, () => {
    test('declares what the layers rely on', () => {
      assert.ok(cell.gates >= 1 && cell.apart >= 0 && cell.apart <= cell.gates);
      assert.equal(cell.states[0], 'h');
      assert.equal(new Set(cell.states).size, cell.states.length);
      const { A, F, U, R } = blocksOf(cell);
      assert.ok(cell.forgetGate === undefined || cell.forgetGate < F);
      assert.ok(F >= 1 && (R === F || (R === 0 && A === 0)));
      // The trailing blocks are either kept apart or of constants.
      assert.ok(A === 0 || U === 0);
      // What those kept apart read in place of h is made of other blocks.
      for (const gate of cell.apartInput?.gates ?? []) assert.ok(A > 0 && gate < F - A);
    });

    if (cell.bounded) {
      test('bounded: h stays in [-1, 1], however large the weights and the other states', () => {
        const step = makeStep(scalarBackend(), cell, 4, 13, 5);
        const [h, ...others] = step.states;
        for (let n = 0; n < 20; n++) {
          for (const array of [step.pre, step.apart, ...others]) for (let i = 0; i < array.length; i++) array[i] *= 30;
          for (let i = 0; i < 4 * 13; i++) h[i] = Math.tanh(h[n === 0 ? i : 4 * 13 + i]);
          cell.forward(step);
          for (let i = 0; i < 4 * 13; i++) assert.ok(Math.abs(h[4 * 13 + i]) <= 1);
        }
      });
    }

    test('backward is the derivative of forward, in pre, apart and every state, to 1e-7', () => {
      const backend = scalarBackend();
      fc.assert(
        fc.property(sizes, ({ B, H, seed }) => {
          const start = makeStep(backend, cell, B, H, seed);
          const weights = start.dStates.map((each) => each.slice());
          // L = sum over states of weights · s_t: dL/ds_t are the weights.
          const lossOf = (pre: Float64Array, apart: Float64Array, states: Float64Array[]) => {
            const step = { ...start, units, pre: pre.slice(), apart: apart.slice(), states: states.map((each) => each.slice()) };
            cell.forward(step);
            let sum = 0;
            for (const [index, state] of step.states.entries()) {
              for (let i = 0; i < B * H; i++) sum += weights[index][i] * state[start.nextAt + i];
            }
            return sum;
          };
          const before = [start.pre, start.apart, ...start.states].map((each) => Float64Array.from(each));
          const [pre, apart, ...states] = before;
          const units = Float64Array.from(start.units);
          const slope = (array: Float64Array, index: number, analytic: number) => {
            const kept = array[index];
            const at = (offset: number) => {
              array[index] = kept + offset;
              return lossOf(pre, apart, states);
            };
            const check = checkDerivative(at, kept, analytic, 1e-7);
            array[index] = kept;
            return check.outcome === 'agrees';
          };
          cell.forward(start);
          cell.backward(start);
          const { gates, apart: kept } = cell;
          const { F, U } = blocksOf(cell);
          for (let i = 0; i < B * gates * H; i++) {
            // The blocks of the constants receive each sequence's part of their derivative.
            if (Math.floor(i / H) % gates >= F || cell.apartInput?.gates.includes(Math.floor(i / H) % gates)) continue;
            assert.ok(slope(pre, start.preAt + i, start.pre[start.preAt + i]), `pre ${i}`);
          }
          for (let i = 0; i < U * H; i++) {
            let sum = 0;
            for (let b = 0; b < B; b++) sum += start.pre[start.preAt + (b * gates + F) * H + i];
            assert.ok(slope(units, start.unitsAt + i, sum), `constant ${i}`);
          }
          for (let i = 0; i < B * kept * H; i++) assert.ok(slope(apart, start.apartAt + i, start.apart[start.apartAt + i]), `apart ${i}`);
          for (const [index, name] of cell.states.entries()) {
            for (let i = 0; i < B * H; i++) assert.ok(slope(states[index], i, start.dStates[index][i]), `${name} ${i}`);
          }
        }),
        { numRuns: 30 },
      );
    });

    const { apartInput } = cell;
    const name = 'what the gates kept apart read: backward is the derivative of forward, in pre and h, to 1e-7';
    if (apartInput)
      test(name, () => {
        const { gates, forward, backward } = apartInput;
        fc.assert(
          fc.property(sizes, ({ B, H, seed }) => {
            const start = makeStep(scalarBackend(), cell, B, H, seed);
            const weights = start.dStates[0].slice();
            const [pre, h] = [start.pre.slice(), start.states[0].slice()];
            const read = new Float64Array(B * H);
            // L = weights · q.
            const slope = (array: Float64Array | Float32Array, index: number, analytic: number) => {
              const kept = array[index];
              const at = (offset: number) => {
                array[index] = kept + offset;
                forward({ ...start, pre: pre.slice(), states: [h] }, read, 0);
                array[index] = kept;
                return read.reduce((sum, each, i) => sum + each * weights[i], 0);
              };
              return checkDerivative(at, kept, analytic, 1e-7).outcome === 'agrees';
            };
            forward(start, read, 0);
            for (const dState of start.dStates) dState.fill(0);
            const others = start.pre.slice();
            backward(start, weights);
            for (let i = 0; i < B * cell.gates * H; i++) {
              const at = start.preAt + i;
              if (gates.includes(Math.floor(i / H) % cell.gates)) assert.ok(slope(pre, at, start.pre[at]), `pre ${i}`);
              else assert.equal(start.pre[at], others[at]);
            }
            for (let i = 0; i < B * H; i++) assert.ok(slope(h, i, start.dStates[0][i]), `h ${i}`);
          }),
          { numRuns: 30 },
        );
      });

    test('writes within its own rows only, and leaves the state before alone', () => {
      const backend = scalarBackend();
      const [B, H] = [2, 3];
      const step = makeStep(backend, cell, B, H, 1);
      const before = { ...step, pre: step.pre.slice(), apart: step.apart.slice(), states: step.states.map((each) => each.slice()) };
      const dBefore = step.dStates.map((each) => each.slice());
      cell.forward(step);
      cell.backward(step);
      const guards = (length: number) => [0, 1, 2, length - 3, length - 2, length - 1];
      for (const i of guards(step.pre.length)) assert.equal(step.pre[i], before.pre[i]);
      for (const i of guards(step.apart.length)) assert.equal(step.apart[i], before.apart[i]);
      for (const [index, state] of step.states.entries()) {
        assert.deepEqual(state.subarray(0, B * H), before.states[index].subarray(0, B * H));
        assert.deepEqual(state.subarray(2 * B * H), before.states[index].subarray(2 * B * H));
        assert.deepEqual(step.dStates[index].subarray(B * H), dBefore[index].subarray(B * H));
      }
    });

    test('backward does not read the new h, which a skip connection may have changed', () => {
      const [step, other] = [makeStep(scalarBackend(), cell, 2, 5, 4), makeStep(scalarBackend(), cell, 2, 5, 4)];
      for (const each of [step, other]) cell.forward(each);
      other.states[0].fill(Number.NaN, other.nextAt, other.nextAt + 10);
      for (const each of [step, other]) cell.backward(each);
      for (const array of ['pre', 'apart'] as const) assert.deepEqual(other[array], step[array]);
      assert.deepEqual(other.dStates, step.dStates);
    });

    test('no gradient in, none out', () => {
      const step = makeStep(scalarBackend(), cell, 2, 5, 3);
      for (const dState of step.dStates) dState.fill(0);
      cell.apartInput?.forward(step, new Float64Array(2 * 5), 0);
      cell.forward(step);
      cell.backward(step);
      cell.apartInput?.backward(step, new Float64Array(2 * 5));
      const written = [
        step.pre.subarray(step.preAt, step.preAt + 2 * 5 * cell.gates),
        step.apart.subarray(step.apartAt, step.apartAt + 2 * 5 * cell.apart),
        ...step.dStates.map((each) => each.subarray(0, 10)),
      ];
      for (const array of written) assert.ok(array.every((each) => each === 0));
    });

    test('a NaN in one unit stays in that unit', () => {
      const step = makeStep(scalarBackend(), cell, 1, 4, 3);
      for (let gate = 0; gate < cell.gates; gate++) step.pre[step.preAt + gate * 4 + 1] = Number.NaN;
      cell.forward(step);
      const h = step.states[0].subarray(step.nextAt, step.nextAt + 4);
      assert.deepEqual(
        [...h].map((each) => Number.isNaN(each)),
        [false, true, false, false],
      );
    });

    test('extreme pre-activations give finite states and gradients', () => {
      for (const extreme of [1e3, -1e3, 1e30, -1e30]) {
        // A ReLU follows its input up; everything else is bounded.
        const step = makeStep(scalarBackend(), cell, 1, 4, 3);
        step.pre.fill(extreme);
        cell.forward(step);
        cell.backward(step);
        for (const array of [step.pre, ...step.states, ...step.dStates]) assert.ok(array.every(Number.isFinite));
      }
    });

    test('the state of a sequence that is over is 0, and stays out of the others', () => {
      const backend = scalarBackend();
      const sample = { loss: 'mse', reading: 'lengths', layers: 2, residual: false, dropout: 0, input: 'vectors' } as const;
      const full = { ...sample, cell: cell.name, T: 6, B: 3, I: 2, H: 4, O: 2, seed: 8 };
      const batch = batchOf(backend, full);
      batch.lengths.set([6, 2, 0]);
      const unrolled = new Unrolled(networkOf(backend, full), 6, 3);
      unrolled.forward(batch);
      const [longest, short, empty] = [0, 1, 2].map((b) =>
        Array.from({ length: 6 }, (_, t) =>
          unrolled.layers.flatMap(({ states }) => states.flatMap((s) => [...s.subarray(((t + 1) * 3 + b) * 4, ((t + 1) * 3 + b + 1) * 4)])),
        ),
      );
      const isOver = (state: number[]) => state.every((each) => each === 0);
      assert.deepEqual(longest.map(isOver), [false, false, false, false, false, false]);
      assert.deepEqual(short.map(isOver), [false, false, true, true, true, true]);
      assert.deepEqual(empty.map(isOver), [true, true, true, true, true, true]);
    });

    for (const [name, backend] of wasmBackends) {
      const fused = backend.fused.cells[cell.name];
      if (cell.apartInput) {
        test(`${name}: is not fused, since a product waits for its gates`, () => assert.equal(fused, undefined));
        continue;
      }

      test(`${name}: is fused, and named after the cell`, () => {
        assert.ok(fused);
        const network = new Network(backend, { cell, hiddenSize: 2 }, { kind: 'vectors', size: 1 }, 1);
        assert.equal(network.kernel, fused);
      });

      // One step: a few operations and functions of 2^-23 error each, on numbers up to about 5.
      test(`${name}: forward within 2e-6, backward within 1e-5 of the plain kernel`, () => {
        fc.assert(
          fc.property(sizes, ({ B, H, seed }) => {
            const mark = backend.mark();
            const found = makeStep(backend, cell, B, H, seed);
            const expected = makeStep(scalarBackend(), cell, B, H, seed);
            const near = (what: string, bound: number, pick: (step: CellBackwardStep) => ArrayLike<number>[]) => {
              const actual = pick(found);
              for (const [index, array] of pick(expected).entries()) {
                for (let i = 0; i < array.length; i++) {
                  const difference = Math.abs(actual[index][i] - array[i]);
                  assert.ok(difference <= bound * (1 + Math.abs(array[i])), `${what} ${index} ${i}: ${actual[index][i]}, not ${array[i]}`);
                }
              }
            };
            const both = (run: (kernel: CellKernel, step: CellBackwardStep) => void) => {
              run(fused, found);
              run(cell, expected);
            };
            both((kernel, step) => kernel.forward(step));
            near('state', 2e-6, ({ states }) => states);
            both((kernel, step) => kernel.backward(step));
            near('pre and apart', 1e-5, ({ pre, apart }) => [pre, apart]);
            near('dState', 1e-5, ({ dStates }) => dStates);
            backend.release(mark);
          }),
          { numRuns: 200 },
        );
      });
    }
  });
}

test('cell names are unique', () => {
  assert.equal(new Set(cells.map(({ name }) => name)).size, cells.length);
});

test('sigmoid: its values, its symmetry, and no overflow at either end', () => {
  assert.equal(sigmoid(0), 0.5);
  assert.ok(Math.abs(sigmoid(1) - 0.7310585786300049) < 1e-16);
  for (const x of [0.1, 1, 10, 30, 700]) assert.ok(Math.abs(sigmoid(x) + sigmoid(-x) - 1) < 1e-15);
  assert.deepEqual([sigmoid(1000), sigmoid(-1000), sigmoid(Infinity), sigmoid(-Infinity)], [1, 0, 1, 0]);
  assert.ok(sigmoid(-700) > 0);
});
