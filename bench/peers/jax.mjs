/**
 * jax-js' side of the training step, on its wasm backend. It has no scan, so the loop over time is unrolled while it is traced; one
 * compiled function holds forward, backward, the clip of the global norm at 1, and Adam. An array is used up by the operation that
 * takes it; `.ref` keeps it for another.
 */
import { readFileSync } from 'node:fs';
import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import { serve } from '../serve.ts';
import { O } from '../workload.ts';

await init('wasm');
defaultDevice('wasm');

/** Numbers in [-scale, scale) that are the same at every run. */
function uniform(shape, scale, seed) {
  let state = seed;
  const length = shape.reduce((product, size) => product * size, 1);
  const values = Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * scale;
  });
  return np.array(values).reshape(shape);
}

/** One step of a cell: the input's part of the pre-activations [B, G*H], the states before, the recurrent matrix. */
const advance = {
  rnn: (x, { h }, W, _H) => ({ h: np.tanh(x.add(np.matmul(h, W))) }),
  lstm: (x, { h, c }, W, H) => {
    const [i, f, g, o] = blocks(x.add(np.matmul(h, W)), 4, H);
    const next = nn
      .sigmoid(f)
      .mul(c)
      .add(nn.sigmoid(i).mul(np.tanh(g)));
    return { c: next.ref, h: nn.sigmoid(o).mul(np.tanh(next)) };
  },
  gru: (x, { h }, W, H) => {
    const [xr, xz, xn] = blocks(x, 3, H);
    const [hr, hz, hn] = blocks(np.matmul(h.ref, W), 3, H);
    const n = np.tanh(xn.add(nn.sigmoid(xr.add(hr)).mul(hn)));
    return { h: n.ref.add(nn.sigmoid(xz.add(hz)).mul(h.sub(n))) };
  },
};

/** The G blocks of H columns of a matrix, which is used up. */
function blocks(matrix, G, H) {
  const parts = Array.from({ length: G }, (_, gate) => matrix.ref.slice([], [gate * H, (gate + 1) * H]));
  matrix.dispose();
  return parts;
}

async function prepare({ cell, B, T, I, H, loss }) {
  if (loss !== 'last') throw new Error('only the loss at the last step is measured here');
  const G = { rnn: 1, gru: 3, lstm: 4 }[cell];
  const bound = 1 / Math.sqrt(H);
  let parameters = {
    input: uniform([I, G * H], bound, 1),
    recurrent: uniform([H, G * H], bound, 2),
    bias: uniform([G * H], bound, 3),
    readout: uniform([H, O], bound, 4),
    readoutBias: uniform([O], bound, 5),
  };
  const zeros = () => tree.map((array) => np.zeros(array.shape), tree.ref(parameters));
  let first = zeros();
  let second = zeros();
  const x = uniform([T, B, I], 1.7, 6);
  const oneHot = new Float32Array(B * O);
  for (let sequence = 0; sequence < B; sequence++) oneHot[sequence * O + (sequence % O)] = 1;
  const y = np.array(oneHot).reshape([B, O]);

  function crossEntropy({ input, recurrent, bias, readout, readoutBias }, x, y) {
    const inputs = np
      .matmul(x.reshape([T * B, I]), input)
      .add(bias)
      .reshape([T, B, G * H]);
    let states = { h: np.zeros([B, H]), ...(cell === 'lstm' ? { c: np.zeros([B, H]) } : {}) };
    for (let t = 0; t < T; t++) states = advance[cell](inputs.ref.slice(t), states, recurrent.ref, H);
    inputs.dispose();
    recurrent.dispose();
    states.c?.dispose();
    const outputs = np.matmul(states.h, readout).add(readoutBias);
    return nn
      .logSoftmax(outputs)
      .mul(y)
      .sum()
      .mul(-1 / B);
  }

  const train = jit((parameters, first, second, update, x, y) => {
    const [loss, gradients] = valueAndGrad(crossEntropy)(tree.ref(parameters), x, y);
    const names = Object.keys(parameters);
    const squares = names.map((name) => np.square(gradients[name].ref).sum()).reduce((sum, square) => sum.add(square));
    const factor = np.minimum(np.array(1), np.array(1).div(np.sqrt(squares).add(1e-6)));
    const unbiased = [0.9, 0.999].map((decay) => np.array(1).sub(np.exp(update.ref.mul(Math.log(decay)))));
    update.dispose();
    const next = { parameters: {}, first: {}, second: {} };
    for (const name of names) {
      const gradient = gradients[name].mul(factor.ref);
      const mean = first[name].mul(0.9).add(gradient.ref.mul(0.1));
      const square = second[name].mul(0.999).add(np.square(gradient).mul(0.001));
      const size = np.sqrt(square.ref.div(unbiased[1].ref)).add(1e-8);
      next.parameters[name] = parameters[name].sub(mean.ref.div(unbiased[0].ref).mul(1e-3).div(size));
      next.first[name] = mean;
      next.second[name] = square;
    }
    for (const array of [factor, ...unbiased]) array.dispose();
    return [loss, next.parameters, next.first, next.second];
  });

  let update = 0;
  return async () => {
    const [loss, ...next] = train(parameters, first, second, np.array(++update), x.ref, y.ref);
    [parameters, first, second] = next;
    const [value] = await loss.data();
    await blockUntilReady(parameters);
    return value;
  };
}

const { version } = JSON.parse(readFileSync(new URL('./node_modules/@jax-js/jax/package.json', import.meta.url), 'utf8'));
await serve(version, prepare);
