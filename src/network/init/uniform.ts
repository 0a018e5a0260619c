import type { Reals } from '../../compute/backend.ts';
import type { Random } from '../../compute/random.ts';

/** Fills `length` elements uniformly from [-bound, bound). */
export function uniform(x: Reals, at: number, length: number, bound: number, random: Random): void {
  for (let i = 0; i < length; i++) x[at + i] = bound * (2 * random.uniform() - 1);
}
