import type { OrthogonalMap } from './orthogonal.ts';

/** Newton steps for the inverse; with a norm of a million there are 45. */
const mostSteps = 120;

/**
 * The Cayley transform, f(A) = (I - A/2)⁻¹ (I + A/2): a rational function in place of the exponential, with which it agrees up to A²
 * (Cayley 1846; for recurrent networks Helfrich, Willmott & Ye 2018, arXiv 1707.09520, section 3). With X = A/2,
 *
 *     f(A) - I = (I - X)⁻¹ A
 *
 * and the inverse comes from Newton's iteration Z <- Z (2 I - (I - X) Z) (Schulz 1933), from c (I + X): (I - X)(I + X) = I + XᵀX has
 * eigenvalues between 1 and 1 + ‖X‖², so that with c = 2 / (2 + ‖X‖²) the residual is ‖X‖² / (2 + ‖X‖²) < 1 at first, whatever A is, and
 * is squared by each step.
 */
export const cayley: OrthogonalMap = {
  name: 'cayley',
  move(squares, W, A, bound, to) {
    const { H, scratch, roundoff } = squares;
    const [inverse, product, next] = scratch;
    const square = (bound / 2) ** 2;
    const c = 2 / (2 + square);
    for (let i = 0; i < H * H; i++) inverse[i] = (c / 2) * A[i];
    for (let j = 0; j < H; j++) inverse[j * H + j] += c;
    let residual = square / (2 + square);
    for (let step = 0; residual > roundoff && step < mostSteps; step++) {
      // 2 I - (I - X) Z = 2 I - Z + X Z.
      squares.product(A, inverse, product);
      for (let i = 0; i < H * H; i++) product[i] = product[i] / 2 - inverse[i];
      for (let j = 0; j < H; j++) product[j * H + j] += 2;
      squares.product(inverse, product, next);
      inverse.set(next);
      residual *= residual;
    }
    squares.product(inverse, A, next);
    squares.moved(W, next, to);
    squares.orthonormalize(to);
  },
};
