import type { LossKernel } from '../../compute/backend.ts';

/** What an experiment may call a loss. */
export type LossName = 'crossEntropy' | 'mse' | 'binaryCrossEntropy';

/**
 * A loss compares R rows of network output with the R counted targets of a batch. The loss of a pass is the mean over the
 * rows (sequences and counted steps together), and within a row the mean over its O numbers where there are several.
 */
export interface Loss {
  readonly name: LossName;
  /** Which kind of target it reads. */
  readonly target: 'classes' | 'values';
  /**
   * @param output [R, O] what the read-out gives; overwritten with `weight` * d(loss of the row)/d(output) if `differentiate`.
   * @returns the *sum* over rows of each row's loss, in nats for the entropies.
   */
  evaluate: LossKernel;
}
