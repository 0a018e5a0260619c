import type { Schedule } from './schedule.ts';

/** update / length up to `length` updates, then what `then` says. */
export function warmUp(length: number, then: Schedule): Schedule {
  return (update) => (update < length ? update / length : then(update));
}
