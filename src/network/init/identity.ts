import type { SquareInit } from './init.ts';

/** The identity matrix: a ReLU network that starts by keeping its state (Le, Jaitly & Hinton 2015, arXiv 1504.00941, section 3). */
export const identity: SquareInit = (matrix, at, H) => {
  for (let row = 0; row < H; row++) {
    for (let column = 0; column < H; column++) matrix[at + row * H + column] = row === column ? 1 : 0;
  }
};
