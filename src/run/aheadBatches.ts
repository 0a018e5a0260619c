import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Backend, Precision } from '../compute/backend.ts';
import type { Dataset } from '../data/dataset.ts';
import { ThroughtimeError } from '../errors.ts';
import type { Batch } from '../network/batch.ts';
import { type BatchOrder, type OrderOptions, roomFor } from '../training/batchOrder.ts';
import { RingTaker, ringSetup } from '../training/batchRing.ts';
import type { BatchSource } from '../training/batchSource.ts';
import type { BatchThreadData } from './batchThread.ts';

/** Where batches are prepared: `ahead` in a thread of their own, `inline` when they are needed, or as the rule says. */
export type Prepare = 'auto' | 'ahead' | 'inline';

/** How the batches of a training are prepared, and why so. */
export interface Preparation {
  readonly where: 'ahead' | 'inline';
  readonly reason: string;
}

export interface OpenedBatches {
  /** Absent where the trainer copies them itself. */
  readonly batches?: BatchSource;
  readonly preparation: Preparation;
  close(): Promise<void>;
}

/**
 * Decides where the batches of a training are prepared. The rule: ahead where the data are read from a file, which may have to be waited for,
 * and there is a second core; inline where they are in memory, for copying from there takes less than handing over.
 *
 * @throws OPTION_INVALID where `ahead` is asked for and the data are in memory; THREAD_FAILED where the thread does not start.
 */
export async function openBatches(
  dataset: Dataset,
  options: OrderOptions,
  { precision }: Pick<Backend, 'precision'>,
  prepare: Prepare,
): Promise<OpenedBatches> {
  const inline = (reason: string): OpenedBatches => ({ preparation: { where: 'inline', reason }, close: async () => {} });
  const { recipe } = dataset;
  if (prepare === 'inline') return inline('asked for');
  if (recipe === undefined) {
    if (prepare === 'auto') return inline('the data are in memory');
    throw new ThroughtimeError(
      'OPTION_INVALID',
      '--prepare ahead has no meaning for tasks and sequences, which are in memory, only for texts and tables; leave it out',
    );
  }
  if (prepare === 'auto' && availableParallelism() < 2) return inline('there is one core');
  const reason = prepare === 'ahead' ? 'asked for' : 'the data are read from a file';
  const batches = await AheadBatches.start(dataset, { recipe, options }, precision);
  return { batches, preparation: { where: 'ahead', reason }, close: () => batches.close() };
}

/** Milliseconds that the thread has to come up. */
const patience = 30_000;

/** Takes batches that a thread of its own fills ahead of the training. */
class AheadBatches implements BatchSource {
  readonly #worker: Worker;
  readonly #ring: RingTaker;
  #died: unknown;

  private constructor(worker: Worker, ring: RingTaker) {
    this.#worker = worker;
    this.#ring = ring;
    worker.on('error', (cause) => {
      this.#died = cause;
    });
  }

  static async start(dataset: Dataset, { recipe, options }: Omit<BatchThreadData, 'setup'>, precision: Precision): Promise<AheadBatches> {
    const setup = ringSetup(dataset, roomFor(dataset, options), precision);
    const { batchSize, seed, bptt } = options;
    const workerData: BatchThreadData = { setup, recipe, options: { batchSize, seed, bptt } };
    const program = import.meta.url.endsWith('.ts') ? './batchThread.ts' : './batchThread.js';
    const worker = new Worker(new URL(program, import.meta.url), { workerData });
    worker.unref();
    try {
      await ready(worker);
    } catch (cause) {
      await worker.terminate();
      const sentence = `the thread that prepares batches does not start: ${(cause as Error).message}; use --prepare inline`;
      throw new ThroughtimeError('THREAD_FAILED', sentence, {}, { cause });
    }
    return new AheadBatches(worker, new RingTaker(setup));
  }

  fill(order: BatchOrder, batch: Batch): void {
    if (this.#died !== undefined) {
      const sentence = `the thread that prepares batches has ended: ${String(this.#died)}; go on with the run, or with --prepare inline`;
      throw new ThroughtimeError('THREAD_FAILED', sentence, {}, { cause: this.#died });
    }
    this.#ring.take(order, batch);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Waits for the thread's first word. */
function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it did not come up within ${patience / 1000} s`)), patience);
    const settle = (done: () => void) => {
      clearTimeout(timer);
      worker.removeAllListeners();
      done();
    };
    worker.once('message', () => settle(resolve));
    worker.once('error', (cause) => settle(() => reject(cause)));
    worker.once('exit', (code) => settle(() => reject(new Error(`it ended with code ${code}`))));
  });
}
