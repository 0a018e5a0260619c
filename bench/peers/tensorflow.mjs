/**
 * TensorFlow.js' side of the training step, on its wasm backend: a recurrent layer that returns its last state, a dense read-out to 10
 * with softmax cross-entropy, gradients, the clip of the global norm at 1 by hand (its optimizers have none), Adam.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { serve } from '../serve.ts';
import { O } from '../workload.ts';

console.log = console.info = console.warn = console.error;
const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(`${path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/dist/`);
if (!(await tf.setBackend('wasm'))) throw new Error('TensorFlow.js: its wasm backend did not come up');
await tf.ready();

const layers = { rnn: tf.layers.simpleRNN, lstm: tf.layers.lstm, gru: tf.layers.gru };

async function prepare({ cell, B, T, I, H, loss }) {
  if (loss !== 'last') throw new Error('only the loss at the last step is measured here');
  // Its default, a matrix orthogonalised in JavaScript, takes longer than everything else for H = 512, and changes no step.
  const gates = cell === 'rnn' ? {} : { recurrentActivation: 'sigmoid' };
  const recurrent = layers[cell]({ units: H, inputShape: [T, I], recurrentInitializer: 'glorotUniform', ...gates });
  const model = tf.sequential({ layers: [recurrent, tf.layers.dense({ units: O })] });
  const x = tf.randomNormal([B, T, I]);
  const classes = tf.tensor1d(
    Array.from({ length: B }, (_, sequence) => sequence % O),
    'int32',
  );
  const y = tf.oneHot(classes, O).toFloat();
  const adam = tf.train.adam(1e-3);
  const variables = model.trainableWeights.map((weight) => weight.val);
  return () =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => tf.losses.softmaxCrossEntropy(y, model.apply(x, { training: true })), variables);
      const squares = Object.values(grads).map((gradient) => gradient.square().sum());
      const norm = tf.addN(squares).sqrt();
      const factor = tf.minimum(1, tf.div(1, norm.add(1e-6)));
      adam.applyGradients(Object.fromEntries(Object.entries(grads).map(([name, gradient]) => [name, gradient.mul(factor)])));
      return value.dataSync()[0];
    });
}

await serve(tf.version.tfjs, prepare);
