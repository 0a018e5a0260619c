import type { Optimizer } from './optimizer.ts';

/** RMSProp: s = decay * s + (1 - decay) * g²; p -= learningRate * g / (sqrt(s) + epsilon) (Tieleman & Hinton 2012, lecture 6e). */
export const rmsprop: Optimizer<{ learningRate: number; decay: number; epsilon: number }> = {
  name: 'rmsprop',
  slots: ['square'],
  defaults: { decay: 0.99, epsilon: 1e-8 },
  update(p, g, [s], length, { learningRate, decay, epsilon }) {
    for (let i = 0; i < length; i++) {
      s[i] = decay * s[i] + (1 - decay) * g[i] * g[i];
      p[i] -= (learningRate * g[i]) / (Math.sqrt(s[i]) + epsilon);
    }
  },
  decrease(g, [s], length, { learningRate, decay, epsilon }) {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += (g[i] * g[i]) / (Math.sqrt(decay * s[i] + (1 - decay) * g[i] * g[i]) + epsilon);
    return learningRate * sum;
  },
};
