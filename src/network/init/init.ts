import type { Reals } from '../../compute/backend.ts';
import type { Random } from '../../compute/random.ts';

/** Fills one square block [H, H] of a recurrent matrix, from index `at`. */
export type SquareInit = (matrix: Reals, at: number, H: number, random: Random) => void;

/** How the recurrent matrix starts, per gate block. */
export type RecurrentInit =
  | 'default'
  | 'glorot'
  | 'orthogonal'
  | 'identity'
  | 'henaff'
  | 'cayley'
  | { readonly gaussian: number }
  | { readonly orthogonal: number };

/** Those that are orthogonal matrices, from which a recurrent matrix can start that stays one. */
export const orthogonalInits = ['orthogonal', 'identity', 'henaff', 'cayley'] as const;

/** Those that are meant to carry a state unchanged from the first step on: the biases start at 0, so that nothing is added to it. */
export const keepingInits: readonly RecurrentInit[] = ['identity', 'henaff', 'cayley'];
