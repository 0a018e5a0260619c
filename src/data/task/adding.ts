import type { TaskMethod } from './task.ts';

/**
 * Adding: each step shows a number uniform in [0, 1) and a marker; two markers are 1, at a uniformly drawn step of the
 * sequence's first half (its first floor(T / 2) steps) and of its second half, all others 0. The target, at the last step,
 * is the sum of the two marked numbers.
 *
 * Source: Hochreiter & Schmidhuber 1997, "Long short-term memory", experiment 4; in this form (two halves, numbers in
 * [0, 1), no markers at the ends) Arjovsky, Shah & Bengio 2016, "Unitary evolution recurrent neural networks".
 *
 * The best constant predicts the mean 1 and has the variance of the sum, 2 · 1/12 = 1/6, as its mean squared error. A
 * predictor that sees only the second half knows one of the two numbers, and is left with 1/12.
 * Data horizon: T, because the first marker can be at the first step.
 */
export const adding: TaskMethod = {
  name: 'adding',
  fields: [],
  prepare: () => ({
    input: { kind: 'vectors', size: 2 },
    target: { kind: 'values', size: 1 },
    loss: 'mse',
    leastLength: 2,
    steps: (T) => T,
    draw(T, random, into) {
      const half = Math.floor(T / 2);
      const first = random.below(half);
      const second = half + random.below(T - half);
      let sum = 0;
      for (let t = 0; t < T; t++) {
        const value = random.uniform();
        const marked = t === first || t === second;
        if (marked) sum += value;
        into.vectors.push(value);
        into.vectors.push(marked ? 1 : 0);
      }
      into.targetSteps.push(T - 1);
      into.values.push(sum);
    },
    horizon: (T) => T,
  }),
};
