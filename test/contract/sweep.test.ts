import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Backend, StateLimit } from '../../src/compute/backend.ts';
import { tryBlas } from '../../src/compute/blas/blas.ts';
import { Random } from '../../src/compute/random.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { allocateBatch, type Batch } from '../../src/network/batch.ts';
import { losses } from '../../src/network/loss/losses.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { StateWatch, stateLimit } from '../../src/network/unroll/stateWatch.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';

interface Setting {
  readonly name: string;
  readonly model: ModelOptions;
  readonly T: number;
  readonly B: number;
  readonly I: number;
  /** Where targets are counted. */
  readonly read: 'last' | 'every' | 'some';
  readonly ragged?: boolean;
  /** Factor on all weights: what makes the gradient vanish or explode. */
  readonly scale?: number;
}

const settings: Setting[] = (['rnn', 'lstm', 'gru', 'mingru', 'lru'] as const).flatMap((cell): Setting[] => [
  { name: `${cell}: small and odd`, model: { cell, hiddenSize: 7 }, T: 9, B: 5, I: 3, read: 'every' },
  { name: `${cell}: one sequence`, model: { cell, hiddenSize: 33 }, T: 20, B: 1, I: 2, read: 'last' },
  { name: `${cell}: large enough for threads`, model: { cell, hiddenSize: 65, layers: 2 }, T: 40, B: 33, I: 5, read: 'every' },
  {
    name: `${cell}: residual, ragged, some targets`,
    model: { cell, hiddenSize: 48, layers: 3, residual: true },
    T: 50,
    B: 30,
    I: 4,
    read: 'some',
    ragged: true,
  },
  { name: `${cell}: vanishing, two layers`, model: { cell, hiddenSize: 40, layers: 2 }, T: 300, B: 31, I: 2, read: 'some', scale: 0.2 },
  { name: `${cell}: exploding`, model: { cell, hiddenSize: 40 }, T: 60, B: 32, I: 2, read: 'some', scale: 3 },
]);
for (const cell of ['rnn', 'lstm', 'gru', 'mingru', 'lru'] as const) {
  for (const skip of [
    { kind: 'add', lag: [1, 5] },
    { kind: 'weighted', lag: [2, 7] },
    { kind: 'dilated', perLayer: [1, 4] },
  ] as const) {
    const model = { cell, hiddenSize: 33, layers: 2, skip };
    settings.push({ name: `${cell}: skip, ${skip.kind}, ragged`, model, T: 45, B: 30, I: 3, read: 'some', ragged: true, scale: 0.5 });
  }
}
settings.push({
  name: 'lstm: large enough for a library',
  model: { cell: 'lstm', hiddenSize: 96, layers: 2 },
  T: 12,
  B: 75,
  I: 40,
  read: 'every',
});
settings.push({
  name: 'relu: growing',
  model: { cell: 'rnn', activation: 'relu', hiddenSize: 64 },
  T: 80,
  B: 40,
  I: 3,
  read: 'some',
  scale: 1.3,
});

/** Loss and gradient of a setting on a backend, and what was measured and bounded on the way. */
function gradientOf(backend: Backend, setting: Setting, limit: [StateLimit['kind'], number] | 'none' | 'measured' = 'none'): Float32Array {
  const { model, T, B, I, read, ragged, scale = 1 } = setting;
  const network = new Network(backend, model, { kind: 'vectors', size: I }, 3);
  initialize(network, model, 3);
  const { values, gradient } = network.parameters;
  for (let i = 0; i < values.length; i++) values[i] *= scale;
  network.changed();
  const batch = fill(allocateBatch(backend, network.input, { kind: 'values', size: 3 }, T, B), read, ragged ?? false);
  const unrolled = new Unrolled(network, T, B);
  unrolled.reset();
  unrolled.forward(batch);
  if (limit === 'none') return Float32Array.from([unrolled.backward(losses.mse), ...gradient]);
  const watch = new StateWatch(backend, network.L, B, limit === 'measured' ? null : stateLimit(...limit));
  const loss = unrolled.backward(losses.mse, { watch });
  const seen = watch.layers.flatMap(({ norms, exponents, seen, bound, least }) => [...norms, ...exponents, ...seen, ...bound, ...least]);
  return Float32Array.from([loss, ...gradient, watch.bound.share, ...seen]);
}

function fill(batch: Batch, read: Setting['read'], ragged: boolean): Batch {
  const random = new Random(8);
  const { T, B } = batch;
  for (let b = 0; b < B; b++) batch.lengths[b] = ragged ? 1 + random.below(T) : T;
  for (let i = 0; i < batch.vectors.length; i++) batch.vectors[i] = random.normal();
  for (let t = 0; t < T; t++) {
    for (let b = 0; b < B; b++) {
      if (t >= batch.lengths[b]) continue;
      if (read === 'last' && t !== batch.lengths[b] - 1) continue;
      if (read === 'some' && random.uniform() > 0.02 && t !== batch.lengths[b] - 1) continue;
      batch.rows[batch.counted] = t * B + b;
      for (let o = 0; o < 3; o++) batch.values[batch.counted * 3 + o] = random.normal();
      batch.counted++;
    }
  }
  return batch;
}

const open: Readonly<Record<string, (threads: number) => Promise<Backend | undefined>>> = {
  wasm: (threads) => wasmBackend({ threads }),
  blas: async (threads) => {
    const opened = await tryBlas({ threads });
    return 'backend' in opened ? opened.backend : undefined;
  },
};

for (const [name, opened] of Object.entries(open)) {
  const there = await opened(1);
  const skip = there ? false : 'no BLAS library of this machine is faster than the kernels';
  describe(`${name}: all steps in one call`, { skip }, () => {
    const backends: { threads: number; backend: Backend }[] = [];
    before(async () => {
      for (const threads of [1, 2, 3, 4]) backends.push({ threads, backend: (await opened(threads)) as Backend });
    });
    after(() => backends.splice(0));

    const differs = (stepwise: Float32Array, found: Float32Array) => {
      // Element by element: where long arrays differ, a difference of all of them would take minutes to print.
      const first = stepwise.findIndex((value, i) => !Object.is(value, found[i]));
      return first < 0 ? null : `element ${first} is ${found[first]}, step by step ${stepwise[first]}`;
    };

    for (const setting of settings) {
      // A limit in the middle of what is there, so that it binds for some and not for others, and one far beyond the usual.
      for (const limit of ['measured', ['norm', 1e-3], ['value', 1e-30]] as ('measured' | [StateLimit['kind'], number])[]) {
        test(`${setting.name}, ${limit}: the bits of step by step, with 1 and 3 threads`, () => {
          const stepwise = gradientOf({ ...(there as Backend), sweep: undefined }, setting, limit);
          for (const { threads, backend } of [backends[0], backends[2]]) {
            const mark = backend.mark();
            assert.equal(differs(stepwise, gradientOf(backend, setting, limit)), null, `${threads} threads`);
            backend.release(mark);
          }
          if (limit !== 'measured') return;
          const plain = gradientOf(there as Backend, setting);
          assert.equal(differs(plain, stepwise.subarray(0, plain.length)), null, 'measuring changes no bit');
        });
      }

      test(`${setting.name}: the bits of step by step, with 1, 2, 3 and 4 threads`, () => {
        const stepwise = gradientOf({ ...(there as Backend), sweep: undefined }, setting);
        assert.ok(stepwise.every(Number.isFinite) || setting.name.includes('exploding'));
        for (const { threads, backend } of backends) {
          const mark = backend.mark();
          assert.equal(differs(stepwise, gradientOf(backend, setting)), null, `${threads} threads`);
          backend.release(mark);
        }
      });
    }
  });
}
