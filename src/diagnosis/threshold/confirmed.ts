import { type Stretch, say, stretchPieces } from './replay.ts';
import { learnsMore, repeated, type Search, type Tried, triedOf } from './threshold.ts';

/** How often it may be lowered because one of them says so. */
const mostLowered = 8;
/** Each is compared with the same training at a threshold lower by this much, down to half as much after the answer has been lowered. */
const compared = 8;
/** A loss this many times the other training's on the same sequences is not a matter of the sequences. */
const apart = 2;

/**
 * Lowers a threshold until it is stable in trainings from new weights, each of which also has to learn what it learns with a far lower one.
 * A threshold is given up with the first that is not stable, and that one is the first to be trained with the next threshold. The last that
 * may be tried is trained in all of them.
 *
 * @param step by which it is lowered.
 * @param note takes in what has been tried, and says whether it is stable.
 */
export function* confirmedPieces(
  search: Search,
  threshold: number,
  step: number,
  note: (tried: Tried) => boolean,
): Generator<void, { threshold: number; stretch: Stretch; confirmed: number }> {
  const { replayed, updates, fresh, freshUpdates = updates, freshSeeds = [], beginning } = search;
  const numbers = [...freshSeeds];
  let lower = threshold / compared;
  const lowerRuns = new Map<number, Stretch>();
  function* training(globalNorm: number, seed: number): Generator<void, Stretch> {
    fresh?.(seed);
    return yield* stretchPieces(replayed, { clip: { globalNorm }, seed, from: undefined, updates: freshUpdates, beginning });
  }
  for (let lowered = 0; ; lowered++, threshold /= step) {
    if (threshold < (compared / 2) * 0.99 * lower) {
      lower = threshold / compared;
      lowerRuns.clear();
    }
    // What new weights have lowered has to hold in the replays too, which also say what it costs.
    if (lowered > 0 && !note(triedOf(threshold, yield* repeated(search, threshold), null)) && lowered < mostLowered) continue;
    const runs: Stretch[] = [];
    let stable = 0;
    let why = '';
    for (const seed of [...numbers]) {
      const run = yield* training(threshold, seed);
      runs.push(run);
      let fault = run.fault;
      if (fault === null) {
        const beside = lowerRuns.get(seed) ?? (yield* training(lower, seed));
        lowerRuns.set(seed, beside);
        fault = comesBack(run, beside);
        if (fault === null && learnsMore([beside], [run])) fault = triedOf(threshold, [run], [beside]).why;
      }
      if (fault === null) {
        stable++;
        continue;
      }
      why ||= fault;
      numbers.splice(numbers.indexOf(seed), 1);
      numbers.unshift(seed);
      if (lowered < mostLowered) break;
    }
    const all = stable === numbers.length;
    const count = `stable in ${stable} of ${runs.length} fresh trainings`;
    note({ ...triedOf(threshold, runs, null), fresh: true, stable: all, why: all ? count : `${count}: ${why}` });
    if (all || lowered === mostLowered) return { threshold, stretch: runs[0], confirmed: stable / runs.length };
  }
}

/**
 * Says if a single loss of the second half is back where it began. Both trainings have seen the same sequences at the same update, so that
 * what a hard batch does shows in both.
 */
function comesBack({ losses, begin }: Stretch, beside: Stretch): string | null {
  const at = losses.findIndex((loss, i) => i >= losses.length >> 1 && loss > begin && loss > apart * beside.losses[i]);
  return at < 0 ? null : `the loss comes back to ${say(losses[at])}, and it began at ${say(begin)}`;
}
