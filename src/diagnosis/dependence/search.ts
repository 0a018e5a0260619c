import { Random, seedFor } from '../../compute/random.ts';
import type { Dataset } from '../../data/dataset.ts';
import { ThroughtimeError } from '../../errors.ts';
import { channelsOf } from './channels.ts';
import { confirm } from './confirmation.ts';
import { correlationTime } from './correlationTime.ts';
import { exchangeTest } from './exchange.ts';
import { type FarPrediction, learnFar } from './farLearners.ts';
import { nameOf } from './features.ts';
import { heldOutLoss, mostScored } from './heldOut.ts';
import { lagsFrom, nextRung, rungsBelow } from './ladder.ts';
import { Planting, weakestFound } from './planted.ts';
import type { DependenceReport, PowerPoint } from './report.ts';
import { reportOf, type WindowTest } from './reporting.ts';
import { type Division, divide, leastSequences } from './rows.ts';
import { checkTargets, type Samples, samplesOf } from './samples.ts';
import { type NearModel, Split, sideOf } from './split.ts';
import { trainedPredictions, withReference } from './trainedReference.ts';

/** How far a test of the data has come. */
export interface DependenceProgress {
  readonly stage: string;
  /** 0 to 1, roughly. */
  readonly done: number;
}

/** Checked options of `dependence`. */
export interface SearchOptions {
  readonly alpha: number;
  readonly seconds: number;
  readonly seed: number;
  readonly longest: number | undefined;
  readonly strength: number;
  readonly power: boolean;
}

/** The most that the two directions of the split, and the two stages of the search, cost the level. */
const directions = 2;
const stages = 2;
/** Of a finding's confirmation the other way round. */
const supporting = 0.1;
/** Of the level: what the trained reference may use up, and the share of the time after which it is not begun. */
const shareOfTrained = 0.2;
const trainedUntil = 0.6;
/** Halving a window's range at most this many times. */
const mostHalvings = 20;
/** A block of a stream is so many correlation times long, where the stream is long enough. */
const blockTimes = 5;
const knownScore = 4;
const mostKnown = 40;

/** What a window's test found one way round. */
interface Way {
  readonly near: NearModel;
  readonly pValue: number;
  readonly statistic: number;
  /** The one of so many learners that stood out most. */
  readonly prediction: FarPrediction | undefined;
  readonly learners: number;
}

interface Tested {
  readonly window: number;
  /** The level that its exchanges were enough for. */
  readonly level: number;
  /** Adjusted for the two directions only. */
  readonly pValue: number;
  readonly ways: readonly Way[];
  /** The way round of the smaller p-value. */
  readonly direction: number;
}

/** One test of a data set from its reading to the report. */
export class Search {
  readonly #options: SearchOptions;
  readonly #began = performance.now();
  readonly #spent: Record<string, number> = {};
  readonly #cutShort: string[] = [];
  #splits: Split[] = [];
  #W = 0;
  readonly #losses = new Map<number, number | null>();
  readonly #pValues = new Map<number, WindowTest>();
  readonly #tested = new Map<number, Tested>();
  readonly #confirmations = new Map<Tested, boolean>();
  /** What was found at a window, and not refuted. */
  readonly #found = new Map<number, Tested>();
  readonly #testedByTrained = new Map<number, Tested>();
  /** Whether every finding is confirmed, and not only the last one. */
  #confirming = false;
  /** Whether the trained reference is asked wherever features find nothing. */
  #training = false;

  constructor(options: SearchOptions) {
    this.#options = options;
  }

  *run(dataset: Dataset): Generator<DependenceProgress, DependenceReport> {
    const { seed, alpha, strength } = this.#options;
    yield { stage: 'reading', done: 0 };
    const samples = yield* this.#timed('reading', samplesOf(dataset), 0);
    checkTargets(samples);
    const channels = channelsOf(samples, seed);
    const division = divided(samples, seed, this.#options.longest, blockTimes * correlationTime(samples, channels));
    yield { stage: 'arranging', done: 0.02 };
    const W = division.longest;
    this.#W = W;
    const sides = division.halves.map((rows) => sideOf(samples, channels, rows, W));
    this.#splits = [new Split(samples, sides[0], sides[1], seed), new Split(samples, sides[1], sides[0], seed + 1)];
    this.#note('reading');
    const withoutInputs: { near: NearModel }[] = [];
    for (const split of this.#splits) {
      yield* this.#whileTime('interactions of two and three lags', split.findInteractions(), 0.05);
      const near = split.near(0);
      this.#remember(split, near);
      withoutInputs.push({ near });
    }
    // What all other losses are held against is known first.
    this.#loss(0, withoutInputs);

    const rungs = rungsBelow(W);
    let lowest = yield* this.#climbConfirmed(rungs);
    if (yield* this.#trainedFinds(lowest + 1)) {
      this.#training = true;
      // Those of windows with inputs are to be had with the reference.
      for (const window of this.#losses.keys()) if (window > 0) this.#losses.delete(window);
      lowest = yield* this.#climbConfirmed(rungs, lowest + 1);
    }
    this.#note('trained reference');
    const horizon = lowest + 1;
    for (const window of [...rungs, ...(this.#training && horizon < W ? [horizon] : []), W]) {
      if (this.#losses.has(window)) continue;
      if (this.#late('losses of short windows')) break;
      yield { stage: `loss of window ${window}`, done: 0.75 };
      this.#loss(window);
    }
    this.#note('losses');
    const power: PowerPoint[] = [];
    const lags = this.#options.power ? lagsFrom(horizon, this.#deepest(strength)) : [];
    let largest: number | null = this.#options.power ? 0 : null;
    for (const lag of lags) {
      if (this.#late('planted dependences')) {
        largest = null;
        break;
      }
      yield { stage: `planted at lag ${lag}`, done: 0.85 + (0.14 * lags.indexOf(lag)) / lags.length };
      const level = alpha / (stages * rungs.length * directions);
      const plantings = this.#splits.map((split) => new Planting(split, lag, Math.ceil(2 / level)));
      if (!plantings.every((planting) => planting.possible)) continue;
      const share = Math.min(...plantings.map((planting) => planting.share));
      const { found, missed } = weakestFound((each) => plantings.some((planting) => planting.pValue(each) <= level), strength, share);
      if (missed !== null) power.push({ lag, strength: missed, detected: false });
      if (found !== null) power.push({ lag, strength: found, detected: true });
      largest = largest === null || found === null ? null : Math.max(largest, found);
    }
    this.#note('planted dependences');
    return this.#report(division, samples, { horizon, power, largest });
  }

  /** The longest window beyond which something was found that stands when it is confirmed; -1 where nothing was. @param least where that is known. */
  *#climbConfirmed(rungs: readonly number[], least = -1): Generator<DependenceProgress, number> {
    const lowest = yield* this.#climb(rungs, least);
    const found = this.#found.get(lowest);
    if (!found || this.#confirming) return lowest;
    yield { stage: `confirmation of window ${lowest}`, done: 0.7 };
    const stands = this.#confirmed(found);
    this.#note('confirmation');
    if (stands) return lowest;
    // The longest window whose finding does stand; every finding from there on is confirmed.
    this.#confirming = true;
    this.#pValues.clear();
    const standing = [...this.#found.values()].sort((a, b) => b.window - a.window).find((each) => this.#confirmed(each));
    this.#found.clear();
    if (standing) this.#decide(standing, standing.level, this.#options.alpha);
    return yield* this.#climb(rungs, standing?.window ?? -1);
  }

  /** Whether the trained reference finds something older than a window beyond which features found nothing. */
  *#trainedFinds(window: number): Generator<DependenceProgress, boolean> {
    const { seconds } = this.#options;
    if (window >= this.#W) return false;
    if (performance.now() - this.#began > 1000 * trainedUntil * seconds) {
      this.#cutShort.push('trained reference');
      return false;
    }
    yield { stage: `trained reference, window ${window}`, done: 0.72 };
    return this.#trainedHelps(window);
  }

  /** The longest window beyond which something was found: on the ladder first, then between its rungs; -1 where nothing was. */
  *#climb(rungs: readonly number[], least: number): Generator<DependenceProgress, number> {
    const { alpha } = this.#options;
    let lowest = least;
    const seen = new Set<number>();
    for (;;) {
      const window = nextRung(rungs, lowest, seen);
      if (window === undefined || this.#late('windows of the ladder', this.#testTime / 2)) break;
      yield { stage: `window ${window}`, done: 0.2 + (0.4 * seen.size) / rungs.length };
      seen.add(window);
      if (this.#helps(window, alpha, stages * rungs.length)) lowest = window;
    }
    this.#note('ladder');
    if (lowest < 0) return lowest;
    // Shorter windows: what is older than a longer one, and helps, is older than they are.
    for (const window of rungs) if (window < lowest) this.#pValues.set(window, this.#pValues.get(lowest)!);
    let next = [...rungs, this.#W].find((rung) => rung > lowest) as number;
    const halvings = Math.min(mostHalvings, Math.ceil(Math.log2(next - lowest)));
    while (next - lowest > 1) {
      if (this.#late('refinement of the horizon', this.#testTime / 2)) break;
      const window = Math.floor((lowest + next) / 2);
      yield { stage: `window ${window}`, done: 0.65 };
      if (this.#helps(window, alpha, stages * halvings)) lowest = window;
      else next = window;
    }
    this.#note('refinement');
    return lowest;
  }

  /** Whether something older than the window helps, one of so many tests. */
  #helps(window: number, alpha: number, tests: number): boolean {
    const level = ((1 - shareOfTrained) * alpha) / tests;
    let tested = this.#tested.get(window);
    if (tested === undefined || tested.level > level) {
      tested = this.#test(window, level, (split, near) => this.#remember(split, near).predictions);
      this.#tested.set(window, tested);
      if (!this.#training && !this.#losses.has(window)) this.#loss(window, tested.ways);
    }
    return this.#decide(tested, level, alpha) || (this.#training && this.#trainedHelps(window));
  }

  /** The same of the trained reference, whose tests have a share of the level that is their own. */
  #trainedHelps(window: number): boolean {
    const { alpha } = this.#options;
    // One beside the search, the rungs of the ladder, and the halvings between two of them.
    const tests = 1 + rungsBelow(this.#W).length + Math.ceil(Math.log2(this.#W));
    const level = (shareOfTrained * alpha) / tests;
    let tested = this.#testedByTrained.get(window);
    if (tested === undefined) {
      tested = this.#test(window, level, (split, near) => trainedPredictions(split, near, this.#W));
      this.#testedByTrained.set(window, tested);
    }
    return this.#decide(tested, level, alpha);
  }

  /** Whether a test found something at its level, and what is reported of it: a p-value that is held against alpha as it is. */
  #decide(tested: Tested, level: number, alpha: number): boolean {
    const { window } = tested;
    const found = tested.pValue <= level && (!this.#confirming || this.#confirmed(tested));
    const pValue = found || tested.pValue > level ? Math.min(1, (tested.pValue * alpha) / level) : 1;
    const { prediction, statistic } = tested.ways[tested.direction];
    const before = this.#pValues.get(window);
    if (found || before === undefined || pValue < before.pValue) {
      this.#pValues.set(window, { pValue, learner: prediction?.name ?? '', statistic });
    }
    if (found) this.#found.set(window, tested);
    return found;
  }

  /**
   * Whether a window's finding stands when near inputs may bend in any way, in the direction where it was made; and the other way round,
   * where nothing has to be as sure, something has to be left of it too.
   */
  #confirmed(tested: Tested): boolean {
    const { ways, direction, level } = tested;
    const known = this.#confirmations.get(tested);
    if (known !== undefined) return known;
    const stands = [direction, 1 - direction].every((way) => {
      const { near, prediction, learners } = ways[way];
      const each = way === direction ? level / (directions * learners) : supporting;
      return prediction !== undefined && confirm(this.#splits[way], near, prediction, Math.ceil(2 / each)) <= each;
    });
    this.#confirmations.set(tested, stands);
    return stands;
  }

  /** Tests one window, both ways round. */
  #test(window: number, level: number, learn: (split: Split, near: NearModel) => readonly FarPrediction[]): Tested {
    const began = performance.now();
    const ways = this.#splits.map((split): Way => {
      const near = split.near(window);
      const predictions = learn(split, near);
      const partial = split.partial(near);
      const residual = partial.residual();
      const far = predictions.map(({ values }) => values.slice());
      for (const each of far) partial.far(each);
      const { units, perUnit } = split.test.rows;
      const random = new Random(seedFor(split.seed, 'exchange', window));
      const exchanges = Math.ceil((2 * directions) / level);
      const { pValue, statistic, learner } = exchangeTest(residual, far, split.O, units, perUnit, exchanges, random);
      return { near, pValue, statistic, prediction: statistic > 0 ? predictions[learner] : undefined, learners: predictions.length };
    });
    const [one, other] = ways;
    const direction = other.pValue < one.pValue || (other.pValue === one.pValue && other.statistic > one.statistic) ? 1 : 0;
    this.#testTime = performance.now() - began;
    return { window, level, ways, direction, pValue: Math.min(1, directions * ways[direction].pValue) };
  }

  /** Learns what is far, and keeps what stands out for longer windows. */
  #remember(split: Split, near: NearModel) {
    const learned = learnFar(split, near, this.#W);
    for (const { feature, score } of learned.found) {
      if (score > knownScore && split.known.size < mostKnown) split.known.set(nameOf(feature), feature);
    }
    return learned;
  }

  #loss(window: number, ways: readonly { near: NearModel }[] = this.#splits.map((split) => ({ near: split.near(window) }))): void {
    if (this.#splits[0].train.outputs.size > mostScored) {
      this.#losses.set(window, null);
      return;
    }
    let sum = 0;
    let rows = 0;
    this.#splits.forEach((split, i) => {
      const near = this.#training ? withReference(split, ways[i].near) : ways[i].near;
      sum += heldOutLoss(split, near) * split.test.rows.count;
      rows += split.test.rows.count;
    });
    this.#losses.set(window, sum / rows);
  }

  #report(division: Division, samples: Samples, found: { horizon: number; power: PowerPoint[]; largest: number | null }): DependenceReport {
    return {
      ...reportOf(
        { ...found, losses: this.#losses, pValues: this.#pValues, asked: this.#options },
        { samples, division, sides: this.#splits.map(({ test }) => test.rows) },
      ),
      seconds: (performance.now() - this.#began) / 1000,
      spent: this.#spent,
      cutShort: this.#cutShort,
    };
  }

  /** The longest window that so many of the targets have all inputs of; beyond, no dependence of this strength is possible. */
  #deepest(strength: number): number {
    const reach = this.#splits.flatMap((split) => [...split.train.rows.reach]).sort((a, b) => b - a);
    return Math.min(this.#W, reach[Math.min(reach.length - 1, Math.floor(strength * reach.length))]);
  }

  /** Whether the time is used up, or will be by `ahead` of what is to be begun; `what` is left out then. */
  #late(what: string, ahead = 0): boolean {
    if (performance.now() + ahead - this.#began < this.#options.seconds * 1000) return false;
    if (!this.#cutShort.includes(what)) this.#cutShort.push(what);
    return true;
  }

  /** Milliseconds of the last window's test. */
  #testTime = 0;
  #noted = performance.now();
  #note(stage: string): void {
    const now = performance.now();
    this.#spent[stage] = (this.#spent[stage] ?? 0) + (now - this.#noted) / 1000;
    this.#noted = now;
  }

  /** Runs pieces to their end, or as far as the time goes. */
  *#whileTime(stage: string, pieces: Generator<void, void>, done: number): Generator<DependenceProgress, void> {
    while (!pieces.next().done) {
      if (this.#late(stage)) break;
      yield { stage, done };
    }
    this.#note(stage);
  }

  *#timed<T>(stage: string, pieces: Generator<void, T>, done: number): Generator<DependenceProgress, T> {
    for (;;) {
      const piece = pieces.next();
      if (piece.done) {
        this.#note(stage);
        return piece.value;
      }
      yield { stage, done };
    }
  }
}

function divided(samples: Samples, seed: number, longest: number | undefined, blockSteps: number): Division {
  const M = samples.targetSteps.length;
  const division = divide(samples, seed, longest, blockSteps);
  if (typeof division !== 'number') return division;
  const copies = division === 0 ? '' : `, ${division} of which repeat${division === 1 ? 's' : ''} another one,`;
  throw new ThroughtimeError(
    'DATA_TOO_SHORT',
    `${samples.count} sequence${samples.count === 1 ? '' : 's'} with ${M} counted target${M === 1 ? '' : 's'}${copies} are too few to say anything about ` +
      `how far back they depend; at least ${leastSequences} sequences are needed, or a stream of some hundred steps with a target at each`,
  );
}
