import { ThroughtimeError } from '../errors.ts';
import type { Batch } from '../network/batch.ts';
import type { Dataset, Window } from './dataset.ts';

/**
 * What every copy of a window begins with: refuses a window or a batch that does not fit the data set, then sets T, B and
 * the lengths, each clipped to the window.
 */
export function beginCopy(dataset: Dataset, window: Window, batch: Batch): void {
  const { sequences, begin, end } = window;
  const B = sequences.length;
  if (!Number.isInteger(begin) || !Number.isInteger(end) || begin < 0 || end < begin) {
    throw new ThroughtimeError('OPTION_INVALID', `a window's steps are whole numbers 0 <= begin <= end, got begin ${begin} and end ${end}`);
  }
  if ((end - begin) * B > batch.capacity || B > batch.lengths.length) {
    throw new ThroughtimeError(
      'SHAPE_MISMATCH',
      `a window of ${end - begin} steps and ${B} sequences does not fit a batch of ${batch.lengths.length} sequences and ` +
        `${batch.capacity} steps in all; allocate the batch for the largest window`,
    );
  }
  if (!sameShape(batch.input, dataset.input) || !sameShape(batch.target, dataset.target)) {
    throw new ThroughtimeError(
      'SHAPE_MISMATCH',
      `a batch of ${describe(batch)} cannot hold data of ${describe(dataset)}; allocate it with the data set's own input and target`,
    );
  }
  batch.T = end - begin;
  batch.B = B;
  for (let b = 0; b < B; b++) {
    const sequence = sequences[b];
    if (!(sequence >= 0 && sequence < dataset.count)) {
      throw new ThroughtimeError('OPTION_INVALID', `a sequence's index is 0 to ${dataset.count - 1}, got ${sequence}`);
    }
    batch.lengths[b] = Math.max(0, Math.min(dataset.length(sequence), end) - begin);
  }
}

type Shape = { readonly kind: string; readonly size: number };

function sameShape(a: Shape, b: Shape): boolean {
  return a.kind === b.kind && a.size === b.size;
}

function describe({ input, target }: { readonly input: Shape; readonly target: Shape }): string {
  return `${input.size} ${input.kind} in and ${target.size} ${target.kind} out`;
}
