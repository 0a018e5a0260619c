import type { Loss } from './loss.ts';

/**
 * Softmax cross-entropy of a class c: L = -log(exp(z_c) / sum_o exp(z_o)), dL/dz_o = softmax(z)_o - [o = c]. The largest
 * z of a row is subtracted before exponentiation, which changes neither.
 */
export const crossEntropy: Loss = {
  name: 'crossEntropy',
  target: 'classes',
  evaluate(output, { counted: R, target: { size: O }, classes }, differentiate, weight) {
    let total = 0;
    for (let r = 0; r < R; r++) {
      const at = r * O;
      let largest = -Infinity;
      for (let o = 0; o < O; o++) if (!(output[at + o] <= largest)) largest = output[at + o];
      const chosen = output[at + classes[r]] - largest;
      let sum = 0;
      if (differentiate) {
        for (let o = 0; o < O; o++) {
          output[at + o] = Math.exp(output[at + o] - largest);
          sum += output[at + o];
        }
        // In float64 to the end: a probability of 1 must give a gradient of exactly 0.
        for (let o = 0; o < O; o++) output[at + o] = weight * (output[at + o] / sum - (o === classes[r] ? 1 : 0));
      } else {
        for (let o = 0; o < O; o++) sum += Math.exp(output[at + o] - largest);
      }
      total += Math.log(sum) - chosen;
    }
    return total;
  },
};
