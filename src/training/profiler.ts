import type { HorizonLook } from '../monitor/gradientHorizon.ts';
import type { LagContributions } from '../monitor/lagContribution.ts';
import type { LagPoint } from '../monitor/lagProfile.ts';
import { type LookOptions, lookAt, lookDefaults, lookShape } from '../monitor/look.ts';
import type { Monitor } from '../monitor/monitor.ts';
import { costOf, monitors } from '../monitor/monitors.ts';
import { longestOf, type Trainer } from './trainer.ts';

/** What one monitor measured after an update; a line of `profiles.jsonl`. */
export interface ProfileLine {
  /** Updates made before it was measured. */
  readonly update: number;
  /** The monitor's name. */
  readonly monitor: string;
  /** Sequences of the training part that were looked at, and their newest steps at most. */
  readonly over: { readonly sequences: number; readonly steps: number };
  readonly value: unknown;
}

/** Of the lines of a training, in their order, what the gradient horizon is made of: the looks that have both its monitors. */
export function horizonLooks(lines: readonly ProfileLine[]): HorizonLook[] {
  const looks = new Map<number, { lagProfile?: readonly LagPoint[]; lagContribution?: LagContributions | null }>();
  for (const { update, monitor, value } of lines) {
    const look = looks.get(update) ?? {};
    looks.set(update, look);
    if (monitor === 'lag-profile') look.lagProfile = value as readonly LagPoint[];
    if (monitor === 'lag-contribution') look.lagContribution = value as LagContributions | null;
  }
  return [...looks].flatMap(([update, { lagProfile, lagContribution }]) =>
    lagProfile && lagContribution ? [{ update, lagProfile, lagContribution }] : [],
  );
}

/** Looks at a truncated training: far enough beyond its window to see what the truncation cuts off, on fewer sequences for that. */
const lookBeyond = (k2: number) => ({ sequences: 8, steps: Math.min(lookDefaults.steps, Math.max(256, 4 * k2)) });

/** Looks in a training, where nothing else is said, and the share of the training's work that they may take together. */
const mostLooks = 40;
const mostShare = 0.02;

/**
 * Has monitors look at a training: before its first update, every `every` updates, and after the last one. What is looked at depends on the
 * seed and the update alone, and nothing of the training is touched, so that its bits are those of one without monitors.
 */
export class Profiler {
  /** Updates between two looks. */
  readonly every: number;
  readonly monitors: readonly Monitor[];
  /** What a look costs, in training steps, as its monitors say. */
  readonly cost: number;
  readonly #trainer: Trainer;
  readonly #options: LookOptions;

  /**
   * @param names of `monitors`; none takes no looks.
   * @param every updates between two looks; by default as many as give 40 looks and keep their work below 2% of the training's (`cost`; measured
   *   times are up to four times that, see bench/lagProfile.ts).
   */
  constructor(trainer: Trainer, names: readonly string[], every?: number) {
    const { network, dataset, options } = trainer;
    const longest = longestOf(dataset);
    this.#trainer = trainer;
    this.monitors = monitors.filter(({ name }) => names.includes(name));
    const training = {
      T: options.bptt === 'full' ? longest : Math.min(longest, options.bptt.k2),
      B: Math.min(options.batchSize, dataset.count),
    };
    this.#options = { ...lookDefaults, ...(options.bptt === 'full' ? {} : lookBeyond(options.bptt.k2)), seed: options.seed };
    this.cost = costOf(this.monitors, lookShape(network, dataset, this.#options), training);
    this.every = every ?? Math.max(Math.ceil(options.updates / mostLooks), Math.ceil(this.cost / mostShare));
  }

  /** Whether a look is due after the updates made so far. */
  isDue(): boolean {
    const { update, done } = this.#trainer;
    return this.monitors.length > 0 && (done || update % this.every === 0);
  }

  /** Takes a look at the weights as they are, a line for each monitor. */
  take(): ProfileLine[] {
    const { network, dataset, update } = this.#trainer;
    return lookAt(network, dataset, update, this.#options, (look) =>
      this.monitors.map((monitor) => {
        const value = monitor.measure(look) ?? null;
        return { update, monitor: monitor.name, over: { sequences: look.batch.B, steps: look.batch.T }, value };
      }),
    );
  }
}
