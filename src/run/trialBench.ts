import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { DependenceReport } from '../diagnosis/dependence/dependence.ts';
import type { Change } from '../diagnosis/treat/candidates.ts';
import type { Bench, Judged, Lap, Trial } from '../diagnosis/treat/treat.ts';
import { ThroughtimeError } from '../errors.ts';
import { acceptedBy, watched } from './diagnoseRun.ts';
import { type Experiment, readExperiment } from './experiment.ts';
import type { Advanced, FromThread, Job, JudgedRun, ToThread } from './trialThread.ts';

export interface TrialBenchOptions {
  readonly experiment: Experiment;
  readonly folder: string;
  /** Where the run directories of the trials are written. */
  readonly runs: string;
  readonly threads: number;
  /** The test of the data, which goes on while the first trial is trained. */
  readonly data: Promise<DependenceReport>;
  /** A moment of `performance.now()` by which all is to be done, and the seconds until then that are left for judging. */
  readonly deadline: number;
  readonly reserve: number;
  /** Seconds for the experiment as it is. */
  readonly firstSeconds: number;
  readonly signal?: AbortSignal;
  readonly told?: (sentence: string) => void;
  /** Told of how far each training at hand has come. */
  readonly at?: (trainings: readonly { readonly trial: number; readonly update: number }[]) => void;
}

interface Waiting {
  readonly trial: Trial;
  readonly job: () => Job;
  readonly resolve: (answer: Advanced | JudgedRun) => void;
  readonly reject: (cause: unknown) => void;
}

/** Trains trials in threads, one processor thread each. */
export class TrialBench implements Bench {
  readonly #options: TrialBenchOptions;
  readonly #queue: Waiting[] = [];
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, { trial: number; update: number }>();
  readonly #begun = new Map<number, { exploded?: Lap; seconds: number }>();

  constructor(options: TrialBenchOptions) {
    this.#options = options;
    options.signal?.addEventListener('abort', this.#stopAll, { once: true });
  }

  async advance(trial: Trial, updates: number): Promise<Lap> {
    const before = this.#begun.get(trial.id);
    if (before?.exploded) return before.exploded;
    const record = before ?? { seconds: 0 };
    this.#begun.set(trial.id, record);
    const { folder, deadline, reserve, firstSeconds, signal } = this.#options;
    const answer = await this.#run(
      trial,
      () => {
        const left = Math.max(0.1, (deadline - performance.now()) / 1000 - reserve);
        return {
          kind: 'advance',
          run: this.#pathOf(trial),
          begin: before ? undefined : { experiment: watched(this.#experimentOf(trial)), folder },
          updates: signal?.aborted ? 0 : updates,
          seconds: trial.id === 0 ? Math.min(left, firstSeconds) : left,
        };
      },
      record,
    );
    const { exploded, ...rest } = answer as Advanced;
    const lap: Lap = { ...rest, seconds: record.seconds };
    if (exploded) record.exploded = lap;
    return lap;
  }

  async judge(trial: Trial): Promise<Judged> {
    const data = await this.#options.data;
    const record = this.#begun.get(trial.id) ?? { seconds: 0 };
    const answer = (await this.#run(trial, () => ({ kind: 'judge', run: this.#pathOf(trial), data }), record)) as JudgedRun;
    return { ...answer, seconds: record.seconds };
  }

  updatesOf(change: Change): number {
    return (change['training.updates'] as number | undefined) ?? this.#options.experiment.training.updates;
  }

  accepts(change: Change): boolean {
    return acceptedBy(this.#options.experiment)(change);
  }

  stop(): 'signal' | 'budget' | null {
    const { signal, deadline, reserve } = this.#options;
    if (signal?.aborted) return 'signal';
    return performance.now() > deadline - 1000 * reserve ? 'budget' : null;
  }

  told(sentence: string): void {
    this.#options.told?.(sentence);
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#stopAll);
    await Promise.all([...this.#idle, ...this.#busy.keys()].map((worker) => worker.terminate()));
  }

  #pathOf({ id }: Trial): string {
    return path.join(this.#options.runs, `trial-${id}`);
  }

  #experimentOf({ change, repetition }: Trial): Experiment {
    return changed(this.#options.experiment, change, repetition);
  }

  readonly #stopAll = () => {
    for (const worker of this.#busy.keys()) worker.postMessage({ stop: true } satisfies ToThread);
  };

  #run(trial: Trial, job: () => Job, record: { seconds: number }): Promise<Advanced | JudgedRun> {
    return new Promise((resolve, reject) => {
      let began = 0;
      const spent = () => {
        record.seconds += (performance.now() - began) / 1000;
      };
      this.#queue.push({
        trial,
        job: () => {
          began = performance.now();
          return job();
        },
        resolve: (answer) => {
          spent();
          resolve(answer);
        },
        reject: (cause) => {
          spent();
          reject(cause);
        },
      });
      this.#next();
    });
  }

  #next(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop() ?? (this.#busy.size < this.#options.threads ? this.#start() : undefined);
      if (!worker) return;
      this.#give(worker, this.#queue.shift() as Waiting);
    }
  }

  #start(): Worker {
    const program = import.meta.url.endsWith('.ts') ? './trialThread.ts' : './trialThread.js';
    return new Worker(new URL(program, import.meta.url));
  }

  #give(worker: Worker, { trial, job, resolve, reject }: Waiting): void {
    this.#busy.set(worker, { trial: trial.id, update: 0 });
    const settle = (reusable: boolean, done: () => void) => {
      worker.off('message', heard).off('error', died).off('exit', ended);
      this.#busy.delete(worker);
      if (reusable) this.#idle.push(worker);
      done();
      this.#next();
    };
    const heard = (message: FromThread) => {
      if ('update' in message) {
        this.#busy.set(worker, { trial: trial.id, update: message.update });
        this.#options.at?.([...this.#busy.values()]);
      } else if ('answer' in message) settle(true, () => resolve(message.answer));
      else if ('refused' in message) {
        const { code, sentence, place } = message.refused;
        settle(true, () => reject(new ThroughtimeError(code, sentence, place)));
      } else settle(true, () => reject(new Error(message.failed)));
    };
    const died = (cause: unknown) => settle(false, () => reject(cause));
    const ended = (code: number) => died(new Error(`the thread of a trial ended with code ${code}`));
    worker.on('message', heard).on('error', died).on('exit', ended);
    worker.postMessage({ job: job() } satisfies ToThread);
  }
}

/** An experiment with a change, and for a repetition after the first another seed. */
export function changed(experiment: Experiment, change: Change, repetition = 0): Experiment {
  const overrides = Object.entries(change).map(([field, value]) => `${field}=${JSON.stringify(value)}`);
  if (repetition > 0) overrides.push(`training.seed=${experiment.training.seed + repetition}`);
  return readExperiment(JSON.stringify(experiment), 'the experiment', overrides);
}
