import { ThroughtimeError } from '../errors.ts';
import { watched } from '../run/diagnoseRun.ts';
import { type Experiment, readExperiment } from '../run/experiment.ts';
import { trainingDefaults } from '../training/options.ts';
import { checkAxis, type NamedAxis } from './axes.ts';
import type { Plan } from './search/search.ts';
import { planOf } from './search/searches.ts';
import type { Sweep } from './sweepFile.ts';
import type { Setting } from './trialEvents.ts';

/**
 * The trials of a sweep by their numbers: trial i is setting floor(i / S) with seed i mod S of S. None is held; each is made when it is asked for, and is a
 * function of the sweep file and its number alone, on whatever machine.
 */
export class Trials {
  readonly sweep: Sweep;
  readonly plan: Plan;
  readonly seeds: readonly number[];
  /** Updates of a whole training, as the base experiment has them. */
  readonly updates: number;
  readonly #json: string;

  /** @throws EXPERIMENT_INVALID naming `axes.<field>` or a field of the search. */
  constructor(sweep: Sweep) {
    this.sweep = sweep;
    this.#json = JSON.stringify(sweep.base);
    const axes: NamedAxis[] = Object.entries(sweep.axes).map(([field, axis]) => ({ field, axis }));
    for (const each of axes) checkAxis(each);
    const within = axes.find((one) => axes.some((other) => one.field.startsWith(`${other.field}.`)));
    if (within) {
      const sentence = 'is a part of a field that another axis sets, so that only one of them could count; remove one';
      throw new ThroughtimeError('EXPERIMENT_INVALID', sentence, { field: `axes.${within.field}` });
    }
    const training = sweep.base.training as { seed?: unknown; updates?: unknown } | undefined;
    this.seeds = seedsOf(sweep.axes['training.seed'], typeof training?.seed === 'number' ? training.seed : 0);
    const others = axes.filter(({ field }) => field !== 'training.seed');
    // Where an axis sets it, halving refuses that; the other searches do not ask.
    this.updates = typeof training?.updates === 'number' ? training.updates : trainingDefaults.updates;
    this.plan = planOf(sweep.search, { axes: others, seeds: this.seeds.length, updates: this.updates });
  }

  get count(): number {
    return this.plan.settings * this.seeds.length;
  }

  /** The index of a trial's setting. */
  settingIndex(trial: number): number {
    return Math.floor(trial / this.seeds.length);
  }

  seedOf(trial: number): number {
    return this.seeds[trial % this.seeds.length];
  }

  /** All axes of a trial, its seed among them where it is one. */
  setting(trial: number): Setting {
    const setting = this.plan.setting(this.settingIndex(trial));
    if (this.sweep.axes['training.seed'] === undefined) return setting;
    return { ...setting, 'training.seed': this.seedOf(trial) };
  }

  /** What is trained, with the monitors that a verdict needs where verdicts are asked for. */
  experiment(trial: number): Experiment {
    const experiment = readExperiment(this.#json, 'the base experiment', overridesOf(this.setting(trial)));
    return this.sweep.verdicts ? watched(experiment) : experiment;
  }

  /** The name of its directory, relative to the sweep directory. */
  run(trial: number): string {
    return `trials/${String(trial).padStart(String(this.count - 1).length, '0')}`;
  }
}

const overridesOf = (setting: Setting): string[] => Object.entries(setting).map(([field, value]) => `${field}=${JSON.stringify(value)}`);

/** The seeds that each setting is trained with. */
function seedsOf(axis: Sweep['axes'][string] | undefined, first: number): number[] {
  if (axis === undefined) return [first];
  if (Array.isArray(axis)) return axis as number[];
  return 'seeds' in axis ? Array.from({ length: axis.seeds }, (_, index) => first + index) : [];
}

/**
 * Checks the experiment of every setting with the first seed, and of the first setting with every seed.
 *
 * @throws EXPERIMENT_INVALID naming a field of the experiment.
 */
export function checkTrials(trials: Trials): void {
  const { count, seeds } = trials;
  for (let trial = 0; trial < count; trial += trial < seeds.length ? 1 : seeds.length) trials.experiment(trial);
}
