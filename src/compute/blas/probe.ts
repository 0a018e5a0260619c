import { execFile } from 'node:child_process';
import os from 'node:os';
import { promisify } from 'node:util';
import type { Candidate } from './libraries.ts';
import { type NativeSetup, openNativeProducts } from './nativeProducts.ts';
import { measureShapes, type Placed } from './shapes.ts';

/** What a library did when it was measured. */
export interface Measured {
  /** GFLOP/s of one thread at the shapes of `shapes.ts`, in their order, while another does the same if the processor has a core for it. */
  readonly speeds: readonly number[];
  /** The core type that OpenBLAS says it computes for, where it says so. */
  readonly core: string | null;
}

export type Probed = { readonly measured: Measured } | { readonly failed: string };

/** Milliseconds that a library has: one that does not fit the processor may hang. */
const patience = 6000;

/**
 * Measures a library in a process of its own, because one that does not fit the processor may crash, hang or compute
 * nonsense: its results are compared with a plain product in float64.
 */
export async function probe(candidate: Candidate, koffi: string, shapes: readonly Placed[]): Promise<Probed> {
  const setup: NativeSetup = { koffi, library: candidate.library, environment: candidate.environment };
  const given = `${JSON.stringify(setup)}, ${JSON.stringify(shapes)}, ${openNativeProducts}, ${measureShapes}, require`;
  const program = `(${probeMain})(${given}, ${os.availableParallelism() > 1 ? JSON.stringify(`(${companyMain})(${given})`) : 'undefined'})`;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=commonjs', '-e', program], {
      timeout: patience,
      killSignal: 'SIGKILL',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    return JSON.parse(stdout) as Probed;
  } catch (cause) {
    const { killed, signal, code, stderr } = cause as { killed?: boolean; signal?: string; code?: number; stderr?: string };
    if (killed) return { failed: `gave no answer within ${patience / 1000} s` };
    if (signal) return { failed: `ended its process by ${signal}` };
    const line = stderr?.split('\n').find((each) => /error/i.test(each));
    return { failed: line?.trim() ?? `ended its process with ${code ?? (cause as Error).message}` };
  }
}

/** The program of that process; it uses nothing from outside itself but what it is given. */
function probeMain(
  setup: NativeSetup,
  shapes: readonly Placed[],
  open: typeof openNativeProducts,
  measure: typeof measureShapes,
  load: (path: string) => never,
  company: string | undefined,
): void {
  const koffi = load(setup.koffi) as Parameters<typeof openNativeProducts>[0];
  const memory = new WebAssembly.Memory({ initial: 460, maximum: 460, shared: true });
  const products = open(koffi, setup, memory);
  const say = (answer: Probed) => process.stdout.write(JSON.stringify(answer));

  const floats = new Float32Array(memory.buffer);
  let state = 1;
  for (let i = 0; i < floats.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    floats[i] = state / 0x40000000 - 1;
  }
  const [A, B, C] = [0, 4 << 20, 8 << 20];
  // Right, to the rounding of float32: a row of products beside the same sums in float64.
  const [M, K, N] = [19, 150, 37];
  products.product(A, 4 * K, M, K, N, B, 4 * N, 0, C, 4 * N, 0);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += floats[m * K + k] * floats[(B >> 2) + k * N + n];
      if (!(Math.abs(floats[(C >> 2) + m * N + n] - sum) < 1e-4)) {
        say({ failed: 'computes wrong products here' });
        return;
      }
    }
  }
  const library = koffi.load(setup.library);
  /** What a function without parameters answers, undefined where the library has none of that name. */
  const ask = (name: string, type: string): unknown => {
    try {
      return library.func(name, type, [])();
    } catch {
      return undefined;
    }
  };
  // Builds for a single thread keep their working memory without a lock.
  const config = String(ask('openblas_get_config', 'string') ?? '');
  const single = [
    ask('openblas_get_parallel', 'int') === 0 && !config.includes('USE_LOCKING'),
    ask('bli_info_get_enable_openmp', 'int64') === 0 && ask('bli_info_get_enable_pthreads', 'int64') === 0,
  ];
  if (single.includes(true)) {
    say({ failed: 'is built for one thread and must not be called from several' });
    return;
  }
  const name = ask('openblas_get_corename', 'string');
  const core = typeof name === 'string' ? name : null;
  const finish = () => say({ measured: { speeds: measure(shapes, products), core } });
  if (company === undefined) {
    finish();
    return;
  }
  const { Worker } = load('node:worker_threads') as typeof import('node:worker_threads');
  const thread = new Worker(company, { eval: true });
  thread.once('message', () => {
    finish();
    void thread.terminate();
  });
}

/** What a second thread does meanwhile: the same, until it is ended. It uses nothing from outside itself either. */
function companyMain(
  setup: NativeSetup,
  shapes: readonly Placed[],
  open: typeof openNativeProducts,
  measure: typeof measureShapes,
  load: (path: string) => never,
): void {
  const memory = new WebAssembly.Memory({ initial: 460, maximum: 460, shared: true });
  const products = open(load(setup.koffi) as Parameters<typeof openNativeProducts>[0], setup, memory);
  const { parentPort } = load('node:worker_threads') as typeof import('node:worker_threads');
  parentPort?.postMessage('up');
  for (;;) measure(shapes, products);
}
