import type { Reals } from '../compute/backend.ts';
import { Random } from '../compute/random.ts';
import type { Batch } from '../network/batch.ts';
import { layerNames, type Network } from '../network/network.ts';

/**
 * The Lyapunov exponents of a network along a sequence: the mean growth per step, in nats, of perturbations of the whole
 * carried state (h, and c of an LSTM, of all layers), in order from the fastest. 0 keeps, below 0 forgets, above 0 is
 * chaos; the gradient grows and fades at the same rates.
 *
 * Measured on the adjoint: `count` orthonormal row vectors v are taken back step by step, v <- v · ds_t/ds_{t-1}, and made
 * orthonormal again; each exponent is the mean log of the lengths lost on the way (Benettin et al. 1980; for recurrent
 * networks Vogt et al. 2022, arXiv 2006.14123, section 2). With `count` = S, the sum of the exponents is the mean
 * log |det ds_t/ds_{t-1}| exactly; over few steps the single exponents still depend on where the vectors began.
 *
 * Cost: `count` rows of a backward step, for each step of each sequence, in float64.
 *
 * @param count how many, at most S = layers * states * H.
 * @returns the mean over the first `sequences` sequences of the batch.
 */
export function lyapunovExponents(network: Network, batch: Batch, count = Number.POSITIVE_INFINITY, sequences = 4): number[] {
  const S = network.L * network.cell.states.length * network.H;
  const wanted = Math.min(count, S);
  const used = Array.from({ length: Math.min(sequences, batch.B) }, (_, b) => b).filter((b) => batch.lengths[b] > 0);
  const means = new Float64Array(wanted);
  for (const b of used) {
    const exponents = exponentsAlong(new StateTrajectory(network, batch, b), wanted);
    for (let i = 0; i < wanted; i++) means[i] += exponents[i] / used.length;
  }
  return used.length === 0 ? [] : Array.from(means).sort((a, b) => b - a);
}

function exponentsAlong(trajectory: StateTrajectory, count: number): Float64Array {
  const random = new Random(1);
  let rows: Float64Array[] = Array.from({ length: count }, () => Float64Array.from({ length: trajectory.S }, () => random.normal()));
  orthonormalize(rows);
  const sums = new Float64Array(count);
  for (let t = trajectory.T - 1; t >= 0; t--) {
    rows = rows.map((row) => trajectory.back(t, row));
    const lengths = orthonormalize(rows);
    for (let i = 0; i < count; i++) sums[i] += Math.log(lengths[i]);
  }
  return sums.map((sum) => sum / trajectory.T);
}

/**
 * Gram-Schmidt in place. Returns what was left of each row's length once the rows before it were taken out; a row of which
 * nothing is left becomes a zero row.
 */
function orthonormalize(rows: readonly Float64Array[]): Float64Array {
  const lengths = new Float64Array(rows.length);
  for (const [i, row] of rows.entries()) {
    for (let pass = 0; pass < 2; pass++) {
      for (const other of rows.slice(0, i)) {
        let projection = 0;
        for (let j = 0; j < row.length; j++) projection += row[j] * other[j];
        for (let j = 0; j < row.length; j++) row[j] -= projection * other[j];
      }
    }
    let square = 0;
    for (let j = 0; j < row.length; j++) square += row[j] * row[j];
    lengths[i] = Math.sqrt(square);
    if (lengths[i] > 0) for (let j = 0; j < row.length; j++) row[j] /= lengths[i];
  }
  return lengths;
}

/** What one layer kept of one step. */
interface KeptStep {
  readonly pre: Float64Array;
  readonly apart: Float64Array;
  /** Per state, [2, H]: s_{t-1} and s_t. */
  readonly states: Float64Array[];
}

/** The states of a network along one sequence, in float64, and the way back through each of its steps. */
class StateTrajectory {
  /** Steps. */
  readonly T: number;
  /** Numbers carried from step to step: layer by layer, state by state, H each. */
  readonly S: number;
  readonly #network: Network;
  readonly #steps: KeptStep[][] = [];
  readonly #weights: { input: Reals; recurrent: Reals; inputBias: Reals; recurrentBias: Reals }[];

  constructor(network: Network, batch: Batch, b: number) {
    const { L, H, cell, parameters } = network;
    this.#network = network;
    this.T = batch.lengths[b];
    this.S = L * cell.states.length * H;
    this.#weights = Array.from({ length: L }, (_, layer) => {
      const names = layerNames(layer);
      return {
        input: parameters.valuesOf(names.inputWeight),
        recurrent: parameters.valuesOf(names.recurrentWeight),
        inputBias: parameters.valuesOf(names.inputBias),
        recurrentBias: parameters.valuesOf(names.recurrentBias),
      };
    });
    let previous = Array.from({ length: L }, () => cell.states.map(() => new Float64Array(H)));
    for (let t = 0; t < this.T; t++) {
      const kept = this.#forward(inputAt(batch, t, b), previous);
      previous = kept.map(({ states }) => states.map((state) => state.slice(H)));
      this.#steps.push(kept);
    }
  }

  /** v · ds_t/ds_{t-1} for a row vector v [S] over the state after step t. */
  back(t: number, v: Float64Array): Float64Array {
    const { L, H, cell, residual } = this.#network;
    const { gates: G, apart: A, states: names } = cell;
    const result = new Float64Array(this.S);
    let fromAbove = new Float64Array(H);
    for (let layer = L - 1; layer >= 0; layer--) {
      const { pre, apart, states } = this.#steps[t][layer];
      const { input, recurrent } = this.#weights[layer];
      const at = layer * names.length * H;
      const dStates = names.map((_, index) => v.slice(at + index * H, at + (index + 1) * H));
      for (let j = 0; j < H; j++) dStates[0][j] += fromAbove[j];
      const dPre = pre.slice();
      const dApart = apart.slice();
      cell.backward({ B: 1, H, pre: dPre, preAt: 0, apart: dApart, apartAt: 0, states, previousAt: 0, nextAt: H, dStates });
      for (let row = 0; row < G * H; row++) {
        const gradient = row < (G - A) * H ? dPre[row] : dApart[row - (G - A) * H];
        for (let j = 0; j < H; j++) dStates[0][j] += gradient * recurrent[row * H + j];
      }
      for (const [index, dState] of dStates.entries()) result.set(dState, at + index * H);
      if (layer === 0) break;
      const below = residual ? fromAbove.slice() : new Float64Array(H);
      for (let row = 0; row < G * H; row++) for (let j = 0; j < H; j++) below[j] += dPre[row] * input[row * H + j];
      fromAbove = below;
    }
    return result;
  }

  #forward(x: Float64Array, previous: readonly Float64Array[][]): KeptStep[] {
    const { L, H, cell, residual } = this.#network;
    const { gates: G, apart: A } = cell;
    const kept: KeptStep[] = [];
    let read = x;
    for (let layer = 0; layer < L; layer++) {
      const { input, recurrent, inputBias, recurrentBias } = this.#weights[layer];
      const h = previous[layer][0];
      const pre = new Float64Array(G * H);
      const apart = new Float64Array(A * H);
      for (let row = 0; row < G * H; row++) {
        let own = inputBias[row];
        for (let i = 0; i < read.length; i++) own += input[row * read.length + i] * read[i];
        let recurring = recurrentBias[row];
        for (let j = 0; j < H; j++) recurring += recurrent[row * H + j] * h[j];
        pre[row] = row < (G - A) * H ? own + recurring : own;
        if (row >= (G - A) * H) apart[row - (G - A) * H] = recurring;
      }
      const states = previous[layer].map((state) => {
        const pair = new Float64Array(2 * H);
        pair.set(state);
        return pair;
      });
      cell.forward({ B: 1, H, pre, preAt: 0, apart, apartAt: 0, states, previousAt: 0, nextAt: H });
      const output = states[0].slice(H);
      if (residual && layer > 0) for (let j = 0; j < H; j++) output[j] += read[j];
      read = output;
      kept.push({ pre, apart, states });
    }
    return kept;
  }
}

function inputAt({ input, vectors, symbols, B }: Batch, t: number, b: number): Float64Array {
  const x = new Float64Array(input.size);
  if (input.kind === 'symbols') x[symbols[t * B + b]] = 1;
  else for (let i = 0; i < input.size; i++) x[i] = vectors[(t * B + b) * input.size + i];
  return x;
}
