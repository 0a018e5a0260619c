import type { Reals } from '../../compute/backend.ts';

/**
 * An optimizer: arithmetic on flat arrays, element by element, with `slots` arrays of its own that start at zero and are
 * carried from update to update (and kept in checkpoints). Options are plain numbers.
 */
export interface Optimizer<Options = Record<string, number>> {
  readonly name: OptimizerName;
  /** Names of the carried arrays. */
  readonly slots: readonly string[];
  /** Every option but the learning rate and the step, with its default. */
  readonly defaults: Readonly<Record<string, number>>;
  /** One update of `length` parameters in place. `options.step` counts updates from 1. */
  update(parameters: Reals, gradient: Reals, slots: readonly Reals[], length: number, options: Options): void;
  /**
   * What the next update takes from the loss to first order, before it is made: gᵀΔ, Δ being the step (weight decay apart, which does not come
   * from the loss). Absent where it is learningRate · ‖g‖².
   */
  decrease?(gradient: Reals, slots: readonly Reals[], length: number, options: Options): number;
}

/** What an experiment may call an optimizer. */
export type OptimizerName = 'sgd' | 'momentum' | 'rmsprop' | 'adam' | 'adamw';
