import { Random } from '../compute/random.ts';
import type { Batch } from '../network/batch.ts';
import { layerNames, type Network } from '../network/network.ts';
import type { Unrolled } from '../network/unroll/unrolled.ts';

/** How much is to be looked at, at most. */
export interface LyapunovOptions {
  /** How many exponents, from the largest; all S = layers * states * H by default. */
  readonly count?: number;
  /** Of the batch, from its first; 4 by default. */
  readonly sequences?: number;
  /** Multiplications with additions that it may cost; without bound by default. */
  readonly work?: number;
}

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
 * carried state (h, and c of an LSTM, of all layers), in order from the fastest. 0 keeps, below 0 forgets, above 0 is
 * chaos; the gradient grows and fades at the same rates.
 *
 * Measured on the adjoint: `count` orthonormal row vectors v are taken back step by step, v <- v · ds_t/ds_{t-1}, and made
 * orthonormal again; each exponent is the mean log of the lengths lost on the way (Benettin et al. 1980; for recurrent
 * networks Vogt et al. 2022, arXiv 2006.14123, section 2). With `count` = S, the sum of the exponents is the mean
 * log |det ds_t/ds_{t-1}| exactly; over few steps the single exponents still depend on where the vectors began.
 *
 * The states are those of the unrolled network's last forward pass; the way back is in float64, all vectors at once. It costs
 * (2 L - 1) G H² operations a vector, step and sequence, and 2 S for each pair of vectors. Where that is more than `work`, only
 * the last steps of each sequence are looked at, 100 at least; where that is not enough, fewer sequences; then fewer exponents,
 * 4 at least; then fewer steps.
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
  const wayBack = new WayBack(network, count);
  for (const b of used) {
    const exponents = exponentsAlong(wayBack, unrolled, batch, b, steps);
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
  { L, H, cell }: Network,
  longest: number,
  sequences: number,
  { count: asked = Infinity, work = Infinity }: LyapunovOptions,
): { count: number; sequences: number; steps: number } {
  const S = L * cell.states.length * H;
  const product = cell.gates * H * H;
  let count = Math.min(asked, S);
  for (;;) {
    // The forward step that is made again costs as much as one or two vectors more.
    const step = (count + 1) * (2 * L - 1) * product + 2 * count * count * S;
    const steps = Math.min(longest, Math.floor(work / (sequences * step)));
    if (steps >= Math.min(longest, leastSteps)) return { count, sequences, steps };
    if (sequences > 1) sequences = Math.ceil(sequences / 2);
    else if (count > leastCount) count = Math.max(leastCount, Math.ceil(count / 2));
    else return { count, sequences, steps: Math.max(1, steps) };
  }
}

function exponentsAlong(wayBack: WayBack, unrolled: Unrolled, batch: Batch, b: number, steps: number): Float64Array {
  const { count, S, vectors } = wayBack;
  const random = new Random(1);
  for (let i = 0; i < vectors.length; i++) vectors[i] = random.normal();
  const lengths = new Float64Array(count);
  orthonormalize(vectors, count, S, lengths);
  const sums = new Float64Array(count);
  const end = batch.lengths[b];
  const begin = Math.max(0, end - steps);
  for (let t = end - 1; t >= begin; t--) {
    wayBack.step(unrolled, batch, t, b);
    orthonormalize(vectors, count, S, lengths);
    for (let i = 0; i < count; i++) sums[i] += Math.log(lengths[i]);
  }
  return sums.map((sum) => sum / (end - begin));
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

interface LayerWeights {
  readonly input: Float64Array;
  readonly recurrent: Float64Array;
  readonly inputBias: Float64Array;
  readonly recurrentBias: Float64Array;
}

/** `count` row vectors over the carried state, and the way of all of them back through one step. */
class WayBack {
  readonly count: number;
  /** Numbers carried from step to step: layer by layer, state by state, H each. */
  readonly S: number;
  /** [count, S] */
  readonly vectors: Float64Array;
  readonly #network: Network;
  readonly #weights: LayerWeights[];
  /** Per layer, what the cell keeps of the step: [G*H], [A*H], and per state s_{t-1} and s_t [2, H]. */
  readonly #kept: { pre: Float64Array; apart: Float64Array; states: Float64Array[] }[];
  /** The same for each vector, as the cell's backward step wants it: [count, G*H], [count, A*H], [2, count, H]. */
  readonly #pre: Float64Array;
  readonly #apart: Float64Array;
  readonly #states: Float64Array[];
  /** [count, H] each. */
  readonly #dStates: Float64Array[];
  readonly #fromAbove: Float64Array;
  /** [I], and [H] of the layers above. */
  readonly #inputs: Float64Array[];

  constructor(network: Network, count: number) {
    const { L, H, cell, parameters, input } = network;
    const { gates: G, apart: A, states } = cell;
    this.#network = network;
    this.count = count;
    this.S = L * states.length * H;
    this.vectors = new Float64Array(count * this.S);
    this.#weights = Array.from({ length: L }, (_, layer) => {
      const names = layerNames(layer);
      return {
        input: Float64Array.from(parameters.valuesOf(names.inputWeight)),
        recurrent: Float64Array.from(parameters.valuesOf(names.recurrentWeight)),
        inputBias: Float64Array.from(parameters.valuesOf(names.inputBias)),
        recurrentBias: Float64Array.from(parameters.valuesOf(names.recurrentBias)),
      };
    });
    this.#kept = Array.from({ length: L }, () => ({
      pre: new Float64Array(G * H),
      apart: new Float64Array(A * H),
      states: states.map(() => new Float64Array(2 * H)),
    }));
    this.#pre = new Float64Array(count * G * H);
    this.#apart = new Float64Array(count * A * H);
    this.#states = states.map(() => new Float64Array(2 * count * H));
    this.#dStates = states.map(() => new Float64Array(count * H));
    this.#fromAbove = new Float64Array(count * H);
    this.#inputs = Array.from({ length: L }, (_, layer) => new Float64Array(layer === 0 ? input.size : H));
  }

  /** v <- v · ds_t/ds_{t-1} for each row vector v over the state after step t of sequence b. */
  step(unrolled: Unrolled, batch: Batch, t: number, b: number): void {
    this.#forward(unrolled, batch, t, b);
    const { count, S, vectors } = this;
    const { L, H, cell, residual } = this.#network;
    const { gates: G, apart: A } = cell;
    const J = G - A;
    this.#fromAbove.fill(0);
    for (let layer = L - 1; layer >= 0; layer--) {
      const { input, recurrent } = this.#weights[layer];
      this.#repeat(layer);
      for (const [index, dState] of this.#dStates.entries()) {
        const at = (layer * cell.states.length + index) * H;
        for (let v = 0; v < count; v++) for (let j = 0; j < H; j++) dState[v * H + j] = vectors[v * S + at + j];
      }
      const dh = this.#dStates[0];
      for (let i = 0; i < dh.length; i++) dh[i] += this.#fromAbove[i];
      cell.backward({
        B: count,
        H,
        pre: this.#pre,
        preAt: 0,
        apart: this.#apart,
        apartAt: 0,
        states: this.#states,
        previousAt: 0,
        nextAt: count * H,
        dStates: this.#dStates,
      });
      addProduct(dh, this.#pre, count, J * H, G * H, recurrent, 0, H);
      addProduct(dh, this.#apart, count, A * H, A * H, recurrent, J * H * H, H);
      for (const [index, dState] of this.#dStates.entries()) {
        const at = (layer * cell.states.length + index) * H;
        for (let v = 0; v < count; v++) for (let j = 0; j < H; j++) vectors[v * S + at + j] = dState[v * H + j];
      }
      if (layer === 0) break;
      if (!residual) this.#fromAbove.fill(0);
      addProduct(this.#fromAbove, this.#pre, count, G * H, G * H, input, 0, H);
    }
  }

  /** Gives each vector its own copy of what the cell kept, which its backward step overwrites. */
  #repeat(layer: number): void {
    const { pre, apart, states } = this.#kept[layer];
    const { H } = this.#network;
    for (let v = 0; v < this.count; v++) {
      this.#pre.set(pre, v * pre.length);
      this.#apart.set(apart, v * apart.length);
      for (const [index, state] of states.entries()) {
        for (let j = 0; j < H; j++) this.#states[index][v * H + j] = state[j];
        for (let j = 0; j < H; j++) this.#states[index][(this.count + v) * H + j] = state[H + j];
      }
    }
  }

  /** Makes step t of sequence b again, from the states before it. */
  #forward({ layers }: Unrolled, batch: Batch, t: number, b: number): void {
    const { L, H, cell, residual } = this.#network;
    const { gates: G, apart: A } = cell;
    this.#read(batch, t, b);
    for (let layer = 0; layer < L; layer++) {
      const { input, recurrent, inputBias, recurrentBias } = this.#weights[layer];
      const { pre, apart, states } = this.#kept[layer];
      const read = this.#inputs[layer];
      for (const [index, state] of states.entries()) {
        const from = layers[layer].states[index];
        for (let j = 0; j < H; j++) state[j] = from[(t * batch.B + b) * H + j];
      }
      const [h] = states;
      for (let row = 0; row < G * H; row++) {
        let own = inputBias[row];
        for (let i = 0; i < read.length; i++) own += input[row * read.length + i] * read[i];
        let recurring = recurrentBias[row];
        for (let j = 0; j < H; j++) recurring += recurrent[row * H + j] * h[j];
        pre[row] = row < (G - A) * H ? own + recurring : own;
        if (row >= (G - A) * H) apart[row - (G - A) * H] = recurring;
      }
      cell.forward({ B: 1, H, pre, preAt: 0, apart, apartAt: 0, states, previousAt: 0, nextAt: H });
      if (layer === L - 1) break;
      const above = this.#inputs[layer + 1];
      for (let j = 0; j < H; j++) above[j] = h[H + j] + (residual && layer > 0 ? read[j] : 0);
    }
  }

  #read({ input, vectors, symbols, B }: Batch, t: number, b: number): void {
    const [x] = this.#inputs;
    if (input.kind === 'symbols') x.fill(0)[symbols[t * B + b]] = 1;
    else for (let i = 0; i < input.size; i++) x[i] = vectors[(t * B + b) * input.size + i];
  }
}

/**
 * out [rows, N] += a · w, where a is the first K columns of rows of `stride` numbers and w [K, N] begins at `wAt`. Four
 * rows of w go by at a time, and the rest one by one.
 */
function addProduct(
  out: Float64Array,
  a: Float64Array,
  rows: number,
  K: number,
  stride: number,
  w: Float64Array,
  wAt: number,
  N: number,
): void {
  let k = 0;
  for (; k + 4 <= K; k += 4) {
    const w0 = wAt + k * N;
    const w1 = w0 + N;
    const w2 = w1 + N;
    const w3 = w2 + N;
    for (let row = 0; row < rows; row++) {
      const from = row * stride + k;
      const a0 = a[from];
      const a1 = a[from + 1];
      const a2 = a[from + 2];
      const a3 = a[from + 3];
      const to = row * N;
      for (let j = 0; j < N; j++) out[to + j] += a0 * w[w0 + j] + a1 * w[w1 + j] + a2 * w[w2 + j] + a3 * w[w3 + j];
    }
  }
  for (; k < K; k++) {
    for (let row = 0; row < rows; row++) {
      const factor = a[row * stride + k];
      for (let j = 0; j < N; j++) out[row * N + j] += factor * w[wAt + k * N + j];
    }
  }
}
