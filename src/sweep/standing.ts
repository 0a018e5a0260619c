import type { VerdictKind } from '../diagnosis/verdict/verdict.ts';
import type { Setting, TrialEvent } from './trialEvents.ts';
import type { Trials } from './trials.ts';

/** Where a trial stands. */
const states = ['waiting', 'begun', 'reached', 'left-out', 'failed', 'done'] as const;
export type TrialState = (typeof states)[number];
const indexOf = Object.fromEntries(states.map((state, index) => [state, index])) as Record<TrialState, number>;

const noVerdict = 255;

/**
 * Where all trials of a sweep stand. A number or two is kept of each, and nothing else, so that a hundred thousand of them take a few megabytes; and what is
 * said of them does not depend on the order in which they came.
 */
export class Standing {
  readonly trials: Trials;
  readonly #states: Uint8Array;
  /** The newest loss on the validation part; NaN where there is none. */
  readonly #losses: Float64Array;
  readonly #metrics: Float64Array;
  readonly #updates: Float64Array;
  readonly #verdicts: Uint8Array;
  readonly #verdictKinds: VerdictKind[] = [];
  readonly #counts: Record<TrialState, number>;
  /** Losses at the end of each rung, by its updates; made when the rung is reached. */
  readonly #rungs = new Map<number, Float64Array>();
  #metricName: string | null = null;

  constructor(trials: Trials) {
    const { count } = trials;
    this.trials = trials;
    this.#states = new Uint8Array(count);
    this.#losses = new Float64Array(count).fill(Number.NaN);
    this.#metrics = new Float64Array(count).fill(Number.NaN);
    this.#updates = new Float64Array(count);
    this.#verdicts = new Uint8Array(count).fill(noVerdict);
    this.#counts = { waiting: count, begun: 0, reached: 0, 'left-out': 0, failed: 0, done: 0 };
  }

  /** Takes note of an event. One of a trial that has come to its end changes nothing. Returns whether it changed something. */
  take(event: TrialEvent): boolean {
    const { trial } = event;
    const state = this.stateOf(trial);
    if (state === 'done' || state === 'failed' || state === 'left-out') return false;
    switch (event.event) {
      case 'begun':
        if (state === 'waiting') this.#move(trial, 'begun');
        return true;
      case 'reached': {
        if (this.rungLoss(trial, event.updates) !== undefined) return false;
        this.#rung(event.updates)[trial] = event.loss ?? Infinity;
        this.#measured(trial, event.updates, event.loss);
        this.#move(trial, 'reached');
        return true;
      }
      case 'left-out':
        this.#measured(trial, event.updates, event.loss);
        this.#move(trial, 'left-out');
        return true;
      case 'failed':
        if (!event.again) this.#move(trial, 'failed');
        return true;
      case 'done':
        this.#measured(trial, event.updates, event.loss);
        this.#metrics[trial] = event.metric?.value ?? Number.NaN;
        this.#metricName ??= event.metric?.name ?? null;
        if (event.verdict) this.#verdicts[trial] = this.#verdictIndex(event.verdict);
        this.#move(trial, 'done');
        return true;
    }
  }

  stateOf(trial: number): TrialState {
    return states[this.#states[trial]];
  }

  /** Whether nothing more is to be done for a trial. */
  ended(trial: number): boolean {
    return this.#states[trial] >= indexOf['left-out'];
  }

  /** The loss at the end of a rung; Infinity where it is not finite, undefined where the trial has not come there. */
  rungLoss(trial: number, updates: number): number | undefined {
    const loss = this.#rungs.get(updates)?.[trial];
    return loss === undefined || Number.isNaN(loss) ? undefined : loss;
  }

  /** Trials in each state. */
  get counts(): Readonly<Record<TrialState, number>> {
    return this.#counts;
  }

  /** The best of the trials that are done; null where there is none. */
  get best(): { readonly trial: number; readonly loss: number } | null {
    let best = -1;
    for (let trial = 0; trial < this.#losses.length; trial++) {
      if (this.#states[trial] === indexOf.done && this.#losses[trial] < (best < 0 ? Infinity : this.#losses[best])) best = trial;
    }
    return best < 0 ? null : { trial: best, loss: this.#losses[best] };
  }

  /** Name of the metric beside the loss; null where none is known yet. */
  get metricName(): string | null {
    return this.#metricName;
  }

  /** The best settings, at most so many: those with trials that are done first, by their mean loss over the seeds; then those that were left out, the last ones first. */
  table(most: number): SettingRow[] {
    const { settings } = this.trials.plan;
    const order: { setting: number; rank: number; updates: number; loss: number }[] = [];
    const before = (a: (typeof order)[number], b: (typeof order)[number]) =>
      a.rank - b.rank || b.updates - a.updates || (a.loss === b.loss ? a.setting - b.setting : a.loss - b.loss);
    for (let setting = 0; setting < settings; setting++) {
      const key = this.#keyOf(setting);
      if (key === null) continue;
      if (order.length < most) order.push(key);
      else if (before(key, order[most - 1]) < 0) order[most - 1] = key;
      else continue;
      for (let at = order.length - 1; at > 0 && before(order[at], order[at - 1]) < 0; at--) {
        [order[at - 1], order[at]] = [order[at], order[at - 1]];
      }
    }
    return order.map(({ setting }) => this.#row(setting));
  }

  /** By what a setting is ordered; null where nothing is known of it. */
  #keyOf(setting: number): { setting: number; rank: number; updates: number; loss: number } | null {
    const S = this.trials.seeds.length;
    let [done, updates, sum, measured, failed] = [0, 0, 0, 0, 0];
    for (let trial = setting * S; trial < (setting + 1) * S; trial++) {
      const state = this.#states[trial];
      if (state === indexOf.failed) failed++;
      if (Number.isNaN(this.#losses[trial]) && state !== indexOf.done) continue;
      if (state === indexOf.done) done++;
      updates = Math.max(updates, this.#updates[trial]);
      sum += Number.isNaN(this.#losses[trial]) ? Infinity : this.#losses[trial];
      measured++;
    }
    if (measured === 0) return failed > 0 ? { setting, rank: 2, updates: 0, loss: Infinity } : null;
    // Where an axis sets the updates, they say nothing of how good a trial that is done was.
    return { setting, rank: done > 0 ? 0 : 1, updates: done > 0 ? 0 : updates, loss: sum / measured };
  }

  #row(setting: number): SettingRow {
    const S = this.trials.seeds.length;
    const first = setting * S;
    const all = Array.from({ length: S }, (_, index) => first + index);
    const measured = all.filter((trial) => !Number.isNaN(this.#losses[trial]));
    const inState = (state: TrialState) => all.filter((trial) => this.#states[trial] === indexOf[state]).length;
    const verdicts: Partial<Record<VerdictKind, number>> = {};
    for (const trial of all) {
      const verdict = this.#verdictKinds[this.#verdicts[trial]];
      if (verdict) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    }
    const best = measured.reduce((least, trial) => (least < 0 || this.#losses[trial] < this.#losses[least] ? trial : least), -1);
    const metrics = all.filter((trial) => !Number.isNaN(this.#metrics[trial])).map((trial) => this.#metrics[trial]);
    return {
      setting: this.trials.plan.setting(setting),
      ...{ trials: S, done: inState('done'), failed: inState('failed'), leftOut: inState('left-out') },
      updates: Math.max(...all.map((trial) => this.#updates[trial])),
      loss: spreadOf(measured.map((trial) => this.#losses[trial])),
      metric: spreadOf(metrics),
      verdicts,
      best: best < 0 ? null : { trial: best, run: this.trials.run(best), loss: this.#losses[best] },
    };
  }

  #measured(trial: number, updates: number, loss: number | null): void {
    this.#updates[trial] = updates;
    this.#losses[trial] = loss ?? Number.NaN;
  }

  #move(trial: number, to: TrialState): void {
    this.#counts[states[this.#states[trial]]]--;
    this.#counts[to]++;
    this.#states[trial] = indexOf[to];
  }

  #rung(updates: number): Float64Array {
    const rung = this.#rungs.get(updates) ?? new Float64Array(this.trials.count).fill(Number.NaN);
    this.#rungs.set(updates, rung);
    return rung;
  }

  #verdictIndex(verdict: VerdictKind): number {
    const index = this.#verdictKinds.indexOf(verdict);
    return index >= 0 ? index : this.#verdictKinds.push(verdict) - 1;
  }
}

/** Of a number over the seeds. */
export interface Spread {
  readonly mean: number;
  /** Standard deviation, with n - 1; null of a single one. */
  readonly deviation: number | null;
  readonly least: number;
  readonly greatest: number;
}

/** A line of the table: a setting, over its seeds. */
export interface SettingRow {
  /** All axes but `training.seed`. */
  readonly setting: Setting;
  /** Its trials, and how many of them are done, have failed, or were left out by successive halving. */
  readonly trials: number;
  readonly done: number;
  readonly failed: number;
  readonly leftOut: number;
  /** The most that one of them has made. */
  readonly updates: number;
  /** Of the validation part; null where there is none yet. */
  readonly loss: Spread | null;
  readonly metric: Spread | null;
  /** How often each verdict was given. */
  readonly verdicts: Readonly<Partial<Record<VerdictKind, number>>>;
  readonly best: { readonly trial: number; readonly run: string; readonly loss: number } | null;
}

function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
  const squares = values.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  const deviation = values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : null;
  return { mean, deviation, least: Math.min(...values), greatest: Math.max(...values) };
}
