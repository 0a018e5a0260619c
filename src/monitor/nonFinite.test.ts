import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../compute/backend.ts';
import { Random } from '../compute/random.ts';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';
import { allocateBatch, type Batch } from '../network/batch.ts';
import { losses } from '../network/loss/losses.ts';
import type { ModelOptions } from '../network/model.ts';
import { initialize, Network } from '../network/network.ts';
import { Unrolled } from '../network/unroll/unrolled.ts';
import { describeLocation, locateNonFinite, type NonFiniteLocation } from './nonFinite.ts';

const [B, I, O] = [3, 2, 2];

interface Pass {
  readonly network: Network;
  readonly unrolled: Unrolled;
  readonly batch: Batch;
}

function passOf(backend: Backend, model: ModelOptions, T: number): Pass {
  const network = new Network(backend, model, { kind: 'vectors', size: I }, O);
  initialize(network, model, 4);
  const batch = allocateBatch(backend, network.input, { kind: 'values', size: O }, T, B);
  const random = new Random(6);
  for (let i = 0; i < T * B * I; i++) batch.vectors[i] = random.normal();
  for (let b = 0; b < B; b++) {
    batch.rows[b] = (T - 1) * B + b;
    for (let o = 0; o < O; o++) batch.values[b * O + o] = random.normal();
  }
  batch.counted = B;
  return { network, unrolled: new Unrolled(network, T, B), batch };
}

const locate = ({ unrolled, batch }: Pass) => locateNonFinite(unrolled, batch, losses.mse);
const place = ({ tensor, pass, layer, step, sequence, index }: NonFiniteLocation) => ({ tensor, pass, layer, step, sequence, index });

const opened: [string, Backend][] = [
  ['scalar', scalarBackend()],
  ['wasm', await wasmBackend()],
];

for (const [name, backend] of opened) {
  describe(`${name}: a value that is not finite is located`, () => {
    for (const cell of ['rnn', 'lstm', 'gru', 'gru-reset-before', 'mingru', 'lru'] as const) {
      const model: ModelOptions = { cell, hiddenSize: 5, layers: 2 };

      test(`${cell}: nowhere, where everything is finite`, () => {
        const mark = backend.mark();
        assert.equal(locate(passOf(backend, model, 20)), null);
        backend.release(mark);
      });

      test(`${cell}: planted in one input value`, () => {
        const mark = backend.mark();
        const pass = passOf(backend, model, 20);
        pass.batch.vectors[(13 * B + 2) * I + 1] = Number.NaN;
        const located = locate(pass) as NonFiniteLocation;
        assert.deepEqual(place(located), { tensor: 'input', pass: 'before', layer: null, step: 13, sequence: 2, index: [1] });
        assert.ok(Number.isNaN(located.value));
        backend.release(mark);
      });

      test(`${cell}: planted in one weight of any parameter; the first that it reaches`, () => {
        const mark = backend.mark();
        const { network, ...rest } = passOf(backend, model, 20);
        const { values, list } = network.parameters;
        for (const { name: parameter, shape, at, length } of list) {
          const offset = Math.floor(length * 0.6);
          const kept = values[at + offset];
          values[at + offset] = Number.NaN;
          network.changed();
          const located = locate({ network, ...rest }) as NonFiniteLocation;
          assert.equal(located.tensor, parameter);
          assert.deepEqual(located.index, shape.length === 2 ? [Math.floor(offset / shape[1]), offset % shape[1]] : [offset]);
          const layer = parameter.endsWith('_l1') ? 1 : parameter.endsWith('_l0') ? 0 : null;
          assert.equal(located.layer, layer);
          // The state before the first step is 0, and 0 times NaN is NaN: step 0 feels it at once; the read-out at its first row.
          const { tensor, step, sequence, layer: reached } = located.reaches as NonFiniteLocation;
          if (layer === null) assert.deepEqual([tensor, step, sequence], ['output', 19, 0]);
          else assert.deepEqual([step, sequence, reached], [0, 0, layer]);
          values[at + offset] = kept;
        }
        network.changed();
        backend.release(mark);
      });

      test(`${cell}: carried in the state before the first step`, () => {
        const mark = backend.mark();
        const pass = passOf(backend, model, 20);
        const { states } = pass.unrolled.layers[1];
        states[states.length - 1][1 * 5 + 3] = -Infinity;
        const tensor = `initial ${pass.network.cell.states.at(-1)}`;
        const located = locate(pass) as NonFiniteLocation;
        assert.deepEqual(place(located), { tensor, pass: 'before', layer: 1, step: 0, sequence: 1, index: [3] });
        assert.equal(located.value, -Infinity);
        backend.release(mark);
      });
    }

    test('made by overflow at step 57 of 200, in the second layer', () => {
      const mark = backend.mark();
      const T = 200;
      const pass = passOf(backend, { cell: 'rnn', activation: 'relu', hiddenSize: 4, layers: 2 }, T);
      const { parameters } = pass.network;
      parameters.values.fill(0);
      // Layer 0 hands on the input; unit 2 of layer 1 is multiplied by w at each step, from 1 at step 7 of sequence 1 on.
      const top = backend.precision === 'float32' ? 128 : 1024;
      // 2^(50 s) < 2^top <= 2^(51 s) with s the binary logarithm of w: step 7 + 50 = 57 is the first beyond the largest number.
      const w = 2 ** ((top / 50) * 1.0001);
      parameters.valuesOf('weight_ih_l0')[0] = 1;
      parameters.valuesOf('weight_ih_l1')[2 * 4] = 1;
      parameters.valuesOf('weight_hh_l1')[2 * 4 + 2] = w;
      pass.network.changed();
      pass.batch.vectors.fill(0);
      pass.batch.vectors[(7 * B + 1) * I] = 1;
      const located = locate(pass) as NonFiniteLocation;
      assert.deepEqual(place(located), { tensor: 'h', pass: 'forward', layer: 1, step: 57, sequence: 1, index: [2] });
      assert.equal(located.value, Infinity);
      const before = located.fedBy.find(({ tensor }) => tensor === 'h of step 56');
      assert.ok(Math.abs((before?.largest ?? 0) / w ** 49 - 1) < 1e-4, 'the last finite state fed it');
      assert.ok(Math.abs((located.fedBy.find(({ tensor }) => tensor === 'weight_hh_l1')?.largest ?? 0) / w - 1) < 1e-6);
      assert.match(describeLocation(located), /^h of layer 1 is Infinity at step 57 of sequence 1, element \[2\], made from h of step 56 /);
      backend.release(mark);
    });

    test('made by overflow on the way back, at step 57 of 200', () => {
      const mark = backend.mark();
      const T = 200;
      const pass = passOf(backend, { cell: 'rnn', activation: 'relu', hiddenSize: 1 }, T);
      const { parameters } = pass.network;
      const top = backend.precision === 'float32' ? 3.4028234663852886e38 : Number.MAX_VALUE;
      parameters.values.fill(0);
      // dL/dh_199 = 2 (y - 0) / (3 * 2) for y = 3, so 1; w times as much at each step back: 142 steps back is step 57.
      const w = top ** (1 / 141.5);
      parameters.valuesOf('weight_hh_l0')[0] = w;
      parameters.valuesOf('weight_ih_l0')[0] = 1;
      parameters.valuesOf('readout.weight')[0] = 1;
      parameters.valuesOf('readout.bias')[0] = 2;
      pass.network.changed();
      const { vectors, values } = pass.batch;
      values.fill(0);
      values.fill(3, 2);
      for (let t = 0; t < T; t++) for (let b = 0; b < B; b++) vectors.set([t === 0 ? 1 : 1 - Math.fround(w), 0], (t * B + b) * I);
      if (backend.precision === 'float64') {
        // 1 - w is exact enough there with w itself.
        for (let t = 1; t < T; t++) for (let b = 0; b < B; b++) vectors[(t * B + b) * I] = 1 - w;
      }
      values[1] = 0;
      const located = locate(pass) as NonFiniteLocation;
      assert.deepEqual([located.tensor, located.pass, located.layer, located.sequence], ['dL/dh', 'backward', 0, 0]);
      // The state is held near 1, and with it what depends on it, to within rounding that the recurrence amplifies.
      assert.equal(located.step, 57);
      assert.equal(located.value, Infinity);
      backend.release(mark);
    });

    test('an output that overflows, and a loss whose square does', () => {
      const mark = backend.mark();
      const pass = passOf(backend, { cell: 'rnn', activation: 'relu', hiddenSize: 4 }, 6);
      const { parameters } = pass.network;
      const largest = backend.precision === 'float32' ? 3e38 : 1.7e308;
      parameters.values.fill(0);
      // Every unit is 1, and their sum times the largest number is infinite.
      parameters.valuesOf('bias_ih_l0').fill(1);
      parameters.valuesOf('readout.weight').fill(largest, 4);
      pass.network.changed();
      const output = locate(pass) as NonFiniteLocation;
      assert.deepEqual(place(output), { tensor: 'output', pass: 'forward', layer: null, step: 5, sequence: 0, index: [1] });
      assert.equal(output.value, Infinity);
      assert.deepEqual(output.fedBy[0], { tensor: 'h of step 5', largest: 1 });
      // One of them alone is not, but the square of the error is, where it is summed in float64.
      parameters.valuesOf('readout.weight').fill(0).set([1e200], 5);
      pass.network.changed();
      if (backend.precision === 'float64') assert.equal(locate(pass)?.tensor, 'loss');
      backend.release(mark);
    });
  });
}
