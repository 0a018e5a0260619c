import type { SquareInit } from './init.ts';
import { uniform } from './uniform.ts';

/** Uniform in ±sqrt(6 / (H + H)), deviation 1/sqrt(H): the variance that keeps that of a linear map forward and back (Glorot & Bengio 2010, equation 16). */
export const glorot: SquareInit = (matrix, at, H, random) => uniform(matrix, at, H * H, Math.sqrt(3 / H), random);
