import { existsSync } from 'node:fs';
import path from 'node:path';
import { eachTrialEvent } from './sweepDirectory.ts';
import type { TrialEvent } from './trialEvents.ts';

/**
 * Says why trials of sweeps have not come to the end of their training, where their sweep knows it: left out by successive halving, or failed.
 *
 * @returns a function of a run directory; undefined for one that belongs to no sweep, or of which that says nothing. Each sweep is read once.
 * @throws SWEEP_INVALID for a trials.jsonl that is damaged.
 */
export function trialEnds(): (run: string) => string | undefined {
  const sweeps = new Map<string, Map<string, TrialEvent>>();
  const endsOf = (sweep: string) => {
    const known = sweeps.get(sweep);
    if (known) return known;
    const ends = new Map<string, TrialEvent>();
    const file = path.join(sweep, 'trials.jsonl');
    if (existsSync(file)) eachTrialEvent(file, (event) => ends.set(path.resolve(sweep, event.run), event));
    sweeps.set(sweep, ends);
    return ends;
  };
  return (run) => {
    const folder = path.resolve(run);
    const event = endsOf(path.dirname(path.dirname(folder))).get(folder);
    if (event?.event === 'left-out') return `was left out by successive halving after ${event.updates} updates`;
    if (event?.event === 'failed' && !event.again) return `failed in its sweep: ${event.because}`;
    return undefined;
  };
}
