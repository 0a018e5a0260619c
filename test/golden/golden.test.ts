import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Backend, Reals } from '../../src/compute/backend.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { lagGradients } from '../../src/monitor/lagProfile.ts';
import { losses } from '../../src/network/loss/losses.ts';
import { StateWatch, stateLimit } from '../../src/network/unroll/stateWatch.ts';
import { truncatedWindow } from '../../src/network/unroll/truncated.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { clipOf } from '../../src/training/clip/clips.ts';
import { trainingDefaults } from '../../src/training/options.ts';
import { Updater } from '../../src/training/updater.ts';
import { atLastStep, batchOf, flat, networkOf, readCases } from './goldenCase.ts';

const cases = readCases(process.env.THROUGHTIME_GOLDEN ?? new URL('testdata', import.meta.url).pathname);

/** Largest difference, relative to the norm of what is expected. */
function distance(actual: ArrayLike<number>, expected: readonly number[]): number {
  assert.equal(actual.length, expected.length);
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    norm += expected[i] ** 2;
  }
  return norm === 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm);
}

for (const { name, open, bound } of [
  { name: 'scalar', open: async () => scalarBackend(), bound: 1e-10 },
  { name: 'wasm with relaxed SIMD where there is any', open: () => wasmBackend(), bound: 1e-4 },
  { name: 'wasm with plain SIMD', open: () => wasmBackend({ relaxed: false }), bound: 1e-4 },
]) {
  describe(`${name}: PyTorch's values to ${bound} relative`, () => {
    let backend: Backend;
    before(async () => {
      backend = await open();
    });
    const close = (actual: ArrayLike<number>, expected: readonly number[], what: string) => {
      const found = distance(actual, expected);
      assert.ok(found <= bound, `${what} is off by ${found}`);
    };

    for (const golden of cases) {
      const loss = losses[golden.loss];
      const T = golden.x.length;
      const B = golden.x[0].length;

      test(`${golden.name}: loss, gradients, norm, clipped gradients`, () => {
        const network = networkOf(golden, backend);
        const unrolled = new Unrolled(network, T, B);
        const batch = batchOf(golden, backend);
        unrolled.forward(batch);
        close([unrolled.loss(loss)], [golden.lossValue], 'loss of a forward pass');
        close([unrolled.backward(loss)], [golden.lossValue], 'loss');
        const { parameters } = network;
        for (const [parameter, expected] of Object.entries(golden.grads))
          close(parameters.gradientOf(parameter), flat(expected), parameter);
        const norm = Math.sqrt(backend.sumSquares(parameters.gradient, 0, parameters.length));
        close([norm], [golden.gradNorm], 'norm');
        clipOf({ globalNorm: golden.clipNorm })({ backend, gradient: parameters.gradient, length: parameters.length, norm });
        for (const [parameter, expected] of Object.entries(golden.clipped))
          close(parameters.gradientOf(parameter), flat(expected), `clipped ${parameter}`);
      });

      test(`${golden.name}: gradients with the recurrent path held below more than it ever is`, () => {
        const network = networkOf(golden, backend);
        const unrolled = new Unrolled(network, T, B);
        const batch = batchOf(golden, backend);
        const record = unrolled.layers.map(() => ({
          squares: new Float64Array(T * B),
          exponents: new Int32Array(T * B),
          afterInjection: true,
        }));
        unrolled.forward(batch);
        unrolled.backward(loss, { record });
        const norms = record.flatMap(({ squares, exponents }) =>
          Array.from(squares, (square, row) => Math.sqrt(square) * 2 ** exponents[row]),
        );
        const largest = Math.max(...norms);
        for (const [kind, threshold] of [
          ['norm', largest * (1 + 1e-6)],
          ['value', largest],
          ['norm', largest / 2],
        ] as const) {
          const watch = new StateWatch(backend, network.L, B, stateLimit(kind, threshold));
          unrolled.forward(batch);
          unrolled.backward(loss, { watch });
          const { parameters } = network;
          if (threshold < largest) {
            assert.ok(watch.bound.share > 0);
            const weight = `weight_hh_l${golden.layers - 1}`;
            assert.ok(distance(parameters.gradientOf(weight), flat(golden.grads[weight])) > bound, 'half the largest norm has to bind');
            continue;
          }
          assert.equal(watch.bound.share, 0);
          for (const [parameter, expected] of Object.entries(golden.grads))
            close(parameters.gradientOf(parameter), flat(expected), parameter);
        }
      });

      test(`${golden.name}: three clipped Adam updates`, () => {
        const network = networkOf(golden, backend);
        const unrolled = new Unrolled(network, T, B);
        const batch = batchOf(golden, backend);
        const updater = new Updater(network.parameters, backend, { ...trainingDefaults, optimizer: 'adam' });
        const clip = clipOf({ globalNorm: golden.clipNorm });
        for (const [step, expected] of golden.adam.losses.entries()) {
          unrolled.forward(batch);
          close([unrolled.backward(loss)], [expected], `loss ${step}`);
          const { gradient, length } = network.parameters;
          const norm = Math.sqrt(backend.sumSquares(gradient, 0, length));
          clip({ backend, gradient, length, norm });
          assert.equal(updater.apply(0.01, norm, step + 1), null);
          network.changed();
        }
        for (const [parameter, expected] of Object.entries(golden.adam.params))
          close(network.parameters.valuesOf(parameter), flat(expected), parameter);
      });

      test(`${golden.name}: norm of the gradient at every lag`, () => {
        const network = networkOf(golden, backend);
        const profiles = lagGradients(new Unrolled(network, T, B), batchOf(atLastStep(golden), backend), loss);
        for (const [b, expected] of golden.lag.entries()) {
          for (const [k, norm] of expected.entries()) close([10 ** profiles[b][k]], [norm], `sequence ${b}, lag ${k}`);
        }
      });

      for (const { k1, k2, windows } of golden.tbptt ?? []) {
        test(`${golden.name}: windows of truncated BPTT(${k1}, ${k2})`, () => {
          const network = networkOf(golden, backend);
          const unrolled = new Unrolled(network, Math.min(T, k2), B);
          for (const [index, expected] of windows.entries()) {
            const window = truncatedWindow(index, T, { k1, k2 });
            assert.deepEqual([window?.begin, window?.end], [expected.start, expected.end]);
            if (!window) continue;
            unrolled.forward(batchOf(golden, backend, window.begin, window.end, window.countFrom));
            close([unrolled.backward(loss)], [expected.loss], 'loss');
            const { parameters } = network;
            for (const [parameter, gradient] of Object.entries(expected.grads))
              close(parameters.gradientOf(parameter), flat(gradient), parameter);
            close([norm(parameters.gradient, backend)], [expected.gradNorm], 'norm');
            const next = truncatedWindow(index + 1, T, { k1, k2 });
            if (next && next.begin > window.begin) unrolled.carry(next.begin - window.begin);
          }
        });
      }
    }
  });
}

function norm(gradient: Reals, backend: Backend): number {
  return Math.sqrt(backend.sumSquares(gradient, 0, gradient.length));
}
