import { stateLimit } from '../../network/unroll/stateWatch.ts';
import { type Clip, unbound } from './clip.ts';

/**
 * dL/ds_t <- threshold / ‖dL/ds_t‖ * dL/ds_t where ‖dL/ds_t‖ > threshold, for each sequence and layer at every step of the backward
 * pass, s_t being h, or h and c as one vector. The recurrent path alone is bounded: what grows from step to step, before it
 * reaches a weight gradient (`network/unroll/stateWatch.ts`).
 */
export function recurrentNorm(threshold: number): Clip {
  return Object.assign(() => unbound, { recurrent: stateLimit('norm', threshold) });
}
