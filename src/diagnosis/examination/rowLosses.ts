import type { Reals } from '../../compute/backend.ts';
import type { Batch } from '../../network/batch.ts';
import type { Loss } from '../../network/loss/loss.ts';
import type { Unrolled } from '../../network/unroll/unrolled.ts';

/** Each counted target's own loss, after a forward pass over the batch; in the order of its rows. */
export function rowLosses({ network, readout }: Unrolled, batch: Batch, loss: Loss): Float64Array {
  const { O } = network;
  const { outputs } = readout;
  return Float64Array.from({ length: batch.counted }, (_, r) => {
    const row: Reals = outputs.slice(r * O, (r + 1) * O);
    const one: Batch = {
      ...batch,
      counted: 1,
      classes: batch.classes.subarray(r, r + 1),
      values: batch.values.subarray(r * O, (r + 1) * O),
    };
    return loss.evaluate(row, one, false, 1);
  });
}
