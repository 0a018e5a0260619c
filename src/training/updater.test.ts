import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../compute/backend.ts';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';
import { Parameters } from '../network/parameters.ts';
import type { OptimizerName } from './optimizer/optimizer.ts';
import { optimizers } from './optimizer/optimizers.ts';
import { type TrainingOptions, trainingDefaults } from './options.ts';
import { nonFiniteName, Updater } from './updater.ts';

const names = Object.keys(optimizers) as OptimizerName[];

/** Seven weights in two parameters, all 1/2, and an updater after one plain update. */
function setUp(backend: Backend, training: Partial<TrainingOptions>) {
  const parameters = new Parameters(backend, [
    { name: 'weight', shape: [2, 3] },
    { name: 'bias', shape: [1] },
  ]);
  parameters.values.fill(0.5);
  parameters.gradient.fill(0.1);
  const updater = new Updater(parameters, backend, { ...trainingDefaults, ...training });
  const apply = (learningRate: number, step: number) =>
    updater.apply(learningRate, Math.sqrt(backend.sumSquares(parameters.gradient, 0, parameters.length)), step);
  assert.equal(apply(0.01, 1), null);
  const everything = () => [parameters.values, ...updater.slots.map(({ values }) => values)].map((array) => [...array]);
  return { parameters, updater, apply, everything };
}

for (const [name, backend] of [
  ['wasm', await wasmBackend()],
  ['wasm, plain SIMD', await wasmBackend({ relaxed: false })],
] as const) {
  describe(`${name}: an update that float32 cannot hold is refused by name and leaves everything as it was`, () => {
    // adam and rmsprop square the gradient: (1e25)^2 = 1e50 is infinite in float32. sgd and momentum at a rate of 1e10:
    // 1e30 * 1e10 = 1e40 is infinite, 1e30 alone is not.
    for (const { optimizer, gradient, rate, refused } of [
      { optimizer: 'sgd', gradient: 1e30, rate: 1e10, refused: 'update of bias' },
      { optimizer: 'momentum', gradient: 1e30, rate: 1e10, refused: 'update of bias' },
      { optimizer: 'rmsprop', gradient: 1e25, rate: 0.01, refused: 'optimizer square of bias' },
      { optimizer: 'adam', gradient: 1e25, rate: 0.001, refused: 'optimizer square of bias' },
      { optimizer: 'adamw', gradient: 1e25, rate: 0.001, refused: 'optimizer square of bias' },
    ] as const) {
      test(`${optimizer}, gradient ${gradient}, rate ${rate}`, () => {
        const { parameters, apply, everything } = setUp(backend, { optimizer });
        const before = everything();
        parameters.gradientOf('bias')[0] = gradient;
        assert.equal(apply(rate, 2), refused);
        assert.deepEqual(everything(), before);
        // And the next one, of an ordinary gradient, is made.
        parameters.gradient.fill(0.1);
        assert.equal(apply(0.01, 2), null);
        assert.notDeepEqual(everything(), before);
      });
    }

    test('sgd takes a gradient of 1e30 where the product stays finite: 0.5 - 1e-30 * 1e30 = -0.5', () => {
      const { parameters, apply } = setUp(backend, { optimizer: 'sgd' });
      parameters.values.fill(0.5);
      parameters.gradient.fill(1e30);
      assert.equal(apply(1e-30, 2), null);
      for (const value of parameters.values) assert.ok(Math.abs(value + 0.5) < 1e-6);
    });

    for (const optimizer of names) {
      test(`${optimizer}: no gradient or rate of any size leaves a number that is not finite`, () => {
        for (const gradient of [0, 1e-45, 1e-30, 1, 1e11, 1e13, 1e20, 1e25, 1e30, 1e38, -3e38]) {
          for (const rate of [1e-30, 1e-3, 1, 1e11, 1e13, 1e30, 1e300]) {
            const { parameters, apply, everything } = setUp(backend, { optimizer });
            for (let step = 2; step < 6; step++) {
              const before = everything();
              parameters.gradient.fill(gradient);
              const refused = apply(rate, step);
              if (refused !== null) assert.deepEqual(everything(), before);
              for (const array of everything()) assert.ok(array.every(Number.isFinite), `${gradient} at rate ${rate}: ${refused}`);
            }
          }
        }
      });
    }
  });
}

describe('Updater', () => {
  test('reads the options of its optimizer, and no others', () => {
    const backend = scalarBackend();
    // v = 0.5 * 0 + 1, p = 0 - 0.1; then v = 0.5 * 1 + 1 = 1.5, p = -0.1 - 0.15.
    const parameters = new Parameters(backend, [{ name: 'weight', shape: [1] }]);
    const updater = new Updater(parameters, backend, { ...trainingDefaults, optimizer: 'momentum', momentum: 0.5 });
    parameters.gradient[0] = 1;
    updater.apply(0.1, 1, 1);
    updater.apply(0.1, 1, 2);
    assert.ok(Math.abs(parameters.values[0] + 0.25) < 1e-15);
    assert.deepEqual(
      updater.slots.map((slot) => [slot.name, slot.values[0]]),
      [['velocity', 1.5]],
    );
  });

  test('refuses options that would let weights grow without end or divide 0 by 0', () => {
    const backend = scalarBackend();
    const parameters = new Parameters(backend, [{ name: 'weight', shape: [1] }]);
    const make = (training: Partial<TrainingOptions>) => () => new Updater(parameters, backend, { ...trainingDefaults, ...training });
    for (const [training, field] of [
      [{ optimizer: 'momentum', momentum: 1 }, 'training.momentum'],
      [{ optimizer: 'rmsprop', decay: -0.1 }, 'training.decay'],
      [{ optimizer: 'adam', beta1: 1.5 }, 'training.beta1'],
      [{ optimizer: 'adam', beta2: Number.NaN }, 'training.beta2'],
      [{ optimizer: 'adam', epsilon: 0 }, 'training.epsilon'],
      [{ optimizer: 'rmsprop', epsilon: 1e-17 }, 'training.epsilon'],
      [{ optimizer: 'adamw', weightDecay: -1 }, 'training.weightDecay'],
      [{ optimizer: 'adamw', weightDecay: 3, learningRate: 0.5 }, 'training.weightDecay'],
    ] as const) {
      assert.throws(make(training), { code: 'OPTION_INVALID', place: { field } });
    }
    // An option of another optimizer is not this one's business.
    make({ optimizer: 'sgd', momentum: 1 })();
  });
});

describe('nonFiniteName', () => {
  const backend = scalarBackend();
  const parameters = new Parameters(backend, [
    { name: 'weight', shape: [3] },
    { name: 'bias', shape: [2] },
  ]);

  test('names the first parameter whose gradient is not finite, else the norm, else the loss', () => {
    parameters.gradient.fill(1);
    assert.equal(nonFiniteName(1, 2, parameters, backend), null);
    assert.equal(nonFiniteName(Number.NaN, 2, parameters, backend), 'loss');
    // 1e200 squared is infinite: the norm overflows though no element does.
    parameters.gradient.fill(1e200);
    assert.equal(nonFiniteName(1, Math.sqrt(backend.sumSquares(parameters.gradient, 0, 5)), parameters, backend), 'norm of the gradient');
    parameters.gradient.fill(1);
    parameters.gradient[4] = Number.NaN;
    assert.equal(nonFiniteName(1, Number.NaN, parameters, backend), 'gradient of bias');
    parameters.gradient[1] = Number.NEGATIVE_INFINITY;
    assert.equal(nonFiniteName(Number.NaN, Number.NaN, parameters, backend), 'gradient of weight');
  });
});

test('the read-out has its part in what a step takes from the loss, where its states are bounded and the step grows with the gradient', () => {
  const backend = scalarBackend();
  const parameters = new Parameters(backend, [
    { name: 'weight_ih_l0', shape: [2, 3] },
    { name: 'readout.weight', shape: [1, 2] },
    { name: 'readout.bias', shape: [1] },
  ]);
  parameters.gradient.set([9, 9, 9, 9, 9, 9, 1, 2, 3]);
  const of = (optimizer: OptimizerName, bounded: boolean) =>
    new Updater(parameters, backend, { ...trainingDefaults, optimizer }, bounded).readoutDecreaseOf(0.1);
  assert.ok(Math.abs((of('sgd', true) ?? 0) - 1.4) < 1e-12);
  assert.ok(Math.abs((of('momentum', true) ?? 0) - 1.4) < 1e-12);
  assert.deepEqual([of('sgd', false), of('adam', true)], [null, null]);
  // With a velocity, the step is the longer by it.
  const updater = new Updater(parameters, backend, { ...trainingDefaults, optimizer: 'momentum' }, true);
  assert.equal(updater.apply(0.1, 22, 1), null);
  assert.ok(Math.abs((updater.readoutDecreaseOf(0.1) ?? 0) - 1.4 * 1.9) < 1e-12);
});
