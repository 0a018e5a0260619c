import type { Backend } from '../../src/compute/backend.ts';
import { blasBackend, tryBlas } from '../../src/compute/blas/blas.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';

/** A way to run a training step here: a backend, and the threads that share its work. */
export interface OwnSetting {
  readonly backend: string;
  readonly threads: number;
}

/** Every backend that is fast enough to be measured, by name. One more is one more line. */
const open: Readonly<Record<string, (threads: number) => Promise<Backend>>> = {
  wasm: (threads) => wasmBackend({ threads }),
  // Only where a library of the machine is faster.
  ...('backend' in (await tryBlas()) ? { blas: async (threads: number) => (await blasBackend({ threads })).backend } : {}),
};

/** Each backend with one thread and with two. */
export const ownSettings: readonly OwnSetting[] = Object.keys(open).flatMap((backend) => [1, 2].map((threads) => ({ backend, threads })));

/** @throws RangeError for a name that is not in the list; what the backend throws where it is not to be had. */
export async function openOwn(backend: string, threads: number): Promise<Backend> {
  const opened = open[backend];
  if (!opened) throw new RangeError(`no backend ${backend} to measure; there are ${Object.keys(open).join(', ')}`);
  return opened(threads);
}
