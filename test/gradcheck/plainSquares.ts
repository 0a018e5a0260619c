/** Small square matrices [H, H] in plain loops, for the tests alone: the maps of `network/orthogonal/` by other algorithms. */

import type { OrthogonalMapName } from '../../src/network/orthogonal/orthogonal.ts';

export type Square = Float64Array;

function made(H: number, at: (i: number, j: number) => number): Square {
  return Float64Array.from({ length: H * H }, (_, index) => at(Math.floor(index / H), index % H));
}

function sum(H: number, term: (k: number) => number): number {
  let total = 0;
  for (let k = 0; k < H; k++) total += term(k);
  return total;
}

const unit = (H: number) => made(H, (i, j) => (i === j ? 1 : 0));
const transposed = (X: Square, H: number) => made(H, (i, j) => X[j * H + i]);

/** X Y */
export const applied = (X: Square, Y: Square, H: number): Square => made(H, (i, j) => sum(H, (k) => X[i * H + k] * Y[k * H + j]));

/** Xᵀ Y */
export const transposedTimes = (X: Square, Y: Square, H: number): Square => applied(transposed(X, H), Y, H);

/** X⁻¹ by Gauss and Jordan, the largest pivot of each column first. */
function inverse(X: Square, H: number): Square {
  const rows = Array.from({ length: H }, (_, i) => [...X.subarray(i * H, (i + 1) * H), ...unit(H).subarray(i * H, (i + 1) * H)]);
  for (let column = 0; column < H; column++) {
    let pivot = column;
    for (let i = column; i < H; i++) if (Math.abs(rows[i][column]) > Math.abs(rows[pivot][column])) pivot = i;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    const scale = rows[column][column];
    rows[column] = rows[column].map((each) => each / scale);
    for (let i = 0; i < H; i++) {
      if (i === column) continue;
      const factor = rows[i][column];
      rows[i] = rows[i].map((each, j) => each - factor * rows[column][j]);
    }
  }
  return made(H, (i, j) => rows[i][H + j]);
}

/** f(A) of each map, for a small skew-symmetric A. */
export const turnedBy: Readonly<Record<OrthogonalMapName, (A: Square, H: number) => Square>> = {
  /** The series, to its 30th term. */
  exponential(A, H) {
    let term = unit(H);
    let total = unit(H);
    for (let n = 1; n <= 30; n++) {
      term = applied(term, A, H).map((each) => each / n);
      total = total.map((each, index) => each + term[index]);
    }
    return total;
  },
  /** (I - A/2)⁻¹ (I + A/2) */
  cayley(A, H) {
    const [minus, plus] = [-0.5, 0.5].map((factor) => unit(H).map((each, index) => each + factor * A[index]));
    return applied(inverse(minus, H), plus, H);
  },
  /** The polar factor of I + A, by Y <- (Y + Y⁻ᵀ) / 2. */
  polar(A, H) {
    let Y = unit(H).map((each, index) => each + A[index]);
    for (let n = 0; n < 12; n++) {
      const other = transposed(inverse(Y, H), H);
      Y = Y.map((each, index) => (each + other[index]) / 2);
    }
    return Y;
  },
};
