import type { PackedMatrix, Reals } from '../backend.ts';

/** Columns of one panel of a packed matrix (assembly/layout.ts). */
const PANEL = 8;

/** A right-hand matrix in this backend's memory: in panels for its own product, or in plain rows for the library's. */
export interface Matrix extends PackedMatrix {
  readonly native: boolean;
}

export const isNative = (packed: PackedMatrix): boolean => (packed as Matrix).native;

/** Numbers that a [K, N] matrix takes. */
export const matrixLength = (K: number, N: number, native: boolean): number => K * (native ? N : Math.ceil(N / PANEL) * PANEL);

/** Fills plain rows [K, N] from elements at `sourceAt + k * strideK + n * strideN`, where neither stride is 1. */
export function copyRows(source: Reals, sourceAt: number, strideK: number, strideN: number, { K, N, data }: PackedMatrix): void {
  for (let k = 0; k < K; k++) {
    for (let n = 0; n < N; n++) data[k * N + n] = source[sourceAt + k * strideK + n * strideN];
  }
}
