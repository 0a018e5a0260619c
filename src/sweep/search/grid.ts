import { ThroughtimeError } from '../../errors.ts';
import { countOf, type NamedAxis, valueAt } from '../axes.ts';
import type { Setting } from '../trialEvents.ts';
import type { Search } from './search.ts';

/** All combinations of the axes' values; the last axis changes fastest. */
export const grid: Search<'grid'> = {
  name: 'grid',
  plan(_, { axes }) {
    for (const named of axes) {
      if (countOf(named) !== null) continue;
      const sentence = 'is a range without "count", of which a grid does not know the values; give "count", or a search that draws';
      throw new ThroughtimeError('EXPERIMENT_INVALID', sentence, { field: `axes.${named.field}` });
    }
    const settings = gridSize(axes) as number;
    if (Number.isSafeInteger(settings)) return { settings, setting: (index) => combination(axes, index), rungs: [] };
    const sentence = `have ${settings} combinations, which is more than can be counted; take a search that draws`;
    throw new ThroughtimeError('EXPERIMENT_INVALID', sentence, { field: 'axes' });
  },
};

/** Combinations of the axes' values; null where one is a range of which any number may be drawn. */
export function gridSize(axes: readonly NamedAxis[]): number | null {
  let size = 1;
  for (const named of axes) {
    const count = countOf(named);
    if (count === null) return null;
    size *= count;
  }
  return size;
}

/** Combination `index` of the axes' values, in mixed radix. */
export function combination(axes: readonly NamedAxis[], index: number): Setting {
  const values: unknown[] = [];
  let rest = index;
  for (const named of axes.toReversed()) {
    const count = countOf(named) as number;
    values.unshift(valueAt(named, rest % count));
    rest = Math.floor(rest / count);
  }
  return Object.fromEntries(axes.map(({ field }, which) => [field, values[which]]));
}
