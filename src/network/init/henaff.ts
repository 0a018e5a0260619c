import type { SquareInit } from './init.ts';
import { fillRotations } from './rotations.ts';

/**
 * Rotations of pairs of units by angles uniform in [-pi, pi): the exponential of a block-diagonal skew-symmetric matrix (Henaff,
 * Szlam & LeCun 2016, arXiv 1602.06662, section 4; in this form Lezcano-Casado & Martinez-Rubio 2019, arXiv 1901.08428, section 4.3).
 */
export const henaff: SquareInit = (matrix, at, H, random) => {
  fillRotations(matrix, at, H, () => Math.PI * (2 * random.uniform() - 1));
};
