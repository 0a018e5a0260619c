import type { Reals } from '../../compute/backend.ts';

/** What the steps of a pass have sent `lag` steps back: [lag, most, H] mantissas and [lag, most] exponents, for `most` sequences; in row back % lag. */
export interface SentBack {
  readonly lag: number;
  readonly values: Reals;
  readonly exponents: Int32Array;
}

/**
 * What has been sent beyond the first step of a pass: dL/d(a state before it), [history, B, H], the oldest first.
 *
 * @param steps of the pass, all of which have been gone back through.
 */
export function initialGradient(
  sent: readonly SentBack[],
  history: number,
  steps: number,
  B: number,
  most: number,
  H: number,
): Float64Array {
  const gradient = new Float64Array(history * B * H);
  for (const { lag, values, exponents } of sent) {
    for (let t = 0; t < Math.min(lag, steps); t++) {
      const from = ((steps - 1 - t) % lag) * most;
      const to = (history + t - lag) * B;
      for (let b = 0; b < B; b++) {
        const factor = 2 ** exponents[from + b];
        for (let j = 0; j < H; j++) gradient[(to + b) * H + j] += values[(from + b) * H + j] * factor;
      }
    }
  }
  return gradient;
}
