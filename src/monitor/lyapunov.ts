import { Random } from '../compute/random.ts';
import type { Batch } from '../network/batch.ts';
import type { Network } from '../network/network.ts';
import type { Unrolled } from '../network/unroll/unrolled.ts';
import { CarriedState } from './carriedState.ts';
import { type Monitor, plain } from './monitor.ts';
import { StepJacobian } from './stepJacobian.ts';

/** How much is to be looked at, at most. */
export interface LyapunovOptions {
  /** How many exponents, from the largest; all S by default, the numbers of the carried state: layers * states * H, more with skip connections. */
  readonly count?: number;
  /** Of the batch, from its first; 4 by default. */
  readonly sequences?: number;
  /** Multiplications with additions that it may cost; without bound by default. */
  readonly work?: number;
}

/** The Lyapunov exponents of a network on its data. */
export interface LyapunovSpectrum {
  /** Nats per step, from the fastest; empty where no sequence has a step. Means over the sequences. */
  readonly exponents: number[];
  /** How many sequences were looked at. */
  readonly sequences: number;
  /** How many steps at the end of each, where it has as many. */
  readonly steps: number;
}

/** Steps below which an average over time says little; sequences, then exponents, are given up before them. */
const leastSteps = 100;
/** Exponents that are kept, however costly. */
const leastCount = 4;

/**
 * The Lyapunov exponents of a network along its sequences: the mean growth per step, in nats, of perturbations of the whole
 * carried state (h, and c of an LSTM, of all layers; with skip connections those of earlier steps too, see `carriedState.ts`), in order from the fastest. 0 keeps, below 0 forgets, above 0 is
 * chaos; the gradient grows and fades at the same rates.
 *
 * Measured on the adjoint: `count` orthonormal row vectors v are taken back step by step, v <- v · ds_t/ds_{t-1}, and made
 * orthonormal again; each exponent is the mean log of the lengths lost on the way (Benettin et al. 1980; for recurrent
 * networks Vogt et al. 2022, arXiv 2006.14123, section 2). With `count` = S, the sum of the exponents is the mean
 * log |det ds_t/ds_{t-1}| exactly; over few steps the single exponents still depend on where the vectors began.
 *
 * The states are those of the unrolled network's last forward pass; the way back is in float64, because an exponent far below the
 * largest is what is left of a vector when the rest has been taken out. It costs, a step and sequence, the Jacobian
 * (`StepJacobian.work`), S² operations a vector, and 2 S for each pair of vectors. Where that is more than `work`, only the last steps
 * of each sequence are looked at, 100 at least; where that is not enough, fewer sequences; then fewer exponents, 4 at least; then
 * fewer steps.
 *
 * @param unrolled which has just run the batch forward.
 */
export function lyapunovExponents(unrolled: Unrolled, batch: Batch, options: LyapunovOptions = {}): LyapunovSpectrum {
  const { network } = unrolled;
  const chosen: number[] = [];
  for (let b = 0; b < batch.B && chosen.length < (options.sequences ?? 4); b++) if (batch.lengths[b] > 0) chosen.push(b);
  if (chosen.length === 0) return { exponents: [], sequences: 0, steps: 0 };
  const longest = Math.max(...chosen.map((b) => batch.lengths[b]));
  const { count, sequences, steps } = affordable(network, longest, chosen.length, options);
  const used = chosen.slice(0, sequences);
  const means = new Float64Array(count);
  const jacobian = new StepJacobian(network);
  for (const b of used) {
    const exponents = exponentsAlong(stepsAlong(network, jacobian, unrolled, batch, b, steps), new CarriedState(network).size, count);
    for (let i = 0; i < count; i++) means[i] += exponents[i] / used.length;
  }
  return {
    exponents: Array.from(means).sort((a, b) => b - a),
    sequences,
    steps: Math.min(steps, Math.max(...used.map((b) => batch.lengths[b]))),
  };
}

/** What of all that was asked for stays within the work that is allowed. */
function affordable(
  network: Network,
  longest: number,
  sequences: number,
  { count: asked = Infinity, work = Infinity }: LyapunovOptions,
): { count: number; sequences: number; steps: number } {
  const S = new CarriedState(network).size;
  let count = Math.min(asked, S);
  for (;;) {
    const step = StepJacobian.work(network) + count * S * S + 2 * count * count * S;
    const steps = Math.min(longest, Math.floor(work / (sequences * step)));
    if (steps >= Math.min(longest, leastSteps)) return { count, sequences, steps };
    if (sequences > 1) sequences = Math.ceil(sequences / 2);
    else if (count > leastCount) count = Math.max(leastCount, Math.ceil(count / 2));
    else return { count, sequences, steps: Math.max(1, steps) };
  }
}

/** What takes `count` row vectors [count, S] over one step back, into `out`. */
type StepBack = (rows: Float64Array, count: number, out: Float64Array) => void;

/** A sequence's last steps, from the newest back. */
function* stepsAlong(
  network: Network,
  jacobian: StepJacobian,
  unrolled: Unrolled,
  batch: Batch,
  b: number,
  steps: number,
): Generator<StepBack> {
  const end = batch.lengths[b];
  const state = new CarriedState(network);
  for (let t = end - 1; t >= Math.max(0, end - steps); t--) {
    const matrix = jacobian.take(unrolled, batch, t, b);
    yield (rows, count, out) => {
      if (state.size === jacobian.size && jacobian.lags.length === 1) multiply(rows, matrix, count, state.size, out);
      else state.multiply(rows, jacobian, count, out);
    };
  }
}

/**
 * The `count` largest Lyapunov exponents, in nats a factor, of a product of square matrices [S, S] that come one after the other, the
 * left one first: `count` row vectors go through them and are made orthonormal after each.
 */
export function exponentsOfProduct(matrices: Iterable<Float64Array>, S: number, count: number): Float64Array {
  function* steps(): Generator<StepBack> {
    for (const matrix of matrices) yield (rows, rowCount, out) => multiply(rows, matrix, rowCount, S, out);
  }
  return exponentsAlong(steps(), S, count);
}

function exponentsAlong(steps: Iterable<StepBack>, S: number, count: number): Float64Array {
  let vectors = new Float64Array(count * S);
  let other = new Float64Array(count * S);
  const random = new Random(1);
  for (let i = 0; i < vectors.length; i++) vectors[i] = random.normal();
  const lengths = new Float64Array(count);
  orthonormalize(vectors, count, S, lengths);
  const sums = new Float64Array(count);
  let factors = 0;
  for (const back of steps) {
    back(vectors, count, other);
    [vectors, other] = [other, vectors];
    orthonormalize(vectors, count, S, lengths);
    for (let i = 0; i < count; i++) sums[i] += Math.log(lengths[i]);
    factors++;
  }
  return sums.map((sum) => sum / factors);
}

/** out = rows [count, S] · matrix [S, S]; four rows of the matrix go by at a time, and the rest one by one. */
function multiply(rows: Float64Array, matrix: Float64Array, count: number, S: number, out: Float64Array): void {
  out.fill(0);
  let k = 0;
  for (; k + 4 <= S; k += 4) {
    const [m0, m1, m2, m3] = [k * S, (k + 1) * S, (k + 2) * S, (k + 3) * S];
    for (let row = 0; row < count; row++) {
      const at = row * S;
      const [r0, r1, r2, r3] = [rows[at + k], rows[at + k + 1], rows[at + k + 2], rows[at + k + 3]];
      for (let j = 0; j < S; j++) out[at + j] += r0 * matrix[m0 + j] + r1 * matrix[m1 + j] + r2 * matrix[m2 + j] + r3 * matrix[m3 + j];
    }
  }
  for (; k < S; k++) {
    for (let row = 0; row < count; row++) {
      const factor = rows[row * S + k];
      for (let j = 0; j < S; j++) out[row * S + j] += factor * matrix[k * S + j];
    }
  }
}

/**
 * Gram-Schmidt on the rows [count, S] in place. `lengths` receives what was left of each row's length once the rows before it
 * were taken out; a row of which nothing is left becomes a zero row.
 */
function orthonormalize(rows: Float64Array, count: number, S: number, lengths: Float64Array): void {
  for (let i = 0; i < count; i++) {
    const at = i * S;
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < at; other += S) {
        let projection = 0;
        for (let j = 0; j < S; j++) projection += rows[at + j] * rows[other + j];
        for (let j = 0; j < S; j++) rows[at + j] -= projection * rows[other + j];
      }
    }
    let square = 0;
    for (let j = 0; j < S; j++) square += rows[at + j] * rows[at + j];
    lengths[i] = Math.sqrt(square);
    if (lengths[i] > 0) for (let j = 0; j < S; j++) rows[at + j] /= lengths[i];
  }
}

/** How many exponents a monitor takes, and of how many sequences. */
const monitored = { count: 8, sequences: 2 };

export const lyapunovMonitor: Monitor<LyapunovSpectrum> = {
  name: 'lyapunov',
  measures: 'the largest Lyapunov exponents, in nats per step',
  work: ({ network, T }) => {
    const S = new CarriedState(network).size;
    return plain * monitored.sequences * T * (StepJacobian.work(network) + monitored.count * S * (S + 2 * monitored.count));
  },
  measure: (look) => lyapunovExponents(look.forward(), look.batch, monitored),
};
