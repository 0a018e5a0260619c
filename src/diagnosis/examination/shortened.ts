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
 * The same sequences up to the last target of each, without the steps between what is near it and what is far. Sequences that do not reach
 * beyond the gap are left out, and so are all targets but the last.
 *
 * @returns the sequences, and whether none of them had another target; null where there would be too much of it.
 */
export function shortened(dataset: Dataset, { near, far, oldest }: Kept): { sequences: StoredSequences; single: boolean } | null {
  const { input, target, loss, count } = dataset;
  const size = input.kind === 'symbols' ? 1 : input.size;
  if (count * (near + oldest - far) * size > mostNumbers) return null;
  const batch = allocateBatch(scalarBackend(), input, target, longestOf(dataset), 1);
  const builder = new SequencesBuilder();
  let single = true;
  for (let sequence = 0; sequence < count; sequence++) {
    dataset.copy({ sequences: [sequence], begin: 0, end: dataset.length(sequence), countFrom: 0 }, batch);
    const last = batch.counted - 1;
    const length = last < 0 ? 0 : batch.rows[last] + 1;
    if (length <= far) continue;
    if (last > 0) single = false;
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
    if (target.kind === 'classes') builder.classes.push(batch.classes[last]);
    else for (let o = 0; o < target.size; o++) builder.values.push(batch.values[last * target.size + o]);
    builder.end(steps);
  }
  return { sequences: new StoredSequences({ input, target, loss }, builder.take()), single };
}
