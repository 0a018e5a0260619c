import type { Command } from 'commander';
import type { Backend } from '../compute/backend.ts';
import { blasBackend, tryBlas } from '../compute/blas/blas.ts';
import type { NativeChoice } from '../compute/blas/choice.ts';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';
import { ThroughtimeError } from '../errors.ts';
import type { RunRecord } from '../run/runDirectory.ts';

export const backendNames = ['auto', 'blas', 'wasm', 'scalar'] as const;
export type BackendName = (typeof backendNames)[number];

/**
 * Opens the backend that `--backend` and `--threads` ask for, and says why it is this one. `auto` is `blas` where a library of
 * this machine was measured to be faster, else `wasm`.
 *
 * @param recorded that of a run which is to be taken up: `auto` then stays with it, so that the bits are the same.
 */
export async function openBackend(
  { backend: name, threads }: { backend: BackendName; threads: number },
  command: Command,
  recorded?: RunRecord['backend'],
): Promise<{ backend: Backend; reason: string }> {
  const asked = (option: string) => command.getOptionValueSource(option) === 'cli';
  const told = (sentence: string) => process.stderr.write(`${sentence}\n`);
  const resumed = name === 'auto' ? recorded?.name : undefined;
  if (name === 'scalar' || resumed === 'scalar') {
    if (asked('threads') && threads > 1) {
      throw new ThroughtimeError(
        'OPTION_INVALID',
        `--threads ${threads} has no meaning for the scalar backend, which has one; leave it out`,
      );
    }
    const backend = scalarBackend();
    return { backend, reason: `${resumed ? 'as the run began' : 'asked for with --backend'}: ${backend.detail}` };
  }
  if (name === 'blas') {
    const { backend, why } = await blasBackend({ threads, told });
    return { backend, reason: `asked for with --backend: ${why}` };
  }
  if (name === 'wasm' || resumed === 'wasm') {
    const backend = await wasmBackend({ threads });
    return { backend, reason: `${resumed ? 'as the run began' : 'asked for with --backend'}: ${backend.detail}` };
  }
  let missed = '';
  if (resumed === 'blas') {
    const opened = await tryBlas({ threads, choice: recorded?.native as NativeChoice | undefined });
    if ('backend' in opened) return { backend: opened.backend, reason: `as the run began: ${opened.why}` };
    missed = `not the library that the run began with, because ${opened.why}; `;
  }
  const opened = await tryBlas({ threads, told });
  if ('backend' in opened) return { backend: opened.backend, reason: `${missed}the fastest here: ${opened.why}` };
  const backend = await wasmBackend({ threads });
  return { backend, reason: `${missed}${backend.detail}, because ${opened.why}` };
}
