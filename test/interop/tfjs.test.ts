/**
 * The adapter against the real TensorFlow.js, on its plain backend. Longer than other files: all of it shares one loaded TensorFlow.js and its networks.
 */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { StoredSequences } from '../../src/data/storedSequences.ts';
import { hardGru, hardLstm } from '../../src/interop/tfjs/hardCells.ts';
import { gradcheckCell } from '../../src/network/gradcheckCell.ts';
import { Predictor } from '../../src/network/unroll/predictor.ts';
import {
  clipGradients,
  clipRecurrentPath,
  diagnose,
  networkOf,
  trainTruncated,
  type WatchedUpdate,
  watchGradients,
} from '../../src/tfjs.ts';
import { boundStates } from '../../src/training/clip/typedArrays.ts';
import { trainingDefaults } from '../../src/training/options.ts';
import { Trainer } from '../../src/training/trainer.ts';
import { tf, tfl } from './tensorflow.ts';

before(() => tf.setBackend('cpu'));

const normal = (shape: number[], seed: number, deviation = 1) => {
  const random = new Random(seed);
  const length = shape.reduce((product, size) => product * size, 1);
  return tf.tensor(
    Float32Array.from({ length }, () => deviation * random.normal()),
    shape,
  );
};
const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  assert.equal(a.length, b.length);
  return Array.from(a).reduce((most, value, index) => Math.max(most, Math.abs(value - b[index])), 0);
};

type Kind = 'simpleRNN' | 'lstm' | 'gru';
const recurrent = (kind: Kind, options: object) => (tfl.layers[kind] as (args: object) => ReturnType<typeof tfl.layers.simpleRNN>)(options);

interface Sizes {
  layers?: number;
  units?: number;
  I?: number;
  O?: number;
  batch?: number | null;
  every?: boolean;
  /** Options of the layers. */
  [option: string]: unknown;
}

/** Layers of drawn weights with a dense layer behind them. */
function model(kind: Kind, { layers = 1, units = 4, I = 3, O = 2, batch = null, every = true, ...options }: Sizes = {}): tfl.Sequential {
  const made = tfl.sequential();
  for (let layer = 0; layer < layers; layer++) {
    const shape = layer === 0 ? { batchInputShape: [batch, null, I] } : {};
    made.add(recurrent(kind, { units, returnSequences: every || layer < layers - 1, ...shape, ...options }));
  }
  made.add(tfl.layers.dense({ units: O }));
  made.setWeights(made.getWeights().map((weight, index) => normal(weight.shape, index + 1, 0.5)));
  return made;
}

describe('an optimizer that is watched', () => {
  /** The gradient of 3 a + 4 b is (3, 4), of norm 5. */
  const step = (optimizer: tf.Optimizer, variable: tf.Variable, slope = tf.tensor1d([3, 4])) =>
    optimizer.minimize(() => tf.sum(tf.mul(variable, slope)) as tf.Scalar, false, [variable]);

  test('clips by the global norm, and leaves a smaller gradient alone', () => {
    const variable = tf.variable(tf.zeros([2]));
    const optimizer = clipGradients(tf.train.sgd(1), { globalNorm: 1 });
    step(optimizer, variable);
    assert.ok(largestDifference(variable.dataSync(), [-0.6, -0.8]) < 1e-6);
    step(optimizer, variable, tf.tensor1d([0.5, 0]));
    assert.ok(largestDifference(variable.dataSync(), [-1.1, -0.8]) < 1e-6);
  });

  test('says what the gradient was, and leaves out what is not finite', () => {
    const variable = tf.variable(tf.zeros([2]), true, 'w');
    const seen: WatchedUpdate[] = [];
    const watch = watchGradients(tf.train.adam(), { onUpdate: (update) => seen.push(update) });
    const optimizer = tf.train.sgd(1);
    const other = watchGradients(optimizer, { onUpdate: (update) => seen.push(update) });
    step(optimizer, variable);
    assert.deepEqual([seen[0].gradientNorm, seen[0].clippedNorm, seen[0].variables, seen[0].p50], [5, 5, { w: 5 }, 5]);
    step(optimizer, variable, tf.tensor1d([Number.NaN, 1]));
    assert.deepEqual([seen[1].sign?.kind, seen[1].skipped, other.updates, other.skipped], ['nonFinite', true, 2, 1]);
    assert.deepEqual([...variable.dataSync()], [-3, -4]);
    other.release();
    step(optimizer, variable, tf.tensor1d([Number.NaN, 1]));
    assert.ok(Number.isNaN(variable.dataSync()[0]));
    assert.equal(watch.updates, 0);
  });

  test('no tensors are left behind', () => {
    const variable = tf.variable(tf.zeros([2]));
    const slope = tf.tensor1d([3, 4]);
    const optimizer = clipGradients(tf.train.sgd(1), { globalNorm: 1 });
    step(optimizer, variable, slope);
    const { numTensors } = tf.memory();
    step(optimizer, variable, slope);
    assert.equal(tf.memory().numTensors, numTensors);
  });

  test('model.fit ends where the guard sees an explosion, before the weights are gone; without it they are', async () => {
    const x = normal([32, 4], 1);
    const y = tf.sum(x, 1, true);
    const fit = async (guard: 'warn' | 'stop') => {
      const linear = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [4] })] });
      linear.setWeights([normal([4, 1], 2), tf.zeros([1])]);
      // The curvature of the loss is about 2: a rate of 20 diverges.
      const optimizer = tf.train.sgd(20);
      const watch = watchGradients(optimizer, { guard });
      linear.compile({ optimizer, loss: 'meanSquaredError' });
      const { history } = await linear.fit(x, y, { epochs: 40, batchSize: 32, callbacks: watch.callback, verbose: 0 });
      return { watch, history, weights: linear.getWeights()[0].dataSync() };
    };
    const stopped = await fit('stop');
    assert.ok(stopped.watch.stopped && stopped.watch.updates <= 3, `${stopped.watch.updates}`);
    assert.equal(stopped.watch.last?.sign?.exploding, true);
    assert.ok(stopped.weights.every((weight) => Math.abs(weight) < 1e3));
    const warned = await fit('warn');
    // An epoch is one update here.
    assert.deepEqual(stopped.history.explosions.at(-1), 1);
    assert.equal(stopped.history.gradientNorm.at(-1), stopped.watch.last?.gradientNorm);
    assert.equal(warned.history.gradientNormMax.length, 40);
    assert.equal(warned.watch.updates, 40);
    assert.ok(warned.weights.some((weight) => Math.abs(weight) > 1e10));
  });

  test('what it cannot do is refused', () => {
    assert.throws(() => clipGradients(tf.train.sgd(1), { recurrentNorm: 1 }), /clipRecurrentPath/);
    assert.throws(() => clipGradients(tf.train.sgd(1), 'auto'), /choose a threshold/);
    assert.throws(() => clipGradients(tf.train.sgd(1), { globalNorm: 0 }), /above 0/);
  });
});

describe('the recurrent path', () => {
  const [B, T, I, H] = [3, 7, 2, 4];

  /** dL/dx of L = <dy, h_T>, step by step with the cell's own derivative, the state's gradient bounded by `boundStates`. */
  function stepwise(layer: tfl.RNN, x: tf.Tensor, dy: tf.Tensor, kind: 'norm' | 'value', threshold: number): Float32Array[] {
    const cell = layer.cell as unknown as { call(inputs: tf.Tensor[], kwargs: object): tf.Tensor[] };
    const names = layer.getClassName() === 'LSTM' ? 2 : 1;
    const states: tf.Tensor[][] = [Array.from({ length: names }, () => tf.zeros([B, H]))];
    const inputs = tf.unstack(x, 1);
    for (let t = 0; t < T; t++) states.push(cell.call([inputs[t], ...states[t]], {}).slice(1));
    let gradient = states[T].map((state, index) => (index === 0 ? dy : tf.zerosLike(state)));
    const inputGradients: Float32Array[] = [];
    for (let t = T - 1; t >= 0; t--) {
      const arrays = gradient.map((each) => Float64Array.from(each.dataSync()));
      boundStates(arrays, B, H, kind, threshold);
      const bounded = arrays.map((array) => tf.tensor(Float32Array.from(array), [B, H]));
      const product = (...all: tf.Tensor[]) => {
        const next = cell.call(all, {}).slice(1);
        return tf.addN(next.map((state, index) => tf.sum(tf.mul(state, bounded[index]))));
      };
      const [dx, ...rest] = tf.grads(product as (...all: tf.Tensor[]) => tf.Tensor)([inputs[t], ...states[t]]);
      inputGradients.unshift(dx.dataSync() as Float32Array);
      gradient = rest;
    }
    return inputGradients;
  }

  for (const kind of ['simpleRNN', 'lstm', 'gru'] as const) {
    for (const [clip, method, threshold] of [
      [{ recurrentNorm: 0.3 }, 'norm', 0.3],
      [{ recurrentValue: 0.05 }, 'value', 0.05],
    ] as const) {
      test(`${kind}: ${method} bounds dL/ds_t at every step, as boundStates does`, () => {
        const layer = recurrent(kind, { units: H, inputShape: [T, I] });
        const net = tfl.sequential({ layers: [layer] });
        net.setWeights(net.getWeights().map((weight, index) => normal(weight.shape, index + 1, 1.2)));
        const [x, dy] = [normal([B, T, I], 8), normal([B, H], 9)];
        const gradient = () =>
          tf
            .grad((input: tf.Tensor) => tf.sum(tf.mul(layer.apply(input) as tf.Tensor, dy)))(x)
            .dataSync();
        const free = gradient();
        const wanted = tf
          .stack(
            stepwise(layer, x, dy, method, threshold).map((each) => tf.tensor(each, [B, I])),
            1,
          )
          .dataSync();
        const clipped = clipRecurrentPath(net, clip);
        const bounded = gradient();
        assert.ok(largestDifference(bounded, wanted) < 1e-5, `${largestDifference(bounded, wanted)}`);
        assert.ok(largestDifference(bounded, free) > 0.01, 'the clip did not bind');
        clipped.release();
        assert.deepEqual(gradient(), free);
      });
    }
  }

  test('a gradient whose squares float32 cannot hold is bounded all the same', () => {
    const layer = recurrent('simpleRNN', { units: H, inputShape: [T, I], activation: 'linear' });
    tfl.sequential({ layers: [layer] });
    clipRecurrentPath(layer, { recurrentNorm: 1 });
    const huge = tf.fill([B, H], 1e30);
    const dx = tf
      .grad((input: tf.Tensor) => tf.sum(tf.mul(layer.apply(input) as tf.Tensor, huge)))(normal([B, T, I], 1))
      .dataSync();
    assert.ok(dx.every(Number.isFinite) && dx.some((each) => each !== 0));
  });

  test('both directions of a bidirectional layer are bounded, and a layer in a model of a model', () => {
    const layer = tfl.layers.simpleRNN({ units: H, kernelInitializer: 'ones' }) as tfl.RNN;
    const both = tfl.layers.bidirectional({ layer, mergeMode: 'concat', inputShape: [T, I] } as never);
    const inner = tfl.sequential({ layers: [both] });
    const outer = tfl.sequential({ layers: [inner] });
    outer.setWeights(outer.getWeights().map((weight, index) => normal(weight.shape, index + 1, 1.2)));
    const x = normal([B, T, I], 8);
    const gradient = () =>
      tf
        .grad((input: tf.Tensor) => tf.sum(outer.apply(input) as tf.Tensor))(x)
        .dataSync();
    const free = gradient();
    const { release } = clipRecurrentPath(outer, { recurrentValue: 1e-30 });
    assert.ok(gradient().every((each) => Math.abs(each) < 1e-25));
    release();
    assert.deepEqual(gradient(), free);
  });

  test('it holds while a model is trained', async () => {
    const made = model('lstm', { every: false });
    clipRecurrentPath(made, { recurrentNorm: 1e-30 });
    made.compile({ optimizer: tf.train.sgd(1), loss: 'meanSquaredError' });
    const before = made.getWeights().map((weight) => weight.dataSync().slice());
    await made.fit(normal([8, 5, 3], 1), normal([8, 2], 2), { epochs: 2, verbose: 0 });
    const moved = made.getWeights().map((weight, index) => largestDifference(weight.dataSync(), before[index]));
    // The dense layer's own gradient does not pass a state.
    assert.deepEqual(
      moved.map((each) => each > 1e-6),
      [false, false, false, true, true],
    );
  });

  test('a model without such layers and a wrong threshold are refused', () => {
    assert.throws(
      () => clipRecurrentPath(tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [2] })] }), { recurrentNorm: 1 }),
      /no recurrent layer/,
    );
    assert.throws(() => clipRecurrentPath(model('lstm'), { recurrentNorm: Number.NaN }), /above 0/);
    assert.throws(() => clipRecurrentPath(model('lstm'), { globalNorm: 1 } as never), /recurrentNorm/);
  });
});

describe('a model as a network', () => {
  for (const cell of [hardLstm, hardGru]) {
    test(`${cell.name} with piecewise linear gates has the right gradient`, () => {
      const { ok, wrong, checked } = gradcheckCell(cell, { sample: 6, sizes: { T: 3, B: 2, H: 2 } });
      assert.ok(ok && checked > 500, `${wrong} of ${checked}`);
    });
  }

  for (const [name, kind, options] of [
    ['simpleRNN', 'simpleRNN', {}],
    ['simpleRNN with relu, two layers', 'simpleRNN', { activation: 'relu', layers: 2 }],
    ['lstm with its own gates', 'lstm', {}],
    ['lstm with sigmoid gates, three layers', 'lstm', { recurrentActivation: 'sigmoid', layers: 3 }],
    ['gru with its own gates', 'gru', {}],
    ['gru with sigmoid gates, three layers', 'gru', { recurrentActivation: 'sigmoid', layers: 3 }],
    ['gru without bias', 'gru', { useBias: false, recurrentActivation: 'sigmoid' }],
    ['lstm without bias', 'lstm', { useBias: false, recurrentActivation: 'sigmoid' }],
  ] as const) {
    test(`${name}: the same outputs, to 1e-5`, () => {
      const made = model(kind, { ...options });
      const [B, T, I] = [3, 9, 3];
      const x = normal([B, T, I], 5);
      const expected = (made.predict(x) as tf.Tensor).arraySync() as number[][][];
      const { network, targets } = networkOf(made, scalarBackend());
      assert.equal(targets, 'every');
      const predictor = new Predictor(network, B);
      const inputs = tf.unstack(x, 1);
      for (let t = 0; t < T; t++) {
        const outputs = predictor.step(inputs[t].dataSync());
        assert.ok(
          largestDifference(
            outputs,
            expected.flatMap((row) => row[t]),
          ) < 1e-5,
        );
      }
    });
  }

  test('what has no counterpart is refused by the name of its layer', () => {
    const backend = scalarBackend();
    assert.throws(() => networkOf(model('gru', { activation: 'relu' }), backend), /gru_.*has the activation relu/);
    assert.throws(() => networkOf(model('lstm', { recurrentActivation: 'relu' }), backend), /lstm_.*recurrent activation relu/);
    assert.throws(() => networkOf(model('simpleRNN', { goBackwards: true }), backend), /backwards/);
    const convolved = tfl.sequential({
      layers: [
        tfl.layers.conv1d({ filters: 2, kernelSize: 1, inputShape: [5, 2] }),
        tfl.layers.simpleRNN({ units: 2 }),
        tfl.layers.dense({ units: 1 }),
      ],
    });
    assert.throws(() => networkOf(convolved, backend), /conv1d_.*no counterpart/);
    const open = tfl.sequential({ layers: [tfl.layers.simpleRNN({ units: 2, inputShape: [5, 2] })] });
    assert.throws(() => networkOf(open, backend), /dense one behind/);
  });
});

/** The streams x and y as data of this system. */
function stored(x: tf.Tensor, y: tf.Tensor, every: boolean): StoredSequences {
  const [N, T, I] = x.shape;
  const O = y.shape.at(-1) as number;
  const steps = every ? T : 1;
  return new StoredSequences(
    { input: { kind: 'vectors', size: I }, target: { kind: 'values', size: O }, loss: 'mse' },
    {
      starts: Float64Array.from({ length: N + 1 }, (_, n) => n * T),
      targetStarts: Float64Array.from({ length: N + 1 }, (_, n) => n * steps),
      targetSteps: Int32Array.from({ length: N * steps }, (_, i) => (every ? i % T : T - 1)),
      vectors: Float64Array.from(x.dataSync()),
      symbols: new Int32Array(0),
      classes: new Int32Array(0),
      values: Float64Array.from(y.dataSync()),
    },
  );
}

describe('truncated backpropagation with carried state', () => {
  for (const kind of ['simpleRNN', 'lstm'] as const) {
    test(`${kind}: after every window of a stream the weights are those of our own BPTT(k, k), to 1e-4`, async () => {
      const [B, T, k, rate] = [4, 25, 5, 0.3];
      const made = model(kind, { batch: B, stateful: true, recurrentActivation: 'sigmoid' });
      const [x, y] = [normal([B, T, 3], 6), normal([B, T, 2], 7)];
      const { network, model: options } = networkOf(made, await wasmBackend());
      const { cell, activation } = options;
      assert.deepEqual([cell, activation], kind === 'lstm' ? ['lstm', undefined] : ['rnn', 'tanh']);
      made.compile({ optimizer: tf.train.sgd(rate), loss: 'meanSquaredError' });
      const windows = T / k;
      const trainer = new Trainer(network, stored(x, y, true), {
        ...{ ...trainingDefaults, optimizer: 'sgd', learningRate: rate, batchSize: B, updates: windows },
        ...{ bptt: { k1: k, k2: k }, clip: 'none' },
      });
      let most = 0;
      const losses = await trainTruncated(made, x, y, {
        window: k,
        onWindow: (_, loss) => {
          const { loss: own } = trainer.step();
          // There is one bias there, and two that learn alike here.
          network.parameters.valuesOf('bias_hh_l0').fill(0);
          network.changed();
          const theirs = networkOf(made, scalarBackend()).network.parameters.values;
          most = Math.max(most, Math.abs(own - loss), largestDifference(network.parameters.values, theirs));
          return undefined;
        },
      });
      assert.equal(losses.length, 5);
      assert.ok(most < 1e-4, `${most}`);
    });
  }

  test('the last window may be shorter, and a pass may be ended', async () => {
    const made = model('simpleRNN', { batch: 2, stateful: true });
    made.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const [x, y] = [normal([2, 7, 3], 6), normal([2, 7, 2], 7)];
    assert.equal((await trainTruncated(made, x, y, { window: 3 })).length, 3);
    assert.equal((await trainTruncated(made, x, y, { window: 3, onWindow: (window) => window < 1 })).length, 2);
  });

  test('a model that forgets, and windows that do not fit, are refused', async () => {
    const [x, y] = [normal([2, 6, 3], 1), normal([2, 6, 2], 2)];
    await assert.rejects(trainTruncated(model('lstm', { batch: 2 }), x, y, { window: 3 }), /stateful: true/);
    const stateful = model('lstm', { batch: 2, stateful: true });
    await assert.rejects(trainTruncated(stateful, x, normal([2, 5, 2], 2), { window: 3 }), /\[2,5,2\]/);
    await assert.rejects(trainTruncated(stateful, x, y, { window: 0 }), /from 1/);
  });
});

describe('a diagnosis', () => {
  test('judges a model of TensorFlow.js with its data, on the loss that TensorFlow.js measures', async () => {
    const [N, T] = [300, 8];
    const x = normal([N, T, 1], 3);
    // The first input of each sequence.
    const y = tf.reshape(tf.slice(x, [0, 0, 0], [N, 1, 1]), [N, 1]);
    const made = model('lstm', { I: 1, O: 1, every: false });
    made.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const answer = await diagnose(made, { x, y }, { seconds: 600 });
    const loss = (made.evaluate(x, y) as tf.Scalar).dataSync()[0];
    assert.ok(Math.abs((answer.loss.model as number) - loss) < 1e-4 * loss, `${answer.loss.model} and ${loss}`);
    assert.equal(answer.dataHorizon, T);
    assert.equal(answer.lagProfile.length > 0, true);
    // Weights that were drawn have learned nothing of what the data hold.
    assert.ok(answer.sick, answer.verdict);
    // The default GRU: gates that are piecewise linear, and a reset before the product.
    const gru = model('gru', { I: 1, O: 1, every: false });
    gru.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const judged = await diagnose(gru, { x, y }, { seconds: 600 });
    const measured = (gru.evaluate(x, y) as tf.Scalar).dataSync()[0];
    assert.ok(Math.abs((judged.loss.model as number) - measured) < 1e-4 * measured, `${judged.loss.model} and ${measured}`);
    assert.equal(judged.dataHorizon, T);
    await assert.rejects(diagnose(model('lstm', { I: 1, O: 1, every: false }), { x, y }), /not compiled/);
    await assert.rejects(diagnose(made, { x, y: normal([N, 3], 1) }), /\[300,3\]/);
    await assert.rejects(diagnose(made, { x, y }, { loss: 'crossEntropy' }), /softmax/);
  });
});
