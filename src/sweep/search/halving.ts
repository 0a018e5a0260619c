import { ThroughtimeError } from '../../errors.ts';
import type { SearchOption } from '../sweepSchema.ts';
import { combination, gridSize } from './grid.ts';
import { defaultSeed, drawnSettings } from './random.ts';
import type { Rung, Search } from './search.ts';

type HalvingOption = Extract<SearchOption, { halving: unknown }>['halving'];

/**
 * Successive halving (Jamieson & Talwalkar 2016, section 3): as many settings as the budget allows are trained for a few updates, one in `factor` goes on for
 * `factor` times as many, and so on to the end. They are ranked by their mean loss over the seeds. Where the axes have no more combinations than the budget
 * allows, those are the settings; otherwise they are drawn.
 */
export const halving: Search<HalvingOption> = {
  name: 'halving',
  plan({ start, factor, budget, seed = defaultSeed }, { axes, seeds, updates }) {
    const refuse = (field: string, sentence: string): never => {
      throw new ThroughtimeError('EXPERIMENT_INVALID', sentence, { field });
    };
    const own = axes.find(({ field }) => field === 'training' || field === 'training.updates');
    if (own) refuse(`axes.${own.field}`, 'cannot be an axis of successive halving, which says itself how many updates are made; remove it');
    if (start >= updates) refuse('search.halving.start', `must be below the ${updates} updates of a whole training, got ${start}`);
    if (costOf(1, start, factor, updates) * seeds > budget) {
      const each = seeds > 1 ? `${seeds} trainings of ${updates} updates` : `one training of ${updates} updates`;
      refuse('search.halving.budget', `must allow ${each} at least, got ${budget}; give ${seeds * updates} or more`);
    }
    let [most, tooMany] = [1, 2];
    while (costOf(tooMany, start, factor, updates) * seeds <= budget) [most, tooMany] = [tooMany, 2 * tooMany];
    while (tooMany - most > 1) {
      const middle = Math.floor((most + tooMany) / 2);
      if (costOf(middle, start, factor, updates) * seeds <= budget) most = middle;
      else tooMany = middle;
    }
    const size = gridSize(axes);
    const whole = size !== null && size <= most;
    const settings = whole ? size : most;
    return {
      settings,
      setting: whole ? (index) => combination(axes, index) : drawnSettings(axes, seed, settings),
      rungs: rungsOf(settings, start, factor, updates),
    };
  },
};

/** The choices that are made of so many settings. */
function rungsOf(settings: number, start: number, factor: number, updates: number): Rung[] {
  const rungs: Rung[] = [];
  let left = settings;
  for (let at = start; at < updates; at *= factor) {
    left = Math.max(1, Math.floor(left / factor));
    rungs.push({ updates: at, keep: left });
  }
  return rungs;
}

/** Updates that so many settings take with one seed. */
function costOf(settings: number, start: number, factor: number, updates: number): number {
  let [cost, left, before] = [0, settings, 0];
  for (const { updates: at, keep } of rungsOf(settings, start, factor, updates)) {
    cost += left * (at - before);
    [left, before] = [keep, at];
  }
  return cost + left * (updates - before);
}
