import type { Optimizer } from './optimizer.ts';

/**
 * Adam (Kingma & Ba 2015, arXiv 1412.6980, algorithm 1): m and v are running means of g and g², freed of their start at 0;
 * p -= learningRate * m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + epsilon).
 */
export const adam: Optimizer<{ learningRate: number; beta1: number; beta2: number; epsilon: number; step: number }> = {
  name: 'adam',
  slots: ['mean', 'square'],
  defaults: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  update(p, g, [m, v], length, { learningRate, beta1, beta2, epsilon, step }) {
    const rate = learningRate / (1 - beta1 ** step);
    const root = Math.sqrt(1 - beta2 ** step);
    for (let i = 0; i < length; i++) {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
      p[i] -= (rate * m[i]) / (Math.sqrt(v[i]) / root + epsilon);
    }
  },
  decrease(g, [m, v], length, { learningRate, beta1, beta2, epsilon, step }) {
    const rate = learningRate / (1 - beta1 ** step);
    const root = Math.sqrt(1 - beta2 ** step);
    let sum = 0;
    for (let i = 0; i < length; i++) {
      const mean = beta1 * m[i] + (1 - beta1) * g[i];
      sum += (g[i] * mean) / (Math.sqrt(beta2 * v[i] + (1 - beta2) * g[i] * g[i]) / root + epsilon);
    }
    return rate * sum;
  },
};
