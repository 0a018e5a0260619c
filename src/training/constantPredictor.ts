import type { Backend } from '../compute/backend.ts';
import type { Dataset } from '../data/dataset.ts';
import { allocateBatch, type Batch } from '../network/batch.ts';
import type { Loss } from '../network/loss/loss.ts';
import { losses } from '../network/loss/losses.ts';
import { longestOf } from './batchOrder.ts';

const longestWindow = 4096;
/** Steps of all sequences in a piece. */
const mostSteps = 2 ** 16;

/**
 * The loss on `measured` of the best constant output for `fitted`: class frequencies, or the mean of each output. What a
 * network must fall below before it can be said to have learned anything. A class that `fitted` does not have counts as
 * seen half a time.
 */
export function constantLoss(fitted: Dataset, measured: Dataset, backend: Backend): number {
  const pieces = constantLossPieces(fitted, measured, backend);
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
  }
}

/** The same in pieces of some thousand steps: whoever asks for the next may do something else in between, or ask no more. */
export function* constantLossPieces(fitted: Dataset, measured: Dataset, backend: Backend): Generator<void, number> {
  const { kind, size: O } = fitted.target;
  const loss = losses[fitted.loss];
  const sums = new Float64Array(O);
  let count = 0;
  for (const batch of batchesOf(fitted, backend)) {
    count += batch.counted;
    if (kind === 'classes') for (let r = 0; r < batch.counted; r++) sums[batch.classes[r]]++;
    else for (let i = 0; i < batch.counted * O; i++) sums[i % O] += batch.values[i];
    yield;
  }
  const constant = sums.map((sum) => {
    if (kind === 'classes') return Math.log(Math.max(sum, 0.5) / count);
    const mean = sum / count;
    if (loss.name === 'mse') return mean;
    const probability = Math.min(Math.max(mean, 1e-12), 1 - 1e-12);
    return Math.log(probability / (1 - probability));
  });
  let total = 0;
  let counted = 0;
  if (kind === 'classes') {
    // The loss depends on the class alone.
    const ofClass = constant.map((_, c) => lossOfClass(loss, constant, c));
    for (const batch of batchesOf(measured, backend)) {
      for (let r = 0; r < batch.counted; r++) total += ofClass[batch.classes[r]];
      counted += batch.counted;
      yield;
    }
    return total / counted;
  }
  for (const batch of batchesOf(measured, backend)) {
    const outputs = new Float64Array(batch.counted * O);
    for (let i = 0; i < outputs.length; i++) outputs[i] = constant[i % O];
    total += loss.evaluate(outputs, batch, false, 1);
    counted += batch.counted;
    yield;
  }
  return total / counted;
}

function lossOfClass(loss: Loss, constant: Float64Array, c: number): number {
  const target = { size: constant.length };
  return loss.evaluate(constant.slice(), { counted: 1, target, classes: Int32Array.of(c), values: constant }, false, 1);
}

/**
 * All targets of a data set, some sequences and steps at a time, in one batch that is filled again and again. Its memory is
 * the backend's until the last one has been taken; nobody else may allocate before that.
 */
function* batchesOf(dataset: Dataset, backend: Backend): Generator<Batch> {
  const longest = longestOf(dataset);
  const T = Math.min(longest, longestWindow);
  const B = Math.max(1, Math.min(dataset.count, Math.floor(mostSteps / T)));
  const mark = backend.mark();
  try {
    const batch = allocateBatch(backend, dataset.input, dataset.target, T, B);
    for (let first = 0; first < dataset.count; first += B) {
      const sequences = Array.from({ length: Math.min(B, dataset.count - first) }, (_, i) => first + i);
      for (let begin = 0; begin < longest; begin += T) {
        dataset.copy({ sequences, begin, end: Math.min(begin + T, longest), countFrom: begin, targetsOnly: true }, batch);
        if (batch.counted > 0) yield batch;
      }
    }
  } finally {
    backend.release(mark);
  }
}
