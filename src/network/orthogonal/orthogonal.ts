import type { Reals } from '../../compute/backend.ts';
import type { Squares } from './squares.ts';

/** How an orthogonal matrix goes on to the next one; the files beside this one. */
export type OrthogonalMapName = 'exponential' | 'cayley' | 'polar';

/** `true`, or what is different from the defaults. */
export type OrthogonalOption = boolean | { readonly by?: OrthogonalMapName; readonly learningRate?: number };

/**
 * A way from one orthogonal matrix W to another. Around W every orthogonal matrix near it is W f(A) for a skew-symmetric A, its
 * parameters being the H (H - 1) / 2 numbers of A above the diagonal. Of each f here,
 *
 *     f(A)ᵀ f(A) = I for every A = -Aᵀ        f(0) = I        df(A)/dA at 0 = identity
 *
 * so that the gradient by the parameters, at A = 0, is the same for all: dL/dA = Wᵀ G - Gᵀ W with G = dL/dW. After every update the
 * matrix it led to is where the next one starts from (a dynamic trivialization; Lezcano-Casado 2019, arXiv 1909.09501, section 5).
 */
export interface OrthogonalMap {
  readonly name: OrthogonalMapName;
  /**
   * Writes W f(A) to `to`, orthogonal to the rounding of the backend.
   *
   * @param bound at least ‖A‖₂, and finite.
   */
  move(squares: Squares, W: Reals, A: Reals, bound: number, to: Reals): void;
}
