/** Step by step with the state carried on, every network says what it says of the whole sequence. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { sequencesInputs } from '../../src/data/sequences.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { Predictor } from '../../src/network/unroll/predictor.ts';
import { predictions } from '../../src/training/predictions.ts';

const models: Record<string, ModelOptions> = {
  rnn: { cell: 'rnn', hiddenSize: 5 },
  'three layers of lstm, residual': { cell: 'lstm', hiddenSize: 4, layers: 3, residual: true },
  gru: { cell: 'gru', hiddenSize: 7, layers: 2 },
  mingru: { cell: 'mingru', hiddenSize: 5 },
  lru: { cell: 'lru', hiddenSize: 5 },
  'a dilated lstm': { cell: 'lstm', hiddenSize: 4, skip: { kind: 'dilated', lag: 3 } },
  'a gru with shortcuts': { cell: 'gru', hiddenSize: 4, skip: { kind: 'weighted', lag: [2, 5] } },
};
const [I, O, T, B] = [3, 2, 11, 4];

for (const backend of [scalarBackend(), await wasmBackend({ threads: 1 })]) {
  const tolerance = backend.name === 'scalar' ? 1e-13 : 2e-6;
  describe(`on ${backend.name}, within ${tolerance}`, () => {
    for (const [name, model] of Object.entries(models)) {
      test(name, async () => {
        const network = new Network(backend, model, { kind: 'vectors', size: I }, O);
        initialize(network, model, 3);
        const random = new Random(1);
        const x = Array.from({ length: B }, () => Array.from({ length: T }, () => Array.from({ length: I }, () => random.normal())));
        const source = { file: 'x.ndjson', lines: x.map((each) => JSON.stringify({ x: each })) };
        const expected = { input: network.input, outputSize: O };
        const dataset = await sequencesInputs(source, { loss: 'mse', targets: 'every', expected });
        const whole = [...predictions(network, dataset)];
        const predictor = new Predictor(network, B);
        const other = new Predictor(network, B);
        for (let t = 0; t < T; t++) {
          if (t === 6) other.states = predictor.states;
          const outputs = predictor.step(x.flatMap((each) => each[t]));
          if (t >= 6) assert.deepEqual([...other.step(x.flatMap((each) => each[t]))], [...outputs]);
          for (let b = 0; b < B; b++) {
            for (let o = 0; o < O; o++) {
              const difference = Math.abs(outputs[b * O + o] - whole[b].outputs[t][o]);
              assert.ok(difference <= tolerance, `step ${t}: ${difference}`);
            }
          }
        }
        predictor.reset();
        const again = predictor.step(x.flatMap((each) => each[0]));
        assert.ok(Math.abs(again[0] - whole[0].outputs[0][0]) <= tolerance);
      });
    }
  });
}

test('what is no step of the network is refused, and so are the states of another', () => {
  const backend = scalarBackend();
  const vectors = new Predictor(new Network(backend, { cell: 'lstm', hiddenSize: 2 }, { kind: 'vectors', size: 2 }, 1));
  assert.throws(() => vectors.step([1]), { code: 'SHAPE_MISMATCH', message: /reads 1 x 2 numbers, got 1/ });
  assert.throws(() => vectors.step([1, Number.NaN]), { code: 'DATA_INVALID', message: /^input\[1\]: must be finite/ });
  const symbols = new Predictor(new Network(backend, { cell: 'gru', hiddenSize: 2 }, { kind: 'symbols', size: 3 }, 3));
  for (const symbol of [3, -1, 0.5]) assert.throws(() => symbols.step([symbol]), { code: 'DATA_INVALID', message: /symbol from 0 to 2/ });
  assert.throws(
    () => {
      vectors.states = symbols.states;
    },
    { code: 'SHAPE_MISMATCH', message: /^h_l0: |^c_l0: must be 2 numbers/ },
  );
  assert.throws(() => new Predictor(symbols.network, 0), { code: 'OPTION_INVALID' });
});
