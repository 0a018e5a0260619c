import type { SquareInit } from './init.ts';

/** Independent normal elements of standard deviation gain / sqrt(H): for large H the spectral radius is `gain` (Girko's circular law). */
export function gaussian(gain: number): SquareInit {
  return (matrix, at, H, random) => {
    const deviation = gain / Math.sqrt(H);
    for (let i = 0; i < H * H; i++) matrix[at + i] = deviation * random.normal();
  };
}
