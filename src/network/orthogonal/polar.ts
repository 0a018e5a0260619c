import type { OrthogonalMap } from './orthogonal.ts';

/**
 * The step W + W A along the tangent, brought back to the nearest orthogonal matrix: f(A) = (I + A)(I + AᵀA)^(-1/2), the orthogonal
 * factor of the polar decomposition (Absil, Mahony & Sepulchre 2008, "Optimization algorithms on matrix manifolds", example 4.1.3).
 * It agrees with the exponential up to A², and costs one product and two for each Newton step.
 */
export const polar: OrthogonalMap = {
  name: 'polar',
  move(squares, W, A, _bound, to) {
    squares.moved(W, A, to);
    squares.orthonormalize(to);
  },
};
