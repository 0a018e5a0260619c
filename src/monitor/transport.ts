import type { Batch } from '../network/batch.ts';
import type { Network } from '../network/network.ts';
import type { Unrolled } from '../network/unroll/unrolled.ts';
import { WayBack, wayBackBytes } from '../network/unroll/wayBack.ts';
import { type Monitor, plain } from './monitor.ts';
import { singularRange } from './singularValues.ts';

/** What k steps do to any gradient, whatever the loss: logarithms to base 10, means over the sequences looked at. */
export interface TransportPoint {
  /** k, in steps. */
  readonly lag: number;
  /** Of the largest singular value of J_k = ds_t/ds_{t-k}: no gradient grows by more. */
  readonly largest: number;
  /** Of ‖J_k‖_F / sqrt(n): the root of the mean square growth over all directions of the n numbers of the state. */
  readonly rootMeanSquare: number;
}

/** What becomes of a gradient on its way through k steps: the singular values of ds_t/ds_{t-k}. */
export interface Transport {
  /** k = 1, 2, 4, ... and the longest. */
  readonly points: TransportPoint[];
  readonly sequences: number;
}

/** Of how many sequences transport is measured, and what it may cost. */
export interface TransportOptions {
  /** Of the batch, from its first; 2 by default. */
  readonly sequences?: number;
  /** Multiplications with additions of a kernel that it may cost (`monitor.ts`); without bound by default. */
  readonly work?: number;
}

/** Unit vectors that go back side by side. */
const together = 128;
const decadesOfTwo = Math.log10(2);

/**
 * Transport over k steps: J_k = ds_t/ds_{t-k} = J_t J_{t-1} ... J_{t-k+1}, from the last step t of each sequence back. It belongs to the
 * network and its inputs alone. All n unit vectors of the state go back together (`network/unroll/wayBack.ts`), each with an exponent of its own,
 * so that a J_k of 1e-200 is measured like any other. Each lag costs a singular value decomposition besides, 8/3 n³ operations.
 *
 * Where that is more than `work`, there is one sequence, and then shorter lags only, the first in any case.
 */
export function transport(unrolled: Unrolled, batch: Batch, options: TransportOptions = {}): Transport {
  const { network } = unrolled;
  const chosen: number[] = [];
  for (let b = 0; b < batch.B && chosen.length < (options.sequences ?? 2); b++) if (batch.lengths[b] > 1) chosen.push(b);
  if (chosen.length === 0) return { points: [], sequences: 0 };
  const shortest = Math.min(...chosen.map((b) => batch.lengths[b]));
  let lags = ladder(shortest - 1);
  const work = () => chosen.length * workOf(network, lags);
  while (chosen.length > 1 && work() > (options.work ?? Infinity)) chosen.pop();
  while (lags.length > 1 && work() > (options.work ?? Infinity)) lags = lags.slice(0, -1);
  const sums = lags.map((lag) => ({ lag, largest: 0, rootMeanSquare: 0 }));
  for (const b of chosen) {
    for (const [index, { largest, square }] of alongSequence(unrolled, batch, b, lags).entries()) {
      sums[index].largest += largest / chosen.length;
      sums[index].rootMeanSquare += square / chosen.length;
    }
  }
  return { points: sums, sequences: chosen.length };
}

/** Bytes in the backend's memory that it takes for B sequences. */
export function transportBytes(network: Network, B: number): number {
  return wayBackBytes(network, B, Math.min(together, network.L * network.cell.states.length * network.H));
}

/** 1, 2, 4, ... and `last`. */
function ladder(last: number): number[] {
  const lags: number[] = [];
  for (let lag = 1; lag < last; lag *= 2) lags.push(lag);
  return [...lags, last];
}

function workOf({ L, H, cell }: Network, lags: readonly number[]): number {
  const S = cell.states.length;
  const n = L * S * H;
  return lags[lags.length - 1] * (2 * L - 1) * H * H * S * (n + cell.gates) + plain * lags.length * (8 / 3) * n ** 3;
}

/** log10 of the largest singular value and of the root mean square gain, for each lag. */
function alongSequence(unrolled: Unrolled, batch: Batch, b: number, lags: readonly number[]) {
  const { network } = unrolled;
  const { backend } = network;
  const mark = backend.mark();
  const size = network.L * network.cell.states.length * network.H;
  const wayBack = new WayBack(network, batch.B, Math.min(together, size));
  /** Per lag, [n, n] mantissas and the exponent of each row. */
  const products = lags.map(() => ({ rows: new Float64Array(size * size), logs: new Float64Array(size) }));
  const last = batch.lengths[b] - 1;
  for (let first = 0; first < size; first += together) {
    const count = Math.min(together, size - first);
    wayBack.active.fill(0);
    wayBack.active[b] = count;
    for (let p = 0; p < count; p++) wayBack.setUnit(b, p, first + p);
    for (let k = 1; k <= lags[lags.length - 1]; k++) {
      wayBack.step(unrolled, last - k + 1);
      const index = lags.indexOf(k);
      if (index < 0) continue;
      const { rows, logs } = products[index];
      for (let p = 0; p < count; p++) {
        const log = wayBack.log10Norm(b, p);
        logs[first + p] = log;
        // Each row at a norm near 1 for now; a row of zeros has none.
        if (log !== -Infinity) wayBack.copy(b, p, Math.round(log / decadesOfTwo), rows, (first + p) * size);
      }
    }
  }
  backend.release(mark);
  return products.map(({ rows, logs }) => {
    const top = logs.reduce((most, each) => (each > most || Number.isNaN(each) ? each : most), -Infinity);
    if (!Number.isFinite(top)) return { largest: top, square: top };
    const exponent = Math.round(top / decadesOfTwo);
    let square = 0;
    for (let row = 0; row < size; row++) {
      if (logs[row] === -Infinity) continue;
      const factor = 2 ** (Math.round(logs[row] / decadesOfTwo) - exponent);
      for (let i = row * size; i < (row + 1) * size; i++) {
        rows[i] *= factor;
        square += rows[i] * rows[i];
      }
    }
    const level = exponent * decadesOfTwo;
    return { largest: Math.log10(singularRange(rows, size).largest) + level, square: Math.log10(square / size) / 2 + level };
  });
}

export const transportMonitor: Monitor<Transport> = {
  name: 'transport',
  measures: 'log10 of the largest and of the root mean square gain of ds_t/ds_{t-k}, for k = 1, 2, 4, ...',
  work: ({ network, T }) => 2 * workOf(network, ladder(Math.max(1, T - 1))),
  bytes: ({ network, B }) => transportBytes(network, B),
  measure: (look) => transport(look.forward(), look.batch),
};
