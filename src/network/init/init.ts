import type { Reals } from '../../compute/backend.ts';
import type { Random } from '../../compute/random.ts';

/** Fills one square block [H, H] of a recurrent matrix, from index `at`. */
export type SquareInit = (matrix: Reals, at: number, H: number, random: Random) => void;

/** How the recurrent matrix starts, per gate block. */
export type RecurrentInit = 'default' | 'orthogonal' | 'identity' | { readonly gaussian: number } | { readonly orthogonal: number };
