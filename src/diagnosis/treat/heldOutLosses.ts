import type { Dataset } from '../../data/dataset.ts';
import { allocateBatch } from '../../network/batch.ts';
import { losses } from '../../network/loss/losses.ts';
import type { Network } from '../../network/network.ts';
import { truncatedWindow } from '../../network/unroll/truncated.ts';
import { Unrolled } from '../../network/unroll/unrolled.ts';
import { longestOf } from '../../training/batchOrder.ts';
import { evaluationSteps } from '../../training/evaluator.ts';
import { rowLosses } from '../examination/rowLosses.ts';

/** Fewer sequences than these are cut into blocks, about so many in all, none shorter than so many steps. */
const fewest = 40;
const blocks = 64;
const shortestBlock = 8;

/**
 * The mean loss of a network on each unit of held-out data: a sequence, or of few long sequences (a text) a block of consecutive steps, the state carried
 * on between blocks. Units are the same and in the same order for every network, so that two of them can be compared unit by unit. A unit without a
 * counted target is left out. Memory that it takes is given back.
 */
export function heldOutLosses(network: Network, dataset: Dataset, batchSize: number): Float64Array {
  const { backend } = network;
  const mark = backend.mark();
  try {
    const B = Math.min(batchSize, dataset.count);
    const whole = dataset.count >= fewest;
    let T = evaluationSteps(network, dataset, B);
    if (!whole) T = Math.max(1, Math.min(T, Math.max(shortestBlock, Math.floor((longestOf(dataset) * dataset.count) / blocks))));
    const unrolled = new Unrolled(network, T, B);
    const batch = allocateBatch(backend, dataset.input, dataset.target, T, B);
    const means: number[] = [];
    for (let first = 0; first < dataset.count; first += B) {
      const sequences = Array.from({ length: Math.min(B, dataset.count - first) }, (_, i) => first + i);
      const longest = Math.max(...sequences.map((sequence) => dataset.length(sequence)));
      let sums = new Float64Array(B);
      let counts = new Int32Array(B);
      const take = () => {
        for (let b = 0; b < B; b++) if (counts[b] > 0) means.push(sums[b] / counts[b]);
        sums = new Float64Array(B);
        counts = new Int32Array(B);
      };
      unrolled.reset();
      for (let index = 0; ; index++) {
        const window = truncatedWindow(index, longest, { k1: T, k2: T });
        if (!window) break;
        dataset.copy({ sequences, begin: window.countFrom, end: window.end, countFrom: window.countFrom }, batch);
        unrolled.forward(batch);
        const each = rowLosses(unrolled, batch, losses[dataset.loss]);
        for (let r = 0; r < each.length; r++) {
          const b = batch.rows[r] % batch.B;
          sums[b] += each[r];
          counts[b]++;
        }
        if (!whole) take();
        if (window.end < longest) unrolled.carry(window.end - window.countFrom);
      }
      if (whole) take();
    }
    return Float64Array.from(means);
  } finally {
    backend.release(mark);
  }
}
