import type { LossKernel } from '../backend.ts';
import type { ThreadedKernels } from './threadedKernels.ts';

/** The fused losses: positions turned into byte addresses, the arithmetic is in assembly/loss.ts. */
export function fusedLosses(shared: ThreadedKernels): Readonly<Record<string, LossKernel>> {
  return {
    crossEntropy: (output, { counted: R, target: { size: O }, classes }, differentiate, weight) =>
      shared.softmaxCrossEntropy(output.byteOffset, classes.byteOffset, R, O, differentiate ? 1 : 0, weight),
  };
}
