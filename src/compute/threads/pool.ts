import { ThroughtimeError } from '../../errors.ts';
import { controlWords, type PooledKernel, pooledKernels, type ThreadSetup, threadMain } from './thread.ts';

/** How often a thread that waits looks before it lies down to sleep; some tens of microseconds. */
const looks = 20_000;
/** Milliseconds that the threads have to come up. */
const patience = 10_000;

interface WorkerLike {
  terminate(): unknown;
  unref?(): void;
}

/**
 * Threads that run kernels on one shared memory. Thread 0 is the caller's own; `post` gives a call to one of the others, and
 * `wait` returns when all that was posted is done. Nothing is sent: a call is a few words in shared memory.
 */
export class ThreadPool {
  /** The caller's own included. */
  readonly threads: number;
  readonly #workers: readonly WorkerLike[];
  readonly #words: Int32Array;
  readonly #posted: Int32Array;
  readonly #mayBlock: boolean;

  private constructor(workers: readonly WorkerLike[], words: Int32Array) {
    this.threads = workers.length + 1;
    this.#workers = workers;
    this.#words = words;
    this.#posted = new Int32Array(this.threads);
    // A browser's main thread must not sleep; it looks until the others are done.
    this.#mayBlock = typeof document === 'undefined';
  }

  /**
   * Starts `threads - 1` workers.
   *
   * @param control address of `controlBytes(threads)` zeroed bytes of the memory.
   * @param workspaces address of each further thread's working memory.
   * @throws BACKEND_UNAVAILABLE where the engine gives no workers or does not share the memory with them.
   */
  static async open(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    control: number,
    workspaces: readonly number[],
  ): Promise<ThreadPool> {
    const words = new Int32Array(memory.buffer, control, (workspaces.length + 1) * controlWords);
    const workers: WorkerLike[] = [];
    try {
      for (const [index, workspace] of workspaces.entries()) {
        workers.push(
          startWorker({ module, memory, workspace, control: control + (index + 1) * controlWords * 4, kernels: [...pooledKernels], looks }),
        );
      }
      const pool = new ThreadPool(workers, words);
      await pool.#ready();
      return pool;
    } catch (cause) {
      for (const worker of workers) worker.terminate();
      if (cause instanceof ThroughtimeError) throw cause;
      throw new ThroughtimeError(
        'BACKEND_UNAVAILABLE',
        `the engine gives no threads on a shared memory: ${(cause as Error).message}; use one thread`,
        {},
        { cause },
      );
    }
  }

  /** Has a thread (from 1) call a kernel with ten numbers, those beyond its own being ignored. */
  post(
    thread: number,
    kernel: PooledKernel,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
    g: number,
    h: number,
    i: number,
    j: number,
  ): void {
    const words = this.#words;
    const at = thread * controlWords;
    words[at + 3] = pooledKernels.indexOf(kernel);
    words[at + 4] = a;
    words[at + 5] = b;
    words[at + 6] = c;
    words[at + 7] = d;
    words[at + 8] = e;
    words[at + 9] = f;
    words[at + 10] = g;
    words[at + 11] = h;
    words[at + 12] = i;
    words[at + 13] = j;
    this.#posted[thread]++;
    Atomics.store(words, at, this.#posted[thread]);
    Atomics.notify(words, at);
  }

  /** Returns when every thread has done what was posted to it. */
  wait(): void {
    const words = this.#words;
    for (let thread = 1; thread < this.threads; thread++) {
      const at = thread * controlWords + 1;
      const wanted = this.#posted[thread];
      for (let look = 0; ; look++) {
        const done = Atomics.load(words, at);
        if (done === wanted) break;
        if (Atomics.load(words, at + 1) !== 0) throw new Error(`a kernel failed in thread ${thread}`);
        if (look >= looks && this.#mayBlock) Atomics.wait(words, at, done);
      }
    }
  }

  /** Ends the threads. */
  close(): void {
    for (const worker of this.#workers) worker.terminate();
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + patience;
    const coming = () =>
      Array.from({ length: this.threads - 1 }, (_, index) => (index + 1) * controlWords + 14).filter(
        (at) => Atomics.load(this.#words, at) === 0,
      );
    while (coming().length > 0) {
      if (performance.now() > deadline) {
        throw new ThroughtimeError(
          'BACKEND_UNAVAILABLE',
          `${coming().length} of ${this.threads - 1} threads did not come up within ${patience / 1000} s; use one thread`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

/** Bytes of control words for a pool. */
export function controlBytes(threads: number): number {
  return threads * controlWords * 4;
}

/** The thread's program as text: it needs nothing but its setup, so that it can be started without a file of its own. */
function startWorker(setup: ThreadSetup): WorkerLike {
  const program = `(${threadMain.toString()})`;
  const node = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process?.getBuiltinModule?.(
    'node:worker_threads',
  ) as { Worker: new (code: string, options: object) => WorkerLike & { unref(): void } } | undefined;
  if (node) {
    const worker = new node.Worker(`${program}(require('node:worker_threads').workerData)`, { eval: true, workerData: setup });
    worker.unref();
    return worker;
  }
  const url = URL.createObjectURL(new Blob([`onmessage = ({ data }) => ${program}(data);`], { type: 'text/javascript' }));
  const worker = new Worker(url);
  worker.postMessage(setup);
  URL.revokeObjectURL(url);
  return worker;
}
