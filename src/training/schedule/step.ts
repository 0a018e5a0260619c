import type { Schedule } from './schedule.ts';

/** factor^n after n times `every` updates. */
export function step(every: number, factor: number): Schedule {
  return (update) => factor ** Math.floor((update - 1) / every);
}
