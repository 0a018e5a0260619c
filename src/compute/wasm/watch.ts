import type { LayerWatch } from '../backend.ts';
import type { StackMemory } from './memory.ts';

/** Bytes of assembly/watch.ts's `Watch`. */
const blockBytes = 64;

/** Where a `LayerWatch` is described to the kernels. Returns a function that fills the block and gives its address. */
export function watchBlock(stack: StackMemory): (watch: LayerWatch) => number {
  const at = stack.allocateBytes(blockBytes);
  const view = new DataView(stack.memory.buffer, at, blockBytes);
  return ({ limit, stride, norms, exponents, seen, bound, least }) => {
    view.setFloat64(0, limit?.mantissa ?? 0, true);
    view.setFloat64(8, limit?.threshold ?? 0, true);
    view.setInt32(16, limit === null ? 0 : limit.kind === 'norm' ? 1 : 2, true);
    view.setInt32(20, limit?.exponent ?? 0, true);
    const words = [stride, norms.byteOffset, exponents.byteOffset, seen.byteOffset, bound.byteOffset, least.byteOffset];
    for (const [index, word] of words.entries()) view.setUint32(24 + 4 * index, word, true);
    return at;
  };
}
