import { Random, seedFor } from '../../compute/random.ts';
import { ThroughtimeError } from '../../errors.ts';
import { drawn, type NamedAxis } from '../axes.ts';
import type { SearchOption } from '../sweepSchema.ts';
import type { Setting } from '../trialEvents.ts';
import { combination, gridSize } from './grid.ts';
import type { Search } from './search.ts';

type RandomOption = Extract<SearchOption, { random: unknown }>['random'];

/** The seed of what is drawn, where none is given. */
export const defaultSeed = 1;

/** Settings that are drawn, each for itself (Bergstra & Bengio 2012). */
export const random: Search<RandomOption> = {
  name: 'random',
  plan({ trials, seed = defaultSeed }, { axes, seeds }) {
    if (trials % seeds !== 0) {
      const sentence = `must be a multiple of the ${seeds} seeds that each setting is trained with, got ${trials}; give ${seeds * Math.ceil(trials / seeds)}`;
      throw new ThroughtimeError('EXPERIMENT_INVALID', sentence, { field: 'search.random.trials' });
    }
    const settings = trials / seeds;
    const size = gridSize(axes);
    if (size !== null && settings > size) {
      const sentence = `asks for ${settings} settings${seeds > 1 ? ` with ${seeds} seeds` : ''}, and the axes have ${size}; take "grid", or fewer trials`;
      throw new ThroughtimeError('EXPERIMENT_INVALID', sentence, { field: 'search.random.trials' });
    }
    return { settings, setting: drawnSettings(axes, seed, settings), rungs: [] };
  },
};

/** Combinations up to which none is drawn twice. */
const mostListed = 1e6;

/**
 * Settings that a seed draws, each for itself and depending on the seed and its index alone; of axes that have few enough combinations, none twice.
 *
 * @param count of them, at most all combinations of the axes.
 */
export function drawnSettings(axes: readonly NamedAxis[], seed: number, count: number): (index: number) => Setting {
  const size = gridSize(axes);
  if (size !== null && size <= mostListed) {
    if (count > size) throw new Error(`${count} of ${size} combinations cannot be drawn`);
    const order = Uint32Array.from({ length: size }, (_, index) => index);
    new Random(seedFor(seed, 'settings')).shuffle(order);
    return (index) => combination(axes, order[index]);
  }
  return (index) => {
    const source = new Random(seedFor(seed, `setting ${index}`));
    return Object.fromEntries(axes.map((named) => [named.field, drawn(named, source)]));
  };
}
