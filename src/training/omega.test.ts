import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../compute/backend.ts';
import { Random } from '../compute/random.ts';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';
import { allocateBatch } from '../network/batch.ts';
import { fillBatch } from '../network/gradcheckCell.ts';
import { losses } from '../network/loss/losses.ts';
import type { ModelOptions } from '../network/model.ts';
import { initialize, Network } from '../network/network.ts';
import { StateWatch } from '../network/unroll/stateWatch.ts';
import { Unrolled } from '../network/unroll/unrolled.ts';
import { Omega } from './omega.ts';
import { constant } from './schedule/constant.ts';

const [T, B, I, H, O] = [8, 3, 2, 4, 2];

function setUp(backend: Backend, activation: 'tanh' | 'relu', layers: number, reading: 'last' | 'lengths', scale = 1) {
  const model: ModelOptions = { cell: 'rnn', activation, hiddenSize: H, layers };
  const network = new Network(backend, model, { kind: 'vectors', size: I }, O);
  initialize(network, model, 5);
  for (const { name } of network.parameters.list) {
    const values = network.parameters.valuesOf(name);
    for (let i = 0; i < values.length; i++) values[i] = Math.fround(values[i] * (name.startsWith('weight_hh') ? scale : 1));
  }
  network.changed();
  const batch = allocateBatch(backend, { kind: 'vectors', size: I }, { kind: 'values', size: O }, T, B);
  fillBatch(batch, reading, new Random(3));
  for (let i = 0; i < batch.vectors.length; i++) batch.vectors[i] = Math.fround(batch.vectors[i]);
  return { network, batch };
}

type Case = ReturnType<typeof setUp>;

/** What a backward pass with Ω adds to the gradient of the recurrent matrices, and Ω. */
function withOmega({ network, batch }: Case, weight: number) {
  const { backend, parameters, L } = network;
  const unrolled = new Unrolled(network, T, B);
  const watch = new StateWatch(backend, L, B, null, T);
  const omega = new Omega(network, watch, T, B, weight, constant);
  unrolled.forward(batch);
  unrolled.backward(losses.mse, { watch });
  const plain = Float64Array.from(parameters.gradient);
  unrolled.forward(batch);
  omega.begin();
  unrolled.backward(losses.mse, { watch, passed: omega.passed });
  const value = omega.finish(1);
  return { value, added: Float64Array.from(parameters.gradient, (each, i) => each - plain[i]) };
}

/**
 * Ω as a function of the recurrent matrices that the step from δ to the step before is made with, in plain loops and float64: the states and
 * the δ are those of the weights as they are, of which the δ come from central differences of the loss.
 */
function omegaOf({ network, batch }: Case): (W: readonly ArrayLike<number>[]) => number {
  const { L, parameters, cell } = network;
  const own = Array.from({ length: L }, (_, layer) => Float64Array.from(parameters.valuesOf(`weight_hh_l${layer}`)));
  const terms: { layer: number; delta: number[]; slopes: number[] }[] = [];
  const f = cell.name === 'rnn-tanh' ? Math.tanh : (x: number) => Math.max(0, x);
  for (let b = 0; b < B; b++) {
    /** Runs the sequence, with a change of one unit of h, and gives its part of the mean loss, and the slopes. */
    const run = (change?: { layer: number; t: number; unit: number; by: number }) => {
      const h = Array.from({ length: L }, () => new Array<number>(H).fill(0));
      const slopes: number[][][] = [];
      let loss = 0;
      for (let t = 0; t < batch.lengths[b]; t++) {
        let below = Array.from({ length: I }, (_, i) => batch.vectors[(t * B + b) * I + i]);
        slopes.push([]);
        for (let layer = 0; layer < L; layer++) {
          const V = parameters.valuesOf(`weight_ih_l${layer}`);
          const [c, d] = [parameters.valuesOf(`bias_ih_l${layer}`), parameters.valuesOf(`bias_hh_l${layer}`)];
          const before = h[layer];
          h[layer] = before.map((_, j) => {
            let sum = c[j] + d[j];
            for (let i = 0; i < below.length; i++) sum += V[j * below.length + i] * below[i];
            for (let i = 0; i < H; i++) sum += own[layer][j * H + i] * before[i];
            return f(sum);
          });
          slopes[t].push(h[layer].map((value) => (cell.name === 'rnn-tanh' ? 1 - value * value : value > 0 ? 1 : 0)));
          if (change && change.layer === layer && change.t === t) h[layer][change.unit] += change.by;
          below = h[layer];
        }
        for (let r = 0; r < batch.counted; r++) {
          if (batch.rows[r] !== t * B + b) continue;
          const [weights, bias] = [parameters.valuesOf('readout.weight'), parameters.valuesOf('readout.bias')];
          for (let o = 0; o < O; o++) {
            let z = bias[o];
            for (let j = 0; j < H; j++) z += weights[o * H + j] * below[j];
            loss += (z - batch.values[r * O + o]) ** 2 / (O * batch.counted);
          }
        }
      }
      return { loss, slopes };
    };
    const { slopes } = run();
    for (let t = 1; t < batch.lengths[b]; t++) {
      for (let layer = 0; layer < L; layer++) {
        const delta = Array.from({ length: H }, (_, unit) => {
          const at = (by: number) => run({ layer, t, unit, by }).loss;
          return (at(1e-5) - at(-1e-5)) / 2e-5;
        });
        if (delta.some((each) => each !== 0)) terms.push({ layer, delta, slopes: slopes[t][layer] });
      }
    }
  }
  return (W) => {
    let sum = 0;
    for (const { layer, delta, slopes } of terms) {
      let square = 0;
      for (let j = 0; j < H; j++) {
        let u = 0;
        for (let i = 0; i < H; i++) u += W[layer][i * H + j] * slopes[i] * delta[i];
        square += u * u;
      }
      sum += (Math.sqrt(square) / Math.hypot(...delta) - 1) ** 2;
    }
    return sum / terms.length;
  };
}

describe('Omega', () => {
  for (const activation of ['tanh', 'relu'] as const) {
    for (const layers of [1, 2]) {
      for (const reading of ['last', 'lengths'] as const) {
        test(`${activation}, ${layers} layers, ${reading}: value and immediate derivative are those of plain loops, by differences`, () => {
          const given = setUp(scalarBackend(), activation, layers, reading);
          const { network } = given;
          const expected = omegaOf(given);
          const W = Array.from({ length: layers }, (_, layer) => Float64Array.from(network.parameters.valuesOf(`weight_hh_l${layer}`)));
          const { value, added } = withOmega(given, 0.7);
          assert.ok(Math.abs(value - expected(W)) < 1e-7, `${value}, not ${expected(W)}`);
          for (const { name, at, length } of network.parameters.list) {
            const layer = /^weight_hh_l(\d)$/.exec(name)?.[1];
            for (let i = 0; i < length; i++) {
              let slope = 0;
              if (layer !== undefined) {
                const own = W[Number(layer)];
                const kept = own[i];
                const moved = (by: number) => {
                  own[i] = kept + by;
                  const found = expected(W);
                  own[i] = kept;
                  return found;
                };
                slope = (0.7 * (moved(1e-5) - moved(-1e-5))) / 2e-5;
              }
              assert.ok(Math.abs(added[at + i] - slope) < 1e-6, `${name} ${i}: ${added[at + i]}, not ${slope}`);
            }
          }
        });
      }
    }
  }

  test('wasm gives what scalar gives, also where the gradient vanishes at 1e-6 a step or explodes', async () => {
    const wasm = await wasmBackend();
    for (const scale of [1, 1e-6, 30]) {
      const [expected, found] = [scalarBackend(), wasm].map((backend) => withOmega(setUp(backend, 'relu', 2, 'last', scale), 1));
      assert.ok(Math.abs(found.value - expected.value) <= 1e-4 * expected.value, `${found.value}, not ${expected.value}, at ${scale}`);
      const largest = Math.max(...expected.added.map(Math.abs));
      // What is added is a difference of two gradients in float32.
      for (const [i, each] of expected.added.entries()) {
        if (scale > 1) continue;
        assert.ok(Math.abs(found.added[i] - each) <= 1e-3 * largest, `${found.added[i]}, not ${each}`);
      }
    }
  });

  test('of an identity matrix and ReLUs that are all open it is 0, and adds nothing', () => {
    const given = setUp(scalarBackend(), 'relu', 1, 'last');
    const { network, batch } = given;
    network.parameters.valuesOf('weight_hh_l0').fill(0);
    for (let j = 0; j < H; j++) network.parameters.valuesOf('weight_hh_l0')[j * H + j] = 1;
    network.parameters.valuesOf('bias_ih_l0').fill(10);
    network.changed();
    batch.vectors.fill(0);
    const { value, added } = withOmega(given, 1);
    assert.ok(value < 1e-25);
    assert.ok(added.every((each) => Math.abs(each) < 1e-12));
  });
});
