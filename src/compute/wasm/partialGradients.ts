import type { GradientArrays, PartialGradients, Reals } from '../backend.ts';
import type { StackMemory } from './memory.ts';
import type { ThreadedKernels } from './threadedKernels.ts';

/** Parts of a batch: with more threads than these, some have no weight gradients to compute. */
const PARTS = 4;
/** Sequences that a part has at least. */
const LEAST = 2;
/** The sums of all parts are no larger: about what the processor's caches hold beside the rows. */
const MOST_BYTES = 2 ** 21;

/** The words of assembly/partialGradients.ts's `Partial`, in its order. */
const words = [
  ...['from', 'to', 'B', 'H', 'parts', 'pre', 'columns', 'entered', 'joined', 'apart', 'apartColumns', 'exponents', 'read'],
  ...['input', 'width', 'sums', 'bytes', 'begins'],
] as const;

const address = (array: Reals | Int32Array | null | undefined) => array?.byteOffset ?? 0;

/** Bytes of the sums of one part, and whole cache lines: threads do not disturb each other. */
function partBytes({ H, columns, entered, joined, apartColumns, width }: GradientArrays): number {
  const numbers = entered * width + (joined + apartColumns) * H + columns + apartColumns + 1;
  return Math.ceil(numbers / 16) * 64;
}

/** Bytes that the parts take, 0 where a layer of these sizes has none: whole products, whose rows threads share out, are then faster. */
export function partialGradientBytes(arrays: GradientArrays): number {
  const bytes = PARTS * partBytes(arrays);
  return arrays.B >= LEAST * PARTS && bytes <= MOST_BYTES ? bytes + words.length * 4 : 0;
}

export function wasmPartialGradients(arrays: GradientArrays, stack: StackMemory, kernels: ThreadedKernels): PartialGradients | undefined {
  if (partialGradientBytes(arrays) === 0) return undefined;
  const { H, columns, entered, joined, apartColumns, width } = arrays;
  const bytes = partBytes(arrays);
  const at = stack.allocateBytes(words.length * 4);
  const sums = stack.allocateBytes(PARTS * bytes);
  const block = new Int32Array(stack.memory.buffer, at, words.length);
  const set = (values: Record<string, number>) => {
    for (const [index, word] of words.entries()) if (values[word] !== undefined) block[index] = values[word];
  };
  set({
    H,
    parts: PARTS,
    pre: address(arrays.pre),
    columns,
    entered,
    joined,
    apart: address(arrays.apart),
    apartColumns,
    width,
    sums,
    bytes,
  });
  const places = {
    input: { from: 0, length: entered * width },
    recurrent: { from: entered * width, length: (joined + apartColumns) * H },
    columns: { from: entered * width + (joined + apartColumns) * H, length: columns },
    apartColumns: { from: entered * width + (joined + apartColumns) * H + columns, length: apartColumns },
  };
  const perRow = 2 * (entered * width + (joined + apartColumns) * H);
  const place = (word: string) => (words as readonly string[]).indexOf(word);
  const [from, to, sequences, exponents, read, input, begins] = ['from', 'to', 'B', 'exponents', 'read', 'input', 'begins'].map(place);
  return {
    add(B, first, end, scaled, readFrom, readAt, inputFrom, inputAt, beginning) {
      block[from] = first;
      block[to] = end;
      block[sequences] = B;
      block[exponents] = scaled ? address(arrays.exponents) : 0;
      block[read] = readFrom.byteOffset + readAt * 4;
      block[input] = inputFrom ? inputFrom.byteOffset + inputAt * 4 : 0;
      block[begins] = beginning ? 1 : 0;
      kernels.addPartialGradients(at, PARTS, (end - first) * B * perRow);
    },
    collect(which, out, outAt) {
      const { from: offset, length } = places[which];
      kernels.addParts(sums + offset * 4, bytes, PARTS, length, out.byteOffset + outAt * 4);
    },
  };
}
