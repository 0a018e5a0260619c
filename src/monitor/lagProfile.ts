import type { Batch } from '../network/batch.ts';
import type { Loss } from '../network/loss/loss.ts';
import type { NormRecord } from '../network/unroll/recurrentLayer.ts';
import type { Unrolled } from '../network/unroll/unrolled.ts';

/** One lag of a profile. Norms are logarithms to base 10, so that 1e-120 reads -120; -Infinity is an exact zero. */
export interface LagPoint {
  /** k, in steps. */
  readonly lag: number;
  /** Mean over sequences of log10 ‖dL_t/ds_{t-k}‖₂. */
  readonly meanLog10: number;
  /** 10th and 90th percentile over sequences, of the same logarithm. */
  readonly p10: number;
  readonly p90: number;
  /** 10^(meanLog10 - meanLog10 at lag 0). */
  readonly ratio: number;
}

/** Leaves of a batch's targets only the last counted one of each sequence. */
export function keepLastTargets(batch: Batch): void {
  const last = new Int32Array(batch.B).fill(-1);
  for (let r = 0; r < batch.counted; r++) last[batch.rows[r] % batch.B] = r;
  const kept = [...last].filter((r) => r >= 0).sort((a, b) => a - b);
  const { size } = batch.target;
  for (const [to, from] of kept.entries()) {
    batch.rows[to] = batch.rows[from];
    if (batch.target.kind === 'classes') batch.classes[to] = batch.classes[from];
    else batch.values.copyWithin(to * size, from * size, (from + 1) * size);
  }
  batch.counted = kept.length;
}

/**
 * Lag gradients of every sequence of a batch: log10 of g_k = ‖dL_t/ds_{t-k}‖₂, where L_t is the sequence's own loss at its
 * last counted step t, and s everything carried from step to step in all layers. One forward and one backward pass, with
 * one exponent per sequence beside the mantissas, so that the logarithms are exact far beyond the range of floating-point
 * numbers. The batch's targets are reduced to the last counted one of each sequence.
 *
 * @returns per sequence that has a counted target, an array over the lags k = 0 ... t.
 */
export function lagGradients(unrolled: Unrolled, batch: Batch, loss: Loss): Float64Array[] {
  keepLastTargets(batch);
  const { T, B } = batch;
  const { L } = unrolled.network;
  const record: NormRecord[] = Array.from({ length: L }, (_, layer) => ({
    squares: new Float64Array(T * B),
    exponents: new Int32Array(T * B),
    afterInjection: layer === L - 1,
  }));
  unrolled.reset();
  unrolled.forward(batch);
  unrolled.backward(loss, { statesOnly: true, record });
  const profiles: Float64Array[] = [];
  for (let r = 0; r < batch.counted; r++) {
    const b = batch.rows[r] % B;
    const t = Math.floor(batch.rows[r] / B);
    profiles.push(Float64Array.from({ length: t + 1 }, (_, k) => jointLog10(record, (t - k) * B + b)));
  }
  return profiles;
}

/** log10 of the norm over all layers, whose squares come with powers of two of their own. */
function jointLog10(record: readonly NormRecord[], row: number): number {
  let top = -Infinity;
  for (const { squares, exponents } of record) {
    if (squares[row] > 0) top = Math.max(top, exponents[row]);
  }
  if (top === -Infinity) return record.some(({ squares }) => Number.isNaN(squares[row])) ? Number.NaN : -Infinity;
  let sum = 0;
  for (const { squares, exponents } of record) {
    if (squares[row] > 0) sum += squares[row] * 2 ** (2 * (exponents[row] - top));
  }
  return Math.log10(sum) / 2 + top * Math.log10(2);
}

/** The lag profile of several sequences; a lag that only some of them reach is summarised over those. */
export function lagProfile(gradients: readonly Float64Array[]): LagPoint[] {
  const longest = Math.max(0, ...gradients.map((each) => each.length));
  const points: LagPoint[] = [];
  for (let lag = 0; lag < longest; lag++) {
    const values = gradients.filter((each) => each.length > lag).map((each) => each[lag]);
    values.sort((a, b) => a - b);
    const meanLog10 = values.reduce((sum, each) => sum + each, 0) / values.length;
    const first = points[0]?.meanLog10 ?? meanLog10;
    const ratio = meanLog10 === -Infinity ? 0 : 10 ** (meanLog10 - first);
    points.push({ lag, meanLog10, p10: quantile(values, 0.1), p90: quantile(values, 0.9), ratio });
  }
  return points;
}

/** Quantile of ascending values, linear between neighbours. */
function quantile(ascending: readonly number[], q: number): number {
  const at = q * (ascending.length - 1);
  const low = ascending[Math.floor(at)];
  const high = ascending[Math.ceil(at)];
  // Between an exact zero (-Infinity) and a number there is no way in logarithms: the zero stands.
  return low === high || low === -Infinity ? low : low + (high - low) * (at - Math.floor(at));
}
