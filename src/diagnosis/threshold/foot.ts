import { instability, type Tally } from './instability.ts';
import { repetitionSeed, type Stretch, say, stretchPieces } from './replay.ts';
import { learnsMore, outdoneBy, repeated, type Search, type Tried, triedOf } from './threshold.ts';

/** Thresholds lie so many to the octave about the first guess; it is raised and lowered by two of them. */
const toOctave = 4;
const step = 2;
const mostRaised = 4;
const mostLowered = 12;
/** Steps above a threshold that holds, within which trainings tell about the foot of the curve; and below all, within which the answer may lie. */
const near = 2 * toOctave;
/** Each training is held against some with a threshold lower by this much, down to half as much after the answer has been lowered. */
const compared = 8;
const references = 3;
/** Of what those learn it has to learn this share; less than the median of several replays, because one training scatters more. */
const learned = 0.5;
/** A loss this many times another training's on the same sequences is not a matter of the sequences. */
const apart = 2;
/** How far above the answer most trainings should be unstable, and trainings that are asked. */
const far = 4;
const asked = 5;

/** How sure an answer has to be. */
export interface Sureness {
  /** Trainings that all have to be stable with a threshold. */
  readonly trainings: number;
  /** Of these, with the answer itself. */
  readonly ofAnswer: number;
  /** The largest probability of an unstable training. */
  readonly tolerance: number;
  /** No more trainings than that. */
  readonly most: number;
  /** Whether a threshold that holds is raised until one does not, and four times the answer is looked at too. */
  readonly highest: boolean;
}

/** The foot of the curve that leads from stable to unstable trainings. */
export interface Foot {
  readonly threshold: number;
  readonly stretch: Stretch | null;
  /** Probability that a training with it is unstable (`instability`). */
  readonly unstable: number;
  /** All the trainings, by their thresholds, the lowest first. */
  readonly tallies: readonly Tally[];
  /** Those with four times the threshold; null where they were not asked for. */
  readonly above: Tally | null;
}

/**
 * The foot of the curve p(unstable | threshold). From a first guess a threshold is raised in steps until a training is unstable, or lowered
 * until so many on end are stable; from all of them together follows the curve, and from the curve the highest threshold whose p is
 * small, on which some more are trained; what they say is part of the curve again. Each training has another seed.
 *
 * @param note takes in what has been tried, and says whether it is stable.
 */
export function* footPieces(search: Search, first: number, sure: Sureness, note: (tried: Tried) => boolean): Generator<void, Foot> {
  const trials = new Trials(search, first);
  const { tallies } = trials;
  /** Until one is unstable, up to so many with this threshold. */
  function* all(threshold: number, trainings: number): Generator<void, boolean> {
    const before = trials.tally(threshold);
    let whole = true;
    for (let n = before.trainings; whole && n < trainings; n++) whole = yield* trials.stable(threshold);
    const { trainings: made, unstable } = trials.tally(threshold);
    const why = `stable in ${made - unstable} of ${made} ${search.fresh ? 'fresh trainings' : 'further replays'}`;
    const runs = trials.runs(threshold);
    note({
      ...triedOf(threshold, runs, null),
      fresh: search.fresh !== undefined,
      stable: unstable === 0,
      why: whole ? why : `${why}: ${trials.why}`,
    });
    return whole;
  }
  const rung = (n: number) => first * 2 ** (n / toOctave);
  let clean = 0;
  while (!(yield* all(rung(clean), sure.trainings)) && clean > -step * mostLowered) clean -= step;
  const lowered = clean < 0;
  while (sure.highest && !lowered && clean < step * mostRaised && (yield* all(rung(clean + step), sure.trainings))) clean += step;
  let lowest = clean;
  let limit = clean + near;
  for (;;) {
    // What is far above has a curve of its own: networks that are wrecked at once and stay there are quiet again.
    const p = instability([...tallies.values()].filter((tally) => tally.threshold < rung(clean + near + 0.5)));
    let n = limit;
    while (n > lowest - near && p(rung(n)) > sure.tolerance) n--;
    lowest = Math.min(lowest, n);
    const threshold = rung(n);
    const enough = trials.made >= sure.most;
    if (!enough && trials.tally(threshold).trainings < sure.ofAnswer) {
      yield* all(threshold, sure.ofAnswer);
      continue;
    }
    // It has to hold in the replays from before the explosion too, which also say what it costs.
    if (!enough && search.fresh && !note(triedOf(threshold, yield* repeated(search, threshold), null))) {
      limit = n - step;
      continue;
    }
    const above = sure.highest ? yield* trials.count(far * threshold, asked) : null;
    const sorted = [...tallies.values()].sort((a, b) => a.threshold - b.threshold);
    return { threshold, stretch: trials.runs(threshold)[0] ?? null, unstable: p(threshold), tallies: sorted, above };
  }
}

/** Trainings with thresholds, every one with another seed: from new weights where the search draws them, else from its snapshot. */
class Trials {
  readonly #search: Search;
  readonly #runs = new Map<number, Stretch[]>();
  readonly tallies = new Map<number, Tally>();
  #lower: number;
  #references: Stretch[] = [];
  made = 0;
  /** Why the last one that was not stable was not. */
  why = '';

  constructor(search: Search, first: number) {
    this.#search = search;
    this.#lower = first / compared;
  }

  tally(threshold: number): Tally {
    return this.tallies.get(threshold) ?? { threshold, trainings: 0, unstable: 0 };
  }

  runs(threshold: number): readonly Stretch[] {
    return this.#runs.get(threshold) ?? [];
  }

  /** One more training; whether it is stable. */
  *stable(threshold: number): Generator<void, boolean> {
    if (threshold < (compared / 2) * 0.99 * this.#lower) {
      this.#lower = threshold / compared;
      this.#references = [];
    }
    while (this.#references.length < references) this.#references.push(yield* this.#training(this.#lower, this.#references.length));
    const n = references + this.made++;
    const run = yield* this.#training(threshold, n);
    let { fault } = run;
    if (fault === null && back(run) >= 0) fault = comesBack(run, yield* this.#training(this.#lower, n));
    if (fault === null && learnsMore(this.#references, [run], learned)) fault = outdoneBy(this.#references, [run]);
    this.#runs.set(threshold, [...this.runs(threshold), run]);
    const { trainings, unstable } = this.tally(threshold);
    this.tallies.set(threshold, { threshold, trainings: trainings + 1, unstable: unstable + Number(fault !== null) });
    if (fault !== null) this.why = fault;
    return fault === null;
  }

  /** So many trainings, and what they say of the threshold alone. */
  *count(threshold: number, trainings: number): Generator<void, Tally> {
    const before = this.tallies.get(threshold);
    for (let n = before?.trainings ?? 0; n < trainings; n++) yield* this.stable(threshold);
    return this.tally(threshold);
  }

  *#training(globalNorm: number, n: number): Generator<void, Stretch> {
    const { replayed, from, seeds, updates, fresh, freshUpdates = updates, beginning } = this.#search;
    const seed = repetitionSeed(replayed.options.seed, seeds + n);
    const clip = { globalNorm };
    if (!fresh) return yield* stretchPieces(replayed, { clip, seed, from, updates });
    fresh(seed);
    return yield* stretchPieces(replayed, { clip, seed, from: undefined, updates: freshUpdates, beginning });
  }
}

/** The first loss of the second half that is back above where it began; -1 where none is. */
const back = ({ losses, begin }: Stretch, beside?: Stretch): number =>
  losses.findIndex((loss, i) => i >= losses.length >> 1 && loss > begin && (!beside || loss > apart * beside.losses[i]));

/** Both trainings have seen the same sequences at the same update, so that what a hard batch does shows in both. */
function comesBack(run: Stretch, beside: Stretch): string | null {
  const at = back(run, beside);
  return at < 0 ? null : `the loss comes back to ${say(run.losses[at])}, and it began at ${say(run.begin)}`;
}
