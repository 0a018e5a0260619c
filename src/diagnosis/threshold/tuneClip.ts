import type { SignKind } from '../../training/guard/detector.ts';
import { isExplosion } from '../../training/guard/explosion.ts';
import { takeSnapshot } from '../../training/guard/snapshots.ts';
import { Trainer } from '../../training/trainer.ts';
import type { Foot } from './foot.ts';
import type { Tally } from './instability.ts';
import { beginningPieces, quantile, type Replayed, repetitionSeed, say } from './replay.ts';
import { type Found, type Tried, thresholdPieces } from './threshold.ts';

/** Updates beyond the explosion that a replay goes on, and a training from new weights. */
const beyond = 200;
const freshBeyond = 1000;
/** Trainings from new weights that have to be stable with a threshold, for each repetition of a replay; a half of them with the answer itself. */
const freshOfEach = 4;
const ofAnswer = 2;
/** And no more than so many for each. */
const mostOfEach = 16;
/** The largest probability of an unstable training that the answer may have. */
const tolerance = 0.02;
/** Share of the trainings with four times the answer from which on it is the highest that anybody can ask for. */
const most = 0.5;

/** What a threshold is sought for. */
export interface TuneClipOptions extends Replayed {
  /** Draws the network's weights anew, as a training with this seed begins. */
  readonly initialize: (seed: number) => void;
  /** Orders of the sequences in the replays, and a quarter of the fresh trainings that a threshold has to be stable in; 5 by default. */
  readonly seeds?: number;
  /** Is told what was found so far, in a sentence. */
  readonly told?: (sentence: string, tried?: Tried) => void;
}

/** The answer of `tune-clip`. */
export interface TuneClipAnswer {
  /** The highest threshold of the global norm that overcomes the explosion; null where there is none to overcome, or none that does. */
  readonly threshold: number | null;
  readonly explodesWithout: boolean;
  /** The first sign of the explosion; null where there was none in all updates. */
  readonly explosion: { readonly update: number; readonly kind: SignKind; readonly because: string } | null;
  /** The update that the replays begin at. */
  readonly snapshot: number | null;
  readonly tried: readonly Tried[];
  /** The lowest threshold that is not stable. */
  readonly unstable: number | null;
  /** Of the gradient before clipping, in a training with the threshold, over the updates where it was finite. */
  readonly gradientNorm: NormSummary | null;
  /** The norm at each update of that training. */
  readonly curve: readonly number[];
  /** Where the threshold lies against the average norm; Pascanu et al. found half to ten times of it to work. */
  readonly againstAverage: { readonly ratio: number; readonly within: boolean } | null;
  /** What lower thresholds cost: how many times the loss of the threshold's replays their loss is. */
  readonly price: readonly { readonly threshold: number; readonly loss: number; readonly ratio: number }[];
  /** Probability that a training from new weights is stable with the threshold, from all that were made (`instability`). */
  readonly confidence: number | null;
  /** What the trainings from new weights came to, by their thresholds, the lowest first. */
  readonly transition: readonly Tally[];
  /**
   * Whether most trainings with four times the threshold are unstable. Where they are not, no threshold separates: trainings become
   * unstable here and there over a wide range, and the answer is the safe end of it. Null where that was not asked.
   */
  readonly separates: boolean | null;
}

export interface NormSummary {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * Looks for an explosion in a training without a clip, and for the highest threshold that overcomes it. Whoever asks for the next piece
 * may do something else in between; each gives what is known so far, for a search that is cut short.
 */
export function* tuneClipPieces({ initialize, seeds = 5, told, ...replayed }: TuneClipOptions): Generator<TuneClipAnswer, TuneClipAnswer> {
  const { network, dataset, options } = replayed;
  const { backend } = network;
  const { seed } = options;
  initialize(seed);
  const mark = backend.mark();
  const trainer = new Trainer(network, dataset, { ...options, clip: 'none', guard: 'warn' });
  let answer = nothing;
  const norms: number[] = [];
  let explosion: TuneClipAnswer['explosion'] = null;
  while (!trainer.done && !explosion) {
    norms.push(trainer.step().gradientNorm);
    const sign = trainer.takeEvents().find(({ kind }) => isExplosion(kind));
    if (sign) explosion = { update: sign.update, kind: sign.kind as SignKind, because: sign.because };
    answer = { ...nothing, explosion, gradientNorm: summaryOf(norms), curve: norms };
    yield answer;
  }
  const snapshot = explosion ? (trainer.snapshots.before(explosion.update) ?? takeSnapshot(trainer)) : undefined;
  backend.release(mark);
  if (!explosion || !snapshot) return answer;
  told?.(`without a clip, update ${explosion.update} is the first that explodes: ${explosion.because}`);
  const tried: Tried[] = [];
  const freshSeeds = Array.from({ length: freshOfEach * seeds }, (_, n) => repetitionSeed(seed, seeds + n));
  const base = { ...answer, snapshot: snapshot.cursor.update, explodesWithout: true };
  const beginnings = beginningPieces(replayed, initialize, freshSeeds);
  let beginning = beginnings.next();
  for (; !beginning.done; beginning = beginnings.next()) yield { ...base, tried };
  const search = {
    ...{ replayed, from: snapshot, seeds, beginning: beginning.value },
    sure: { trainings: freshOfEach * seeds, ofAnswer: ofAnswer * seeds, tolerance, most: mostOfEach * seeds, highest: true },
    updates: explosion.update - snapshot.cursor.update + beyond,
    fresh: initialize,
    freshUpdates: Math.min(options.updates, explosion.update + freshBeyond),
    told: (each: Tried) => {
      tried.push(each);
      told?.(each.why, each);
    },
  };
  const pieces = thresholdPieces(search);
  for (;;) {
    const { done, value } = pieces.next();
    if (done) {
      const answer = answerOf(base, value);
      if (value.foot) told?.(sentenceOf(value.foot));
      return answer;
    }
    yield { ...base, tried, threshold: soFar(tried) };
  }
}

/** What is known before anything has been tried. */
export const nothing: TuneClipAnswer = {
  ...{ threshold: null, explodesWithout: false, explosion: null, snapshot: null, tried: [], unstable: null, gradientNorm: null, curve: [] },
  ...{ againstAverage: null, price: [], confidence: null, transition: [], separates: null },
};

function answerOf(base: TuneClipAnswer, found: Found): TuneClipAnswer {
  const { threshold, explodes, tried, unstable, stretch, foot } = found;
  const norms = stretch ? Array.from(stretch.norms) : base.curve;
  const gradientNorm = summaryOf(norms);
  const ratio = threshold !== null && gradientNorm ? threshold / gradientNorm.mean : null;
  return {
    ...base,
    ...{ threshold, explodesWithout: explodes, tried, unstable, gradientNorm, curve: norms },
    ...{ confidence: foot && 1 - foot.unstable, transition: foot?.tallies ?? [], separates: foot?.above ? separatesOf(foot.above) : null },
    againstAverage: ratio === null ? null : { ratio, within: ratio >= 0.5 && ratio <= 10 },
    price: priceOf(threshold, tried),
  };
}

const separatesOf = ({ trainings, unstable }: Tally) => unstable > most * trainings;

function sentenceOf({ threshold, unstable, tallies, above }: Foot): string {
  const count = (tally: Tally) => `${tally.unstable} of ${tally.trainings}`;
  const answer = `with ${say(threshold)}, a training from new weights is unstable with a probability of ${(100 * unstable).toFixed(1)}%`;
  if (!above) return answer;
  if (separatesOf(above)) return `${answer}; with ${say(above.threshold)}, four times as much, ${count(above)} are`;
  const falls = tallies.filter((tally) => tally.threshold >= threshold).map((tally) => `${count(tally)} at ${say(tally.threshold)}`);
  return `no threshold separates: unstable are ${falls.join(', ')}; the safe one is taken: ${answer}`;
}

/** The highest stable threshold so far, none of those tried below it being unstable. */
function soFar(tried: readonly Tried[]): number | null {
  const stable = tried.flatMap(({ threshold, stable }) => (stable && threshold !== null ? threshold : []));
  const unstable = tried.flatMap(({ threshold, stable }) => (!stable && threshold !== null ? threshold : []));
  const safe = stable.filter((threshold) => threshold < Math.min(...unstable));
  return safe.length === 0 ? null : Math.max(...safe);
}

function priceOf(chosen: number | null, tried: readonly Tried[]): TuneClipAnswer['price'] {
  const replays = tried.filter(({ fresh, threshold, loss }) => !fresh && threshold !== null && loss !== null);
  const own = replays
    .filter(({ threshold, stable }) => stable && (threshold as number) <= (chosen ?? 0) * 1.01)
    .map(({ loss }) => loss as number);
  if (chosen === null || own.length === 0) return [];
  const reference = replays.find(({ threshold }) => Math.abs((threshold as number) / chosen - 1) < 0.01)?.loss ?? own[0];
  return replays
    .filter(({ threshold }) => (threshold as number) < chosen * 0.99)
    .map(({ threshold, loss }) => ({ threshold: threshold as number, loss: loss as number, ratio: (loss as number) / reference }))
    .sort((a, b) => b.threshold - a.threshold);
}

function summaryOf(norms: readonly number[]): NormSummary | null {
  const finite = norms.filter(Number.isFinite);
  if (finite.length === 0) return null;
  const mean = finite.reduce((sum, norm) => sum + norm, 0) / finite.length;
  const [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1].map((q) => quantile(finite, q));
  return { mean, p50, p90, p99, max };
}
