import type { Trainer } from '../../training/trainer.ts';
import { say } from './replay.ts';
import { type Found, thresholdPieces } from './threshold.ts';

/** Repetitions of a replay, and updates of each beyond the explosion, as far as the training has so many left. */
const seeds = 3;
const beyond = 400;
/** Further replays that the highest of them has to hold in; nobody waits for how high exactly that is. */
const sure = { trainings: 8, ofAnswer: 4, tolerance: 0.1, most: 24, highest: false };
/** Of the highest threshold that holds in the replays, this share is taken: what comes after them is not known. */
const margin = 0.5;

/**
 * Chooses the threshold that a training with `clip: "auto"` waits for, and takes the training back to before the explosion: half of what
 * holds in replays from there, because what comes after them is not known. Where none holds, the lowest that was tried; where
 * the training comes through without any, it goes on without.
 */
export function chooseThreshold(trainer: Trainer): Found {
  const pieces = choosePieces(trainer);
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
  }
}

/** The same in pieces of an update each; where nobody asks for the last one, the training goes on waiting as it did before. */
export function* choosePieces(trainer: Trainer): Generator<void, Found> {
  const { network, dataset, options, update } = trainer;
  const from = trainer.snapshots.before(update);
  if (!from) throw new RangeError('a training that waits has made an update');
  const present = { values: network.parameters.values.slice() };
  let found: Found | undefined;
  try {
    const updates = update - from.cursor.update + beyond;
    found = yield* thresholdPieces({ replayed: { network, dataset, options }, from, seeds, updates, sure });
  } finally {
    network.parameters.values.set(present.values);
    network.changed();
  }
  const tried = found.tried.flatMap(({ threshold }) => threshold ?? []);
  const chosen = found.explodes ? (found.threshold ? margin * found.threshold : Math.min(...tried)) : null;
  trainer.choose(chosen, because(found, chosen, from.cursor.update));
  return found;
}

function because({ threshold, tried, foot }: Found, chosen: number | null, update: number): string {
  if (chosen === null) return `${seeds} replays from update ${update} came through without a clip`;
  const thresholds = new Set(tried.map((each) => each.threshold)).size - 1;
  const replays = `replays from update ${update} with ${thresholds} thresholds`;
  if (threshold === null || foot === null) return `in ${replays}, none was stable; ${say(chosen)} is the lowest`;
  const further = foot.tallies.reduce((sum, { trainings }) => sum + trainings, 0);
  return `in ${replays}, ${further} of them to make sure, ${say(threshold)} held, and half of it is taken`;
}
