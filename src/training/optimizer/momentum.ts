import type { Optimizer } from './optimizer.ts';

/** Gradient descent with momentum, in PyTorch's form: v = momentum * v + g; p -= learningRate * v (Polyak 1964). */
export const momentum: Optimizer<{ learningRate: number; momentum: number }> = {
  name: 'momentum',
  slots: ['velocity'],
  defaults: { momentum: 0.9 },
  update(p, g, [v], length, { learningRate, momentum }) {
    for (let i = 0; i < length; i++) {
      v[i] = momentum * v[i] + g[i];
      p[i] -= learningRate * v[i];
    }
  },
  decrease(g, [v], length, { learningRate, momentum }) {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += g[i] * (momentum * v[i] + g[i]);
    return learningRate * sum;
  },
};
