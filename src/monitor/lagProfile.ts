import type { Batch } from '../network/batch.ts';
import type { Loss } from '../network/loss/loss.ts';
import type { Checkpointed, LongPass } from '../network/unroll/checkpointed.ts';
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
  keepTargets(batch, (r) => last[batch.rows[r] % batch.B] === r);
}

/** Leaves of a batch's counted targets those that are wanted, in their order. */
function keepTargets(batch: Batch, wanted: (r: number) => boolean): void {
  const { size } = batch.target;
  let kept = 0;
  for (let r = 0; r < batch.counted; r++) {
    if (!wanted(r)) continue;
    batch.rows[kept] = batch.rows[r];
    if (batch.target.kind === 'classes') batch.classes[kept] = batch.classes[r];
    else batch.values.copyWithin(kept * size, r * size, (r + 1) * size);
    kept++;
  }
  batch.counted = kept;
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
  const record = normRecord(unrolled.network.L, T * B);
  unrolled.reset();
  unrolled.forward(batch);
  unrolled.backward(loss, { statesOnly: true, record });
  return Array.from(batch.rows.subarray(0, batch.counted), (row) => lagsOf(record, row, B));
}

/**
 * The same through more steps than fit into memory at once: all lags, of whatever number of steps. The steps are copied once more
 * than the plan says, to find each sequence's last counted one.
 *
 * @param steps T, B and `copy` of the pass.
 */
export function longLagGradients(through: Checkpointed, { T, B, copy }: Pick<LongPass, 'T' | 'B' | 'copy'>, loss: Loss): Float64Array[] {
  const { batch, plan, network } = through;
  /** Of each sequence, the row of its last counted step; -1 where there is none. */
  const last = new Int32Array(B).fill(-1);
  for (let end = T; end > 0 && last.includes(-1); end -= plan.segmentSteps) {
    const begin = Math.max(0, end - plan.segmentSteps);
    copy(begin, end, batch);
    keepLastTargets(batch);
    for (let r = 0; r < batch.counted; r++) {
      const row = batch.rows[r];
      if (last[row % B] < 0) last[row % B] = begin * B + row;
    }
  }
  const record = normRecord(network.L, T * B);
  through.reset();
  through.run({
    T,
    B,
    loss,
    statesOnly: true,
    record,
    copy(begin, end, into) {
      copy(begin, end, into);
      keepTargets(into, (r) => last[into.rows[r] % B] === begin * B + into.rows[r]);
    },
  });
  const rows = last.filter((row) => row >= 0).sort();
  return Array.from(rows, (row) => lagsOf(record, row, B));
}

/** Room for the norms of all layers at all rows t * B + b. */
function normRecord(L: number, rows: number): NormRecord[] {
  return Array.from({ length: L }, (_, layer) => ({
    squares: new Float64Array(rows),
    exponents: new Int32Array(rows),
    afterInjection: layer === L - 1,
  }));
}

/** log10 g_k over the lags from a row t * B + b back to the first step. */
function lagsOf(record: readonly NormRecord[], row: number, B: number): Float64Array {
  const gradients = new Float64Array(Math.floor(row / B) + 1);
  for (let k = 0; k < gradients.length; k++) gradients[k] = jointLog10(record, row - k * B);
  return gradients;
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
