import type { NamedAxis } from '../axes.ts';
import type { Setting } from '../trialEvents.ts';

/** Where successive halving makes a choice. */
export interface Rung {
  /** That have been made in each training when the choice is made. */
  readonly updates: number;
  /** Settings that go on from there. */
  readonly keep: number;
}

/** Which settings are trained, and how far. */
export interface Plan {
  /** How many. */
  readonly settings: number;
  /** One of them, without its seed; a function of the index alone. */
  setting(index: number): Setting;
  /** Choices on the way, in the order of their updates; those that are left are trained to the end. */
  readonly rungs: readonly Rung[];
}

export interface PlanOptions {
  /** All but `training.seed`. */
  readonly axes: readonly NamedAxis[];
  /** Seeds that each setting is trained with. */
  readonly seeds: number;
  /** Updates of a whole training. */
  readonly updates: number;
}

/** A way to choose settings. */
export interface Search<Option> {
  readonly name: string;
  /** @throws EXPERIMENT_INVALID naming a field of the sweep file that the search cannot do with. */
  plan(option: Option, options: PlanOptions): Plan;
}
