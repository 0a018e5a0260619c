import type { Command } from 'commander';
import type { Backend } from '../compute/backend.ts';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';
import { ThroughtimeError } from '../errors.ts';

/** Opens the backend that `--backend` and `--threads` ask for, and says why it is this one. */
export async function openBackend(
  { backend: name, threads }: { backend: 'wasm' | 'scalar'; threads: number },
  command: Command,
): Promise<{ backend: Backend; reason: string }> {
  const asked = (option: string) => command.getOptionValueSource(option) === 'cli';
  if (name === 'scalar' && asked('threads') && threads > 1) {
    throw new ThroughtimeError('OPTION_INVALID', `--threads ${threads} has no meaning for the scalar backend, which has one; leave it out`);
  }
  const backend = name === 'scalar' ? scalarBackend() : await wasmBackend({ threads });
  const choice = asked('backend') ? 'asked for with --backend' : 'the default';
  return { backend, reason: `${choice}: ${backend.detail}` };
}
