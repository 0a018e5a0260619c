import type { Reals } from '../../compute/backend.ts';

/** Fills a square block [H, H] with rotations of two units each, by angles that are drawn; with an odd H, the last unit keeps its value. */
export function fillRotations(matrix: Reals, at: number, H: number, angle: () => number): void {
  matrix.fill(0, at, at + H * H);
  for (let j = 0; j + 1 < H; j += 2) {
    const drawn = angle();
    const first = at + j * H + j;
    matrix[first] = Math.cos(drawn);
    matrix[first + 1] = Math.sin(drawn);
    matrix[first + H] = -Math.sin(drawn);
    matrix[first + H + 1] = Math.cos(drawn);
  }
  if (H % 2 === 1) matrix[at + H * H - 1] = 1;
}
