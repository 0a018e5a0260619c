/** Every skip connection with every cell: against plain loops, against differences, at every lag; and what is refused. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { CarriedState } from '../../src/monitor/carriedState.ts';
import { jacobianSpectrum } from '../../src/monitor/jacobian.ts';
import { lagGradients } from '../../src/monitor/lagProfile.ts';
import { lyapunovExponents } from '../../src/monitor/lyapunov.ts';
import { StepJacobian } from '../../src/monitor/stepJacobian.ts';
import { allocateBatch, type Batch } from '../../src/network/batch.ts';
import { cells } from '../../src/network/cell/cells.ts';
import { gradcheck } from '../../src/network/gradcheck.ts';
import { fillBatch } from '../../src/network/gradcheckCell.ts';
import { losses } from '../../src/network/loss/losses.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import type { SkipKind, SkipOptions } from '../../src/network/skip/skip.ts';
import { skips } from '../../src/network/skip/skips.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { WayBack } from '../../src/network/unroll/wayBack.ts';
import { type Nudge, plainPass } from './plainSkips.ts';

const [T, B, I, H, O] = [9, 2, 2, 3, 2];

/** Each kind with one lag, with several where it may have them, and layer by layer. */
const variants: Readonly<Record<SkipKind, readonly SkipOptions[]>> = {
  add: [
    { kind: 'add', lag: 3 },
    { kind: 'add', lag: [1, 4] },
    { kind: 'add', perLayer: [2, [3, 5]] },
  ],
  weighted: [
    { kind: 'weighted', lag: 2 },
    { kind: 'weighted', lag: [3, 5] },
    { kind: 'weighted', perLayer: [[2, 3], 4] },
  ],
  dilated: [
    { kind: 'dilated', lag: 3 },
    { kind: 'dilated', perLayer: [1, 2] },
    { kind: 'dilated', perLayer: [4, 2] },
  ],
};

/** Cells for which the tests have plain loops of their own. */
const plain = cells.filter(({ name }) => ['rnn-tanh', 'rnn-relu', 'lstm', 'gru', 'gru-reset-before'].includes(name));

function networkOf(backend: Backend, model: ModelOptions): Network {
  const network = new Network(backend, model, { kind: 'vectors', size: I }, O);
  initialize(network, model, 3);
  const { values } = network.parameters;
  for (let i = 0; i < values.length; i++) values[i] = Math.fround(values[i]);
  network.changed();
  return network;
}

/** Random sequences, all of whose steps have a target. */
function batchOf(backend: Backend, steps = T, reading: 'every' | 'lengths' | 'masked' = 'every'): Batch {
  const batch = allocateBatch(backend, { kind: 'vectors', size: I }, { kind: 'values', size: O }, steps, B);
  fillBatch(batch, reading, new Random(steps));
  for (const array of [batch.vectors, batch.values]) for (let i = 0; i < array.length; i++) array[i] = Math.fround(array[i]);
  return batch;
}

const inputsOf = (batch: Batch, b: number) =>
  Array.from({ length: batch.T }, (_, t) => Array.from({ length: I }, (_, i) => batch.vectors[(t * batch.B + b) * I + i]));

const wasm = await wasmBackend();

for (const kind of Object.keys(skips) as SkipKind[]) {
  describe(kind, () => {
    const models = variants[kind].flatMap((skip): ModelOptions[] => {
      const one = skip.perLayer ? [] : [{ layers: 1, residual: false }];
      const all = [...one, { layers: 2, residual: false }, { layers: 2, residual: true }];
      return cells.flatMap((cell) => all.map((structure) => ({ cell, hiddenSize: H, skip, ...structure })));
    });
    const nameOf = ({ cell, layers, residual, skip }: ModelOptions) =>
      `${(cell as { name: string }).name}, ${layers} layers${residual ? ', residual' : ''}, ${JSON.stringify(skip)}`;
    const withLoops = models.filter(({ cell }) => plain.includes(cell as (typeof plain)[number]));

    test('forward is what plain loops make, to 1e-12 in float64 and 1e-4 in float32', () => {
      for (const model of withLoops) {
        for (const [backend, bound] of [
          [scalarBackend(), 1e-12],
          [wasm, 1e-4],
        ] as const) {
          const mark = backend.mark();
          const network = networkOf(backend, model);
          const batch = batchOf(backend);
          const unrolled = new Unrolled(network, T, B);
          unrolled.forward(batch);
          for (let b = 0; b < B; b++) {
            const { outputs } = plainPass(network, model.skip, inputsOf(batch, b));
            for (let t = 0; t < T; t++) {
              for (let o = 0; o < O; o++) {
                const off = Math.abs(unrolled.readout.outputs[(t * B + b) * O + o] - outputs[t][o]);
                assert.ok(off <= bound * (1 + Math.abs(outputs[t][o])), `${nameOf(model)}: ${off} at step ${t}`);
              }
            }
          }
          backend.release(mark);
        }
      }
    });

    test('the gradient agrees with central differences to 1e-6, in a window that carries earlier states', () => {
      for (const model of models) {
        for (const reading of ['masked', 'lengths'] as const) {
          const backend = scalarBackend();
          const batch = batchOf(backend, T, reading);
          const report = gradcheck(networkOf(backend, model), batch, losses.mse, {
            sample: 8,
            carried: { batch: batchOf(backend, 7), steps: 6 },
          });
          assert.ok(report.ok, `${nameOf(model)}: ${JSON.stringify(report.arrays.filter(({ ok }) => !ok))}`);
          const states = report.arrays.filter(({ name }) => name.startsWith('state h'));
          assert.ok(states.every(({ length }, layer) => length === stepsBefore(model, layer) * B * H));
        }
      }
    });

    test('at every lag, of one probe and of many at once: what central differences by the carried state say, to 1e-5', () => {
      for (const model of withLoops) {
        const network = networkOf(scalarBackend(), model);
        const batch = batchOf(network.backend);
        const target = Array.from({ length: O }, (_, o) => batch.values[(T * B - B) * O + o]);
        const lossOf = (nudge: Nudge) => {
          const outputs = plainPass(network, model.skip, inputsOf(batch, 0), nudge).outputs[T - 1];
          return outputs.reduce((sum, z, o) => sum + (z - target[o]) ** 2 / O, 0);
        };
        const found = [1, T].map((probes) => {
          const again = batchOf(network.backend);
          const all = lagGradients(new Unrolled(network, T, B), again, losses.mse, probes);
          return all[again.rows.subarray(0, again.counted).indexOf((T - 1) * B)];
        });
        for (let lag = 1; lag < T; lag++) {
          let square = 0;
          for (let layer = 0; layer < network.L; layer++) {
            for (let state = 0; state < network.cell.states.length; state++) {
              for (let unit = 0; unit < H; unit++) {
                const at = (by: number) => lossOf({ layer, state, unit, step: T - 1 - lag, after: T - 1 - lag, by });
                square += ((at(1e-5) - at(-1e-5)) / 2e-5) ** 2;
              }
            }
          }
          for (const profile of found) {
            const off = Math.abs(10 ** profile[lag] - Math.sqrt(square));
            assert.ok(
              off <= 1e-5 * Math.sqrt(square) + 1e-9,
              `${nameOf(model)}: ${10 ** profile[lag]}, not ${Math.sqrt(square)}, at ${lag}`,
            );
          }
        }
      }
    });

    test('ds_t/ds_{t-k} along all ways, and over the whole carried state, are central differences, to 1e-7', () => {
      for (const model of withLoops.filter(({ cell }) => (cell as { name: string }).name !== 'rnn-relu')) {
        for (const backend of [scalarBackend(), wasm]) compareTransport(networkOf(backend, model), model, backend === wasm ? 1e-5 : 1e-7);
      }
    });
  });
}

/** Steps before the first one that a layer keeps. */
function stepsBefore({ skip, layers = 1 }: ModelOptions, layer: number): number {
  assert.ok(layer < layers);
  const lags = [skip?.perLayer?.[layer] ?? skip?.lag ?? 1].flat() as number[];
  return Math.max(...lags);
}

function compareTransport(network: Network, model: ModelOptions, bound: number): void {
  const { backend, L, cell } = network;
  const S = cell.states.length;
  const mark = backend.mark();
  const batch = batchOf(backend);
  const unrolled = new Unrolled(network, T, B);
  unrolled.forward(batch);
  const n = L * S * H;
  const wayBack = new WayBack(network, B, n);
  wayBack.active[0] = n;
  for (let p = 0; p < n; p++) wayBack.setUnit(0, p, p);
  const jacobian = new StepJacobian(network);
  const carried = new CarriedState(network);
  /** The newest states of the carried ones, as unit vectors, on their way back. */
  const N = carried.size;
  const begins = partsOf(model, S);
  assert.equal(N, begins.reduce((sum, { depth }) => sum + depth, 0) * H);
  let rows = new Float64Array(n * N);
  for (const [part, { begin }] of begins.entries()) for (let j = 0; j < H; j++) rows[(part * H + j) * N + begin * H + j] = 1;
  let other = new Float64Array(n * N);
  const out = new Float64Array(n);
  for (let k = 1; k < T; k++) {
    wayBack.step(unrolled, T - k);
    jacobian.take(unrolled, batch, T - k, 0);
    carried.multiply(rows, jacobian, n, other);
    [rows, other] = [other, rows];
    for (const [part, { begin, depth }] of begins.entries()) {
      for (let age = 0; age < depth; age++) {
        for (let unit = 0; unit < H; unit += 2) {
          const [layer, state] = [Math.floor(part / S), part % S];
          const at = (by: number) => {
            const nudge = { layer, state, unit, step: T - 1 - k - age, after: T - 1 - k, by };
            return plainPass(network, model.skip, inputsOf(batch, 0), nudge).states.flatMap((each) => each[T - 1].flat());
          };
          const [up, down] = [at(1e-5), at(-1e-5)];
          for (let p = 0; p < n; p++) {
            const expected = T - 1 - k - age < 0 ? undefined : (up[p] - down[p]) / 2e-5;
            if (expected === undefined) continue;
            const found = rows[p * N + (begin + age) * H + unit];
            assert.ok(
              Math.abs(found - expected) <= bound * Math.max(1, Math.abs(expected)),
              `carried: ${found}, not ${expected}, after ${k} steps`,
            );
            if (age > 0) continue;
            wayBack.copy(0, p, 0, out, 0);
            assert.ok(
              Math.abs(out[part * H + unit] - expected) <= bound * Math.max(1, Math.abs(expected)),
              `transport: ${out[part * H + unit]}, not ${expected}, over ${k}`,
            );
          }
        }
      }
    }
  }
  backend.release(mark);
}

/** Where each state of each layer begins in the carried state, in parts of H, and over how many steps it is kept. */
function partsOf({ skip, layers = 1 }: ModelOptions, S: number): { begin: number; depth: number }[] {
  let begin = 0;
  return Array.from({ length: layers * S }, (_, part) => {
    const lags = [skip?.perLayer?.[Math.floor(part / S)] ?? skip?.lag ?? 1].flat() as number[];
    const depth = part % S === 0 || skip?.kind === 'dilated' ? Math.max(...lags) : 1;
    begin += depth;
    return { begin: begin - depth, depth };
  });
}

test('a dilated layer is as many networks side by side as its lag: each sees every lag-th step', () => {
  for (const cell of cells) {
    const backend = scalarBackend();
    const dilated = networkOf(backend, { cell, hiddenSize: H, skip: { kind: 'dilated', lag: 3 } });
    const ordinary = networkOf(backend, { cell, hiddenSize: H });
    const batch = batchOf(backend);
    const whole = new Unrolled(dilated, T, B);
    whole.forward(batch);
    for (let first = 0; first < 3; first++) {
      const part = batchOf(backend, T / 3);
      for (let t = 0; t < T / 3; t++)
        part.vectors.set(batch.vectors.subarray((3 * t + first) * B * I, (3 * t + first + 1) * B * I), t * B * I);
      const alone = new Unrolled(ordinary, T / 3, B);
      alone.forward(part);
      for (let t = 0; t < T / 3; t++) {
        for (let i = 0; i < B * O; i++) {
          const off = whole.readout.outputs[(3 * t + first) * B * O + i] - alone.readout.outputs[t * B * O + i];
          assert.ok(Math.abs(off) <= 1e-15);
        }
      }
    }
  }
});

test('the Lyapunov exponents of h_t = h_{t-1}/2 + h_{t-4} are the logarithms of the roots of x^4 = x^3/2 + 1', () => {
  const backend = scalarBackend();
  const model: ModelOptions = { cell: 'rnn', activation: 'relu', hiddenSize: 1, skip: { kind: 'add', lag: 4 } };
  const network = new Network(backend, model, { kind: 'vectors', size: 1 }, 1);
  for (const [name, value] of [
    ['weight_ih_l0', 1],
    ['weight_hh_l0', 0.5],
    ['readout.weight', 1],
  ] as const)
    network.parameters.valuesOf(name)[0] = value;
  const steps = 4000;
  const batch = allocateBatch(backend, { kind: 'vectors', size: 1 }, { kind: 'values', size: 1 }, steps, 1);
  batch.vectors.fill(0.1);
  const unrolled = new Unrolled(network, steps, 1);
  unrolled.forward(batch);
  const { exponents } = lyapunovExponents(unrolled, batch);
  assert.equal(exponents.length, 4);
  // By the largest root and by the product of all, which is -1: the exponents add up to ln 1 = 0.
  let root = 1.1;
  for (let i = 0; i < 50; i++) root -= (root ** 4 - root ** 3 / 2 - 1) / (4 * root ** 3 - (3 * root ** 2) / 2);
  assert.ok(Math.abs(exponents[0] - Math.log(root)) < 1e-3, `${exponents[0]}, not ${Math.log(root)}`);
  assert.ok(Math.abs(exponents.reduce((sum, each) => sum + each, 0)) < 1e-12);
});

describe('refused, with the reason', () => {
  const base: ModelOptions = { cell: 'gru', hiddenSize: 2, layers: 2 };
  for (const [skip, field, message] of [
    [{ kind: 'other', lag: 2 }, 'model.skip.kind', /add, weighted, dilated/],
    [{ kind: 'add' }, 'model.skip', /neither/],
    [{ kind: 'add', lag: 2, perLayer: [2, 2] }, 'model.skip', /both/],
    [{ kind: 'add', lag: 2, every: 1 }, 'model.skip', /every/],
    [{ kind: 'add', lag: 0 }, 'model.skip.lag', /from 1/],
    [{ kind: 'add', lag: [] }, 'model.skip.lag', /from 1/],
    [{ kind: 'add', lag: 1.5 }, 'model.skip.lag', /whole number/],
    [{ kind: 'add', lag: [3, 3] }, 'model.skip.lag', /twice/],
    [{ kind: 'weighted', lag: [1, 4] }, 'model.skip.lag', /reads h_\{t-1\} already/],
    [{ kind: 'weighted', perLayer: [1, 4] }, 'model.skip.perLayer', /reads h_\{t-1\} already/],
    [{ kind: 'dilated', lag: 1 }, 'model.skip.lag', /choose a lag from 2/],
    [{ kind: 'dilated', lag: [2, 4] }, 'model.skip.lag', /one lag a layer/],
    [{ kind: 'dilated', perLayer: [1, 1] }, 'model.skip.perLayer', /no skip/],
    [{ kind: 'dilated', perLayer: [1, 2, 4] }, 'model.skip.perLayer', /each of the 2 layers/],
  ] as const) {
    test(JSON.stringify(skip), () => {
      const model = { ...base, skip } as unknown as ModelOptions;
      assert.throws(() => new Network(scalarBackend(), model, { kind: 'vectors', size: 1 }, 1), {
        code: 'OPTION_INVALID',
        message,
        place: { field },
      });
    });
  }

  test('the Jacobian of one step, where the gradient goes around it', () => {
    const network = networkOf(scalarBackend(), { cell: 'rnn', hiddenSize: 2, skip: { kind: 'add', lag: 2 } });
    const unrolled = new Unrolled(network, T, B);
    const batch = batchOf(network.backend);
    unrolled.forward(batch);
    assert.throws(() => jacobianSpectrum(unrolled, batch), { code: 'OPTION_INVALID', message: /skip connections/ });
  });
});
