/** Checkpointed backpropagation gives what plain backpropagation gives, whatever the plan. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Backend } from '../../src/compute/backend.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import type { Batch } from '../../src/network/batch.ts';
import { cells } from '../../src/network/cell/cells.ts';
import { checkDerivative } from '../../src/network/derivative.ts';
import { losses } from '../../src/network/loss/losses.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { Checkpointed } from '../../src/network/unroll/checkpointed.ts';
import type { MemoryPlan } from '../../src/network/unroll/memoryPlan.ts';
import type { NormRecord } from '../../src/network/unroll/normRecord.ts';
import { stateSize } from '../../src/network/unroll/passMemory.ts';
import { pieceSteps } from '../../src/network/unroll/pieces.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { odd } from './oddCell.ts';
import { batchOf, copySteps, distance, masksOf, networkOf, type Sample, samples, windowOf } from './sample.ts';

/** A plan of these segments, whatever it takes. */
function planOf(plan: MemoryPlan['plan'], { T, B }: { T: number; B: number }, segmentSteps: number, slots = T): MemoryPlan {
  return { plan, T, B, segmentSteps, segments: Math.ceil(T / segmentSteps), slots, bytes: 0, extraForward: 0 };
}

const plannings = fc.record({
  plan: fc.constantFrom('squareRoot', 'binomial'),
  segmentSteps: fc.integer({ min: 1, max: 8 }),
  slots: fc.integer({ min: 1, max: 4 }),
});
type Planning = typeof plannings extends fc.Arbitrary<infer P> ? P : never;

const planned = (sample: Sample, { plan, segmentSteps, slots }: Planning) =>
  planOf(plan, sample, Math.min(segmentSteps, sample.T), plan === 'binomial' ? slots : sample.T);

/** Everything that a pass leaves. */
interface Left {
  readonly loss: number;
  readonly gradient: Float64Array;
  readonly input: Float64Array;
  /** dL/d(states before the first step), all layers and states. */
  readonly states: number[];
  /** Per layer, squares and exponents of dL/ds_t. */
  readonly norms: number[][];
}

const recordOf = ({ L }: Network, { T, B }: Batch): NormRecord[] =>
  Array.from({ length: L }, (_, layer) => ({
    squares: new Float64Array(T * B),
    exponents: new Int32Array(T * B),
    afterInjection: layer === L - 1,
  }));

/** Without a record, all steps of a segment are one call where the backend can do that. */
function leftBy(
  network: Network,
  unrolled: Unrolled,
  record: readonly NormRecord[] | undefined,
  input: ArrayLike<number>,
  loss: number,
): Left {
  return {
    loss,
    gradient: Float64Array.from(network.parameters.gradient),
    input: Float64Array.from(input),
    states: unrolled.layers.flatMap((layer) => network.cell.states.flatMap((_, index) => [...layer.initialGradient(index)])),
    norms: (record ?? []).flatMap(({ squares, exponents }) => [[...squares], [...exponents]]),
  };
}

function plain(network: Network, batch: Batch, sample: Sample, watched: boolean): Left {
  const { backend } = network;
  const unrolled = new Unrolled(network, batch.T, batch.B);
  const record = watched ? recordOf(network, batch) : undefined;
  const inputGradient = inputRoom(backend, batch);
  unrolled.forward(batch, { dropout: masksOf(sample) });
  const loss = unrolled.backward(losses[sample.loss], { inputGradient, record });
  return leftBy(network, unrolled, record, inputGradient ?? [], loss);
}

const inputRoom = (backend: Backend, { input, T, B }: Batch) =>
  input.kind === 'vectors' ? backend.allocate(T * B * input.size) : undefined;

function checkpointed(network: Network, batch: Batch, sample: Sample, plan: MemoryPlan, watched: boolean): Left {
  const through = new Checkpointed(network, batch.target, plan);
  const record = watched ? recordOf(network, batch) : undefined;
  const inputGradient = inputRoom(network.backend, batch);
  const loss = through.run({
    T: batch.T,
    B: batch.B,
    copy: (begin, end, into) => copySteps(batch, begin, end, into),
    loss: losses[sample.loss],
    dropout: masksOf(sample),
    inputGradient,
    record,
  });
  return leftBy(network, through.unrolled, record, inputGradient ?? [], loss!);
}

function agree(found: Left, expected: Left, tolerance: number): void {
  assert.ok(Math.abs(found.loss - expected.loss) <= tolerance * Math.abs(expected.loss), `loss ${found.loss}, ${expected.loss}`);
  const off = distance(found.gradient, expected.gradient);
  assert.ok(off <= tolerance, `gradient off by ${off}`);
  // What goes back through the states is the same arithmetic in the same order.
  assert.deepEqual(found.input, expected.input);
  assert.deepEqual(found.states, expected.states);
  assert.deepEqual(found.norms, expected.norms);
}

const backends: readonly (readonly [string, Backend, number, number])[] = [
  ['scalar', scalarBackend(), 1e-12, 250],
  ['wasm, relaxed SIMD', await wasmBackend(), 1e-5, 250],
  ['wasm, plain SIMD', await wasmBackend({ relaxed: false }), 1e-5, 60],
];

for (const [name, backend, tolerance, numRuns] of backends) {
  describe(`${name}: whatever the network, the batch and the plan`, () => {
    test(`the gradient of plain backpropagation to ${tolerance}, its states, inputs and norms at every lag to the bit`, () => {
      fc.assert(
        fc.property(samples, plannings, fc.boolean(), (sample, planning, watched) => {
          const mark = backend.mark();
          const batch = batchOf(backend, sample);
          const expected = plain(networkOf(backend, sample), batch, sample, watched);
          agree(checkpointed(networkOf(backend, sample), batch, sample, planned(sample, planning), watched), expected, tolerance);
          backend.release(mark);
        }),
        { numRuns },
      );
    });

    test('in one segment, all bits', () => {
      fc.assert(
        fc.property(samples, fc.boolean(), (sample, watched) => {
          const mark = backend.mark();
          const batch = batchOf(backend, sample);
          const expected = plain(networkOf(backend, sample), batch, sample, watched);
          assert.deepEqual(
            checkpointed(networkOf(backend, sample), batch, sample, planOf('plain', sample, sample.T, 0), watched),
            expected,
          );
          backend.release(mark);
        }),
        { numRuns: numRuns / 5 },
      );
    });

    test('a state is carried into the next pass from any step, also where no target is counted', () => {
      const cut = fc.integer({ min: 0, max: 8 });
      fc.assert(
        fc.property(samples, plannings, cut, cut, (drawn, planning, steps, carry) => {
          const sample = { ...drawn, dropout: 0 };
          const mark = backend.mark();
          const network = networkOf(backend, sample);
          const batch = batchOf(backend, sample);
          const T = Math.max(1, Math.min(steps, sample.T));
          const carried = Math.min(carry, T);
          const first = windowOf(backend, batch, 0, T);
          const unrolled = new Unrolled(network, sample.T, sample.B);
          unrolled.forward(first);
          if (carried > 0) unrolled.carry(carried);
          const through = new Checkpointed(network, batch.target, planned(sample, planning));
          const loss = through.run({
            T,
            B: sample.B,
            copy: (begin, end, into) => copySteps(first, begin, end, into),
            loss: losses[sample.loss],
            carry: carried,
          });
          assert.equal(loss === undefined, first.counted === 0);
          const size = sample.B * sample.H;
          for (const [layer, { states, history }] of unrolled.layers.entries()) {
            for (const [index, state] of states.entries()) {
              const found = through.unrolled.layers[layer].states[index].subarray(0, history * size);
              assert.deepEqual(found, state.subarray(0, history * size));
            }
          }
          backend.release(mark);
        }),
        { numRuns: numRuns / 2 },
      );
    });
  });
}

describe('scalar', () => {
  const backend = scalarBackend();

  test('agrees with central differences of the plain loss to 1e-6, number by number', () => {
    fc.assert(
      fc.property(samples, plannings, fc.nat(), (sample, planning, drawn) => {
        const network = networkOf(backend, sample);
        const batch = batchOf(backend, sample);
        const { gradient } = checkpointed(network, batch, sample, planned(sample, planning), false);
        const unrolled = new Unrolled(network, sample.T, sample.B);
        const { values } = network.parameters;
        const index = drawn % values.length;
        const kept = values[index];
        const lossAt = (offset: number) => {
          values[index] = kept + offset;
          network.changed();
          unrolled.forward(batch, { dropout: masksOf(sample) });
          return unrolled.loss(losses[sample.loss]);
        };
        const check = checkDerivative(lossAt, kept, gradient[index], 1e-6);
        assert.notEqual(check.outcome, 'differs', JSON.stringify(check));
      }),
      { numRuns: 250 },
    );
  });

  test('a cell of your own with three states and gates apart', () => {
    const sample: Sample = {
      ...{ cell: 'odd', loss: 'mse', reading: 'lengths', layers: 2, residual: true, dropout: 0.3, input: 'vectors' },
      ...{ T: 11, B: 3, I: 2, H: 4, O: 2, seed: 8 },
    };
    const make = () => {
      const model = { cell: odd, hiddenSize: sample.H, layers: 2, residual: true, dropout: 0.3 };
      const network = new Network(backend, model, { kind: 'vectors', size: sample.I }, sample.O);
      initialize(network, model, 4);
      return network;
    };
    const batch = batchOf(backend, sample);
    const expected = plain(make(), batch, sample, true);
    for (const segmentSteps of [1, 2, 3, 5, 10]) {
      for (const slots of [1, 2, 3]) {
        agree(checkpointed(make(), batch, sample, planOf('binomial', sample, segmentSteps, slots), true), expected, 1e-12);
      }
      agree(checkpointed(make(), batch, sample, planOf('squareRoot', sample, segmentSteps), true), expected, 1e-12);
    }
  });
});

describe('a gradient far below what the numbers hold', () => {
  // 400 steps that each take a good part of the gradient away, through 3 layers: float32 ends at 2^-149.
  for (const [name, backend, tolerance] of backends.slice(0, 2)) {
    for (const cell of ['rnn-tanh', 'lstm', 'gru']) {
      test(`${name}, ${cell}: has the bits of plain backpropagation at every lag`, () => {
        const sample: Sample = {
          ...{ cell, loss: 'mse', reading: 'last', layers: 3, residual: true, dropout: 0, input: 'vectors' },
          ...{ T: 400, B: 2, I: 2, H: 6, O: 1, seed: 3 },
        };
        const mark = backend.mark();
        const batch = batchOf(backend, sample);
        const expected = plain(networkOf(backend, sample), batch, sample, true);
        const exponent = Math.min(...expected.norms[1]);
        assert.ok(exponent < -150, `2^${exponent} is the smallest`);
        agree(checkpointed(networkOf(backend, sample), batch, sample, planOf('binomial', sample, 23, 3), true), expected, tolerance);
        agree(checkpointed(networkOf(backend, sample), batch, sample, planOf('squareRoot', sample, 50), true), expected, tolerance);
        backend.release(mark);
      });
    }
  }
});

describe('a pass so long that layers run it in pieces', () => {
  for (const [name, backend, tolerance] of backends.slice(0, 2)) {
    for (const input of ['vectors', 'symbols'] as const) {
      for (const cell of name === 'scalar' ? ['lstm', 'gru'] : cells.map((each) => each.name)) {
        test(`${name}, ${cell}, ${input}: is what segments of one piece each give`, () => {
          const drawn = { layers: 2, residual: true, dropout: 0.2, I: 3, H: 24, O: 2, seed: 9 };
          const shape = { ...drawn, cell, input, loss: 'crossEntropy', reading: 'lengths', B: 5 } as const;
          const mark = backend.mark();
          const steps = pieceSteps(networkOf(backend, { ...shape, T: 1 }), shape.B);
          const sample: Sample = { ...shape, T: 2 * steps + 7 };
          const batch = batchOf(backend, sample);
          for (const watched of [false, true]) {
            const expected = plain(networkOf(backend, sample), batch, sample, watched);
            const plan = planOf('squareRoot', sample, Math.floor(steps / 2));
            agree(checkpointed(networkOf(backend, sample), batch, sample, plan, watched), expected, tolerance);
          }
          backend.release(mark);
        });
      }
    }
  }
});

test('two threads give the bits of one', async () => {
  // A segment of 64 steps of 8 sequences of an LSTM of 32 is 8.6 million operations: enough to be shared.
  const sample: Sample = {
    ...{ cell: 'lstm', loss: 'crossEntropy', reading: 'lengths', layers: 2, residual: false, dropout: 0.3, input: 'vectors' },
    ...{ T: 200, B: 8, I: 3, H: 32, O: 4, seed: 6 },
  };
  const [one, two] = [await wasmBackend(), await wasmBackend({ threads: 2 })].map((backend) => {
    const batch = batchOf(backend, sample);
    return checkpointed(networkOf(backend, sample), batch, sample, planOf('squareRoot', sample, 64), false);
  });
  assert.deepEqual(two, one);
});

test('the states that are kept are as many as the plan says, and no step is run more often than it says', () => {
  // What `copy` is asked for is what is run: each segment once on its way back, and once for each time it is advanced.
  const sample: Sample = {
    ...{ cell: 'lstm', loss: 'mse', reading: 'every', layers: 2, residual: false, dropout: 0, input: 'vectors' },
    ...{ T: 20, B: 2, I: 2, H: 3, O: 1, seed: 1 },
  };
  const backend = scalarBackend();
  const network = networkOf(backend, sample);
  const batch = batchOf(backend, sample);
  let largest = 0;
  const watching: Backend = {
    ...backend,
    allocate(length) {
      largest = Math.max(largest, length);
      return backend.allocate(length);
    },
  };
  // 2 layers of h and c, of 2 sequences of 3 units.
  assert.equal(stateSize(network, 2), 24);
  const watched: Network = Object.assign(Object.create(Network.prototype), network, { backend: watching });
  const through = new Checkpointed(watched, batch.target, planOf('binomial', sample, 1, 3));
  assert.equal(largest, 3 * 24, 'three states are the largest array');
  let copied = 0;
  const copy = (begin: number, end: number, into: Batch) => {
    assert.equal(end, begin + 1);
    copied++;
    copySteps(batch, begin, end, into);
  };
  through.run({ T: 20, B: 2, copy, loss: losses.mse });
  // 20 = C(6, 3) segments with 3 slots: no segment is advanced more than 3 times, 3 * 20 - C(6, 4) = 45 advances in all.
  assert.equal(copied, 20 + 45);
});

test('more steps or sequences than planned are refused', () => {
  const sample: Sample = {
    ...{ cell: 'gru', loss: 'mse', reading: 'last', layers: 1, residual: false, dropout: 0, input: 'vectors' },
    ...{ T: 6, B: 2, I: 1, H: 2, O: 1, seed: 1 },
  };
  const backend = scalarBackend();
  const batch = batchOf(backend, sample);
  const through = new Checkpointed(networkOf(backend, sample), batch.target, planOf('squareRoot', sample, 2));
  const copy = (begin: number, end: number, into: Batch) => copySteps(batch, begin, end, into);
  for (const [T, B] of [
    [7, 2],
    [6, 3],
    [0, 2],
  ]) {
    assert.throws(() => through.run({ T, B, copy, loss: losses.mse }), { code: 'SHAPE_MISMATCH', message: /planned for 1 to 6 steps/ });
  }
});
