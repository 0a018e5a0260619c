import type { Loss } from './loss.ts';

/** Mean squared error over the O numbers of a row: L = sum_o (z_o - y_o)^2 / O, dL/dz_o = 2 (z_o - y_o) / O. */
export const meanSquaredError: Loss = {
  name: 'mse',
  target: 'values',
  evaluate(output, { counted: R, target: { size: O }, values }, differentiate, weight) {
    let total = 0;
    for (let i = 0; i < R * O; i++) {
      const difference = output[i] - values[i];
      total += difference * difference;
      if (differentiate) output[i] = (2 * weight * difference) / O;
    }
    return total / O;
  },
};
