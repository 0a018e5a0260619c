import type { Reals } from '../../compute/backend.ts';
import type { Random } from '../../compute/random.ts';
import { gaussian } from './gaussian.ts';
import { identity } from './identity.ts';
import { orthogonal } from './orthogonal.ts';
import { uniform } from './uniform.ts';

/** Fills one square block [H, H] of a recurrent matrix, from index `at`. */
export type SquareInit = (matrix: Reals, at: number, H: number, random: Random) => void;

/** How the recurrent matrix starts, per gate block. */
export type RecurrentInit = 'default' | 'orthogonal' | 'identity' | { readonly gaussian: number } | { readonly orthogonal: number };

/** The initialisation that an experiment's `recurrentInit` names. */
export function recurrentInit(choice: RecurrentInit): SquareInit {
  if (choice === 'default') return (matrix, at, H, random) => uniform(matrix, at, H * H, 1 / Math.sqrt(H), random);
  if (choice === 'orthogonal') return orthogonal(1);
  if (choice === 'identity') return identity;
  if ('gaussian' in choice) return gaussian(choice.gaussian);
  return orthogonal(choice.orthogonal);
}
