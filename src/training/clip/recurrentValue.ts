import { stateLimit } from '../../network/unroll/stateWatch.ts';
import { type Clip, unbound } from './clip.ts';

/**
 * Every number of dL/ds_t is limited to [-threshold, threshold], for each sequence and layer at every step of the backward pass, as
 * `recurrentNorm` does it with the norm (Mikolov 2012, section 3.2.2, and Graves 2013, arXiv 1308.0850, section 2.1, limit numbers
 * on the recurrent path likewise).
 */
export function recurrentValue(threshold: number): Clip {
  return Object.assign(() => unbound, { recurrent: stateLimit('value', threshold) });
}
