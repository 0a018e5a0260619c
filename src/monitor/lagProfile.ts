import type { Batch } from '../network/batch.ts';
import type { Loss } from '../network/loss/loss.ts';
import type { Checkpointed, LongPass } from '../network/unroll/checkpointed.ts';
import type { NormRecord } from '../network/unroll/normRecord.ts';
import type { Unrolled } from '../network/unroll/unrolled.ts';
import { WayBack, wayBackBytes } from '../network/unroll/wayBack.ts';
import type { Monitor } from './monitor.ts';
import { quantile } from './quantile.ts';

/** One lag of a profile. Norms are logarithms to base 10, so that 1e-120 reads -120; -Infinity is an exact zero. */
export interface LagPoint {
  /** k, in steps. */
  readonly lag: number;
  /** Mean over sequences and probe steps of log10 ‖dL_t/ds_{t-k}‖₂. */
  readonly meanLog10: number;
  /** 10th and 90th percentile over them, of the same logarithm. */
  readonly p10: number;
  readonly p90: number;
  /** 10^(meanLog10 - meanLog10 at lag 0). */
  readonly ratio: number;
}

/** Leaves of a batch's targets only the last counted one of each sequence. */
export function keepLastTargets(batch: Batch): void {
  keepProbes(batch, 1);
}

/** Leaves of a batch's targets at most `most` of each sequence: its last counted one, and others evenly spread before it. */
export function keepProbes(batch: Batch, most: number): void {
  const counts = targetsOf(batch);
  const seen = new Int32Array(batch.B);
  keepTargets(batch, (r) => {
    const b = batch.rows[r] % batch.B;
    // From the last (0) to the first; of n targets those at floor(m n / most) are kept, m = 0 ... most - 1.
    const fromLast = counts[b] - 1 - seen[b]++;
    const m = Math.ceil((fromLast * most) / counts[b]);
    return m < most && (most >= counts[b] || Math.floor((m * counts[b]) / most) === fromLast);
  });
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

/** How many counted targets each sequence has. */
function targetsOf({ B, rows, counted }: Batch): Int32Array {
  const counts = new Int32Array(B);
  for (let r = 0; r < counted; r++) counts[rows[r] % B]++;
  return counts;
}

/**
 * Lag gradients of every sequence of a batch: log10 of g_k = ‖dL_t/ds_{t-k}‖₂, where L_t is the sequence's own loss at step t
 * (the probe), and s everything carried from step to step in all layers. The probes are the last counted step of each sequence and
 * others evenly spread before it, `probes` in all, or all counted ones where there are fewer. The batch's targets are reduced to them.
 *
 * One forward pass, and the way back of all probes side by side (`network/unroll/wayBack.ts`); for one probe, an ordinary backward pass
 * without weight gradients. Mantissas have one exponent per probe, so that the logarithms are exact far beyond the range of
 * floating-point numbers.
 *
 * @param probes per sequence; 1 by default.
 * @returns for each target that is left in the batch, in its order, an array over the lags k = 0 ... t.
 */
export function lagGradients(unrolled: Unrolled, batch: Batch, loss: Loss, probes = 1): Float64Array[] {
  keepProbes(batch, probes);
  unrolled.reset();
  unrolled.forward(batch);
  if (batch.counted === 0) return [];
  const most = Math.max(...targetsOf(batch));
  return most === 1 ? ofLastTargets(unrolled, batch, loss) : ofAllTargets(unrolled, batch, loss, most);
}

/** By one backward pass, for at most one target a sequence. */
function ofLastTargets(unrolled: Unrolled, batch: Batch, loss: Loss): Float64Array[] {
  const { T, B } = batch;
  const record = normRecord(unrolled.network.L, T * B);
  unrolled.backward(loss, { statesOnly: true, record });
  return Array.from(batch.rows.subarray(0, batch.counted), (row) => lagsOf(record, row, B));
}

/** By the way back of all targets side by side: each joins when its step comes. */
function ofAllTargets(unrolled: Unrolled, batch: Batch, loss: Loss, most: number): Float64Array[] {
  const { network } = unrolled;
  const { backend, H } = network;
  const { T, B, rows, counted } = batch;
  const { values } = unrolled.readout.differentiate(batch, loss, 1, true).injection;
  const mark = backend.mark();
  const wayBack = new WayBack(network, B, most);
  const { active } = wayBack;
  /** Where each profile begins in an array of all of them; its lag at step t is t0 - t. */
  const begins = new Int32Array(counted + 1);
  for (let r = 0; r < counted; r++) begins[r + 1] = begins[r] + Math.floor(rows[r] / B) + 1;
  const all = new Float64Array(begins[counted]);
  /** Of each sequence, [B, most]: where lag 0 of step 0 would lie, for the targets that are on their way in the order in which they joined. */
  const places = new Int32Array(B * most);
  const norms = new Float64Array(most);
  let next = counted - 1;
  for (let t = T - 1; t >= 0; t--) {
    for (; next >= 0 && rows[next] >= t * B; next--) {
      const b = rows[next] % B;
      places[b * most + active[b]] = begins[next] + t;
      wayBack.setOutput(b, active[b]++, values, next * H);
    }
    for (let b = 0; b < B; b++) {
      wayBack.log10Norms(b, norms);
      for (let p = 0; p < active[b]; p++) all[places[b * most + p] - t] = norms[p];
    }
    if (t > 0) wayBack.step(unrolled, t);
  }
  backend.release(mark);
  return Array.from({ length: counted }, (_, r) => all.subarray(begins[r], begins[r + 1]));
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

/** The lag profile of several probes; a lag that only some of them reach is summarised over those. */
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

export const lagProfileMonitor: Monitor<LagPoint[]> = {
  name: 'lag-profile',
  measures: 'log10 of the norm of the gradient of a loss by the state k steps before, for every lag k',
  work: ({ network: { H, L, cell }, T, B, probes }) => {
    const S = cell.states.length;
    // A forward pass, one Jacobian a sequence and step, and each probe's way back over (probes + 1) / 2 of the steps on average.
    const matrices = 2 * L - 1;
    return T * B * matrices * H * H * (cell.gates + S * cell.gates + (S * (probes + 1)) / 2);
  },
  bytes: ({ network, B, probes }) => wayBackBytes(network, B, probes),
  measure(look) {
    const unrolled = look.forward();
    look.consume();
    return lagProfile(lagGradients(unrolled, look.batch, look.loss, look.probes));
  },
};
