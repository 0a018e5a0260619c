import type { Schedule } from './schedule.ts';

/**
 * From 1 at the update after `begin` along half a cosine towards `minimum`, which the update after `end` would have: every update
 * moves the weights (Loshchilov & Hutter 2017, arXiv 1608.03983, equation 5, T_cur counted from 0).
 */
export function cosine(begin: number, end: number, minimum: number): Schedule {
  return (update) => {
    const progress = Math.min(1, Math.max(0, (update - 1 - begin) / Math.max(1, end - begin)));
    return minimum + ((1 - minimum) * (1 + Math.cos(Math.PI * progress))) / 2;
  };
}
