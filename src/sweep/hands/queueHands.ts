import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { showBytes } from '../../compute/bytes.ts';
import { ThroughtimeError } from '../../errors.ts';
import { readError } from '../../run/files.ts';
import { toJson } from '../../run/json.ts';
import { dataVariants } from '../dataVariants.ts';
import type { QueueServer } from '../queue/connection.ts';
import { mostSent } from '../queue/dataPlace.ts';
import { dataKeyOf, jobIdOf, keysOf, prefix, queueName, sweepsKey } from '../queue/keys.ts';
import type { JobData, Message, OfferedFile, SweepNotice } from '../queue/messages.ts';
import { fetchRun } from '../queue/runFiles.ts';
import { withdraw } from '../queue/withdraw.ts';
import { relocate } from '../relocate.ts';
import type { HandsParts } from '../runSweep.ts';
import { revived } from '../sweepDirectory.ts';
import type { Hands, HandsWatcher, TrialJob } from './hands.ts';

/** Jobs that are submitted at once. */
const chunk = 1000;
/** Messages that are read at once, and milliseconds that a reading waits for one. */
const batch = 500;
const waits = 1000;
/** Milliseconds between two looks at how far trials are, and at whether the server still has what was submitted. */
const lookEvery = 2000;
/** Milliseconds without any message after which it is said how many workers there are. */
const quiet = 30_000;

/** Workers that take trials from a queue, on this machine and others. */
export class QueueHands implements Hands {
  readonly #parts: HandsParts;
  readonly #server: QueueServer;
  readonly #redis: Redis;
  /** For readings that wait, which hold up what is asked on the same connection. */
  readonly #reader: Redis;
  readonly #submitter: Redis;
  readonly #queue: Queue<JobData>;
  readonly #keys: ReturnType<typeof keysOf>;
  readonly #notice: SweepNotice;
  /** 1 for each trial whose job is submitted and has not come back. */
  readonly #outstanding: Uint8Array;
  #left = 0;
  /** Of the jobs at hand. */
  #updates: number | null = null;
  /** The newest message that was read. */
  #last = '0';

  constructor(parts: HandsParts, server: QueueServer) {
    const { directory, program, read } = parts;
    const { record } = directory;
    this.#parts = parts;
    this.#server = server;
    this.#redis = server.connect();
    this.#reader = server.connect();
    this.#submitter = server.connect();
    this.#queue = new server.packages.bullmq.Queue<JobData>(queueName, { connection: this.#submitter, prefix });
    // The connection itself says when it is away.
    this.#queue.on('error', () => {});
    this.#keys = keysOf(record.id);
    this.#outstanding = new Uint8Array(read.trials.count);
    this.#notice = {
      ...{ id: record.id, program, name: record.name, directory: path.basename(path.resolve(directory.path)) },
      ...{ folder: record.folder, sweep: record.sweep, files: offeredFiles(parts) },
    };
  }

  get name(): string {
    return `workers of the queue at ${this.#server.name}`;
  }

  async work(jobs: Iterable<TrialJob>, watcher: HandsWatcher, signal: AbortSignal): Promise<void> {
    await this.#offer(watcher);
    // What came while nobody followed is read before anything is submitted, so that it is not trained again.
    while ((await this.#read(watcher, null)) > 0);
    let submitted = false;
    const submitting = this.#submit(jobs, signal).then(() => {
      submitted = true;
    });
    // Its failure is heard below.
    submitting.catch(() => {});
    let [looked, heard] = [performance.now(), performance.now()];
    while (!signal.aborted && !(submitted && this.#left === 0)) {
      if ((await this.#read(watcher, waits)) > 0) heard = performance.now();
      const now = performance.now();
      if (now - looked < lookEvery) continue;
      looked = now;
      await this.#look(watcher, submitted);
      if (now - heard > quiet && submitted) {
        heard = now;
        await this.#sayQuiet(watcher);
      }
    }
    await submitting;
    if (this.#left === 0) return;
    watcher.noted(
      `${this.#left} trials stay in the queue, and workers go on with them; the same command follows them, and with --withdraw takes them back.`,
    );
  }

  async finished(): Promise<void> {
    await withdraw(this.#redis, this.#notice.id, this.#notice.files);
  }

  async close(): Promise<void> {
    await this.#queue.close().catch(() => {});
    for (const connection of [this.#redis, this.#reader, this.#submitter]) connection.disconnect();
  }

  /** Tells workers of the sweep, and sends them the data files that are small enough. */
  async #offer(watcher: HandsWatcher): Promise<void> {
    const { id, folder, files } = this.#notice;
    for (const { name, sha256, sent } of files) {
      const key = dataKeyOf(sha256);
      if (sent && !(await this.#redis.exists(key))) await this.#redis.set(key, contentOf(path.resolve(folder, name)));
    }
    const about = { about: JSON.stringify(this.#notice), reports: toJson(this.#parts.reports) };
    await this.#redis.multi().hset(this.#keys.sweep, about).sadd(sweepsKey, id).exec();
    for (const { name, bytes, sent } of files) {
      if (sent) continue;
      const why = path.isAbsolute(name) ? 'is named by its full path' : `is ${showBytes(bytes)}, more than ${showBytes(mostSent)}`;
      watcher.noted(`${name} ${why} and is not sent; workers need it at the same place, or in the folder of their --data.`);
    }
  }

  async #submit(jobs: Iterable<TrialJob>, signal: AbortSignal): Promise<void> {
    let some: TrialJob[] = [];
    for (const job of jobs) {
      this.#updates = job.updates;
      some.push(job);
      if (some.length < chunk) continue;
      await this.#add(some);
      some = [];
      if (signal.aborted) return;
    }
    await this.#add(some);
  }

  /** Submits jobs; one that is in the queue already stays there once. */
  async #add(jobs: readonly TrialJob[]): Promise<void> {
    const { id } = this.#notice;
    for (const { trial } of jobs) {
      if (this.#outstanding[trial] === 0) this.#left++;
      this.#outstanding[trial] = 1;
    }
    if (jobs.length === 0) return;
    const entries = jobs.map((job) => ({
      name: 'trial',
      data: { sweep: id, ...job },
      opts: { jobId: jobIdOf(id, job), removeOnComplete: true, removeOnFail: true },
    }));
    for (;;) {
      try {
        await this.#queue.addBulk(entries);
        return;
      } catch (cause) {
        // A connection that breaks takes back what it was doing; nothing is lost by asking again.
        if (!isConnection(cause)) throw cause;
        await sleep(500);
      }
    }
  }

  /** Reads what workers have told, and forgets it in the server when it has been written down. Returns how much it was. */
  async #read(watcher: HandsWatcher, block: number | null): Promise<number> {
    const { messages } = this.#keys;
    const found = await (block === null
      ? this.#reader.xread('COUNT', batch, 'STREAMS', messages, this.#last)
      : this.#reader.xread('COUNT', batch, 'BLOCK', block, 'STREAMS', messages, this.#last)
    ).catch(async (cause: unknown) => {
      if (!isConnection(cause)) throw cause;
      await sleep(500);
      return null;
    });
    const entries = found?.[0][1] ?? [];
    if (entries.length === 0) return 0;
    for (const [id, [, text]] of entries) {
      await this.#heard(JSON.parse(text, revived) as Message, watcher);
      this.#last = id;
    }
    watcher.kept();
    await this.#redis.xdel(messages, ...entries.map(([id]) => id));
    return entries.length;
  }

  async #heard(message: Message, watcher: HandsWatcher): Promise<void> {
    if (message.kind === 'noted') return watcher.noted(message.sentence);
    const { trial, updates } = message;
    const job = { trial, updates };
    // A message may come twice, where a connection broke; and a worker that was taken for dead may have been alive.
    if (!watcher.awaits(job)) return;
    if (message.kind === 'begun') return watcher.begun(job, message.worker);
    if (message.kind === 'died') return watcher.died(job, message.because);
    const { directory, read } = this.#parts;
    const run = path.join(directory.path, read.trials.run(trial));
    const final = message.answer.outcome !== 'reached';
    if (message.files) await this.#fetch(trial, run);
    relocate(run, directory.record.folder);
    watcher.ended(job, message.answer);
    if (final) await this.#redis.del(this.#keys.files(trial));
    if (this.#outstanding[trial] === 0) return;
    this.#outstanding[trial] = 0;
    this.#left--;
  }

  /** Two workers may send the same trial, where one was taken for dead: what comes mixed comes whole a moment later. */
  async #fetch(trial: number, run: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await fetchRun(this.#redis, this.#keys.files(trial), run);
        return;
      } catch (cause) {
        if (attempt === 3 || !(cause instanceof ThroughtimeError) || cause.code !== 'QUEUE_REFUSED') throw cause;
        await sleep(1000);
      }
    }
  }

  /** How far trials are; and whether the server has lost what was submitted, which is then submitted again. */
  async #look(watcher: HandsWatcher, submitted: boolean): Promise<void> {
    for (const [trial, update] of Object.entries(await this.#redis.hgetall(this.#keys.at))) {
      if (this.#outstanding[Number(trial)] === 1) watcher.at({ trial: Number(trial), updates: this.#updates }, Number(update));
    }
    if (!(await this.#redis.exists(this.#keys.sweep))) {
      watcher.noted(`The queue at ${this.#server.name} has lost the sweep; what is left of it is submitted again.`);
      // Its messages begin anew too.
      this.#last = '0';
      await this.#offer(watcher);
      await this.#addAgain();
    } else if (submitted && this.#left > 0) {
      const first = this.#outstanding.indexOf(1);
      const id = jobIdOf(this.#notice.id, { trial: first, updates: this.#updates });
      const [job, finished] = await Promise.all([
        this.#redis.exists(`${prefix}:${queueName}:${id}`),
        this.#redis.sismember(this.#keys.finished, id),
      ]);
      if (job === 0 && finished === 0) await this.#addAgain();
    }
  }

  async #addAgain(): Promise<void> {
    let some: TrialJob[] = [];
    for (let trial = 0; trial < this.#outstanding.length; trial++) {
      if (this.#outstanding[trial] === 0) continue;
      some.push({ trial, updates: this.#updates });
      if (some.length < chunk) continue;
      await this.#add(some);
      some = [];
    }
    await this.#add(some);
  }

  async #sayQuiet(watcher: HandsWatcher): Promise<void> {
    const workers = await this.#queue.getWorkersCount();
    const there = workers === 0 ? 'no worker is there: start one with throughtime worker --redis ...' : `workers there: ${workers}`;
    watcher.noted(`Nothing has come for ${quiet / 1000} s; ${there}.`);
  }
}

/** The data files of a sweep, as workers are told of them. */
function offeredFiles({ directory, read }: HandsParts): OfferedFile[] {
  const { folder, files } = directory.record;
  const named = new Set<unknown>();
  for (const trial of dataVariants(read.trials).values()) {
    for (const value of Object.values(read.trials.experiment(trial).data)) named.add(value);
  }
  return files.map(({ path: file, sha256 }) => {
    const full = named.has(file);
    const bytes = statSync(file).size;
    return { name: full ? file : path.relative(folder, file), sha256, bytes, sent: !full && bytes <= mostSent };
  });
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw readError(file, cause);
  }
}

/** Whether an error is that of a connection that broke. */
const isConnection = (cause: unknown): boolean =>
  /Connection is closed|ECONN|EPIPE|ETIMEDOUT|LOADING|Stream isn't writeable|Command aborted/i.test((cause as Error)?.message ?? '');
