/** The kernels that a thread may be asked for; a call names one by its place here. */
export const pooledKernels = ['forwardSweep', 'backwardSweep', 'product', 'multiplyTransposed'] as const;
export type PooledKernel = (typeof pooledKernels)[number];

/**
 * Words of control for each thread: 0 calls posted, 1 calls done, 2 whether one failed, 3 the kernel, 4 to 13 its numbers, 14
 * whether the thread is up. A whole cache line of 64 bytes, so that threads do not disturb each other.
 */
export const controlWords = 16;

export interface ThreadSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Address of this thread's own working memory. */
  readonly workspace: number;
  /** Address of its control words. */
  readonly control: number;
  readonly kernels: readonly string[];
  readonly looks: number;
}

/**
 * What a thread does for ever: waits for a call, makes it, says that it is done. This function is turned into text and started
 * elsewhere, so it may use nothing from outside itself.
 */
export function threadMain(setup: ThreadSetup): void {
  const { module, memory, workspace, control, kernels, looks } = setup;
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const exported = instance.exports as Record<string, (...numbers: number[]) => void>;
  exported.useWorkspace(workspace);
  const words = new Int32Array(memory.buffer, control, 16);
  let done = 0;
  Atomics.store(words, 14, 1);
  for (;;) {
    for (let look = 0; look < looks && Atomics.load(words, 0) === done; look++);
    while (Atomics.load(words, 0) === done) Atomics.wait(words, 0, done);
    try {
      exported[kernels[words[3]]](words[4], words[5], words[6], words[7], words[8], words[9], words[10], words[11], words[12], words[13]);
    } catch {
      Atomics.store(words, 2, 1);
    }
    done++;
    Atomics.store(words, 1, done);
    Atomics.notify(words, 1);
  }
}
