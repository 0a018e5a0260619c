import type { Optimizer } from './optimizer.ts';

/** Stochastic gradient descent: p -= learningRate * g. */
export const sgd: Optimizer<{ learningRate: number }> = {
  name: 'sgd',
  slots: [],
  defaults: {},
  update(p, g, _slots, length, { learningRate }) {
    for (let i = 0; i < length; i++) p[i] -= learningRate * g[i];
  },
};
