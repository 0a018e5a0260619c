import path from 'node:path';
import type { DependenceReport } from '../../diagnosis/dependence/dependence.ts';
import { TrialPool } from '../../run/trialPool.ts';
import { performTrial } from '../performTrial.ts';
import type { Trials } from '../trials.ts';
import type { Hands, HandsWatcher, TrialJob } from './hands.ts';

export interface ThreadHandsOptions {
  readonly trials: Trials;
  /** The sweep directory, and what relative paths of the experiment start from. */
  readonly directory: string;
  readonly folder: string;
  /** Trials at once, one processor thread each. */
  readonly jobs: number;
  /** Bytes that all of them together may take. */
  readonly memory: number;
  /** What the test of a trial's data has said; null where no verdicts are wanted. */
  readonly reportOf: (trial: number) => DependenceReport | null;
}

/** Threads of this process, a trial in each. */
export class ThreadHands implements Hands {
  readonly #options: ThreadHandsOptions;
  readonly #pool: TrialPool;

  constructor(options: ThreadHandsOptions) {
    this.#options = options;
    this.#pool = new TrialPool({ threads: options.jobs, memory: options.memory });
  }

  get name(): string {
    const { jobs } = this.#options;
    return jobs === 1 ? '1 thread of this process' : `${jobs} threads of this process`;
  }

  async work(jobs: Iterable<TrialJob>, watcher: HandsWatcher, signal: AbortSignal): Promise<void> {
    const left = jobs[Symbol.iterator]();
    // What goes wrong with one trial, and is not its fault, stops the others in good order.
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const lane = async () => {
      while (!either.aborted) {
        const { done, value } = left.next();
        if (done) return;
        await this.#perform(value, watcher, either);
      }
    };
    const lanes = Array.from({ length: this.#options.jobs }, () =>
      lane().catch((cause: unknown) => {
        stop.abort();
        throw cause;
      }),
    );
    const failed = (await Promise.allSettled(lanes)).find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #perform(job: TrialJob, watcher: HandsWatcher, signal: AbortSignal): Promise<void> {
    const { trials, directory, folder, reportOf } = this.#options;
    watcher.begun(job);
    const answer = await performTrial(this.#pool, {
      experiment: trials.experiment(job.trial),
      ...{ folder, run: path.join(directory, trials.run(job.trial)), updates: job.updates, report: reportOf(job.trial), signal },
      at: (update) => watcher.at(job, update),
      died: (because) => watcher.died(job, because),
    });
    if (answer) watcher.ended(job, answer);
  }
}
