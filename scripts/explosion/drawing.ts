/** What the rules that draw set-ups have in common: choices with equal chances, and the learning rate at which a training explodes. */

import type { Backend } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import type { TrainingOptions } from '../../src/training/options.ts';
import { type SetUp, watch } from './runs.ts';
import { explodes, outcomeOf } from './truth.ts';

/** A set-up without its learning rate. */
export interface Draft extends Omit<SetUp, 'training'> {
  readonly optimizer: TrainingOptions['optimizer'];
}

/** Gives one of several things, each as likely as the others. */
export function chooser(seed: number): <T>(...choices: readonly T[]) => T {
  const random = new Random(seed);
  return (...choices) => choices[random.below(choices.length)];
}

/** No rate above this is tried. */
const last = 1000;
/** They all have to explode. */
const seeds = [901, 902, 903];

/** Whether a training without a clip explodes (`truth.ts`) with each of three seeds. A run ends as soon as that is known. */
async function allExplode(backend: Backend, { optimizer, ...rest }: Draft, learningRate: number): Promise<boolean> {
  for (const seed of seeds) {
    const watched = await watch(backend, { ...rest, training: { optimizer, learningRate } }, seed, {
      held: 16,
      enough: ({ heldOut, nonFinite }) =>
        nonFinite.at(-1) === true || heldOut.slice(-20).filter((loss) => !(loss <= 10 * heldOut[0])).length === 20,
    });
    if (!explodes(outcomeOf(watched).outcome)) return false;
  }
  return true;
}

/** The first of from · ratioⁿ up to 1000 at which a training explodes with each of three seeds; null where none does. */
export async function explodingRate(backend: Backend, draft: Draft, from: number, ratio: number): Promise<number | null> {
  for (let rate = from; rate <= last; rate *= ratio) {
    const learningRate = Number(rate.toPrecision(3));
    if (await allExplode(backend, draft, learningRate)) return learningRate;
  }
  return null;
}

/** The last of 256 / 4ⁿ at which a training explodes with each of three seeds, as it does at all those before; null where 256 is none. */
export async function lowestExplodingRate(backend: Backend, draft: Draft): Promise<number | null> {
  let found: number | null = null;
  for (let rate = 256; rate > 1e-9; rate /= 4) {
    const learningRate = Number(rate.toPrecision(3));
    if (!(await allExplode(backend, draft, learningRate))) break;
    found = learningRate;
  }
  return found;
}
