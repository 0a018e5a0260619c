import type { PullBack, PullBackArrays, Reals } from '../backend.ts';
import type { Kernels } from './kernels.ts';
import { whole } from './matrices.ts';
import type { StackMemory } from './memory.ts';
import type { ThreadedKernels } from './threadedKernels.ts';

/** The words of assembly/pullBack.ts's `Rows`, in its order. */
const words = [
  ...['H', 'S', 'G', 'A', 'P', 'capacity', 'rows', 'exponents', 'squares', 'active', 'pre', 'apart', 'direct'],
  ...['recurrent', 'width', 'inputWeights', 'input', 'inputExponents', 'native', 'F', 'R'],
] as const;
type Word = (typeof words)[number];

/** Floats by which plain rows may be set apart (assembly/native.ts). */
const line = 16;

/** Floats of a packed [K, N] matrix (assembly/layout.ts). */
const packedLength = (K: number, N: number) => K * Math.ceil(N / 8) * 8;

/**
 * Row vectors on their way back, in the kernels of assembly/pullBack.ts.
 *
 * @param native whether the products are the machine's library's, over plain rows.
 */
export function wasmPullBack(
  arrays: PullBackArrays,
  stack: StackMemory,
  kernels: Kernels,
  shared: ThreadedKernels,
  threads: number,
  native: boolean,
): PullBack {
  const { H, S, G, A, F, B, P, width, weights } = arrays;
  /** Gates that the recurrent matrix goes into. */
  const R = arrays.recurrentAt < 0 ? 0 : F;
  // The memory may grow with an allocation, and only then has a buffer of that length.
  const floats = (length: number) => {
    const at = stack.allocateBytes(length * 4);
    return new Float32Array(stack.memory.buffer, at, length);
  };
  const integers = (length: number) => {
    const at = stack.allocateBytes(length * 4);
    return new Int32Array(stack.memory.buffer, at, length);
  };
  const layer = integers(words.length);
  const active = integers(B);
  const exponents = integers(B * P);
  const squaresAt = stack.allocateBytes(B * P * 8);
  const squares = new Float64Array(stack.memory.buffer, squaresAt, B * P);
  const input = floats(B * P * width);
  const inputExponents = integers(width > 0 ? B * P : 0);
  // The library reads plain rows, which the weights are.
  const recurrent = floats(native ? 0 : R * packedLength(H, H));
  const inputWeights = floats(native ? 0 : F * packedLength(H, width));
  const scratches = Array.from({ length: threads }, () =>
    stack.allocateBytes((packedLength(S * H, Math.max(H, width)) + S * H * line + P * S * H + 1) * 4),
  );
  const rows = floats(B * P * S * H);
  const word = (name: Word) => words.indexOf(name);
  for (const [name, value] of Object.entries({
    ...{ H, S, G, A, F, R, P, width, capacity: B, rows, exponents, squares, active, input, inputExponents, recurrent, inputWeights },
    ...{ pre: arrays.pre, apart: arrays.apart, direct: arrays.direct },
  })) {
    layer[word(name as Word)] = typeof value === 'number' ? value : value.byteOffset;
  }
  layer[word('native')] = native ? whole : 0;
  if (native) {
    if (R > 0) layer[word('recurrent')] = weights.byteOffset + arrays.recurrentAt * 4;
    layer[word('inputWeights')] = weights.byteOffset + arrays.inputAt * 4;
  }
  /** The gates' blocks [H, N] of a matrix, each packed by itself. */
  const packGates = (at: number, N: number, gates: number, packed: Reals) => {
    const size = packedLength(H, N) * 4;
    for (let g = 0; g < gates; g++) {
      kernels.pack(weights.byteOffset + (at + g * H * N) * 4, N * 4, 4, H, N, packed.byteOffset + g * size);
    }
  };
  return {
    rows,
    exponents,
    squares,
    input,
    inputExponents,
    pack() {
      if (native) return;
      packGates(arrays.recurrentAt, H, R, recurrent);
      if (width > 0) packGates(arrays.inputAt, width, F, inputWeights);
    },
    step(sequences, counts) {
      let taken = 0;
      for (let b = 0; b < sequences; b++) {
        active[b] = counts[b];
        taken += counts[b];
      }
      shared.pullBack(layer.byteOffset, sequences, 2 * taken * S * H * (H + width), scratches);
    },
  };
}
