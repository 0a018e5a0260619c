import type { SquareInit } from './init.ts';
import { fillRotations } from './rotations.ts';

/**
 * Rotations of pairs of units by angles uniform in [0, pi/2): the Cayley transform of blocks whose eigenvalues are ±i tan(angle / 2)
 * (Helfrich, Willmott & Ye 2018, arXiv 1707.09520, section 4.2).
 */
export const cayley: SquareInit = (matrix, at, H, random) => {
  fillRotations(matrix, at, H, () => (Math.PI / 2) * random.uniform());
};
