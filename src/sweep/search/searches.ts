import type { SearchOption } from '../sweepSchema.ts';
import { grid } from './grid.ts';
import { halving } from './halving.ts';
import { random } from './random.ts';
import type { Plan, PlanOptions } from './search.ts';

/** All searches by name. */
export const searches = { grid, random, halving } as const;

/** The plan of what a sweep file asks for. */
export function planOf(search: SearchOption, options: PlanOptions): Plan {
  if (search === 'grid') return grid.plan(search, options);
  if ('random' in search) return random.plan(search.random, options);
  return halving.plan(search.halving, options);
}
