import { seedFor } from '../../compute/random.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Network } from '../../network/network.ts';
import type { ClipOption } from '../../training/clip/clip.ts';
import type { Sign } from '../../training/guard/detector.ts';
import { restoreSnapshot, type Snapshot } from '../../training/guard/snapshots.ts';
import type { TrainingOptions } from '../../training/options.ts';
import { Trainer } from '../../training/trainer.ts';

/** A training that is replayed: what it trains, on what, and how, but for the clip. */
export interface Replayed {
  readonly network: Network;
  readonly dataset: Dataset;
  readonly options: TrainingOptions;
}

/** What a stretch of training with one threshold came to. */
export interface Stretch {
  readonly losses: Float64Array;
  /** ‖g‖₂ before clipping. */
  readonly norms: Float64Array;
  /** Share of the updates that the clip bound. */
  readonly clippedFraction: number;
  /** Median of the losses at the end; infinite where any of them is not finite. */
  readonly loss: number;
  /** Why it is not stable by itself; null where nothing is wrong with it. */
  readonly fault: string | null;
}

/** The loss at the end is the median of this share of the losses, and what may not be higher is their 9th decile. */
const lastShare = 0.25;
/** The loss at the end may be so many times that at the beginning, and its 9th decile so many times the median. */
const risen = 1.2;
const restless = 4;
/** A loss so many times that at the beginning: it is over. */
const lost = 1e3;

/**
 * Trains some updates from a snapshot (or from the network as it is) with a clip, other sequences following each other for every seed,
 * and says whether that went well: everything finite, no update that explodes, no loss that ends above where it began or keeps jumping.
 * Gives a piece for each update, so that whoever asks for the next may do something else in between, or ask no more.
 *
 * The network is left as the last update has made it; the memory of the backend is given back.
 */
export function* stretchPieces(
  { network, dataset, options }: Replayed,
  { clip, seed, from, updates }: { clip: ClipOption; seed: number; from: Snapshot | undefined; updates: number },
): Generator<void, Stretch> {
  const { backend } = network;
  const mark = backend.mark();
  const losses: number[] = [];
  const norms: number[] = [];
  let bound = 0;
  let fault: string | null = null;
  let over = Infinity;
  try {
    const trainer = new Trainer(network, dataset, { ...options, clip, guard: 'warn', seed });
    if (from) restoreSnapshot(trainer, from, false);
    for (let count = 0; count < updates && !trainer.done; count++) {
      const { loss, gradientNorm, clip: binding } = trainer.step();
      losses.push(loss);
      norms.push(gradientNorm);
      if (binding && binding.share > 0) bound++;
      fault ??= trainer.takeEvents().find(wrecks)?.because ?? null;
      // What has once gone wrong is looked at a little longer, for the curve, but not to the end.
      if (count === 4) over = lost * median(losses);
      if (fault !== null && (!Number.isFinite(loss) || loss > over)) break;
      yield;
    }
  } finally {
    backend.release(mark);
  }
  const last = losses.slice(Math.floor((1 - lastShare) * losses.length));
  const loss = last.every(Number.isFinite) && losses.length === Math.min(updates, losses.length) ? median(last) : Infinity;
  const begin = median(losses.slice(0, Math.max(5, Math.ceil(losses.length / 20))));
  if (fault === null && !(loss <= risen * begin)) fault = `the loss rises from ${say(begin)} to ${say(loss)}`;
  const jumps = quantile(last, 0.9);
  if (fault === null && jumps > restless * loss)
    fault = `the loss keeps jumping: its median at the end is ${say(loss)}, its 9th decile ${say(jumps)}`;
  return { losses: Float64Array.from(losses), norms: Float64Array.from(norms), clippedFraction: bound / losses.length, loss, fault };
}

/** Events after which weights are lost. A gradient that grows through time is not one, where its clip holds. */
const wrecks = ({ kind }: { kind: Sign['kind'] | 'clip' }) => kind === 'nonFinite' || kind === 'overshoot' || kind === 'divergence';

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
