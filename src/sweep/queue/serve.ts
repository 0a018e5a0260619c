import { existsSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import type { DependenceReport } from '../../diagnosis/dependence/dependence.ts';
import { ThroughtimeError } from '../../errors.ts';
import { makeFolder } from '../../run/files.ts';
import { toJson } from '../../run/json.ts';
import { lockName } from '../../run/lock.ts';
import { TrialPool } from '../../run/trialPool.ts';
import { dataKey } from '../dataVariants.ts';
import type { TrialAnswer } from '../hands/hands.ts';
import { type PerformRequest, performTrial } from '../performTrial.ts';
import { relocate } from '../relocate.ts';
import { revived, SweepDirectory } from '../sweepDirectory.ts';
import { Trials } from '../trials.ts';
import type { QueueServer } from './connection.ts';
import { dataPlace } from './dataPlace.ts';
import { jobIdOf, keysOf, prefix, queueName } from './keys.ts';
import type { JobData, Message, SweepNotice } from './messages.ts';
import { fetchRun, sendRun } from './runFiles.ts';

export interface ServeOptions {
  readonly server: QueueServer;
  /** The version of this program. */
  readonly program: string;
  /** Trials at once, one processor thread each, and the bytes that they may take together. */
  readonly jobs: number;
  readonly memory: number;
  /** Where run directories are kept that are no longer than it takes to send them, and data that were sent. */
  readonly folder: string;
  /** A folder that has the sweep directories, if it is shared with those who submit. */
  readonly shared?: string;
  /** A folder that has the data. */
  readonly data?: string;
  /** Seconds without a sign of life after which a trial is given to another worker. */
  readonly lockSeconds: number;
  /** Ends the work in good order: what is at hand goes back into the queue, to be gone on with. */
  readonly signal: AbortSignal;
  readonly told: (sentence: string) => void;
  /** What trains a trial; by default a thread of this process. */
  readonly perform?: (request: PerformRequest) => Promise<TrialAnswer | null>;
}

/** A sweep that this worker has trials of. */
interface Known {
  readonly notice: SweepNotice;
  readonly trials: Trials;
  readonly reports: Readonly<Record<string, DependenceReport>>;
}

/** Milliseconds between two words about how far a trial is. */
const wordEvery = 1000;
/** Workers that may die of a trial before it counts as failed. */
const mostDeaths = 3;
/** Sweeps that are kept in mind. */
const mostKnown = 8;

/**
 * Takes trials from a queue until the signal comes.
 *
 * @throws what keeps this worker from working: QUEUE_REFUSED, WRITE_FAILED and others. The trials that it had go back into the queue.
 */
export async function serve(options: ServeOptions): Promise<void> {
  await new Server(options).run();
}

class Server {
  readonly #options: ServeOptions;
  readonly #redis: Redis;
  readonly #pool: TrialPool;
  readonly #perform: (request: PerformRequest) => Promise<TrialAnswer | null>;
  readonly #known = new Map<string, Known>();
  /** What stops the jobs at hand, by their ids. */
  readonly #stops = new Map<string, AbortController>();
  readonly #name = `${os.hostname()}:${process.pid}`;
  /** What keeps this worker from working. */
  #fatal: unknown;
  #ended = false;
  #closed: Promise<void> | undefined;

  constructor(options: ServeOptions) {
    this.#options = options;
    this.#redis = options.server.connect();
    this.#pool = new TrialPool({ threads: options.jobs, memory: options.memory });
    this.#perform = options.perform ?? ((request) => performTrial(this.#pool, request));
  }

  async run(): Promise<void> {
    const { server, jobs, lockSeconds, signal } = this.#options;
    const { Worker } = server.packages.bullmq;
    const connection = server.connect();
    let stopped: () => void = () => {};
    const stop = new Promise<void>((resolve) => {
      stopped = resolve;
    });
    const worker = new Worker<JobData>(queueName, (job, token) => this.#process(job, token), {
      ...{ connection, prefix, concurrency: jobs, name: this.#name },
      ...{ lockDuration: 1000 * lockSeconds, stalledInterval: 500 * lockSeconds, maxStalledCount: 1_000_000 },
      ...{ removeOnComplete: { count: 0 }, removeOnFail: { count: 0 }, drainDelay: 2, runRetryDelay: 1000 },
    });
    // The connections themselves say when they are away.
    worker.on('error', () => {});
    worker.on('lockRenewalFailed', (ids) => {
      // Someone else may have them by now.
      for (const id of ids) this.#stops.get(id)?.abort('lost');
    });
    this.#end = () => {
      if (this.#ended) return;
      this.#ended = true;
      this.#closed = worker.close();
      for (const each of this.#stops.values()) each.abort('ended');
      stopped();
    };
    signal.addEventListener('abort', this.#end, { once: true });
    if (signal.aborted) this.#end();
    try {
      await stop;
      await this.#closed;
    } finally {
      signal.removeEventListener('abort', this.#end);
      await this.#pool.close();
      connection.disconnect();
      this.#redis.disconnect();
    }
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  #end: () => void = () => {};

  async #process(job: Job<JobData>, token: string | undefined): Promise<void> {
    const stop = new AbortController();
    const id = job.id as string;
    this.#stops.set(id, stop);
    if (this.#ended) stop.abort('ended');
    try {
      if (await this.#train(job, stop)) return;
    } catch (cause) {
      await this.#refuse(job, cause);
    } finally {
      this.#stops.delete(id);
    }
    if (stop.signal.reason === 'withdrawn') return;
    // A job that was lost is no longer this worker's to put back.
    if (stop.signal.reason !== 'lost') await job.moveToWait(token);
    throw new this.#options.server.packages.bullmq.WaitingError();
  }

  /** Whether the job is done with; otherwise it goes back into the queue. */
  async #train({ data: { sweep: id, trial, updates }, stalledCounter }: Job<JobData>, stop: AbortController): Promise<boolean> {
    const known = await this.#knowledgeOf(id);
    const keys = keysOf(id);
    const job = { trial, updates };
    // Withdrawn; or done before, by this worker or one that was taken for dead.
    if (!known || (await this.#redis.sismember(keys.finished, jobIdOf(id, job)))) return true;
    const { shared } = this.#options;
    const { trials, reports, notice } = known;
    const experiment = trials.experiment(trial);
    const own = path.join(this.#options.folder, id);
    const folder = await dataPlace(this.#redis, notice, this.#options.data, path.join(own, 'data'));
    const run = path.join(shared === undefined ? own : this.#sharedPlace(shared, notice), trials.run(trial));
    if (stalledCounter >= mostDeaths) {
      await this.#finish(id, job, { outcome: 'failed', because: `${mostDeaths} workers have died of it`, code: null }, false);
      return true;
    }
    if (shared === undefined) {
      makeFolder(path.dirname(run));
      // What another worker has come to, unless this one was at it itself.
      if (stalledCounter === 0 || !existsSync(run)) await fetchRun(this.#redis, keys.files(trial), run);
    }
    relocate(run, folder);
    await this.#tell(id, { kind: 'begun', worker: this.#name, ...job });
    let spoke = performance.now();
    const answer = await this.#unlocked(run, stop, () =>
      this.#perform({
        ...{ experiment, folder, run, updates, signal: stop.signal },
        report: trials.sweep.verdicts ? reports[dataKey(experiment)] : null,
        at: (update) => {
          if (performance.now() - spoke < wordEvery) return;
          spoke = performance.now();
          void this.#say(id, trial, update, stop);
        },
        died: (because) => void this.#tell(id, { kind: 'died', because, ...job }),
      }),
    );
    if (answer === null) {
      // Whoever takes it up next goes on from there.
      if (shared === undefined && stop.signal.reason === 'ended' && existsSync(run)) await sendRun(this.#redis, keys.files(trial), run);
      return false;
    }
    if (stop.signal.reason === 'lost') return false;
    // A worker that was taken for dead has brought it to its end after all.
    if (await this.#redis.sismember(keys.finished, jobIdOf(id, job))) return true;
    if (shared === undefined) await sendRun(this.#redis, keys.files(trial), run);
    await this.#finish(id, job, answer, shared === undefined);
    this.#options.told(`Trial ${trial} of ${notice.name}: ${saidOf(answer)}.`);
    if (shared === undefined) rmSync(run, { recursive: true, force: true });
    return true;
  }

  /** @throws QUEUE_REFUSED where it is of another version. */
  async #knowledgeOf(id: string): Promise<Known | null> {
    const key = keysOf(id).sweep;
    const before = this.#known.get(id);
    if (before && (await this.#redis.exists(key))) return before;
    const { about, reports } = (await this.#redis.hgetall(key)) as { about?: string; reports?: string };
    if (about === undefined) return null;
    const notice = JSON.parse(about) as SweepNotice;
    const { program } = this.#options;
    if (notice.program !== program) {
      const sentence = `the sweep ${notice.name} was submitted by version ${notice.program}, and this worker is version ${program}; install the same on all machines`;
      throw new ThroughtimeError('QUEUE_REFUSED', sentence);
    }
    const known: Known = {
      ...{ notice, trials: new Trials(notice.sweep) },
      reports: JSON.parse(reports ?? '{}', revived) as Known['reports'],
    };
    this.#known.set(id, known);
    for (const oldest of this.#known.keys()) if (this.#known.size > mostKnown) this.#known.delete(oldest);
    return known;
  }

  /** The sweep directory in a folder that is shared. @throws QUEUE_REFUSED where it is not there. */
  #sharedPlace(shared: string, { directory, id, name }: SweepNotice): string {
    const place = path.join(shared, directory);
    if (SweepDirectory.is(place) && SweepDirectory.open(place).record.id === id) return place;
    const sentence = `${place} is not the directory of the sweep ${name}; give --shared the folder that holds it, or leave --shared out, so that runs are sent`;
    throw new ThroughtimeError('QUEUE_REFUSED', sentence);
  }

  /**
   * Waits where the run is still locked. The worker that had this trial has lost it to this one; where it is alive it stops as it hears of that, and where it was
   * killed on another host, from which that cannot be told, its lock goes when it has had the time.
   */
  async #unlocked<T>(run: string, stop: AbortController, work: () => Promise<T>): Promise<T | null> {
    const until = performance.now() + 2000 * this.#options.lockSeconds;
    for (;;) {
      try {
        return await work();
      } catch (cause) {
        if (!(cause instanceof ThroughtimeError) || cause.code !== 'RUN_IN_USE') throw cause;
      }
      if (stop.signal.aborted) return null;
      if (performance.now() > until && isForeign(path.join(run, lockName))) rmSync(path.join(run, lockName), { force: true });
      await sleep(1000);
    }
  }

  /** What keeps this worker from working is said, to its user and to those who follow the sweep, and ends it. */
  async #refuse({ data: { sweep } }: Job<JobData>, cause: unknown): Promise<void> {
    const first = this.#fatal === undefined;
    this.#fatal ??= cause;
    this.#end();
    if (!first) return;
    const message = cause instanceof ThroughtimeError ? cause.message : `a mistake in this program: ${String(cause)}`;
    await this.#tell(sweep, {
      kind: 'noted',
      sentence: `Worker ${this.#name} has ended, and its trials are back in the queue: ${message}`,
    });
  }

  async #say(id: string, trial: number, update: number, stop: AbortController): Promise<void> {
    const keys = keysOf(id);
    // A withdrawn sweep is not to come back as a hash of updates.
    if (await this.#redis.exists(keys.sweep)) await this.#redis.hset(keys.at, String(trial), update);
    else stop.abort('withdrawn');
  }

  async #tell(id: string, message: Message): Promise<void> {
    await this.#redis.xadd(keysOf(id).messages, '*', 'm', JSON.stringify(message));
  }

  async #finish(id: string, job: { trial: number; updates: number | null }, answer: TrialAnswer, files: boolean): Promise<void> {
    const keys = keysOf(id);
    const message: Message = { kind: 'ended', answer, files, ...job };
    await this.#redis
      .multi()
      .sadd(keys.finished, jobIdOf(id, job))
      .hdel(keys.at, String(job.trial))
      .xadd(keys.messages, '*', 'm', toJson(message))
      .exec();
  }
}

/** What came of a trial, in a few words. */
function saidOf(answer: TrialAnswer): string {
  if (answer.outcome === 'failed') return `failed, ${answer.because}`;
  const loss = answer.loss === null ? 'without a loss' : `at a loss of ${answer.loss.toPrecision(4)}`;
  return `${answer.outcome === 'done' ? 'done' : 'paused'} after ${answer.updates} updates, ${loss}`;
}

/** Whether a lock is that of a process on another host. */
function isForeign(file: string): boolean {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { host?: string }).host !== os.hostname();
  } catch {
    return false;
  }
}
