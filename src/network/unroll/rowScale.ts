import type { Backend, Reals } from '../../compute/backend.ts';

/** A row whose largest magnitude leaves this range is scaled back, by a power of two, to `restored`. */
const smallest = 2 ** -20;
const largest = 2 ** 60;
const restored = 40;
/** No single correction is larger than this power, which a float32 factor can hold; the next step goes on from there. */
const largestShift = 120;

/**
 * The gradient that travels back through time, kept as mantissas and one power-of-two exponent per sequence: the true row
 * is `states[...][b, :] * 2^exponents[b]`. A vanishing gradient would otherwise sink into denormal numbers, where products
 * are a hundred times slower and precision is lost, and then into zero; an exploding one would overflow. Scaling by
 * powers of two is exact. Everything between two steps is linear, so mantissas can pass through products as they are.
 */
export class RowScale {
  readonly exponents: Int32Array;
  readonly #backend: Backend;
  readonly #maxima: Reals;
  readonly #factors: Reals;
  readonly #row: Reals;

  /** Room for B sequences of H units. @param exponents where they are kept; by default in an array of their own. */
  constructor(backend: Backend, rows: number, H: number, exponents?: Int32Array) {
    this.#backend = backend;
    this.exponents = exponents ?? backend.allocateIndices(rows);
    this.#maxima = backend.allocate(rows);
    this.#factors = backend.allocate(rows);
    this.#row = backend.allocate(H);
  }

  /** Brings every row of the states [B, H] whose largest magnitude has left the comfortable range back into it. */
  rescale(states: readonly Reals[], B: number, H: number): void {
    const { exponents } = this;
    const maxima = this.#maxima;
    const factors = this.#factors;
    for (let b = 0; b < B; b++) maxima[b] = 0;
    for (const state of states) this.#backend.maximizeRows(state, 0, B, H, maxima, 0);
    let changed = false;
    for (let b = 0; b < B; b++) {
      const maximum = maxima[b];
      factors[b] = 1;
      if (maximum === 0 || (maximum >= smallest && maximum <= largest) || !(maximum < Infinity)) continue;
      const shift = Math.max(-largestShift, Math.min(largestShift, restored - exponentOf(maximum)));
      factors[b] = 2 ** shift;
      exponents[b] -= shift;
      changed = true;
    }
    if (!changed) return;
    for (const state of states) this.#backend.scaleRows(state, 0, B, H, factors, 0);
  }

  /**
   * Adds to row b of `states[0]` a row of H numbers given with its own exponent. All states of a sequence share the
   * exponent of the row and move with it.
   */
  addRow(states: readonly Reals[], b: number, H: number, row: Reals, rowAt: number, rowExponent: number): void {
    const own = this.exponents[b];
    if (own === rowExponent) {
      this.#backend.add(row, rowAt, states[0], b * H, H);
      return;
    }
    const added = this.#maximum(row, rowAt, H);
    if (added === 0) return;
    const held = this.largest(states, b, H);
    const target = commonExponent(held, own, added, rowExponent);
    if (held > 0) for (const state of states) this.#shiftRow(state, b * H, H, own - target);
    for (let j = 0; j < H; j++) this.#row[j] = row[rowAt + j];
    this.#shiftRow(this.#row, 0, H, rowExponent - target);
    this.#backend.add(this.#row, 0, states[0], b * H, H);
    this.exponents[b] = target;
  }

  /** Brings sequence b of the states [B, H] to another exponent: the numbers stay what they are, as far as the precision holds them. */
  bring(states: readonly Reals[], b: number, H: number, exponent: number): void {
    const shift = this.exponents[b] - exponent;
    if (shift === 0) return;
    for (const state of states) this.#shiftRow(state, b * H, H, shift);
    this.exponents[b] = exponent;
  }

  /** Multiplies the mantissas of sequence b of the states [B, H], and gives them another exponent. */
  multiply(states: readonly Reals[], b: number, H: number, factor: number, exponent: number): void {
    this.#factors[0] = factor;
    for (const state of states) this.#backend.scaleRows(state, b * H, 1, H, this.#factors, 0);
    this.exponents[b] = exponent;
  }

  /** The largest magnitude in sequence b of the states [B, H]. */
  largest(states: readonly Reals[], b: number, H: number): number {
    let largest = 0;
    for (const state of states) largest = Math.max(largest, this.#maximum(state, b * H, H));
    return largest;
  }

  /** x *= 2^shift, in portions that a factor can hold; a row that is scaled below 2^-2000 is 0 in any precision. */
  #shiftRow(x: Reals, at: number, length: number, shift: number): void {
    let rest = Math.max(shift, -2000);
    while (rest !== 0) {
      const part = Math.max(-largestShift, Math.min(largestShift, rest));
      this.#factors[0] = 2 ** part;
      this.#backend.scaleRows(x, at, 1, length, this.#factors, 0);
      rest -= part;
    }
  }

  #maximum(x: Reals, at: number, length: number): number {
    this.#maxima[0] = 0;
    this.#backend.maximizeRows(x, at, 1, length, this.#maxima, 0);
    return this.#maxima[0];
  }
}

/**
 * x[r, :] *= 2^exponents[r] for `rows` contiguous rows from index `xAt`, the first of them being row `first` of `exponents`:
 * the end of the mantissa form. What a precision cannot hold becomes infinite or 0, but a zero stays 0 whatever its exponent.
 *
 * @param factors room for one number per row of `exponents`.
 */
export function applyExponents(
  backend: Backend,
  x: Reals,
  xAt: number,
  rows: number,
  columns: number,
  exponents: Int32Array,
  first: number,
  factors: Reals,
): void {
  const top = backend.precision === 'float32' ? 127 : 1023;
  let largestExponent = 0;
  for (let r = first; r < first + rows; r++) {
    largestExponent = Math.max(largestExponent, exponents[r]);
    factors[r] = 2 ** Math.min(exponents[r], top);
  }
  backend.scaleRows(x, xAt, rows, columns, factors, first);
  // An infinite factor would make a NaN of a zero, so that larger powers come in portions; after three any mantissa is infinite.
  for (let done = top; done < Math.min(largestExponent, 3 * top); done += top) {
    for (let r = first; r < first + rows; r++) factors[r] = 2 ** Math.max(0, Math.min(exponents[r] - done, top));
    backend.scaleRows(x, xAt, rows, columns, factors, first);
  }
}

/** Rows of steps [from, to) of B sequences in mantissa form: from which step on any is left, and whether any has an exponent. */
export interface RowsLeft {
  /** The rows of the steps before are 0 to the precision of the backend. */
  first: number;
  scaled: boolean;
}

/** Sets `left` to what is left of the rows t * B + b of steps [from, to). */
export function findRowsLeft(backend: Backend, exponents: Int32Array, from: number, to: number, B: number, left: RowsLeft): void {
  // Mantissas stay below 2^60 or so: with these exponents nothing is left of a row.
  const vanished = backend.precision === 'float32' ? -160 : -1200;
  let last = to * B;
  left.scaled = false;
  for (let row = to * B - 1; row >= from * B; row--) {
    const exponent = exponents[row];
    if (exponent !== 0) left.scaled = true;
    if (exponent > vanished) last = row;
  }
  left.first = left.scaled ? Math.floor(last / B) : from;
}

/**
 * Multiplies every row t * B + b of steps [from, to) with 2^exponent, in arrays [T * B, width] each.
 *
 * @param factors room for one number per row.
 */
export function endMantissas(
  backend: Backend,
  exponents: Int32Array,
  from: number,
  to: number,
  B: number,
  arrays: readonly { readonly values: Reals; readonly width: number }[],
  factors: Reals,
): void {
  const rows = (to - from) * B;
  for (const { values, width } of arrays) {
    if (width > 0) applyExponents(backend, values, from * B * width, rows, width, exponents, from * B, factors);
  }
}

/** Of two rows with maxima m·2^e, the second not 0: the exponent at which the larger one is comfortable, 0 if it is so there. */
function commonExponent(own: number, ownExponent: number, added: number, addedExponent: number): number {
  const ownTop = own === 0 ? -Infinity : exponentOf(own) + ownExponent;
  const top = Math.max(ownTop, exponentOf(added) + addedExponent);
  if (!Number.isFinite(top)) return 0;
  return top >= -20 && top <= 60 ? 0 : top - restored;
}

/** floor(log2(x)) for a finite x > 0, near enough for scaling. */
function exponentOf(x: number): number {
  return Math.floor(Math.log2(x));
}
