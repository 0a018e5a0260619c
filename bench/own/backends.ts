import type { Backend } from '../../src/compute/backend.ts';
import { blasBackend } from '../../src/compute/blas/blas.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';

/** A way to run a training step here: a backend, and the threads that share its work. */
export interface OwnSetting {
  readonly backend: string;
  readonly threads: number;
}

/** Every backend that is fast enough to be measured, by name. One more is one more line. */
const open: Readonly<Record<string, (threads: number) => Promise<Backend>>> = {
  wasm: (threads) => wasmBackend({ threads }),
  blas: async (threads) => (await blasBackend({ threads })).backend,
};

/** @throws RangeError for a name that is not in the list; what the backend throws where it is not to be had. */
export async function openOwn(backend: string, threads: number): Promise<Backend> {
  const opened = open[backend];
  if (!opened) throw new RangeError(`no backend ${backend} to measure; there are ${Object.keys(open).join(', ')}`);
  return opened(threads);
}

/** Each backend of this machine with one thread and with two; and those that it has not, with the reason. */
export async function ownSettings(): Promise<{ settings: OwnSetting[]; missing: { who: string; why: string }[] }> {
  const settings: OwnSetting[] = [];
  const missing: { who: string; why: string }[] = [];
  for (const backend of Object.keys(open)) {
    try {
      await openOwn(backend, 1);
      settings.push({ backend, threads: 1 }, { backend, threads: 2 });
    } catch (error) {
      missing.push({ who: `backend ${backend}`, why: (error as Error).message });
    }
  }
  return { settings, missing };
}
