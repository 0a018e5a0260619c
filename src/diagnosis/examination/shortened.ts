import { scalarBackend } from '../../compute/scalar/scalar.ts';
import type { Dataset } from '../../data/dataset.ts';
import { SequencesBuilder, StoredSequences } from '../../data/storedSequences.ts';
import { allocateBatch } from '../../network/batch.ts';
import { longestOf } from '../../training/batchOrder.ts';

/** Which steps of a sequence are kept, counted back from its newest: [0, near) and [far, oldest). */
export interface Kept {
  readonly near: number;
  readonly far: number;
  readonly oldest: number;
}

/** Numbers that a shortened data set may hold. */
const mostNumbers = 2e7;

/**
 * The same sequences without the steps between, so that what is far lies right behind what is near. Sequences that do not reach beyond the
 * gap are left out.
 *
 * @returns null where it cannot be done: a sequence has other targets than one at its last step, or there would be too much of it.
 */
export function shortened(dataset: Dataset, { near, far, oldest }: Kept): StoredSequences | null {
  const { input, target, loss, count } = dataset;
  const size = input.kind === 'symbols' ? 1 : input.size;
  if (count * (near + oldest - far) * size > mostNumbers) return null;
  const batch = allocateBatch(scalarBackend(), input, target, longestOf(dataset), 1);
  const builder = new SequencesBuilder();
  for (let sequence = 0; sequence < count; sequence++) {
    const length = dataset.length(sequence);
    if (length <= far) continue;
    dataset.copy({ sequences: [sequence], begin: 0, end: length, countFrom: 0 }, batch);
    if (batch.counted !== 1 || batch.rows[0] !== length - 1) return null;
    let steps = 0;
    const keep = (back: number) => {
      const t = length - 1 - back;
      if (input.kind === 'symbols') builder.symbols.push(batch.symbols[t]);
      else for (let i = 0; i < size; i++) builder.vectors.push(batch.vectors[t * size + i]);
      steps++;
    };
    for (let back = Math.min(oldest, length) - 1; back >= far; back--) keep(back);
    for (let back = near - 1; back >= 0; back--) keep(back);
    builder.targetSteps.push(steps - 1);
    if (target.kind === 'classes') builder.classes.push(batch.classes[0]);
    else for (let o = 0; o < target.size; o++) builder.values.push(batch.values[o]);
    builder.end(steps);
  }
  return new StoredSequences({ input, target, loss }, builder.take());
}
