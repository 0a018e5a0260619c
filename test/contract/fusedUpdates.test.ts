/** The fused optimizer updates beside PyTorch's formulas in float64, over several updates in a row. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Backend, Reals, UpdateKernel } from '../../src/compute/backend.ts';
import { Expected, filled, forAll, mixed, size, wasmBackends } from './guarded.ts';

type Options = Record<string, number>;

/** New values and the magnitudes that their errors scale with, of one parameter and its slots. */
interface Updated {
  parameter: [number, number];
  slots: [number, number][];
}

interface Reference {
  readonly slots: number;
  readonly options: Options;
  update(p: number, g: number, slots: number[], options: Options): Updated;
}

const { abs, sqrt } = Math;
const stepped = (p: number, step: number, slots: [number, number][]): Updated => ({ parameter: [p - step, abs(p) + abs(step)], slots });

function adam(p: number, g: number, [m, v]: number[], { learningRate, beta1, beta2, epsilon, step }: Options): Updated {
  const mean = beta1 * m + (1 - beta1) * g;
  const meanSize = abs(beta1 * m) + abs((1 - beta1) * g);
  const square = beta2 * v + (1 - beta2) * g * g;
  const divisor = sqrt(square) / sqrt(1 - beta2 ** step) + epsilon;
  const rate = learningRate / (1 - beta1 ** step);
  return {
    parameter: [p - (rate * mean) / divisor, abs(p) + (rate * meanSize) / divisor],
    slots: [
      [mean, meanSize],
      [square, square],
    ],
  };
}

const adamOptions = { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

const reference: Record<string, Reference> = {
  sgd: {
    ...{ slots: 0, options: { learningRate: 0.1 } },
    update: (p, g, _slots, { learningRate }) => stepped(p, learningRate * g, []),
  },
  momentum: {
    ...{ slots: 1, options: { learningRate: 0.1, momentum: 0.9 } },
    update(p, g, [v], { learningRate, momentum }) {
      const velocity = momentum * v + g;
      const magnitude = abs(momentum * v) + abs(g);
      return { parameter: [p - learningRate * velocity, abs(p) + learningRate * magnitude], slots: [[velocity, magnitude]] };
    },
  },
  rmsprop: {
    ...{ slots: 1, options: { learningRate: 0.01, decay: 0.99, epsilon: 1e-8 } },
    update(p, g, [s], { learningRate, decay, epsilon }) {
      const square = decay * s + (1 - decay) * g * g;
      return stepped(p, (learningRate * g) / (sqrt(square) + epsilon), [[square, square]]);
    },
  },
  adam: { slots: 2, options: adamOptions, update: adam },
  adamw: {
    ...{ slots: 2, options: { ...adamOptions, weightDecay: 0.1 } },
    update: (p, g, slots, options) => adam(p * (1 - options.learningRate * options.weightDecay), g, slots, options),
  },
};

for (const [name, backend] of wasmBackends) {
  describe(name, () => {
    for (const [optimizer, plain] of Object.entries(reference)) {
      const kernel = backend.fused.updates[optimizer] as UpdateKernel<Options>;

      test(`${optimizer}: each of 4 updates errs by at most 1e-6 of the magnitudes that enter`, () => {
        forAll(backend, fc.record({ length: size }), ({ length }, random) => {
          const { parameters, gradient, slots } = arrays(backend, length, plain.slots, () => mixed(random));
          for (let step = 1; step <= 4; step++) {
            const options = { ...plain.options, step };
            const expected = new Expected(parameters);
            const expectedSlots = slots.map((slot) => new Expected(slot));
            for (let i = 0; i < length; i++) {
              const before = slots.map((slot) => slot[i]);
              const updated = plain.update(parameters[i], gradient[i], before, options);
              const bound = 1e-6;
              expected.set(i, updated.parameter[0], bound * updated.parameter[1]);
              for (const [s, [value, magnitude]] of updated.slots.entries()) expectedSlots[s].set(i, value, bound * magnitude);
            }
            kernel(parameters, gradient, slots, length, options);
            expected.verify('parameter');
            for (const [s, slot] of expectedSlots.entries()) slot.verify(`slot ${s}`);
          }
        });
      });

      test(`${optimizer}: slots hold no number below 2^-120 but 0, first moments none below 2^-100, however small the gradient`, () => {
        forAll(backend, fc.record({ length: size }), ({ length }, random) => {
          const tiny = () => random.normal() * 2 ** -random.below(150);
          const { parameters, gradient, slots } = arrays(backend, length, plain.slots, tiny);
          const squares = plain.slots === 2 ? 1 : optimizer === 'rmsprop' ? 0 : -1;
          for (const slot of slots) for (let i = 0; i < length; i++) slot[i] = abs(tiny());
          kernel(parameters, gradient, slots, length, { ...plain.options, step: 1 });
          for (const [s, slot] of slots.entries()) {
            const least = s === squares ? 2 ** -120 : 2 ** -100;
            for (let i = 0; i < length; i++) assert.ok(slot[i] === 0 || abs(slot[i]) >= least, `${slot[i]}`);
          }
          for (let i = 0; i < length; i++) assert.ok(Number.isFinite(parameters[i]));
        });
      });

      test(`${optimizer}: a NaN in the gradient reaches its own parameter, and no other`, () => {
        const mark = backend.mark();
        const { parameters, gradient, slots } = arrays(backend, 7, plain.slots, () => 0.5);
        gradient[5] = Number.NaN;
        kernel(parameters, gradient, slots, 7, { ...plain.options, step: 1 });
        for (let i = 0; i < 7; i++) assert.equal(Number.isNaN(parameters[i]), i === 5);
        backend.release(mark);
      });
    }
  });
}

/** Parameters, gradient and slots, each three elements longer than what is updated; the slots start at 0 in that part. */
function arrays(
  backend: Backend,
  length: number,
  slotCount: number,
  draw: () => number,
): Record<'parameters' | 'gradient', Reals> & { slots: Reals[] } {
  const slots = Array.from({ length: slotCount }, () => filled(backend, length + 3, draw).fill(0, 0, length));
  return { parameters: filled(backend, length + 3, draw), gradient: filled(backend, length + 3, draw), slots };
}
