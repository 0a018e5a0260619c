import type { Dataset } from '../data/dataset.ts';
import type { Batch } from '../network/batch.ts';
import type { BatchOrder } from './batchOrder.ts';

/** Where a training gets its batches: copied on the spot, or filled ahead of it in another thread. The bits are the same. */
export interface BatchSource {
  /**
   * Fills the batch with the window at which the order stands. It is asked for once.
   *
   * @throws what copying from the data set throws.
   */
  fill(order: BatchOrder, batch: Batch): void;
}

/** Copies from the data set when a batch is asked for. */
export function directBatches(dataset: Dataset): BatchSource {
  return { fill: (order, batch) => dataset.copy({ sequences: order.sequences, ...order.window! }, batch) };
}
