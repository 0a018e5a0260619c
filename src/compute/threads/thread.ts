import type { NativeSetup, openNativeProducts } from '../blas/nativeProducts.ts';

/** The kernels that a thread may be asked for; a call names one by its place here. The last two are of the machine's library. */
export const pooledKernels = [
  ...(['forwardSweep', 'backwardSweep', 'product', 'multiplyTransposed', 'addColumnSums', 'sumSquares', 'softmaxCrossEntropy'] as const),
  ...([
    'pack',
    'transpose',
    'copyRows',
    'scaleRows',
    'fillRows',
    'gatherRows',
    'adam',
    'pullBack',
    'addPartialGradients',
    'addParts',
    'nativeProduct',
    'nativeTransposed',
  ] as const),
];
export type PooledKernel = (typeof pooledKernels)[number];

/** Bytes of control for each thread: whole cache lines, so that threads do not disturb each other. */
export const controlBytes = 192;
/** Of these, whole numbers: 0 calls posted, 1 calls done, 2 whether one failed, 3 the kernel, 4 whether the thread is up. */
export const control = { posted: 0, done: 1, failed: 2, kernel: 3, up: 4 } as const;
/** Then doubles: the result, and the numbers that the kernel is called with. */
export const resultAt = 64;
export const parameters = 13;

export interface ThreadSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Address of this thread's own working memory. */
  readonly workspace: number;
  /** Address of its control bytes. */
  readonly control: number;
  readonly kernels: readonly string[];
  readonly looks: number;
  /** The library of the machine, where its products are wanted. */
  readonly native: NativeSetup | undefined;
}

/**
 * What a thread does for ever: waits for a call, makes it, says that it is done. This function is turned into text and started
 * elsewhere, so it may use nothing from outside itself but what it is given.
 *
 * @param load Node's `require`, for the library of the machine.
 */
export function threadMain(setup: ThreadSetup, open: typeof openNativeProducts, load?: (path: string) => never): void {
  const { module, memory, workspace, control, kernels, looks, native } = setup;
  const products = native && load ? open(load(native.koffi), native, memory) : undefined;
  const env = { memory, nativeProduct: products?.product ?? (() => {}) };
  const instance = new WebAssembly.Instance(module, { env });
  const exported = instance.exports as Record<string, (...numbers: number[]) => number>;
  exported.useWorkspace(workspace);
  const known: Record<string, unknown> = { ...exported, nativeProduct: products?.product, nativeTransposed: products?.transposed };
  const table = kernels.map((name) => known[name] as (...numbers: number[]) => number | undefined);
  const words = new Int32Array(memory.buffer, control, 16);
  const doubles = new Float64Array(memory.buffer, control + 64, 14);
  let done = 0;
  Atomics.store(words, 4, 1);
  for (;;) {
    for (let look = 0; look < looks && Atomics.load(words, 0) === done; look++);
    while (Atomics.load(words, 0) === done) Atomics.wait(words, 0, done);
    try {
      const d = doubles;
      d[0] = table[words[3]](d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10], d[11], d[12], d[13]) ?? 0;
    } catch {
      Atomics.store(words, 2, 1);
    }
    done++;
    Atomics.store(words, 1, done);
    Atomics.notify(words, 1);
  }
}
