import type { Backend, Reals } from '../../compute/backend.ts';
import type { RowScale } from './rowScale.ts';

/** Norms of dL_/ds_t as the backward pass goes by: for each row t * B + b the squared norm of the mantissas, and their exponent. */
export interface NormRecord {
  readonly squares: Float64Array;
  readonly exponents: Int32Array;
  /** Whether the injection of step t itself counts (the top layer, whose h is read by the loss). */
  readonly afterInjection: boolean;
}

/** Notes the norms of B sequences, whose first row is `first`. */
export function recordNorms(
  backend: Backend,
  { squares, exponents }: NormRecord,
  first: number,
  dStates: readonly Reals[],
  scale: RowScale,
  B: number,
  H: number,
): void {
  for (let b = 0; b < B; b++) {
    let sum = 0;
    for (const state of dStates) sum += backend.sumSquares(state, b * H, H);
    squares[first + b] = sum;
    exponents[first + b] = scale.exponents[b];
  }
}
