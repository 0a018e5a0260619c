import { sigmoid } from '../cell/sigmoid.ts';
import type { Loss } from './loss.ts';

/**
 * Binary cross-entropy on logits, mean over the O numbers of a row: for y in [0, 1],
 * L = sum_o (max(z, 0) - z y + log(1 + exp(-|z|))) / O, dL/dz_o = (sigmoid(z_o) - y_o) / O.
 */
export const binaryCrossEntropy: Loss = {
  name: 'binaryCrossEntropy',
  target: 'values',
  evaluate(output, { counted: R, target: { size: O }, values }, differentiate, weight) {
    let total = 0;
    for (let i = 0; i < R * O; i++) {
      const z = output[i];
      total += Math.max(z, 0) - z * values[i] + Math.log1p(Math.exp(-Math.abs(z)));
      if (differentiate) output[i] = (weight * (sigmoid(z) - values[i])) / O;
    }
    return total / O;
  },
};
