import { ThroughtimeError } from '../../errors.ts';
import { type NativeSetup, openNativeProducts } from '../blas/nativeProducts.ts';
import {
  control as at,
  controlBytes,
  type PooledKernel,
  parameters,
  pooledKernels,
  resultAt,
  type ThreadSetup,
  threadMain,
} from './thread.ts';

/** How often a thread that waits looks before it lies down to sleep; about a tenth of a millisecond. */
const looks = 300_000;
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
  /** Of each thread; see thread.ts. */
  readonly #words: readonly Int32Array[];
  readonly #doubles: readonly Float64Array[];
  readonly #posted: Int32Array;
  readonly #mayBlock: boolean;

  private constructor(workers: readonly WorkerLike[], memory: WebAssembly.Memory, control: number) {
    this.threads = workers.length + 1;
    this.#workers = workers;
    const each = Array.from({ length: this.threads }, (_, thread) => control + thread * controlBytes);
    this.#words = each.map((address) => new Int32Array(memory.buffer, address, resultAt / 4));
    this.#doubles = each.map((address) => new Float64Array(memory.buffer, address + resultAt, 1 + parameters));
    this.#posted = new Int32Array(this.threads);
    // A browser's main thread must not sleep; it looks until the others are done.
    this.#mayBlock = typeof document === 'undefined';
  }

  /**
   * Starts `threads - 1` workers.
   *
   * @param control address of `controlBytes` zeroed bytes of the memory for each thread, the caller's own included.
   * @param workspaces address of each further thread's working memory.
   * @param native the library of the machine, where its products are wanted.
   * @throws BACKEND_UNAVAILABLE where the engine gives no workers or does not share the memory with them.
   */
  static async open(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    control: number,
    workspaces: readonly number[],
    native: NativeSetup | undefined,
  ): Promise<ThreadPool> {
    const workers: WorkerLike[] = [];
    try {
      if (globalThis.crossOriginIsolated === false) {
        throw new Error('this page is not isolated from other origins (it needs the headers COOP: same-origin and COEP: require-corp)');
      }
      for (const [index, workspace] of workspaces.entries()) {
        const own = control + (index + 1) * controlBytes;
        workers.push(startWorker({ module, memory, workspace, control: own, kernels: [...pooledKernels], looks, native }));
      }
      const pool = new ThreadPool(workers, memory, control);
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

  /** Has a thread (from 1) call a kernel with up to 13 numbers; those that the kernel does not take are ignored. */
  post(
    thread: number,
    kernel: PooledKernel,
    a: number,
    b: number,
    c: number,
    d = 0,
    e = 0,
    f = 0,
    g = 0,
    h = 0,
    i = 0,
    j = 0,
    k = 0,
    l = 0,
    m = 0,
  ): void {
    const words = this.#words[thread];
    const doubles = this.#doubles[thread];
    words[at.kernel] = pooledKernels.indexOf(kernel);
    doubles[1] = a;
    doubles[2] = b;
    doubles[3] = c;
    doubles[4] = d;
    doubles[5] = e;
    doubles[6] = f;
    doubles[7] = g;
    doubles[8] = h;
    doubles[9] = i;
    doubles[10] = j;
    doubles[11] = k;
    doubles[12] = l;
    doubles[13] = m;
    this.#posted[thread]++;
    Atomics.store(words, at.posted, this.#posted[thread]);
    Atomics.notify(words, at.posted);
  }

  /** Returns when every thread has done what was posted to it. */
  wait(): void {
    for (let thread = 1; thread < this.threads; thread++) {
      const words = this.#words[thread];
      const wanted = this.#posted[thread];
      for (let look = 0; ; look++) {
        const done = Atomics.load(words, at.done);
        if (done === wanted) break;
        if (look >= looks && this.#mayBlock) Atomics.wait(words, at.done, done);
      }
      if (Atomics.load(words, at.failed) !== 0) throw new Error(`a kernel failed in thread ${thread}`);
    }
  }

  /** What the kernel that was last posted to a thread returned; to be read after `wait`. */
  result(thread: number): number {
    return this.#doubles[thread][0];
  }

  /** Ends the threads. */
  close(): void {
    for (const worker of this.#workers) worker.terminate();
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + patience;
    const coming = () => this.#words.filter((words, thread) => thread > 0 && Atomics.load(words, at.up) === 0);
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

/** The thread's program as text: it needs nothing but its setup, so that it can be started without a file of its own. */
function startWorker(setup: ThreadSetup): WorkerLike {
  const program = (given: string, load: string) => `(${threadMain.toString()})(${given}, ${openNativeProducts.toString()}, ${load})`;
  const node = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process?.getBuiltinModule?.(
    'node:worker_threads',
  ) as { Worker: new (code: string, options: object) => WorkerLike & { unref(): void } } | undefined;
  if (node) {
    const worker = new node.Worker(program("require('node:worker_threads').workerData", 'require'), { eval: true, workerData: setup });
    worker.unref();
    return worker;
  }
  const url = URL.createObjectURL(new Blob([`onmessage = ({ data }) => ${program('data', 'undefined')};`], { type: 'text/javascript' }));
  const worker = new Worker(url);
  worker.postMessage(setup);
  URL.revokeObjectURL(url);
  return worker;
}
