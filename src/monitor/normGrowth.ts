import type { StateWatch } from '../network/unroll/stateWatch.ts';

/**
 * How ‖dL/ds_t‖ goes on its way back through one pass: means over sequences of log10 of the norm over all layers, at the newest step
 * where there is any, half way back, and at the oldest. A sequence where one of them is exactly 0 or not finite is left out; NaN
 * where all are.
 */
export interface NormGrowth {
  readonly newest: number;
  readonly middle: number;
  readonly oldest: number;
  /** Steps from the newest to the oldest, a mean over sequences. */
  readonly lag: number;
}

/**
 * The growth of the gradient through time in the last backward pass, from the steps that it measured. For a loss at the last step
 * alone, `newest` is lag 0 and this is the lag profile in three points; losses at other steps add to the gradient on its way, so
 * that without any explosion it grows too, most of it in the first half.
 */
export function normGrowth(watch: StateWatch): NormGrowth {
  let [newest, middle, oldest, lag, sequences] = [0, 0, 0, 0, 0];
  const last = watch.measured - 1;
  for (let b = 0; b < watch.B; b++) {
    // Padding and steps after the last target have no gradient.
    let first = 0;
    while (first < last && jointLog10(watch, first, b) === -Infinity) first++;
    const own = [jointLog10(watch, first, b), jointLog10(watch, (first + last) >> 1, b), jointLog10(watch, last, b)];
    if (!own.every(Number.isFinite)) continue;
    newest += own[0];
    middle += own[1];
    oldest += own[2];
    lag += (last - first) * watch.stride;
    sequences++;
  }
  // NaN of 0 / 0 where no sequence has a gradient.
  return { newest: newest / sequences, middle: middle / sequences, oldest: oldest / sequences, lag: lag / sequences };
}

const log2 = Math.log10(2);

/** log10 of the norm over all layers at a measured step, whose mantissas come with powers of two of their own. */
function jointLog10({ layers, B }: StateWatch, step: number, b: number): number {
  const at = step * B + b;
  let top = -Infinity;
  for (const { norms, exponents } of layers) if (norms[at] !== 0) top = Math.max(top, exponents[at]);
  if (top === -Infinity) return -Infinity;
  let squares = 0;
  for (const { norms, exponents } of layers) if (norms[at] !== 0) squares += (norms[at] * 2 ** (exponents[at] - top)) ** 2;
  return Math.log10(squares) / 2 + top * log2;
}
