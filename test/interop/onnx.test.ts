/** ONNX models, run by onnxruntime, say what the network says. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-web';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { writeOnnx } from '../../src/interop/onnx.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { Predictor } from '../../src/network/unroll/predictor.ts';

const tolerance = 1e-5;
const [I, H, O, T] = [5, 6, 3, 9];
const backend = scalarBackend();

function networkOf(model: ModelOptions, kind: 'vectors' | 'symbols' = 'vectors'): Network {
  const network = new Network(backend, model, { kind, size: I }, O);
  initialize(network, model, 11);
  // Biases of their own size, so that one at a wrong gate is seen.
  const random = new Random(2);
  for (const { name } of network.parameters.list) {
    const values = network.parameters.valuesOf(name);
    if (name.startsWith('bias')) for (let i = 0; i < values.length; i++) values[i] = random.normal();
  }
  network.changed();
  return network;
}

const session = (network: Network, metadata?: Record<string, string>) =>
  InferenceSession.create(writeOnnx(network, metadata), { executionProviders: ['wasm'], logSeverityLevel: 3 });

/** The states that a model begins with, all 0. */
function zeros(network: Network, B: number): Record<string, Tensor> {
  const names = Array.from({ length: network.L }, (_, layer) => network.cell.states.map((state) => `${state}_l${layer}`)).flat();
  return Object.fromEntries(names.map((name) => [name, new Tensor('float32', new Float32Array(B * H), [1, B, H])]));
}

/** Runs both on random inputs, [T, B, I] or [T, B]; the model in two calls, the state carried from the first to the second. */
async function compare(network: Network, B: number): Promise<void> {
  const model = await session(network);
  const random = new Random(B);
  const symbols = network.input.kind === 'symbols';
  const width = symbols ? B : B * I;
  const x = Float32Array.from({ length: T * width }, () => (symbols ? Math.floor(random.uniform() * I) : random.normal()));
  const input = (from: number, to: number) => {
    const part = x.subarray(from * width, to * width);
    return symbols
      ? new Tensor('int64', BigInt64Array.from(part, BigInt), [to - from, B])
      : new Tensor('float32', part.slice(), [to - from, B, I]);
  };
  let states = zeros(network, B);
  const found: number[] = [];
  for (const [from, to] of [
    [0, 4],
    [4, 5],
    [5, T],
  ]) {
    const answer = await model.run({ x: input(from, to), ...states });
    assert.deepEqual(answer.y.dims, [to - from, B, O]);
    found.push(...(answer.y.data as Float32Array));
    states = Object.fromEntries(Object.keys(states).map((name) => [name, answer[`${name}_next`] as Tensor]));
  }
  const whole = (await model.run({ x: input(0, T), ...zeros(network, B) })).y.data as Float32Array;
  const predictor = new Predictor(network, B);
  for (let t = 0; t < T; t++) {
    const expected = predictor.step(x.subarray(t * width, (t + 1) * width));
    for (let i = 0; i < B * O; i++) {
      const at = t * B * O + i;
      assert.ok(Math.abs(found[at] - expected[i]) <= tolerance, `step ${t}, output ${i}: ${found[at]} and ${expected[i]}`);
      assert.ok(Math.abs(whole[at] - expected[i]) <= tolerance, `step ${t}, output ${i}, at once: ${whole[at]} and ${expected[i]}`);
    }
  }
  const carried = predictor.states;
  for (const [name, { data }] of Object.entries(states)) {
    for (const [i, value] of (data as Float32Array).entries()) assert.ok(Math.abs(value - carried[name][i]) <= tolerance, name);
  }
  await model.release();
}

const cells: Record<string, ModelOptions> = {
  'rnn tanh': { cell: 'rnn', hiddenSize: H },
  'rnn relu': { cell: 'rnn', activation: 'relu', hiddenSize: H },
  lstm: { cell: 'lstm', hiddenSize: H },
  gru: { cell: 'gru', hiddenSize: H },
  'gru-reset-before': { cell: 'gru-reset-before', hiddenSize: H },
};

for (const [name, model] of Object.entries(cells)) {
  describe(`${name}, within ${tolerance} on random inputs, in three calls and at once`, () => {
    for (const layers of [1, 2, 3]) {
      for (const B of [1, 7]) test(`${layers} layers, batch ${B}`, () => compare(networkOf({ ...model, layers }), B));
    }
  });
}

test('residual connections', () => compare(networkOf({ cell: 'gru', hiddenSize: H, layers: 3, residual: true }), 2));
test('symbols', () => compare(networkOf({ cell: 'lstm', hiddenSize: H, layers: 2 }, 'symbols'), 7));

test('what ONNX has no operator for is refused in a sentence', () => {
  for (const cell of ['mingru', 'lru'] as const) {
    assert.throws(() => writeOnnx(networkOf({ cell, hiddenSize: H })), {
      code: 'OPTION_INVALID',
      message: new RegExp(
        `^the cell ${cell} is none that ONNX has, which are rnn-tanh, rnn-relu, lstm, gru, gru-reset-before; export it as safetensors$`,
      ),
    });
  }
  const skipping = networkOf({ cell: 'gru', hiddenSize: H, skip: { kind: 'add', lag: 2 } });
  assert.throws(() => writeOnnx(skipping), { code: 'OPTION_INVALID', message: /^skip connections .* export the network as safetensors$/ });
});
