import { bytesOf } from '../compute/bytes.ts';
import type { Dataset } from '../data/dataset.ts';
import type { HorizonLook } from '../monitor/gradientHorizon.ts';
import type { LagContributions } from '../monitor/lagContribution.ts';
import type { LagPoint } from '../monitor/lagProfile.ts';
import { type LookOptions, type LookShape, lookAt, lookShape } from '../monitor/look.ts';
import type { Monitor } from '../monitor/monitor.ts';
import { costOf, defaultMonitors, monitors } from '../monitor/monitors.ts';
import type { Network } from '../network/network.ts';
import { longestOf } from './batchOrder.ts';
import type { TrainingOptions } from './options.ts';
import type { Trainer } from './trainer.ts';

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
const lookBeyond = (k2: number): LookOptions => ({ sequences: 8, steps: Math.min(1024, Math.max(256, 4 * k2)) });
/** The share of a limit on the memory that a look may take. */
const shareOfMemory = 1 / 8;

/** Looks in a training, where nothing else is said, and the share of the training's work that they may take together. */
const mostLooks = 40;
const mostShare = 0.02;

/** What the looks of a training see, and the memory that they take; undefined where no monitor is asked for. */
export function planLooks(network: Network, dataset: Dataset, options: TrainingOptions): LookShape | undefined {
  const { bptt, memory, monitors: names = defaultMonitors } = options;
  const chosen = monitors.filter(({ name }) => names.includes(name));
  if (chosen.length === 0) return undefined;
  return lookShape(network, dataset, chosen, {
    ...(bptt === 'full' ? {} : lookBeyond(bptt.k2)),
    ...(memory === undefined ? {} : { bytes: bytesOf(memory) * shareOfMemory }),
  });
}

/**
 * Has monitors look at a training: before its first update, every `every` updates, and after the last one. What is looked at depends on the
 * seed and the update alone, and nothing of the training is touched, so that its bits are those of one without monitors.
 */
export class Profiler {
  /** Updates between two looks: `options.monitorEvery`, or as many as give 40 looks and keep their work below 2% of the training's. */
  readonly every: number;
  readonly monitors: readonly Monitor[];
  /** What a look costs, in training steps, as its monitors say; measured times are up to four times that (bench/lagProfile.ts). */
  readonly cost: number;
  readonly #trainer: Trainer;
  readonly #shape: LookShape | undefined;

  /** The monitors are those of the trainer's options. */
  constructor(trainer: Trainer) {
    const { network, dataset, options } = trainer;
    const { bptt, batchSize, updates, monitors: names = defaultMonitors, monitorEvery } = options;
    const longest = longestOf(dataset);
    this.#trainer = trainer;
    this.monitors = monitors.filter(({ name }) => names.includes(name));
    this.#shape = planLooks(network, dataset, options);
    const training = { T: bptt === 'full' ? longest : Math.min(longest, bptt.k2), B: Math.min(batchSize, dataset.count) };
    this.cost = this.#shape ? costOf(this.monitors, this.#shape, training) : 0;
    this.every = monitorEvery ?? Math.max(Math.ceil(updates / mostLooks), Math.ceil(this.cost / mostShare));
  }

  /** Whether a look is due after the updates made so far. */
  isDue(): boolean {
    const { update, done } = this.#trainer;
    return this.#shape !== undefined && (done || update % this.every === 0);
  }

  /** Takes a look at the weights as they are, a line for each monitor. */
  take(): ProfileLine[] {
    const { update, options } = this.#trainer;
    if (!this.#shape) return [];
    return lookAt(this.#shape, { seed: options.seed, update }, (look) =>
      this.monitors.map((monitor) => {
        const value = monitor.measure(look) ?? null;
        return { update, monitor: monitor.name, over: { sequences: look.batch.B, steps: look.batch.T }, value };
      }),
    );
  }
}
