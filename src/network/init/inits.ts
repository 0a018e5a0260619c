import { gaussian } from './gaussian.ts';
import { identity } from './identity.ts';
import type { RecurrentInit, SquareInit } from './init.ts';
import { orthogonal } from './orthogonal.ts';
import { uniform } from './uniform.ts';

/** The initialisation that an experiment's `recurrentInit` names. */
export function recurrentInit(choice: RecurrentInit): SquareInit {
  if (choice === 'default') return (matrix, at, H, random) => uniform(matrix, at, H * H, 1 / Math.sqrt(H), random);
  if (choice === 'orthogonal') return orthogonal(1);
  if (choice === 'identity') return identity;
  if ('gaussian' in choice) return gaussian(choice.gaussian);
  return orthogonal(choice.orthogonal);
}
