import { cayley } from './cayley.ts';
import { gaussian } from './gaussian.ts';
import { glorot } from './glorot.ts';
import { henaff } from './henaff.ts';
import { identity } from './identity.ts';
import type { RecurrentInit, SquareInit } from './init.ts';
import { orthogonal } from './orthogonal.ts';
import { uniform } from './uniform.ts';

const named: Readonly<Record<Extract<RecurrentInit, string>, SquareInit>> = {
  default: (matrix, at, H, random) => uniform(matrix, at, H * H, 1 / Math.sqrt(H), random),
  glorot,
  orthogonal: orthogonal(1),
  identity,
  henaff,
  cayley,
};

/** The initialisation that an experiment's `recurrentInit` names. */
export function recurrentInit(choice: RecurrentInit): SquareInit {
  if (typeof choice === 'string') return named[choice];
  if ('gaussian' in choice) return gaussian(choice.gaussian);
  return orthogonal(choice.orthogonal);
}
