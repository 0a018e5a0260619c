import type { Backend } from '../compute/backend.ts';
import type { Dataset } from '../data/dataset.ts';
import { allocateBatch, type Batch } from '../network/batch.ts';
import { losses } from '../network/loss/losses.ts';
import { longestOf } from './trainer.ts';

const longestWindow = 4096;

/**
 * The loss on `measured` of the best constant output for `fitted`: class frequencies, or the mean of each output. What a
 * network must fall below before it can be said to have learned anything. A class that `fitted` does not have counts as
 * seen half a time.
 */
export function constantLoss(fitted: Dataset, measured: Dataset, backend: Backend): number {
  const { kind, size: O } = fitted.target;
  const loss = losses[fitted.loss];
  const sums = new Float64Array(O);
  let count = 0;
  eachBatch(fitted, backend, (batch) => {
    count += batch.counted;
    if (kind === 'classes') for (let r = 0; r < batch.counted; r++) sums[batch.classes[r]]++;
    else for (let i = 0; i < batch.counted * O; i++) sums[i % O] += batch.values[i];
  });
  const constant = sums.map((sum) => {
    if (kind === 'classes') return Math.log(Math.max(sum, 0.5) / count);
    const mean = sum / count;
    if (loss.name === 'mse') return mean;
    const probability = Math.min(Math.max(mean, 1e-12), 1 - 1e-12);
    return Math.log(probability / (1 - probability));
  });
  let total = 0;
  let counted = 0;
  eachBatch(measured, backend, (batch) => {
    const outputs = new Float64Array(batch.counted * O);
    for (let i = 0; i < outputs.length; i++) outputs[i] = constant[i % O];
    total += loss.evaluate(outputs, batch, false, 1);
    counted += batch.counted;
  });
  return total / counted;
}

/** Hands over all targets of a data set, some sequences and steps at a time. */
function eachBatch(dataset: Dataset, backend: Backend, use: (batch: Batch) => void): void {
  const longest = longestOf(dataset);
  const T = Math.min(longest, longestWindow);
  const B = Math.max(1, Math.min(dataset.count, Math.floor(2 ** 16 / T)));
  const mark = backend.mark();
  const batch = allocateBatch(backend, dataset.input, dataset.target, T, B);
  for (let first = 0; first < dataset.count; first += B) {
    const sequences = Array.from({ length: Math.min(B, dataset.count - first) }, (_, i) => first + i);
    for (let begin = 0; begin < longest; begin += T) {
      dataset.copy({ sequences, begin, end: Math.min(begin + T, longest), countFrom: begin }, batch);
      if (batch.counted > 0) use(batch);
    }
  }
  backend.release(mark);
}
