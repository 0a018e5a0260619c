import type { Reals, Sweep, SweepArrays } from '../backend.ts';
import { type Matrix, packed } from './matrices.ts';
import type { StackMemory } from './memory.ts';
import type { ThreadedKernels } from './threadedKernels.ts';
import { watchBlock } from './watch.ts';

/** The cells that assembly/sweep.ts knows, by its numbers. */
const cellNumbers: Readonly<Record<string, number>> = { 'rnn-tanh': 0, 'rnn-relu': 1, lstm: 2, gru: 3, mingru: 4, lru: 5 };

/** The words of assembly/sweep.ts's `Layer`, in its order. */
const words = [
  ...['cell', 'from', 'to', 'B', 'H', 'pre', 'apart', 'h', 'c', 'dh', 'dc', 'scratch', 'forwardJoined', 'forwardApart', 'apartBias'],
  ...['backwardJoined', 'backwardApart', 'scale', 'exponents', 'lengths', 'injected', 'injectedRows', 'injectedExponents'],
  ...['native', 'after', 'watch', 'units', 'history', 'recurrentLag', 'most', 'shortcuts', 'shortcut'],
  ...['input', 'symbols', 'inputWidth', 'inputNative', 'forwardInput', 'inputBias', 'table'],
] as const;
type Word = (typeof words)[number];

/** Of a cell without a recurrent matrix, for each unit. */
const unitwise = 32;

const address = (array: Reals | Int32Array | null | undefined) => array?.byteOffset ?? 0;

/** Many steps of a layer in one call of the kernels; undefined for a cell that they do not know. */
export function wasmSweep(arrays: SweepArrays, stack: StackMemory, kernels: ThreadedKernels): Sweep | undefined {
  const cell = cellNumbers[arrays.cell];
  if (cell === undefined) return undefined;
  const { H, states, dStates, forwardInput, inputTable } = arrays;
  const { layout: inputNative = packed, rows: laidOutFor = 0 } = (forwardInput as Matrix | undefined) ?? {};
  const readsInput = inputNative === packed || laidOutFor <= arrays.B;
  const matrices = [arrays.forwardJoined, arrays.forwardApart, arrays.backwardJoined, arrays.backwardApart];
  const native = matrices.reduce((bits, matrix, index) => bits | ((matrix as Matrix).layout << (8 * index)), 0);
  const at = stack.allocateBytes(words.length * 4);
  const layer = new Int32Array(stack.memory.buffer, at, words.length);
  const set = (values: Partial<Record<Word, number>>) => {
    for (const [index, word] of words.entries()) if (values[word] !== undefined) layer[index] = values[word];
  };
  set({
    cell,
    H,
    pre: address(arrays.pre),
    apart: address(arrays.apart),
    h: address(states[0]),
    c: address(states[1]),
    dh: address(dStates[0]),
    dc: address(dStates[1]),
    scratch: stack.allocateBytes(arrays.B * (H + 2) * 4),
    forwardJoined: address(arrays.forwardJoined.data),
    forwardApart: address(arrays.forwardApart.data),
    apartBias: address(arrays.apartBias) + arrays.apartBiasAt * 4,
    units: address(arrays.units) + arrays.unitsAt * 4,
    history: arrays.history,
    recurrentLag: arrays.recurrentLag,
    most: arrays.B,
    backwardJoined: address(arrays.backwardJoined.data),
    backwardApart: address(arrays.backwardApart.data),
    scale: address(arrays.scale),
    exponents: address(arrays.exponents),
    native,
    inputWidth: forwardInput?.K ?? 0,
    inputNative,
    forwardInput: address(forwardInput?.data),
    inputBias: address(arrays.inputBias),
    table: address(inputTable),
  });
  const around = describeShortcuts(arrays, stack);
  set({ shortcuts: arrays.shortcuts.length, shortcut: around.at });
  const anyNative = native !== 0 || around.native || (readsInput && inputNative !== packed);
  const place = (word: Word) => words.indexOf(word);
  const [inputPlace, symbolsPlace] = [place('input'), place('symbols')];
  const [fromPlace, toPlace, B, lengths, injected, injectedRows, injectedExponents, afterPlace] = [
    place('from'),
    place('to'),
    place('B'),
    place('lengths'),
    place('injected'),
    place('injectedRows'),
    place('injectedExponents'),
    place('after'),
  ];
  const watched = place('watch');
  const describe = watchBlock(stack);
  /** Multiplications and additions of one sequence through one step; about, where it is unit by unit. */
  const perRow = 2 * H * (arrays.forwardJoined.N + arrays.forwardApart.N + around.columns) || unitwise * H;
  const enteringPerRow = readsInput ? 2 * (forwardInput ? forwardInput.K * forwardInput.N : 0) : 0;
  return {
    readsInput,
    forward(sequences, from, to, given, input) {
      layer[fromPlace] = from;
      layer[toPlace] = to;
      layer[B] = sequences;
      layer[lengths] = address(given);
      layer[inputPlace] = input?.kind === 'vectors' ? input.values.byteOffset + input.at * 4 : 0;
      layer[symbolsPlace] = input?.kind === 'symbols' ? address(input.indices) : 0;
      kernels.forwardSweep(at, sequences, (to - from) * (perRow + enteringPerRow), anyNative);
    },
    backward(values, rows, exponents, from, to, after, watch) {
      layer[fromPlace] = from;
      layer[toPlace] = to;
      layer[injected] = address(values);
      layer[injectedRows] = address(rows);
      layer[injectedExponents] = address(exponents);
      layer[afterPlace] = after;
      layer[watched] = watch ? describe(watch) : 0;
      kernels.backwardSweep(at, layer[B], (to - from) * perRow, anyNative);
    },
  };
}

/** Describes the ways around the cell to the kernels, in the order of assembly/sweep.ts's `Shortcut`. */
function describeShortcuts({ shortcuts }: SweepArrays, stack: StackMemory): { at: number; native: boolean; columns: number } {
  const at = stack.allocateBytes(shortcuts.length * 24);
  const described = new Int32Array(stack.memory.buffer, at, shortcuts.length * 6);
  let all = 0;
  let columns = 0;
  for (const [index, { lag, sent, forward, backward }] of shortcuts.entries()) {
    const [there, back] = [forward, backward].map((matrix) => (matrix as Matrix | undefined)?.layout ?? 0);
    const layouts = there | (back << 8);
    described.set(
      [lag, address(sent.values), address(sent.exponents), address(forward?.data), address(backward?.data), layouts],
      index * 6,
    );
    all |= layouts;
    columns += forward?.N ?? 0;
  }
  return { at, native: all !== 0, columns };
}
