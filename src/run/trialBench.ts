import path from 'node:path';
import type { DependenceReport } from '../diagnosis/dependence/dependence.ts';
import type { Change } from '../diagnosis/treat/candidates.ts';
import type { Bench, Judged, Lap, Trial } from '../diagnosis/treat/treat.ts';
import { acceptedBy, watched } from './diagnoseRun.ts';
import { type Experiment, readExperiment } from './experiment.ts';
import { TrialPool } from './trialPool.ts';
import type { Advanced, Answer, Job, JudgedRun } from './trialThread.ts';

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

/** Trains trials in threads, one processor thread each. */
export class TrialBench implements Bench {
  readonly #options: TrialBenchOptions;
  readonly #pool: TrialPool;
  /** Updates of the trials at hand. */
  readonly #at = new Map<number, number>();
  readonly #begun = new Map<number, { exploded?: Lap; seconds: number }>();

  constructor(options: TrialBenchOptions) {
    this.#options = options;
    this.#pool = new TrialPool({ threads: options.threads });
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
    await this.#pool.close();
  }

  #pathOf({ id }: Trial): string {
    return path.join(this.#options.runs, `trial-${id}`);
  }

  #experimentOf({ change, repetition }: Trial): Experiment {
    return changed(this.#options.experiment, change, repetition);
  }

  async #run(trial: Trial, job: () => Job, record: { seconds: number }): Promise<Answer> {
    const { signal, at } = this.#options;
    let began: number | undefined;
    const begin = () => {
      began = performance.now();
      this.#at.set(trial.id, 0);
      return job();
    };
    const onUpdate = (update: number) => {
      this.#at.set(trial.id, update);
      at?.([...this.#at].map(([id, each]) => ({ trial: id, update: each })));
    };
    try {
      return await this.#pool.run(begin, { signal, at: onUpdate });
    } finally {
      if (began !== undefined) record.seconds += (performance.now() - began) / 1000;
      this.#at.delete(trial.id);
    }
  }
}

/** An experiment with a change, and for a repetition after the first another seed. */
export function changed(experiment: Experiment, change: Change, repetition = 0): Experiment {
  const overrides = Object.entries(change).map(([field, value]) => `${field}=${JSON.stringify(value)}`);
  if (repetition > 0) overrides.push(`training.seed=${experiment.training.seed + repetition}`);
  return readExperiment(JSON.stringify(experiment), 'the experiment', overrides);
}
