import type { Backend } from '../compute/backend.ts';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';

/** Opens the backend that `--backend` names, and says why it is this one. */
export async function openBackend(name: 'wasm' | 'scalar', asked: boolean): Promise<{ backend: Backend; reason: string }> {
  const backend = name === 'scalar' ? scalarBackend() : await wasmBackend();
  return { backend, reason: `${asked ? 'asked for with --backend' : 'the default'}: ${backend.detail}` };
}
