import type { Snapshot } from '../../training/guard/snapshots.ts';
import { type Foot, footPieces, type Sureness } from './foot.ts';
import { median, type Replayed, repetitionSeed, type Stretch, say, stretchPieces } from './replay.ts';

/** From one threshold to the next on the way down, before the bracket is narrowed. */
const stride = 4;
/** So much farther down a threshold still has to learn no more. */
const farther = 16;
/** The bracket is narrowed to this ratio. */
const resolution = 2;
/** Below this share of the smallest norm there is nothing to be found. */
const lowest = 1e-4;
/** A threshold has to learn this share of what a lower one learns: of the way that the loss goes down. */
const learned = 0.75;

/** A threshold that was tried, from a snapshot or, `fresh`, from new weights. */
export interface Tried {
  /** Of the global norm; null: none. */
  readonly threshold: number | null;
  readonly fresh: boolean;
  readonly stable: boolean;
  /** One plain sentence fragment. */
  readonly why: string;
  /** Median over the seeds of the loss at the end, where it was finite; what a lower threshold costs. */
  readonly loss: number | null;
  readonly clippedFraction: number;
}

/** What the search found. */
export interface Found {
  /** The highest one that is stable; null where none is needed, or where none that was tried is. */
  readonly threshold: number | null;
  /** Whether the training explodes without a clip. */
  readonly explodes: boolean;
  readonly tried: readonly Tried[];
  /** The lowest threshold that is not stable; null where only "none" is not. */
  readonly unstable: number | null;
  /** One training with the threshold (or without, where none is needed). */
  readonly stretch: Stretch | null;
  /** What further trainings say; null where there was no threshold to train with. */
  readonly foot: Foot | null;
}

export interface Search {
  readonly replayed: Replayed;
  /** Where the replays begin; the network as it is where there is none. */
  readonly from: Snapshot | undefined;
  /** Repetitions with other orders of the sequences, and updates of each. */
  readonly seeds: number;
  readonly updates: number;
  /** Of the answer. */
  readonly sure: Sureness;
  /** Draws new weights; where it is given, the answer comes from trainings of `freshUpdates` from there, else from further replays. */
  readonly fresh?: (seed: number) => void;
  readonly freshUpdates?: number;
  /** Where the loss begins with new weights; the replays are measured against it too where they begin there. */
  readonly beginning?: number;
  /** Told of each threshold that has been tried. */
  readonly told?: (tried: Tried) => void;
}

/**
 * The highest threshold of the global norm that overcomes an explosion (Pascanu, Mikolov & Bengio 2013, section 3.2, take a share of the
 * average norm; here it is searched for): replays from before the explosion, on a logarithmic scale down to the first threshold that is
 * stable with every seed, as all that are tried below it; then halving the logarithm between it and the lowest one that is not; then the
 * foot of the curve on which trainings become unstable (`footPieces`). One that a lower threshold learns far more than has not overcome
 * anything: a network whose units the explosion has killed is quiet too.
 *
 * Whoever asks for the next piece may do something else in between, or ask no more. The network is left as the last replay made it.
 */
export function* thresholdPieces(search: Search): Generator<void, Found> {
  const tried: Tried[] = [];
  const note = (each: Tried): boolean => {
    tried.push(each);
    search.told?.(each);
    return each.stable;
  };
  const none = yield* repeated(search, null);
  if (note(triedOf(null, none, null))) {
    return { threshold: null, explodes: false, tried, unstable: null, stretch: none[0], foot: null };
  }
  const [smallest, largest] = reach(none);
  let high: number | null = null;
  let stable: { threshold: number; runs: Stretch[] }[] = [];
  // Down in strides, until a threshold is stable with all below it, and far below it no more is learned.
  for (let threshold = largest; threshold > lowest * smallest; threshold /= stride) {
    const runs = yield* repeated(search, threshold);
    if (!note(triedOf(threshold, runs, null))) {
      // What was stable above it was so by accident: a network that is wrecked at once and stays there is quiet too.
      high = threshold;
      stable = [];
      continue;
    }
    while (stable.length > 0 && learnsMore(runs, stable[0].runs)) high = (stable.shift() as { threshold: number }).threshold;
    stable.push({ threshold, runs });
    if (stable[0].threshold > farther * 0.99 * threshold) break;
  }
  const low = stable[0];
  if (!low) return { threshold: null, explodes: true, tried, unstable: high, stretch: null, foot: null };
  let found = low;
  while (high !== null && high / found.threshold > resolution * 1.01) {
    const threshold: number = Math.sqrt(high * found.threshold);
    const runs = yield* repeated(search, threshold);
    if (note(triedOf(threshold, runs, found.runs))) found = { threshold, runs };
    else high = threshold;
  }
  const foot = yield* footPieces(search, found.threshold, search.sure, note);
  const { threshold } = foot;
  return { explodes: true, tried, threshold, stretch: foot.stretch ?? found.runs[0], foot, unstable: lowestUnstable(tried, threshold) };
}

function lowestUnstable(tried: readonly Tried[], above: number): number | null {
  const unstable = tried.flatMap(({ stable, threshold }) => (!stable && threshold !== null && threshold > above ? threshold : []));
  return unstable.length === 0 ? null : Math.min(...unstable);
}

/** The stretches of all seeds, up to the first that is not stable. Without a clip, a sign of an explosion is enough. */
export function* repeated({ replayed, from, seeds, updates, beginning }: Search, threshold: number | null): Generator<void, Stretch[]> {
  const clip = threshold === null ? 'none' : { globalNorm: threshold };
  const runs: Stretch[] = [];
  for (let n = 0; n < seeds; n++) {
    if (!from) throw new RangeError('replays begin at a snapshot');
    const seed = repetitionSeed(replayed.options.seed, n);
    runs.push(yield* stretchPieces(replayed, { clip, seed, from, updates, beginning: from.cursor.update === 0 ? beginning : 0 }));
    if (wrong(runs[n], threshold) !== null) break;
  }
  return runs;
}

const wrong = ({ sign, fault }: Stretch, threshold: number | null) => fault ?? (threshold === null ? (sign?.because ?? null) : null);

/** The smallest and the largest norm up to where a training is wrecked: a threshold above the latter bounds nothing in time. */
function reach(runs: readonly Stretch[]): [number, number] {
  const norms = runs.flatMap((run) => Array.from(run.norms.slice(0, (run.sign?.at ?? run.norms.length) + 1)));
  const finite = norms.filter((norm) => Number.isFinite(norm) && norm > 0);
  return finite.length === 0 ? [1, 1] : [Math.min(...finite), Math.max(...finite)];
}

/** Whether some runs learn far more than others, beyond the noise of their losses: those learn less than a share of what these do. */
export function learnsMore(runs: readonly Stretch[], others: readonly Stretch[], share = learned): boolean {
  const begin = median([...runs, ...others].map((run) => run.begin));
  const beyond = lossOf(others) - lossOf(runs) > median(runs.map(({ spread }) => spread));
  return beyond && begin - lossOf(others) < share * (begin - lossOf(runs));
}

const lossOf = (runs: readonly Stretch[]) => median(runs.map(({ loss }) => loss));

export const outdoneBy = (lower: readonly Stretch[], runs: readonly Stretch[]): string =>
  `a lower threshold learns more: the loss ends at ${say(lossOf(runs))}, and there at ${say(lossOf(lower))}`;

export function triedOf(threshold: number | null, runs: readonly Stretch[], lower: readonly Stretch[] | null): Tried {
  const fault = runs.map((run) => wrong(run, threshold)).find((each) => each !== null) ?? null;
  const loss = lossOf(runs);
  const outdone = fault === null && lower !== null && learnsMore(lower, runs);
  const why = fault ?? (outdone ? outdoneBy(lower, runs) : `the loss ends at ${say(loss)}`);
  const clippedFraction = runs.reduce((sum, run) => sum + run.clippedFraction, 0) / runs.length;
  return { threshold, fresh: false, stable: fault === null && !outdone, why, loss: Number.isFinite(loss) ? loss : null, clippedFraction };
}
