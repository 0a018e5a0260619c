/** Networks of TensorFlow.js, saved by itself: taken over, they say the same; what cannot be taken is refused by a sentence. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { sequencesInputs } from '../../src/data/sequences.ts';
import { writeSafetensors } from '../../src/interop/safetensors.ts';
import { importWeights } from '../../src/run/importWeights.ts';
import { openLines } from '../../src/run/openData.ts';
import { openWeights } from '../../src/run/openWeights.ts';
import { predictions } from '../../src/training/predictions.ts';
import { workplace } from '../endToEnd/commandLine.ts';
import { tfjs } from './tfjsPackages.ts';

const place = workplace();
after(() => place[Symbol.dispose]());
const { core, layers: tf } = await tfjs(place.folder);

const I = 3;
const T = 7;
const B = 4;

/** Numbers of the size of weights, the same every time. */
function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 0.6);
}

interface Entry {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: string;
  readonly quantization?: object;
}

/** Writes a model as TensorFlow.js saves it, its bytes in shards of this many bytes; weights and topology may be changed before. */
function write(
  name: string,
  topology: object,
  weights: readonly Entry[],
  bytes: Uint8Array,
  shardBytes = Math.max(1, bytes.length),
  more: object = {},
): string {
  const folder = place.path(name);
  mkdirSync(folder, { recursive: true });
  const paths = Array.from({ length: Math.ceil(bytes.length / shardBytes) }, (_, n) => `shard${n + 1}.bin`);
  for (const [n, shard] of paths.entries()) writeFileSync(path.join(folder, shard), bytes.subarray(n * shardBytes, (n + 1) * shardBytes));
  const file = path.join(folder, 'model.json');
  writeFileSync(file, JSON.stringify({ format: 'layers-model', modelTopology: topology, weightsManifest: [{ paths, weights }], ...more }));
  return file;
}

/** Gives a model weights that are not zero anywhere, biases neither, and saves it. */
async function saved(name: string, model: LayersModel, shardBytes?: number): Promise<string> {
  model.setWeights(
    model.getWeights().map(({ shape }, n) =>
      core.tensor(
        numbers(
          shape.reduce((a, b) => a * b, 1),
          n,
        ),
        shape,
      ),
    ),
  );
  let file = '';
  const handler = core.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
    const bytes = new Uint8Array(core.io.concatenateArrayBuffers([weightData as ArrayBuffer].flat()));
    file = write(name, modelTopology as object, weightSpecs as unknown as Entry[], bytes, shardBytes);
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  });
  await model.save(handler);
  return file;
}

const inputs = numbers(B * T * I, 99);

/** Outputs here of the weights that were imported, [B, steps, O], flat. */
async function outputsHere(file: string, targets: 'last' | 'every', activation?: 'tanh' | 'relu'): Promise<number[]> {
  const rows = Array.from({ length: B }, (_, b) =>
    Array.from({ length: T }, (_, t) => [...inputs.subarray((b * T + t) * I, (b * T + t + 1) * I)]),
  );
  const data = place.write('inputs.ndjson', rows.map((x) => `${JSON.stringify({ x })}\n`).join(''));
  const weights = await openWeights(file, activation);
  const network = weights.open(scalarBackend(), { kind: 'vectors', size: I });
  const expected = { input: network.input, outputSize: network.O };
  const dataset = await sequencesInputs(openLines(data), { loss: 'mse', targets, expected });
  return [...predictions(network, dataset)].flatMap(({ outputs }) => outputs.flatMap((row) => [...row]));
}

function difference(ours: readonly number[], theirs: ArrayLike<number>): number {
  assert.equal(ours.length, theirs.length);
  return ours.reduce((most, value, at) => Math.max(most, Math.abs(value - theirs[at])), 0);
}

describe('outputs of TensorFlow.js and ours are equal to 1e-5', () => {
  const units = 5;
  const shape = { inputShape: [null, I] };
  const kinds = {
    'simpleRNN, tanh': (more: object) => tf.layers.simpleRNN({ units, ...more }),
    'simpleRNN, relu': (more: object) => tf.layers.simpleRNN({ units, activation: 'relu', ...more }),
    lstm: (more: object) => tf.layers.lstm({ units, recurrentActivation: 'sigmoid', ...more }),
    gru: (more: object) => tf.layers.gru({ units, recurrentActivation: 'sigmoid', ...more }),
    'lstm without biases': (more: object) => tf.layers.lstm({ units, recurrentActivation: 'sigmoid', useBias: false, ...more }),
  };
  for (const [name, layer] of Object.entries(kinds)) {
    for (const depth of [1, 2]) {
      test(`${name}, ${depth} layers`, async () => {
        const recurrent = Array.from({ length: depth }, (_, n) =>
          layer({ returnSequences: n < depth - 1, ...(n === 0 ? shape : {}) } as object),
        );
        const model = tf.sequential({ layers: [...recurrent, tf.layers.dropout({ rate: 0.4 }), tf.layers.dense({ units: 2 })] });
        // Shards that cut through weights.
        const source = await saved(`${name} ${depth}`, model, 301);
        const file = place.path('imported.safetensors');
        const answer = await importWeights({ source, file });
        const { cell, layers, inputSize, hiddenSize, outputSize, targets, leftOut } = answer;
        const wanted = { layers: depth, inputSize: I, hiddenSize: units, outputSize: 2, targets: 'last' };
        assert.deepEqual({ layers, inputSize, hiddenSize, outputSize, targets }, wanted);
        assert.equal(cell, name.startsWith('lstm') ? 'lstm' : name === 'gru' ? 'gru-reset-before' : 'rnn');
        assert.equal(leftOut?.length, 1);
        const theirs = model.predict(core.tensor(inputs, [B, T, I])) as ReturnType<typeof core.tensor>;
        assert.ok(difference(await outputsHere(file, 'last', answer.activation), theirs.dataSync()) < 1e-5);
      });
    }
  }

  test('a functional model that is read at every step, with its softmax left to the loss', async () => {
    const input = tf.input({ shape: [null, I] });
    const states = tf.layers.lstm({ units, recurrentActivation: 'sigmoid', returnSequences: true }).apply(input);
    const dense = tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 2, activation: 'softmax' }) });
    const model = tf.model({ inputs: input, outputs: dense.apply(states) as typeof input });
    const source = await saved('functional', model);
    const file = place.path('functional.safetensors');
    const { targets, outputActivation } = await importWeights({ source, file });
    assert.deepEqual({ targets, outputActivation }, { targets: 'every', outputActivation: 'softmax' });
    const theirs = (model.predict(core.tensor(inputs, [B, T, I])) as ReturnType<typeof core.tensor>).dataSync();
    const logits = core.tensor(await outputsHere(file, 'every'), [B, T, 2]);
    assert.ok(difference([...core.softmax(logits).dataSync()], theirs) < 1e-5);
  });

  test("GRU with reset_after, which its cell does not have: Keras' equations, by its operations", async () => {
    const H = units;
    const [kernel, recurrent, bias, readout, readoutBias] = [[I, 3 * H], [H, 3 * H], [2, 3 * H], [H, 2], [2]].map((size, n) =>
      core.tensor(
        numbers(
          size.reduce((a, b) => a * b, 1),
          n,
        ),
        size,
      ),
    );
    const config = (name: string, more: object) => ({ name, use_bias: true, ...more });
    const topology = {
      keras_version: '2.15.0',
      model_config: {
        class_name: 'Sequential',
        config: {
          name: 'sequential',
          layers: [
            { class_name: 'InputLayer', config: { name: 'gru_input', batch_input_shape: [null, null, I] } },
            {
              class_name: 'GRU',
              config: config('gru', {
                units: H,
                activation: 'tanh',
                recurrent_activation: 'sigmoid',
                reset_after: true,
                return_sequences: false,
              }),
            },
            { class_name: 'Dense', config: config('dense', { units: 2, activation: 'linear' }) },
          ],
        },
      },
    };
    const names = ['gru/gru_cell/kernel', 'gru/gru_cell/recurrent_kernel', 'gru/gru_cell/bias', 'dense/kernel', 'dense/bias'];
    const tensors = [kernel, recurrent, bias, readout, readoutBias];
    const entries = tensors.map(({ shape }, n) => ({ name: names[n], shape, dtype: 'float32' }));
    const bytes = Buffer.concat(tensors.map((tensor) => new Uint8Array((tensor.dataSync() as Float32Array).slice().buffer)));
    const source = write('gru', topology, entries, bytes);
    const file = place.path('gru.safetensors');
    const { cell, renamed, zeros } = await importWeights({ source, file });
    assert.equal(cell, 'gru');
    assert.equal(renamed['gru/gru_cell/bias'], 'bias_ih_l0, bias_hh_l0');
    assert.deepEqual(zeros, []);

    const [inputBias, recurrentBias] = core.unstack(bias);
    let h = core.zeros([B, H]);
    for (const x of core.unstack(core.tensor(inputs, [B, T, I]), 1)) {
      const [xz, xr, xh] = core.split(core.add(core.matMul(x, kernel), inputBias), 3, 1);
      const [hz, hr, hh] = core.split(core.add(core.matMul(h, recurrent), recurrentBias), 3, 1);
      const z = core.sigmoid(core.add(xz, hz));
      const candidate = core.tanh(core.add(xh, core.mul(core.sigmoid(core.add(xr, hr)), hh)));
      h = core.add(core.mul(z, h), core.mul(core.sub(1, z), candidate));
    }
    const theirs = core.add(core.matMul(h, readout), readoutBias);
    assert.ok(difference(await outputsHere(file, 'last'), theirs.dataSync()) < 1e-5);
  });

  for (const type of ['float16', 'uint16', 'uint8'] as const) {
    test(`weights quantised as ${type} are those that TensorFlow.js makes of them`, async () => {
      const model = tf.sequential({ layers: [tf.layers.simpleRNN({ units, ...shape }), tf.layers.dense({ units: 2 })] });
      const source = await saved(`quantised ${type}`, model);
      const document = JSON.parse(readFileSync(source, 'utf8'));
      const quantization =
        type === 'float16'
          ? { dtype: type, original_dtype: 'float32' }
          : { dtype: type, scale: type === 'uint8' ? 5e-3 : 2e-5, min: -0.71 };
      const weights = (document.weightsManifest[0].weights as Entry[]).map((entry) => ({ ...entry, quantization }));
      const count = weights.reduce((sum, each) => sum + each.shape.reduce((a, b) => a * b, 1), 0);
      const width = type === 'uint8' ? 1 : 2;
      // Half precision numbers below 2 and above -2: the exponents that this leaves are those of finite ones.
      const bytes = Uint8Array.from({ length: count * width }, (_, i) =>
        type === 'float16' && i % 2 === 1 ? 0x30 + (i % 13) : (i * 37) % 256,
      );
      const packed = write(`packed ${type}`, document.modelTopology, weights, bytes);
      const file = place.path('packed.safetensors');
      await importWeights({ source: packed, file });
      const decoded = core.io.decodeWeights(bytes.buffer, weights as never);
      model.setWeights(weights.map(({ name }) => decoded[name]));
      const theirs = model.predict(core.tensor(inputs, [B, T, I])) as ReturnType<typeof core.tensor>;
      assert.ok(difference(await outputsHere(file, 'last'), theirs.dataSync()) < 1e-5);
    });
  }
});

describe("weights alone, under Keras' names", () => {
  const H = 4;
  const shapes = {
    'lstm/lstm_cell/kernel': [I, 4 * H],
    'lstm/lstm_cell/recurrent_kernel': [H, 4 * H],
    'lstm/lstm_cell/bias': [4 * H],
    'lstm_10.kernel': [H, 4 * H],
    'lstm_10.recurrent_kernel': [H, 4 * H],
    'lstm_2.kernel': [H, 4 * H],
    'lstm_2.recurrent_kernel': [H, 4 * H],
    'dense/kernel': [H, 2],
  };
  const tensors = (all: Record<string, number[]>) =>
    Object.entries(all).map(([name, shape], n) => ({
      name,
      shape,
      values: numbers(
        shape.reduce((a, b) => a * b, 1),
        n,
      ),
    }));
  const written = (all: Record<string, number[]>) => {
    const source = place.path('keras.safetensors');
    writeFileSync(source, writeSafetensors(tensors(all)));
    return { source, file: place.path('taken.safetensors') };
  };

  test('are those of the model that has them, layers in the order of their numbers', async () => {
    const { renamed, zeros, layers, cell } = await importWeights(written(shapes));
    assert.deepEqual([cell, layers], ['lstm', 3]);
    assert.equal(renamed['lstm_2.kernel'], 'weight_ih_l1');
    assert.equal(renamed['lstm_10.kernel'], 'weight_ih_l2');
    assert.deepEqual(zeros, ['bias_hh_l0', 'bias_ih_l1', 'bias_hh_l1', 'bias_ih_l2', 'bias_hh_l2', 'readout.bias']);
    const recurrent = [0, 1, 2].map((n) =>
      tf.layers.lstm({
        ...{ units: H, recurrentActivation: 'sigmoid', returnSequences: n < 2, useBias: n === 0 },
        ...(n === 0 ? { inputShape: [null, I] } : {}),
      } as never),
    );
    const model = tf.sequential({ layers: [...recurrent, tf.layers.dense({ units: 2, useBias: false })] });
    const byName = new Map(tensors(shapes).map((each) => [each.name, each]));
    const inOrder = [
      'lstm/lstm_cell/kernel',
      'lstm/lstm_cell/recurrent_kernel',
      'lstm/lstm_cell/bias',
      'lstm_2.kernel',
      'lstm_2.recurrent_kernel',
    ];
    model.setWeights(
      [...inOrder, 'lstm_10.kernel', 'lstm_10.recurrent_kernel', 'dense/kernel'].map((name) =>
        core.tensor(byName.get(name)!.values, byName.get(name)!.shape),
      ),
    );
    const theirs = model.predict(core.tensor(inputs, [B, T, I])) as ReturnType<typeof core.tensor>;
    assert.ok(difference(await outputsHere(place.path('taken.safetensors'), 'last'), theirs.dataSync()) < 1e-5);
  });

  test('what is no such network is refused', async () => {
    const gru = (name: string, width: number) => ({ [`${name}/kernel`]: [width, 3 * H], [`${name}/recurrent_kernel`]: [H, 3 * H] });
    const mixed = { ...gru('gru', I), 'gru/bias': [3 * H], ...gru('gru_1', H), 'gru_1/bias': [2, 3 * H], 'dense/kernel': [H, 2] };
    await assert.rejects(importWeights(written(mixed)), {
      message: /gru_1: is a gru above a gru-reset-before; all layers are of one kind/,
    });
    const { 'dense/kernel': head, ...headless } = shapes;
    await assert.rejects(importWeights(written(headless)), { message: /no layer without a recurrent_kernel/ });
    await assert.rejects(importWeights(written({ ...shapes, 'other/kernel': head })), {
      message: /is a second layer without a recurrent_kernel/,
    });
    await assert.rejects(importWeights(written({ ...shapes, 'norm/gamma': [H] })), { message: /norm\/gamma: is no kernel/ });
    await assert.rejects(importWeights(written({ ...shapes, 'lstm/recurrent_kernel': [H, 2 * H] })), {
      message: /is a second recurrent_kernel/,
    });
  });
});

describe('what cannot be taken', () => {
  const head = () => tf.layers.dense({ units: 1 });
  const first = { inputShape: [null, I], units: 2 };
  const cases: Record<string, [() => LayersModel, RegExp]> = {
    'gates of hard_sigmoid': [
      () => tf.sequential({ layers: [tf.layers.lstm(first), head()] }),
      /lstm.*: has gates of the recurrent activation hard_sigmoid.*recurrentActivation 'sigmoid'/,
    ],
    'two directions': [
      () =>
        tf.sequential({
          layers: [
            tf.layers.bidirectional({
              layer: tf.layers.simpleRNN({ units: 2 }) as never,
              mergeMode: 'concat',
              inputShape: [null, I],
            }),
            head(),
          ],
        }),
      /is a layer of the class Bidirectional, .* of these classes can be taken: SimpleRNN, LSTM, GRU/,
    ],
    'layers of two kinds': [
      () =>
        tf.sequential({
          layers: [
            tf.layers.simpleRNN({ ...first, returnSequences: true }),
            tf.layers.lstm({ units: 2, recurrentActivation: 'sigmoid' }),
            head(),
          ],
        }),
      /is LSTM above SimpleRNN/,
    ],
    'another activation': [
      () => tf.sequential({ layers: [tf.layers.simpleRNN({ ...first, activation: 'elu' }), head()] }),
      /has the activation elu; a plain network has tanh or relu/,
    ],
    'no read-out': [() => tf.sequential({ layers: [tf.layers.simpleRNN(first)] }), /is the last layer/],
    'two read-outs': [() => tf.sequential({ layers: [tf.layers.simpleRNN(first), head(), head()] }), /is a Dense behind the Dense layer/],
    'a read-out of ReLU units': [
      () => tf.sequential({ layers: [tf.layers.simpleRNN(first), tf.layers.dense({ units: 1, activation: 'relu' })] }),
      /has the activation "relu"; outputs are linear here/,
    ],
    backwards: [() => tf.sequential({ layers: [tf.layers.simpleRNN({ ...first, goBackwards: true }), head()] }), /goes backwards/],
    branches: [
      () => {
        const input = tf.input({ shape: [null, I] });
        const sides = [0, 1].map(() => tf.layers.simpleRNN({ units: 2 }).apply(input) as typeof input);
        return tf.model({ inputs: input, outputs: head().apply(tf.layers.concatenate().apply(sides)) as typeof input });
      },
      /has branches or layers that are used twice/,
    ],
  };
  for (const [name, [model, sentence]] of Object.entries(cases)) {
    test(name, async () => {
      const source = await saved(name, model());
      await assert.rejects(importWeights({ source, file: place.path('never.safetensors') }), { code: 'SHAPE_MISMATCH', message: sentence });
    });
  }
});
