import { Worker } from 'node:worker_threads';
import { showBytes } from '../compute/bytes.ts';
import { ThroughtimeError } from '../errors.ts';
import type { Answer, FromThread, Job, ToThread } from './trialThread.ts';

export interface TrialPoolOptions {
  /** Jobs at once, one processor thread each. */
  readonly threads: number;
  /** Bytes that all jobs together may take; each may take its share. Not watched by default. */
  readonly memory?: number;
  /** Milliseconds between two looks at the memory of the whole process; 200 by default. */
  readonly lookEvery?: number;
}

export interface JobOptions {
  /** Ends the job at hand in good order: a training after its update, with its checkpoint. */
  readonly signal?: AbortSignal;
  /** Told of the updates made, now and then. */
  readonly at?: (update: number) => void;
}

/** The thread of a job came to its end before the job did, and not because of what it was asked to do. */
export class ThreadDied extends Error {
  override readonly name = 'ThreadDied';
}

interface Waiting {
  /** Made when a thread is free for it. */
  readonly job: () => Job;
  readonly options: JobOptions;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (cause: unknown) => void;
}

interface Busy {
  /** What the job takes, as its thread says; unknown, and so the first to be suspected, until it has said so. */
  bytes: number;
  readonly outOfMemory: () => void;
}

/** Threads that train and judge trials, a job at a time each. One that dies is replaced by another; its job is rejected. */
export class TrialPool {
  readonly #options: TrialPoolOptions;
  readonly #queue: Waiting[] = [];
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Busy>();
  readonly #watch: NodeJS.Timeout | undefined;
  /** What the process takes without any job. */
  readonly #before = process.memoryUsage.rss();
  /** Looks in a row that found too much. */
  #over = 0;
  /** Until when too much counts for nothing, because the memory of a thread that was ended is still to come back. */
  #returns = 0;
  /** Threads that are being ended for what they take. */
  #ending = 0;

  constructor(options: TrialPoolOptions) {
    this.#options = options;
    if (options.memory === undefined) return;
    this.#watch = setInterval(() => this.#look(), options.lookEvery ?? 200).unref();
  }

  /**
   * Has a job done as soon as a thread is free. Nothing is transferred: what a training has come to is in its run directory.
   *
   * @throws what the job refuses; MEMORY_EXHAUSTED where it takes more than its share; ThreadDied.
   */
  run(job: () => Job, options: JobOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, options, resolve, reject });
      this.#next();
    });
  }

  /** Ends the threads at once. */
  async close(): Promise<void> {
    clearInterval(this.#watch);
    const workers = [...this.#idle, ...this.#busy.keys()];
    for (const { reject } of this.#queue.splice(0)) reject(new ThreadDied('the threads were ended before the job had begun'));
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  /** Bytes that a job may take. */
  get #share(): number | undefined {
    const { memory, threads } = this.#options;
    return memory === undefined ? undefined : memory / threads;
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
    const { memory } = this.#options;
    // The last line of defence, well behind the watch: some of what reaches it takes the whole process with it.
    const resourceLimits =
      memory === undefined || memory === Infinity ? undefined : { maxOldGenerationSizeMb: Math.ceil((2 * memory) / 2 ** 20) + 512 };
    return new Worker(new URL(program, import.meta.url), { resourceLimits });
  }

  #give(worker: Worker, { job, options, resolve, reject }: Waiting): void {
    const stop = () => worker.postMessage({ stop: true } satisfies ToThread);
    let settled = false;
    const settle = (reusable: boolean, done: () => void) => {
      if (settled) return;
      settled = true;
      worker.off('message', heard).off('error', died).off('exit', ended);
      options.signal?.removeEventListener('abort', stop);
      this.#busy.delete(worker);
      if (reusable) this.#idle.push(worker);
      done();
      this.#next();
    };
    // What a thread takes comes back when it has ended, which native code, such as a parser, puts off.
    let exhausted: ThroughtimeError | undefined;
    const outOfMemory = (cause?: unknown) => {
      exhausted ??= outOfShare(this.#share as number, cause);
      this.#ending++;
      void worker.terminate().then(() => {
        this.#ending--;
        this.#returns = performance.now() + grace;
      });
    };
    const heard = (message: FromThread) => {
      if (exhausted) return;
      if ('update' in message) {
        const busy = this.#busy.get(worker);
        if (busy) busy.bytes = message.bytes;
        options.at?.(message.update);
        if (message.bytes > (this.#share ?? Infinity)) outOfMemory();
      } else if ('answer' in message) settle(true, () => resolve(message.answer));
      else if ('refused' in message) {
        const { code, sentence, place } = message.refused;
        settle(true, () => reject(new ThroughtimeError(code, sentence, place)));
      } else settle(true, () => reject(new ThreadDied(message.failed)));
    };
    const died = (cause: Error & { code?: string }) => {
      if (cause.code === 'ERR_WORKER_OUT_OF_MEMORY' && this.#share !== undefined) outOfMemory(cause);
      else settle(false, () => reject(new ThreadDied(`its thread ended: ${cause.message}`, { cause })));
    };
    const ended = (code: number) => settle(false, () => reject(exhausted ?? new ThreadDied(`its thread ended with code ${code}`)));
    this.#busy.set(worker, { bytes: Infinity, outOfMemory });
    worker.on('message', heard).on('error', died).on('exit', ended);
    options.signal?.addEventListener('abort', stop, { once: true });
    worker.postMessage({ job: job() } satisfies ToThread);
    if (options.signal?.aborted) stop();
  }

  /** Where the process takes more than all jobs may: what idle threads keep of earlier ones is given back, and then the largest job is ended. */
  #look(): void {
    if (process.memoryUsage.rss() - this.#before <= (this.#options.memory as number)) {
      this.#over = 0;
      this.#returns = 0;
      return;
    }
    if (this.#ending > 0 || performance.now() < this.#returns || ++this.#over < patience || this.#busy.size === 0) return;
    this.#over = 0;
    if (this.#idle.length > 0) {
      for (const worker of this.#idle.splice(0)) void worker.terminate();
      this.#returns = performance.now() + grace;
      return;
    }
    const [largest] = [...this.#busy.values()].sort((a, b) => b.bytes - a.bytes);
    largest.outOfMemory();
  }
}

/** Looks in a row that have to find too much, and milliseconds in which the memory of a thread that was ended comes back. */
const [patience, grace] = [3, 20_000];

function outOfShare(share: number, cause: unknown): ThroughtimeError {
  const sentence = `the trial took more than its share of the memory, ${showBytes(share)}; give a larger --memory, or fewer --jobs, or set training.memory`;
  return new ThroughtimeError('MEMORY_EXHAUSTED', sentence, {}, { cause });
}
