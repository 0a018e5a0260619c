import { seedFor } from '../../compute/random.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Network } from '../../network/network.ts';
import type { ClipOption } from '../../training/clip/clip.ts';
import { explosion, isExplosion } from '../../training/guard/explosion.ts';
import { restoreSnapshot, type Snapshot } from '../../training/guard/snapshots.ts';
import type { TrainingOptions } from '../../training/options.ts';
import { Trainer } from '../../training/trainer.ts';

/** A training that is replayed: what it trains, on what, and how, but for the clip. */
export interface Replayed {
  readonly network: Network;
  readonly dataset: Dataset;
  readonly options: TrainingOptions;
}

export interface StretchOptions {
  readonly clip: ClipOption;
  readonly seed: number;
  /** Where it begins; the network as it is where there is none. */
  readonly from: Snapshot | undefined;
  readonly updates: number;
  /** Where the loss begins with weights as they are drawn: one that happens to begin lower is not measured against its luck. */
  readonly beginning?: number;
}

/** What a stretch of training with one threshold came to. */
export interface Stretch {
  readonly losses: Float64Array;
  /** Median of the losses at the beginning, or what was given for it where that is higher. */
  readonly begin: number;
  /** ‖g‖₂ before clipping. */
  readonly norms: Float64Array;
  /** Share of the updates that the clip bound. */
  readonly clippedFraction: number;
  /** Median of the losses at the end; infinite where any of them is not finite. */
  readonly loss: number;
  /** Deviation of the losses at the end from that, by their median distance. */
  readonly spread: number;
  /** The first sign of an explosion, at an update from 0; a clip may have taken its harm. Null where there was none. */
  readonly sign: { readonly at: number; readonly because: string } | null;
  /** Why it is not stable by what became of it; null where nothing is wrong with it. */
  readonly fault: string | null;
}

/** The loss at the end is the median of this share of the losses. */
const lastShare = 0.25;
/** Nine in ten of the losses at the end are below the beginning by this share of what their median is. */
const quiet = 0.5;
/** A 9th decile within so many deviations of the median is noise: 1.28 for normal losses. */
const noise = 4;
/** The first losses, whose median is the beginning. */
const first = 3;
/** Updates that are made after something has gone wrong. */
const afterFault = 20;

/**
 * Trains some updates from a snapshot (or from the network as it is) with a clip, other sequences following each other for every seed,
 * and says whether that went well: everything finite, no loss that ends above where it began, comes back to that or keeps jumping.
 * Gives a piece for each update, so that whoever asks for the next may do something else in between, or ask no more.
 *
 * The network is left as the last update has made it; the memory of the backend is given back.
 */
export function* stretchPieces(
  { network, dataset, options }: Replayed,
  { clip, seed, from, updates, beginning = 0 }: StretchOptions,
): Generator<void, Stretch> {
  const { backend } = network;
  const mark = backend.mark();
  const losses: number[] = [];
  const norms: number[] = [];
  let bound = 0;
  let sign: Stretch['sign'] = null;
  let fault: string | null = null;
  let late = 0;
  try {
    const trainer = new Trainer(network, dataset, { ...options, clip, guard: 'warn', seed });
    if (from) restoreSnapshot(trainer, from, false);
    for (let count = 0; count < updates && !trainer.done; count++) {
      const { loss, gradientNorm, clip: binding } = trainer.step();
      losses.push(loss);
      norms.push(gradientNorm);
      if (binding && binding.share > 0) bound++;
      for (const { kind, because } of trainer.takeEvents()) {
        if (isExplosion(kind)) sign ??= { at: count, because };
        // The other signs may come to nothing: a bounded step that is too long near a minimum, a loss that rises and falls again.
        if (kind === 'nonFinite') fault ??= because;
      }
      // What has once gone wrong is looked at a little longer, for the curve, but not to the end.
      if (fault !== null && (++late > afterFault || !Number.isFinite(loss))) break;
      yield;
    }
  } finally {
    backend.release(mark);
  }
  const last = losses.slice(Math.floor((1 - lastShare) * losses.length));
  const loss = last.every(Number.isFinite) ? median(last) : Infinity;
  const begin = Math.max(beginning, median(losses.slice(0, first)));
  const spread = 1.4826 * median(last.map((each) => Math.abs(each - loss)));
  if (fault === null && !(loss <= explosion.risen * begin)) fault = `the loss rises from ${say(begin)} to ${say(loss)}`;
  const jumps = quantile(last, 0.9);
  if (fault === null && begin - jumps < quiet * (begin - loss) && jumps - loss > noise * spread) {
    fault = `the loss keeps jumping: its median at the end is ${say(loss)}, its 9th decile ${say(jumps)}`;
  }
  const worst = largestMedianOfThree(losses.slice(losses.length >> 1));
  if (fault === null && worst > begin && worst - loss > noise * spread) {
    fault = `the loss comes back to ${say(worst)}, and it began at ${say(begin)}`;
  }
  const clippedFraction = bound / losses.length;
  return { losses: Float64Array.from(losses), begin, loss, spread, norms: Float64Array.from(norms), clippedFraction, sign, fault };
}

/** The median over some seeds of where the loss begins with new weights. */
export function* beginningPieces(replayed: Replayed, draw: (seed: number) => void, seeds: readonly number[]): Generator<void, number> {
  const begins: number[] = [];
  for (const seed of seeds) {
    draw(seed);
    begins.push((yield* stretchPieces(replayed, { clip: 'none', seed, from: undefined, updates: 1 })).begin);
  }
  const finite = begins.filter(Number.isFinite);
  return finite.length === 0 ? 0 : median(finite);
}

/** The largest of the medians of three losses on end: what one batch does is not seen. */
function largestMedianOfThree(losses: readonly number[]): number {
  let largest = -Infinity;
  for (let i = 2; i < losses.length; i++) largest = Math.max(largest, median(losses.slice(i - 2, i + 1)));
  return largest;
}

/** The seed of the n-th repetition: the first is the training as it is. */
export const repetitionSeed = (seed: number, n: number) => (n === 0 ? seed : seedFor(seed, 'threshold', n));

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The smallest value with a share of at least q at or below it; NaN counts as larger than all. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const ascending = Array.from(values, (value) => (Number.isNaN(value) ? Infinity : value)).sort((a, b) => a - b);
  return ascending[Math.max(0, Math.ceil(q * ascending.length) - 1)] ?? Number.NaN;
}

/** A number for people. */
export function say(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}
