import type { Schedule } from './schedule.ts';

/** From 1 at update `begin` along half a cosine to `minimum` at update `end` (Loshchilov & Hutter 2017, arXiv 1608.03983, equation 5). */
export function cosine(begin: number, end: number, minimum: number): Schedule {
  return (update) => {
    const progress = Math.min(1, Math.max(0, (update - begin) / Math.max(1, end - begin)));
    return minimum + ((1 - minimum) * (1 + Math.cos(Math.PI * progress))) / 2;
  };
}
