import type { MetricsWriter } from '../run/metrics.ts';
import { Clock } from './clock.ts';
import type { Hands, HandsWatcher, TrialAnswer, TrialJob } from './hands/hands.ts';
import type { Standing } from './standing.ts';
import type { TrialEvent } from './trialEvents.ts';
import type { Trials } from './trials.ts';

/** Milliseconds after which what has happened is made durable. */
const syncEvery = 500;

export interface CourseParts {
  readonly standing: Standing;
  readonly writer: MetricsWriter<TrialEvent>;
  readonly hands: Hands;
  readonly signal: AbortSignal;
  /** Something changed; @param left seconds until the end, as far as they can be told. */
  readonly changed: (left: number | null) => void;
  readonly noted: (sentence: string) => void;
}

/** A part of the way in which all trials that are still in it make the same updates. */
interface Stage {
  /** null: to the end. */
  readonly updates: number | null;
  /** Updates at the end of the stage before. */
  readonly from: number;
  /** Updates at its end, as far as the time left is told by them; null where a trial counts as one. */
  readonly until: number | null;
}

/** The way of a sweep through its rungs to its end: what is trained, what is left out, and the line for each thing that happens. */
export class Course implements HandsWatcher {
  readonly #parts: CourseParts;
  readonly #trials: Trials;
  readonly #clock: Clock;
  #stage: Stage;
  #synced = performance.now();

  constructor(parts: CourseParts) {
    this.#parts = parts;
    this.#trials = parts.standing.trials;
    this.#stage = { updates: null, from: 0, until: null };
    this.#clock = new Clock(this.#work());
  }

  /** To the end, or until the signal comes. */
  async run(): Promise<void> {
    const { standing, writer, signal } = this.#parts;
    const { plan } = this.#trials;
    const ofSize = this.#longest;
    let alive = Array.from({ length: plan.settings }, (_, index) => index);
    let from = 0;
    for (const { updates, keep } of plan.rungs) {
      await this.#train(alive, { updates, from, until: updates });
      if (signal.aborted) return;
      const order = ranked(alive.map((setting) => this.#meanAt(setting, updates))).map((index) => alive[index]);
      for (const trial of this.#trialsOf(order.slice(keep))) {
        if (!standing.ended(trial)) this.#write(trial, { event: 'left-out', updates, loss: finite(standing.rungLoss(trial, updates)) });
      }
      alive = order.slice(0, keep).sort((a, b) => a - b);
      from = updates;
      // What the choice rests on has to outlast whatever comes next.
      writer.sync();
    }
    await this.#train(alive, { updates: null, from, until: plan.rungs.length > 0 ? ofSize : null });
  }

  begun({ trial }: TrialJob, worker?: string): void {
    this.#write(trial, worker === undefined ? { event: 'begun' } : { event: 'begun', worker });
  }

  at({ trial }: TrialJob, update: number): void {
    const { from, until } = this.#stage;
    const end = until ?? this.#longest;
    this.#clock.at(trial, this.#unit * Math.min(1, Math.max(0, (update - from) / (end - from))));
    this.#parts.changed(this.#clock.left());
  }

  died({ trial }: TrialJob, because: string): void {
    this.#write(trial, { event: 'failed', because, code: null, again: true });
    this.#parts.noted(`Trial ${trial} has died, and is tried once more: ${because}`);
  }

  ended({ trial }: TrialJob, { outcome, ...answer }: TrialAnswer): void {
    const event = outcome === 'failed' ? { event: outcome, ...answer, again: false } : { event: outcome, ...answer };
    if (!this.#write(trial, event as EventFields)) return;
    this.#clock.end(trial, this.#unit);
    if ('because' in answer) this.#parts.noted(`Trial ${trial} has failed: ${answer.because}`);
    this.#parts.changed(this.#clock.left());
  }

  awaits({ trial, updates }: TrialJob): boolean {
    const { standing } = this.#parts;
    return !standing.ended(trial) && (updates === null || standing.rungLoss(trial, updates) === undefined);
  }

  kept(): void {
    this.#parts.writer.sync();
    this.#synced = performance.now();
  }

  noted(sentence: string): void {
    this.#parts.noted(sentence);
  }

  async #train(alive: readonly number[], stage: Stage): Promise<void> {
    const { hands, signal, standing } = this.#parts;
    this.#stage = stage;
    for (const trial of this.#trialsOf(alive)) if (this.#isDone(trial)) this.#clock.skip(this.#unit);
    const jobs = this.#jobs(alive, stage.updates);
    if (standing.counts.waiting + standing.counts.begun + standing.counts.reached > 0) await hands.work(jobs, this, signal);
  }

  *#jobs(alive: readonly number[], updates: number | null): Generator<TrialJob> {
    for (const trial of this.#trialsOf(alive)) if (!this.#isDone(trial)) yield { trial, updates };
  }

  /** Whether a trial needs nothing more in this stage. */
  #isDone(trial: number): boolean {
    return !this.awaits({ trial, updates: this.#stage.updates });
  }

  *#trialsOf(settings: readonly number[]): Generator<number> {
    const S = this.#trials.seeds.length;
    for (const setting of settings) for (let seed = 0; seed < S; seed++) yield setting * S + seed;
  }

  /** Mean loss of a setting at the end of a rung; Infinity where one of its trials has none. */
  #meanAt(setting: number, updates: number): number {
    let sum = 0;
    for (const trial of this.#trialsOf([setting])) sum += this.#parts.standing.rungLoss(trial, updates) ?? Infinity;
    return sum / this.#trials.seeds.length;
  }

  /** Updates of a whole training: of the base experiment, where an axis sets them. */
  get #longest(): number {
    return this.#trials.updates;
  }

  /** The size of a trial's part in the present stage. */
  get #unit(): number {
    const { from, until } = this.#stage;
    return until === null ? 1 : until - from;
  }

  /** All that the sweep has to do, in the same units. */
  #work(): number {
    const { plan, seeds } = this.#trials;
    if (plan.rungs.length === 0) return this.#trials.count;
    let [work, left, from] = [0, plan.settings, 0];
    for (const { updates, keep } of plan.rungs) {
      work += left * (updates - from);
      [left, from] = [keep, updates];
    }
    return seeds.length * (work + left * (this.#longest - from));
  }

  /** Writes an event down, unless it is of a trial that has come to its end; whether it has. */
  #write(trial: number, fields: EventFields): boolean {
    const { standing, writer } = this.#parts;
    const { event, ...rest } = fields;
    const about = { at: new Date().toISOString(), trial, event, setting: this.#trials.setting(trial), run: this.#trials.run(trial) };
    const line = { ...about, ...rest } as TrialEvent;
    if (!standing.take(line)) return false;
    writer.add(line);
    const now = performance.now();
    if (now - this.#synced < syncEvery) writer.flush();
    else {
      writer.sync();
      this.#synced = now;
    }
    return true;
  }
}

type Fields<Event> = Event extends unknown ? Omit<Event, 'at' | 'trial' | 'setting' | 'run'> : never;
type EventFields = Fields<TrialEvent>;

const finite = (loss: number | undefined) => (loss !== undefined && Number.isFinite(loss) ? loss : null);

/** Indices of losses, the lowest first; those that are alike in the order in which they were given. */
export function ranked(losses: readonly number[]): number[] {
  const last = (loss: number) => (Number.isNaN(loss) ? Infinity : loss);
  return losses.map((_, index) => index).sort((a, b) => (last(losses[a]) === last(losses[b]) ? a - b : last(losses[a]) - last(losses[b])));
}
