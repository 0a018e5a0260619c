import type { Dataset } from '../data/dataset.ts';
import { type TruncatedWindow, truncatedWindow } from '../network/unroll/truncated.ts';
import { EpochOrder } from './epochOrder.ts';
import type { TrainingOptions } from './options.ts';

/** A place in the data: the epoch, the batch of sequences in it, and the window over these. */
export interface Place {
  readonly epoch: number;
  readonly batch: number;
  readonly window: number;
}

/** What the order depends on. */
export type OrderOptions = Pick<TrainingOptions, 'batchSize' | 'seed' | 'bptt'>;

/**
 * Which sequences and which of their steps come after which. It depends on the lengths of the sequences and on the options alone, not on
 * what the training makes of them, so that whoever prepares batches can go ahead of it.
 */
export class BatchOrder {
  readonly #dataset: Pick<Dataset, 'count' | 'length'>;
  readonly #options: OrderOptions;
  readonly #epochOrder: EpochOrder;
  readonly #room: Int32Array;
  #place: Place = { epoch: 0, batch: 0, window: 0 };
  #sequences: Int32Array = new Int32Array(0);
  #T = 0;
  #read = false;

  constructor(dataset: Pick<Dataset, 'count' | 'length'>, options: OrderOptions) {
    this.#dataset = dataset;
    this.#options = options;
    this.#epochOrder = new EpochOrder(dataset.count, options.seed);
    this.#room = new Int32Array(Math.min(options.batchSize, dataset.count));
  }

  get place(): Place {
    return this.#place;
  }

  set place({ epoch, batch, window }: Place) {
    this.#read &&= epoch === this.#place.epoch && batch === this.#place.batch;
    this.#place = { epoch, batch, window };
  }

  /** Indices of the sequences of the batch at hand. */
  get sequences(): Int32Array {
    if (!this.#read) this.#readBatch();
    return this.#sequences;
  }

  /** The window at hand; undefined where all sequences of the batch have no steps. */
  get window(): TruncatedWindow | undefined {
    return this.#windowAt(this.#place.window);
  }

  /** The window that follows over the same sequences, if there is one. */
  get next(): TruncatedWindow | undefined {
    return this.#windowAt(this.#place.window + 1);
  }

  /** On to the next window, or to the first one of the next batch. */
  advance(): void {
    const { epoch, batch, window } = this.#place;
    if (this.next) this.place = { epoch, batch, window: window + 1 };
    else if ((batch + 1) * this.#room.length < this.#dataset.count) this.place = { epoch, batch: batch + 1, window: 0 };
    else this.place = { epoch: epoch + 1, batch: 0, window: 0 };
  }

  #windowAt(index: number): TruncatedWindow | undefined {
    if (!this.#read) this.#readBatch();
    return truncatedWindow(index, this.#T, this.#options.bptt);
  }

  #readBatch(): void {
    const { epoch, batch } = this.#place;
    const B = this.#room.length;
    const from = batch * B;
    this.#sequences = this.#room.subarray(0, Math.max(0, Math.min(B, this.#dataset.count - from)));
    this.#epochOrder.read(epoch, from, this.#sequences);
    this.#T = 0;
    for (const sequence of this.#sequences) this.#T = Math.max(this.#T, this.#dataset.length(sequence));
    this.#read = true;
  }
}

/** Steps and sequences of the largest window that a training can come by. */
export function roomFor(dataset: Pick<Dataset, 'count' | 'length'>, { batchSize, bptt }: OrderOptions): { T: number; B: number } {
  const longest = longestOf(dataset);
  return { T: bptt === 'full' ? longest : Math.min(longest, bptt.k2), B: Math.min(batchSize, dataset.count) };
}

/** Steps of the longest sequence. */
export function longestOf(dataset: Pick<Dataset, 'count' | 'length'>): number {
  let longest = 0;
  for (let i = 0; i < dataset.count; i++) longest = Math.max(longest, dataset.length(i));
  return longest;
}
