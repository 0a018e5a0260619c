import type { Backend, Reals } from '../../compute/backend.ts';
import type { RowScale } from './rowScale.ts';

/** dL/d(output of a layer), not through its own recurrence: a row of H numbers for each of the T * B rows, or for some of them. */
export interface Injection {
  readonly values: Reals;
  /** For each row t * B + b, the row of `values` that belongs to it, or -1; null where `values` has all rows in order. */
  readonly rows: Int32Array | null;
  /** Power-of-two exponent of each row t * B + b; null where all are 0. */
  readonly exponents: Int32Array | null;
}

/** Adds the rows from `first` on, one for each of B sequences, to `dStates[0]`: dL/dh_t as mantissas with the exponents of `scale`. */
export function inject(
  backend: Backend,
  { values, rows, exponents }: Injection,
  first: number,
  dStates: readonly Reals[],
  scale: RowScale,
  B: number,
  H: number,
): void {
  const own = scale.exponents;
  let plain = rows === null;
  for (let b = 0; plain && b < B; b++) plain = own[b] === (exponents ? exponents[first + b] : 0);
  if (plain) {
    backend.add(values, first * H, dStates[0], 0, B * H);
    return;
  }
  for (let b = 0; b < B; b++) {
    const row = first + b;
    const at = rows ? rows[row] : row;
    if (at >= 0) scale.addRow(dStates, b, H, values, at * H, exponents ? exponents[row] : 0);
  }
}
