import { createRequire } from 'node:module';
import { ThroughtimeError } from '../../errors.ts';
import type { Backend } from '../backend.ts';
import { openWasm, type WasmOptions } from '../wasm/wasm.ts';
import { choose, describe, type NativeChoice, recall } from './choice.ts';
import { findLibraries } from './libraries.ts';
import type { openNativeProducts } from './nativeProducts.ts';
import { koffiPath, survey } from './survey.ts';

export interface BlasOptions extends WasmOptions {
  /** A choice made before, as a run keeps it, of a library of this machine; by default the machine's libraries are measured, or were. */
  readonly choice?: NativeChoice;
  /** Told when something is about to be measured. */
  readonly told?: (sentence: string) => void;
}

/**
 * The wasm backend with large products done by a BLAS library of this machine, called through FFI: where a measurement says
 * that it wins, and only for products large enough. The bits do not depend on the number of threads; they do on the library.
 *
 * @throws `BACKEND_UNAVAILABLE` where there is no such library, it fails, or it is not faster.
 */
export async function blasBackend(options: BlasOptions = {}): Promise<{ backend: Backend; why: string }> {
  const opened = await tryBlas(options);
  if ('backend' in opened) return opened;
  throw new ThroughtimeError('BACKEND_UNAVAILABLE', `${opened.why}; use the backend wasm, or see \`throughtime doctor\``);
}

/** The same, answering why not in place of an error. */
export async function tryBlas({
  choice: given,
  told,
  ...options
}: BlasOptions = {}): Promise<{ backend: Backend; why: string } | { why: string }> {
  const found = koffiPath();
  if ('why' in found) return found;
  let chosen: { choice: NativeChoice; why: string } | { why: string };
  if (given) chosen = recall(given, findLibraries());
  else chosen = choose(await survey(found.path, { told }));
  if (!('choice' in chosen)) return chosen;
  const { choice, why } = chosen;
  try {
    const koffi = createRequire(import.meta.url)(found.path) as Parameters<typeof openNativeProducts>[0];
    const { library, environment, wants } = choice;
    const setup = { koffi: found.path, library, environment };
    const backend = await openWasm(options, { koffi, setup, detail: describe(choice), wants });
    return { backend: { ...backend, native: { ...choice } }, why };
  } catch (cause) {
    if (cause instanceof ThroughtimeError) throw cause;
    return { why: `${choice.library} cannot be loaded: ${(cause as Error).message}` };
  }
}
