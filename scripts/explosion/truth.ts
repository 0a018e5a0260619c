/**
 * The truth about a run, by what became of it. It was written down, as everything in this folder that draws runs, before the runs that judge
 * the detector were drawn, and knows nothing of the detector.
 *
 * A run explodes if a value is not finite, or if the loss of a held-out batch stays above ten times what it was in the beginning for twenty
 * updates on end (or to the end): one that is thrown up by its first steps and comes back at once has not exploded, and has not been quiet
 * either. It is late where that begins at update 100 or after. It does not explode if that loss never passes 1.5 times its beginning, ends below
 * it, and ends with at least half of what it had learned. Everything in between is neither: nothing follows from what a detector says of it.
 */

import type { Watched } from './runs.ts';

export type Outcome = 'explodes at once' | 'explodes late' | 'does not explode' | 'neither';

const wrecked = 10;
const lasting = 20;
const late = 100;
const whole = 1.5;
/** Held-out losses that a level is the median of. */
const level = 30;

/** What became of a run, and the update, from 1, from which on all was lost; null where it never was. */
export function outcomeOf({ heldOut, nonFinite }: Pick<Watched, 'heldOut' | 'nonFinite'>): { outcome: Outcome; wreck: number | null } {
  const wreck = Math.min(wreckOf(heldOut), nonFinite.indexOf(true) < 0 ? Infinity : nonFinite.indexOf(true) + 1);
  if (wreck < Infinity) return { outcome: wreck < late ? 'explodes at once' : 'explodes late', wreck };
  const [begin] = heldOut;
  const levels = Array.from({ length: Math.floor(heldOut.length / level) }, (_, i) => median(heldOut.slice(i * level, (i + 1) * level)));
  const lowest = Math.min(...levels);
  const end = median(heldOut.slice(-level));
  const kept = end <= begin && end - lowest <= 0.5 * (begin - lowest);
  return { outcome: kept && heldOut.every((loss) => loss <= whole * begin) ? 'does not explode' : 'neither', wreck: null };
}

/** The update from which on the held-out loss is ten times its beginning or more for twenty updates on end, or to the end; Infinity if none. */
function wreckOf(heldOut: readonly number[]): number {
  let since = 0;
  for (const [i, loss] of heldOut.entries()) {
    if (loss <= wrecked * heldOut[0]) since = i + 1;
    else if (i + 1 - since >= lasting) return since + 1;
  }
  return since < heldOut.length ? since + 1 : Infinity;
}

export const explodes = (outcome: Outcome) => outcome === 'explodes at once' || outcome === 'explodes late';

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
