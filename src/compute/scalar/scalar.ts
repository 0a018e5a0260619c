import { ThroughtimeError } from '../../errors.ts';
import type { Backend } from '../backend.ts';
import { multiply, multiplyBias, multiplyTransposed, pack } from './product.ts';
import { scalarPullBack } from './pullBack.ts';
import { addColumnSums, fillRows, gatherRows, maximizeRows, scaleRows, scatterAddRows, transpose } from './rows.ts';
import { add, clampValues, firstNonFinite, scale, sumSquares } from './values.ts';

/**
 * The definition of every operation: float64 loops over arrays of the JavaScript heap. Slow, exact to float64 rounding,
 * and what the other backends are measured against. A packed matrix is the matrix itself, row by row.
 */
export function scalarBackend(): Backend {
  return {
    name: 'scalar',
    precision: 'float64',
    threads: 1,
    detail: 'plain float64 loops',
    fused: { cells: {}, updates: {}, losses: {} },
    pullBack: scalarPullBack,
    allocate: (length) => allocated(() => new Float64Array(length), 8 * length),
    allocateIndices: (length) => allocated(() => new Int32Array(length), 4 * length),
    // The garbage collector gives memory back.
    mark: () => 0,
    release: () => {},
    room: () => Number.POSITIVE_INFINITY,
    allocatePacked: (K, N) => ({ K, N, data: allocated(() => new Float64Array(K * N), 8 * K * N) }),
    pack,
    multiply,
    multiplyBias,
    multiplyTransposed,
    addColumnSums,
    fillRows,
    gatherRows,
    scatterAddRows,
    transpose,
    add,
    scale,
    clampValues,
    sumSquares,
    firstNonFinite,
    maximizeRows,
    scaleRows,
  };
}

function allocated<T>(allocate: () => T, bytes: number): T {
  try {
    return allocate();
  } catch (cause) {
    const sentence = `${(bytes / 2 ** 20).toFixed(1)} MiB more are needed, and the engine does not give them; take a smaller batch, a shorter window or fewer hidden units`;
    throw new ThroughtimeError('MEMORY_EXHAUSTED', sentence, {}, { cause });
  }
}
