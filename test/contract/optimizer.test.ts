/** Every optimizer against its own formula, written here once more for a single number, and the backends' fused kernels. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UpdateKernel } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { Parameters } from '../../src/network/parameters.ts';
import type { OptimizerName } from '../../src/training/optimizer/optimizer.ts';
import { optimizers } from '../../src/training/optimizer/optimizers.ts';
import { trainingDefaults } from '../../src/training/options.ts';
import { Updater } from '../../src/training/updater.ts';
import { wasmBackends } from './guarded.ts';

type Options = Record<string, number>;

/** The weight after all updates of one number with gradients g_1, g_2, ...; sums over the past in place of carried slots. */
const byHand: Readonly<Record<OptimizerName, (p: number, gradients: number[], options: Options) => number>> = {
  sgd: (p, gradients, { learningRate }) => p - learningRate * gradients.reduce((sum, g) => sum + g, 0),

  // v_n = sum over i <= n of momentum^(n - i) g_i.
  momentum(p, gradients, { learningRate, momentum }) {
    for (let n = 0; n < gradients.length; n++) {
      let velocity = 0;
      for (let i = 0; i <= n; i++) velocity += momentum ** (n - i) * gradients[i];
      p -= learningRate * velocity;
    }
    return p;
  },

  // s_n = (1 - decay) * sum over i <= n of decay^(n - i) g_i^2.
  rmsprop(p, gradients, { learningRate, decay, epsilon }) {
    for (let n = 0; n < gradients.length; n++) {
      p -= (learningRate * gradients[n]) / (Math.sqrt(weighted(gradients, n, decay, 2)) + epsilon);
    }
    return p;
  },

  adam: (p, gradients, options) => decayedAdam(p, gradients, { ...options, weightDecay: 0 }),
  adamw: decayedAdam,
};

/** p <- p (1 - rate decay) - rate m^ / (sqrt(v^) + epsilon), m^ and v^ being weighted means whose weights add up to 1. */
function decayedAdam(p: number, gradients: number[], { learningRate, beta1, beta2, epsilon, weightDecay }: Options): number {
  for (let n = 0; n < gradients.length; n++) {
    const mean = weighted(gradients, n, beta1, 1) / (1 - beta1 ** (n + 1));
    const square = weighted(gradients, n, beta2, 2) / (1 - beta2 ** (n + 1));
    p = p - learningRate * weightDecay * p - (learningRate * mean) / (Math.sqrt(square) + epsilon);
  }
  return p;
}

function weighted(gradients: number[], n: number, decay: number, power: number): number {
  let sum = 0;
  for (let i = 0; i <= n; i++) sum += (1 - decay) * decay ** (n - i) * gradients[i] ** power;
  return sum;
}

const UPDATES = 20;
/** Not a multiple of the vector's four lanes. */
const LENGTH = 11;

/** Gradients of all updates, of magnitudes from 1e-4 to 1e2, one element always 0. */
function gradientsOf(seed: number): number[][] {
  const random = new Random(seed);
  return Array.from({ length: UPDATES }, () =>
    Array.from({ length: LENGTH }, (_, i) => (i === 3 ? 0 : Math.fround(random.normal() * 10 ** ((i % 7) - 4)))),
  );
}

const optionSets: Readonly<Record<OptimizerName, Options[]>> = {
  sgd: [{}],
  momentum: [{}, { momentum: 0 }, { momentum: 0.99 }],
  rmsprop: [{}, { decay: 0.5, epsilon: 1e-3 }, { decay: 0 }],
  adam: [{}, { beta1: 0, beta2: 0.5 }, { beta1: 0.5, beta2: 0.9, epsilon: 0.1 }],
  adamw: [{}, { weightDecay: 0 }, { weightDecay: 0.5, beta1: 0.8, beta2: 0.99, epsilon: 1e-4 }],
};

for (const optimizer of Object.values(optimizers)) {
  const { name, slots, defaults } = optimizer;

  describe(`optimizer ${name}`, () => {
    test('is filed under its name, and its option sets here are its options', () => {
      assert.equal(optimizers[name], optimizer);
      for (const set of optionSets[name]) for (const option of Object.keys(set)) assert.ok(option in defaults);
    });

    for (const set of optionSets[name]) {
      const options = { ...defaults, ...set, learningRate: 0.01 };

      test(`${UPDATES} updates with ${JSON.stringify(set)} are the formula's, to 1e-12`, () => {
        const backend = scalarBackend();
        const p = backend.allocate(LENGTH).map((_, i) => (i - 5) / 4);
        const start = [...p];
        const state = slots.map(() => backend.allocate(LENGTH));
        const gradients = gradientsOf(1);
        for (const [n, g] of gradients.entries()) optimizer.update(p, Float64Array.from(g), state, LENGTH, { ...options, step: n + 1 });
        for (let i = 0; i < LENGTH; i++) {
          const ofElement = gradients.map((each) => each[i]);
          const expected = byHand[name](start[i], ofElement, options);
          assert.ok(Math.abs(p[i] - expected) <= 1e-12 * (1 + Math.abs(expected)), `${p[i]}, not ${expected}`);
        }
      });

      if (optimizer.decrease) {
        test(`what it says that the next step takes from the loss is the gradient times that step, with ${JSON.stringify(set)}`, () => {
          const state = slots.map(() => new Float64Array(LENGTH));
          const p = new Float64Array(LENGTH);
          for (const [n, gradient] of gradientsOf(3).entries()) {
            const g = Float64Array.from(gradient);
            // From 0 at every update, where no weight decays.
            const said = optimizer.decrease?.(g, state, LENGTH, { ...options, step: n + 1 }) as number;
            p.fill(0);
            optimizer.update(p, g, state, LENGTH, { ...options, step: n + 1 });
            const taken = g.reduce((sum, each, i) => sum - each * p[i], 0);
            const size = g.reduce((sum, each, i) => sum + Math.abs(each * p[i]), 0);
            assert.ok(Math.abs(said - taken) <= 1e-12 * size, `update ${n + 1}: ${said}, not ${taken}`);
          }
        });
      }

      for (const [backendName, backend] of wasmBackends) {
        test(`${backendName}: the same with ${JSON.stringify(set)}, each update to 1e-6 of its size`, () => {
          const fused = backend.fused.updates[name] as UpdateKernel<Options>;
          const mark = backend.mark();
          const p = backend.allocate(LENGTH);
          for (let i = 0; i < LENGTH; i++) p[i] = (i - 5) / 4;
          const g = backend.allocate(LENGTH);
          const state = slots.map(() => backend.allocate(LENGTH));
          for (const [n, gradient] of gradientsOf(2).entries()) {
            // Both start from the same numbers at every update, so that only one update's rounding is seen.
            const before = Float64Array.from(p);
            const expected = before.slice();
            const expectedState = state.map((each) => Float64Array.from(each));
            g.set(gradient);
            optimizer.update(expected, Float64Array.from(g), expectedState, LENGTH, { ...options, step: n + 1 });
            fused(p, g, state, LENGTH, { ...options, step: n + 1 });
            for (let i = 0; i < LENGTH; i++) {
              const size = Math.abs(expected[i]) + Math.abs(before[i]) + Math.abs(expected[i] - before[i]);
              assert.ok(Math.abs(p[i] - expected[i]) <= 1e-6 * size, `update ${n + 1}, ${i}: ${p[i]}, not ${expected[i]}`);
              for (const [s, slot] of expectedState.entries()) {
                // A sum of two terms that nearly cancel keeps their rounding.
                const bound = 1e-6 * (Math.abs(slot[i]) + Math.abs(gradient[i]) * (slots[s] === 'square' ? Math.abs(gradient[i]) : 1));
                assert.ok(Math.abs(state[s][i] - slot[i]) <= bound, `slot ${slots[s]} ${i}: ${state[s][i]}, not ${slot[i]}`);
              }
            }
          }
          backend.release(mark);
        });
      }
    }

    test('leaves what lies beyond its length alone', () => {
      for (const backend of [scalarBackend(), ...wasmBackends.map(([, each]) => each)]) {
        const update = (backend.fused.updates[name] as UpdateKernel<Options> | undefined) ?? optimizer.update;
        const arrays = [0, 1, ...slots].map(() => backend.allocate(9).fill(1));
        const [p, g, ...state] = arrays;
        update(p, g, state, 6, { ...defaults, learningRate: 0.1, step: 1 });
        for (const array of arrays) assert.deepEqual([...array.subarray(6)], [1, 1, 1]);
        assert.notEqual(p[5], 1);
        assert.deepEqual([...g], new Array(9).fill(1));
      }
    });

    test('a gradient of 0 from the beginning moves nothing', () => {
      for (const backend of [scalarBackend(), ...wasmBackends.map(([, each]) => each)]) {
        const parameters = new Parameters(backend, [{ name: 'weight', shape: [5] }]);
        parameters.values.fill(0.5);
        const updater = new Updater(parameters, backend, { ...trainingDefaults, optimizer: name, weightDecay: 0 });
        for (let step = 1; step <= 3; step++) assert.equal(updater.apply(0.1, 0, step), null);
        assert.deepEqual([...parameters.values], new Array(5).fill(0.5));
      }
    });
  });
}

test('adam: the first update moves every weight by the learning rate, whatever the size of its gradient', () => {
  // m / (1 - beta1) = g and v / (1 - beta2) = g^2 at step 1, so that the step is rate * g / (|g| + epsilon).
  for (const backend of [scalarBackend(), ...wasmBackends.map(([, each]) => each)]) {
    const parameters = new Parameters(backend, [{ name: 'weight', shape: [4] }]);
    parameters.gradient.set([1e-3, -1, 100, -1e5]);
    new Updater(parameters, backend, { ...trainingDefaults, optimizer: 'adam' }).apply(0.01, 1e5, 1);
    for (const [i, sign] of [-1, 1, -1, 1].entries()) assert.ok(Math.abs(parameters.values[i] - 0.01 * sign) < 2e-7);
  }
});
