/** What the rules that draw set-ups have in common: choices with equal chances, and the learning rate at which a training explodes. */

import type { Backend } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import type { TrainingOptions } from '../../src/training/options.ts';
import { type SetUp, watch } from './runs.ts';

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

/**
 * The first of from · ratioⁿ at which trainings without a clip explode with each of three seeds: a value is not finite, or the held-out
 * loss passes ten times its beginning. Null where none up to 1000 does.
 */
export async function explodingRate(backend: Backend, { optimizer, ...rest }: Draft, from: number, ratio: number): Promise<number | null> {
  for (let learningRate = from; learningRate <= last; learningRate *= ratio) {
    const training = { optimizer, learningRate: Number(learningRate.toPrecision(3)) };
    let exploded = 0;
    for (const seed of seeds) {
      const { heldOut, nonFinite } = await watch(backend, { ...rest, training }, seed);
      if (!nonFinite.some((each) => each) && heldOut.every((loss) => loss <= 10 * heldOut[0])) break;
      exploded++;
    }
    if (exploded === seeds.length) return training.learningRate;
  }
  return null;
}
