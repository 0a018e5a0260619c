import { Random, seedFor } from '../../compute/random.ts';
import type { Dataset } from '../../data/dataset.ts';
import { ThroughtimeError } from '../../errors.ts';
import { channelsOf } from './channels.ts';
import { correlationTime } from './correlationTime.ts';
import { exchangeTest } from './exchange.ts';
import { learnFar } from './farLearners.ts';
import { nameOf } from './features.ts';
import { heldOutLoss, mostScored } from './heldOut.ts';
import { Planting, weakestFound } from './planted.ts';
import type { DependenceOutcome, DependenceReport, LadderRung, PowerPoint } from './report.ts';
import { type Division, divide, leastSequences } from './rows.ts';
import { type Samples, samplesOf } from './samples.ts';
import { type NearModel, Split, sideOf } from './split.ts';

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
/** Halving a window's range at most this many times. */
const mostHalvings = 20;
/** A block of a stream is so many correlation times long, where the stream is long enough. */
const blockTimes = 5;
const knownScore = 4;
const mostKnown = 40;
const powerLags = 6;

interface Tested {
  readonly window: number;
  /** Adjusted for the two directions only. */
  readonly pValue: number;
  readonly statistic: number;
  readonly learner: string;
  readonly near: readonly NearModel[];
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
  readonly #pValues = new Map<number, { pValue: number; learner: string; statistic: number }>();

  constructor(options: SearchOptions) {
    this.#options = options;
  }

  *run(dataset: Dataset): Generator<DependenceProgress, DependenceReport> {
    const { seed, alpha, strength } = this.#options;
    yield { stage: 'reading', done: 0 };
    const samples = yield* this.#timed('reading', samplesOf(dataset), 0);
    const channels = channelsOf(samples, seed);
    const division = divided(samples, seed, this.#options.longest, blockTimes * correlationTime(samples, channels));
    yield { stage: 'arranging', done: 0.02 };
    const W = division.longest;
    this.#W = W;
    const sides = division.halves.map((rows) => sideOf(samples, channels, rows, W));
    this.#splits = [new Split(samples, sides[0], sides[1], seed), new Split(samples, sides[1], sides[0], seed + 1)];
    this.#note('reading');
    for (const split of this.#splits) {
      yield* this.#whileTime('interactions of two and three lags', split.findInteractions(), 0.05);
      this.#remember(split, split.near(0));
    }

    const rungs = rungsBelow(W);
    let lowest = -1;
    let rejected: Tested | undefined;
    const tested = new Set<number>();
    for (;;) {
      const window = nextRung(rungs, lowest, tested);
      if (window === undefined || this.#late('windows of the ladder')) break;
      yield { stage: `window ${window}`, done: 0.2 + (0.4 * tested.size) / rungs.length };
      tested.add(window);
      const test = this.#test(window, alpha / (stages * rungs.length));
      this.#keep(test, stages * rungs.length);
      this.#loss(window, test.near);
      if (test.pValue * stages * rungs.length <= alpha) {
        lowest = window;
        rejected = test;
      }
    }
    this.#note('ladder');
    // Shorter windows: what is older than a longer one, and helps, is older than they are.
    for (const window of rungs) {
      if (rejected && window < lowest) this.#pValues.set(window, this.#pValues.get(lowest)!);
    }
    let next = rejected ? ([...rungs, W].find((rung) => rung > lowest) as number) : 0;
    if (rejected) {
      const halvings = Math.min(mostHalvings, Math.ceil(Math.log2(next - lowest)));
      while (next - lowest > 1) {
        if (this.#late('refinement of the horizon')) break;
        const window = Math.floor((lowest + next) / 2);
        yield { stage: `window ${window}`, done: 0.65 };
        const tested = this.#test(window, alpha / (stages * halvings));
        this.#keep(tested, stages * halvings);
        this.#loss(window, tested.near);
        if (tested.pValue * stages * halvings <= alpha) lowest = window;
        else next = window;
      }
    }
    this.#note('refinement');
    const horizon = lowest + 1;
    for (const window of [...rungs, W]) {
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

  /** Tests one window, both ways round. */
  #test(window: number, level: number): Tested {
    const near: NearModel[] = [];
    let best = { pValue: 1, statistic: 0, learner: '' };
    for (const split of this.#splits) {
      const model = split.near(window);
      near.push(model);
      const { predictions } = this.#remember(split, model);
      const partial = split.partial(model);
      const residual = partial.residual();
      const far = predictions.map(({ values }) => values);
      for (const each of far) partial.far(each);
      const { units, perUnit } = split.test.rows;
      const random = new Random(seedFor(split.seed, 'exchange', window));
      const exchanges = Math.ceil((2 * directions) / level);
      const { pValue, statistic, learner } = exchangeTest(residual, far, split.O, units, perUnit, exchanges, random);
      if (pValue < best.pValue || (pValue === best.pValue && statistic > best.statistic)) {
        best = { pValue, statistic, learner: predictions[learner].name };
      }
    }
    return { window, ...best, pValue: Math.min(1, directions * best.pValue), near };
  }

  /** Learns what is far, and keeps what stands out for longer windows. */
  #remember(split: Split, near: NearModel) {
    const learned = learnFar(split, near, this.#W);
    for (const { feature, score } of learned.found) {
      if (score > knownScore && split.known.size < mostKnown) split.known.set(nameOf(feature), feature);
    }
    return learned;
  }

  #keep({ window, pValue, learner, statistic }: Tested, tests: number): void {
    this.#pValues.set(window, { pValue: Math.min(1, pValue * tests), learner, statistic });
  }

  #loss(window: number, near: readonly NearModel[] = this.#splits.map((split) => split.near(window))): void {
    if (this.#splits[0].train.outputs.size > mostScored) {
      this.#losses.set(window, null);
      return;
    }
    let sum = 0;
    let rows = 0;
    this.#splits.forEach((split, i) => {
      sum += heldOutLoss(split, near[i]) * split.test.rows.count;
      rows += split.test.rows.count;
    });
    this.#losses.set(window, sum / rows);
  }

  #report(
    division: Division,
    samples: Samples,
    { horizon, power, largest }: { horizon: number; power: PowerPoint[]; largest: number | null },
  ): DependenceReport {
    const { alpha, strength } = this.#options;
    const W = this.#W;
    const windows = [...new Set([...this.#losses.keys(), ...this.#pValues.keys()])].sort((a, b) => a - b);
    const full = this.#losses.get(W) ?? null;
    const ladder = windows.map((window): LadderRung => {
      const loss = this.#losses.get(window) ?? null;
      const tested = this.#pValues.get(window);
      return {
        window,
        loss,
        gain: loss === null || full === null ? null : loss - full,
        pValue: window === W ? 1 : (tested?.pValue ?? null),
        learner: tested !== undefined && tested.pValue <= alpha ? tested.learner : null,
      };
    });
    const constant = this.#losses.get(0) ?? null;
    let reference = { loss: constant, window: 0 };
    for (const { window, loss } of ladder)
      if (loss !== null && (reference.loss === null || loss < reference.loss)) reference = { loss, window };
    const outcome: DependenceOutcome =
      horizon > 0 ? 'dependence' : largest !== null && largest <= strength ? 'none-larger-than' : 'underpowered';
    const seconds = (performance.now() - this.#began) / 1000;
    return {
      horizon,
      interval: [horizon, this.#upper(horizon, ladder, reference.loss, constant, division)],
      alpha,
      ladder,
      power,
      outcome,
      largestNotExcluded: largest,
      needed:
        !this.#options.power || (largest !== null && largest <= strength) ? null : Math.ceil((division.cases * (largest ?? 1)) / strength),
      strength,
      reference: { ...reference, constant },
      data: {
        sequences: samples.windows ? 1 : samples.count,
        rows: this.#splits[0].train.rows.count + this.#splits[0].test.rows.count,
        units: this.#splits[0].train.rows.units + this.#splits[0].test.rows.units,
        unit: division.unit,
        unitSize: division.unitSize,
        longest: W,
      },
      seconds,
      spent: this.#spent,
      cutShort: this.#cutShort,
    };
  }

  /** The window beyond which effects of more than 1% of what can be explained are excluded. */
  #upper(horizon: number, ladder: readonly LadderRung[], best: number | null, constant: number | null, division: Division): number {
    if (best === null || constant === null) return this.#W;
    const margin = 0.005 * Math.max(constant - best, 0.1 * constant);
    const cases = this.#splits[0].test.rows.count / (division.unit === 'block' ? this.#splits[0].test.rows.perUnit : 1);
    let upper = this.#W;
    for (const { window, loss, gain } of [...ladder].reverse()) {
      if (window < horizon) break;
      const tested = this.#pValues.get(window);
      if (window === this.#W) continue;
      if (tested === undefined || loss === null) break;
      const share = (tested.statistic + 2.33) ** 2 / (2 * cases);
      if (Math.max(share * loss, gain ?? 0) > margin) break;
      upper = window;
    }
    return upper;
  }

  /** The longest window that so many of the targets have all inputs of; beyond, no dependence of this strength is possible. */
  #deepest(strength: number): number {
    const reach = this.#splits.flatMap((split) => [...split.train.rows.reach]).sort((a, b) => b - a);
    return Math.min(this.#W, reach[Math.min(reach.length - 1, Math.floor(strength * reach.length))]);
  }

  /** Whether the time is used up; `what` is left out then. */
  #late(what: string): boolean {
    if (performance.now() - this.#began < this.#options.seconds * 1000) return false;
    if (!this.#cutShort.includes(what)) this.#cutShort.push(what);
    return true;
  }

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
  if (M === 0) {
    throw new ThroughtimeError('DATA_INVALID', 'no sequence has a counted target, so there is nothing to predict; give targets');
  }
  const division = divide(samples, seed, longest, blockSteps);
  if (division) return division;
  throw new ThroughtimeError(
    'DATA_TOO_SHORT',
    `${samples.count} sequence${samples.count === 1 ? '' : 's'} with ${M} counted target${M === 1 ? '' : 's'} are too few to say anything about ` +
      `how far back they depend; at least ${leastSequences} sequences are needed, or a stream of some hundred steps with a target at each`,
  );
}

/** 0 and the powers of two below W. */
function rungsBelow(W: number): number[] {
  const rungs = [0];
  for (let window = 1; window < W; window *= 2) rungs.push(window);
  return rungs;
}

/**
 * The rung to test next: halfway between the longest window beyond which something was found and the shortest longer one beyond which nothing
 * was, so that there is an answer soon; then what has been passed over, the longest first.
 */
function nextRung(rungs: readonly number[], lowest: number, tested: ReadonlySet<number>): number | undefined {
  const above = rungs.filter((rung) => rung > lowest);
  const first = above.findIndex((rung) => tested.has(rung));
  const between = first < 0 ? above : above.slice(0, first);
  if (between.length > 0) return between[Math.floor(between.length / 2)];
  return above.filter((rung) => !tested.has(rung)).pop();
}

/** Lags from the horizon on at which a dependence is planted: a few, spread evenly in their logarithm. */
function lagsFrom(horizon: number, W: number): number[] {
  if (horizon > W - 1) return [];
  const lags = new Set<number>();
  for (let i = 0; i < powerLags; i++) {
    lags.add(Math.round((horizon + 1) * (W / (horizon + 1)) ** (i / (powerLags - 1))) - 1);
  }
  return [...lags].filter((lag) => lag < W);
}
