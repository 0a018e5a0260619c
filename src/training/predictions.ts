import type { Dataset } from '../data/dataset.ts';
import { allocateBatch } from '../network/batch.ts';
import type { Network } from '../network/network.ts';
import { truncatedWindow } from '../network/unroll/truncated.ts';
import { Unrolled } from '../network/unroll/unrolled.ts';
import { evaluationSteps } from './evaluator.ts';

/** What a network gives out for one sequence. */
export interface SequencePrediction {
  readonly sequence: number;
  /** [R] the steps at which the data set counts a target, ascending. */
  readonly steps: readonly number[];
  /** R arrays of O numbers, before any softmax or sigmoid. */
  readonly outputs: readonly Float64Array[];
}

/**
 * Runs a network over all sequences of a data set in order, and gives its outputs at the counted steps sequence by sequence. The state is
 * carried from window to window, so that a sequence may have any length; nothing is learned.
 *
 * @param batchSize sequences side by side.
 */
export function* predictions(network: Network, dataset: Dataset, batchSize = 32): Generator<SequencePrediction, void> {
  const { backend, O } = network;
  const most = Math.min(batchSize, dataset.count);
  const longest = evaluationSteps(network, dataset, most);
  const mark = backend.mark();
  try {
    const unrolled = new Unrolled(network, longest, most);
    const batch = allocateBatch(backend, dataset.input, dataset.target, longest, most);
    for (let first = 0; first < dataset.count; first += most) {
      const sequences = Array.from({ length: Math.min(most, dataset.count - first) }, (_, i) => first + i);
      const found = sequences.map((sequence) => ({ sequence, steps: [] as number[], outputs: [] as Float64Array[] }));
      const T = Math.max(...sequences.map((sequence) => dataset.length(sequence)));
      unrolled.reset();
      for (let index = 0; ; index++) {
        const window = truncatedWindow(index, T, { k1: longest, k2: longest });
        if (!window) break;
        const { countFrom: begin, end } = window;
        dataset.copy({ sequences, begin, end, countFrom: begin }, batch);
        unrolled.forward(batch);
        for (let r = 0; r < batch.counted; r++) {
          const { steps, outputs } = found[batch.rows[r] % batch.B];
          steps.push(begin + Math.floor(batch.rows[r] / batch.B));
          outputs.push(Float64Array.from(unrolled.readout.outputs.subarray(r * O, (r + 1) * O)));
        }
        if (end < T) unrolled.carry(end - begin);
      }
      yield* found;
    }
  } finally {
    backend.release(mark);
  }
}
