import type { Reals } from '../compute/backend.ts';
import type { Batch } from '../network/batch.ts';
import { blocksOf } from '../network/cell/cell.ts';
import type { Loss } from '../network/loss/loss.ts';
import type { Network } from '../network/network.ts';
import type { RecurrentLayer } from '../network/unroll/recurrentLayer.ts';
import type { Unrolled } from '../network/unroll/unrolled.ts';
import { keepProbes } from './lagProfile.ts';
import { type Monitor, plain } from './monitor.ts';

/** What one lag adds to the gradient of the recurrent layers' weights. Logarithms to base 10 of norms; -Infinity is an exact zero. */
export interface LagContribution {
  /** k, in steps. */
  readonly lag: number;
  /** Root of the mean over sequences of ‖g_b,k‖²: how large the contributions are one by one. */
  readonly size: number;
  /**
   * ‖mean of g_b,k‖, estimated without the part that chance alone gives: what many minibatches agree on. -Infinity where the sequences
   * agree no more than by chance.
   */
  readonly signal: number;
}

/** What each lag adds to the gradient of the weights. */
export interface LagContributions {
  readonly lags: LagContribution[];
  /** log10 of the norm of the whole gradient, the mean over the sequences. */
  readonly total: number;
  /** log10 of the standard deviation of a minibatch of one sequence: sqrt(trace of the covariance). One of B has 1/sqrt(B) of it. */
  readonly noise: number;
  readonly sequences: number;
}

/**
 * Which lags contribute how much to the weight gradient, against the noise of a minibatch. For the loss L_b of sequence b at its
 * last counted step t, the gradient of the recurrent layers' weights is a sum over lags,
 *
 *     dL_b/dθ = sum over k of g_b,k        g_b,k = dL_b/dpr_{t-k} ⊗ (x_{t-k}, h_{t-k-1}, 1)
 *
 * (and, of a cell that has parameters of single units, their part of the step),
 * and a minibatch gives the mean over some b. Its noise is the standard deviation of that mean. A lag whose signal is far
 * below the noise still adds up over many updates: n of them give a signal to noise ratio sqrt(n) times as large.
 *
 * Norms of the g_b,k and of their mean come from inner products of the rows that they are made of (for matrices a ⊗ b and c ⊗ d
 * it is (a·c)(b·d)), in float64 with exponents of their own, so that they are exact far below 1e-38. `signal` leaves out the products of a
 * sequence with itself: its square is an estimate without bias, and may come out below 0.
 *
 * One forward and one backward pass, B² inner products of G H + H + I numbers a lag, and the weight gradients of B sequences. The batch's
 * targets are reduced to the last counted one of each sequence, and the pass is used up.
 *
 * @returns undefined where fewer than two sequences have a counted target.
 */
export function lagContributions(unrolled: Unrolled, batch: Batch, loss: Loss): LagContributions | undefined {
  keepProbes(batch, 1);
  const count = batch.counted;
  if (count < 2) return undefined;
  const { backend } = unrolled.network;
  unrolled.reset();
  unrolled.forward(batch);
  const mark = backend.mark();
  const rows = new GradientRows(unrolled, batch);
  unrolled.backward(loss, { statesOnly: true });
  const places = Array.from({ length: count }, (_, r) => ({ b: batch.rows[r] % batch.B, t: Math.floor(batch.rows[r] / batch.B) }));
  const lags: LagContribution[] = [];
  for (let lag = 0; lag <= Math.max(...places.map(({ t }) => t)); lag++) {
    const there = places.filter(({ t }) => t >= lag).map(({ b, t }) => (t - lag) * batch.B + b);
    lags.push(rows.contribution(there, lag));
  }
  const whole = rows.whole(places);
  backend.release(mark);
  return { lags, ...whole, sequences: count };
}

/** dL/dpre of the last backward pass with what it is multiplied with, row by row: what the weight gradients are made of. */
class GradientRows {
  readonly #network: Network;
  readonly #batch: Batch;
  readonly #layers: readonly RecurrentLayer[];
  /** Per layer above the first, what it read: [T * B, H] from `at`. */
  readonly #reads: ({ readonly values: Reals; readonly at: number } | undefined)[];
  /** Per layer and row, its part of the gradient of the single units' parameters, [U*H] in mantissa form. */
  readonly #ofUnits: Map<number, Float64Array>[];

  /** @param unrolled after its forward pass. */
  constructor({ network, layers }: Unrolled, batch: Batch) {
    const { H, residual } = network;
    const size = batch.T * batch.B * H;
    this.#network = network;
    this.#batch = batch;
    this.#layers = layers;
    this.#reads = [undefined];
    this.#ofUnits = layers.map(() => new Map());
    for (const [index, { states, outputAt }] of layers.slice(0, -1).entries()) {
      const [output] = states;
      const below = this.#reads[index];
      if (!residual || !below) {
        this.#reads.push({ values: output, at: outputAt });
        continue;
      }
      const values = network.backend.allocate(size);
      values.set(output.subarray(outputAt, outputAt + size));
      network.backend.add(below.values, below.at, values, 0, size);
      this.#reads.push({ values, at: 0 });
    }
  }

  /** Size and signal of the contributions whose rows t * B + b are given. */
  contribution(rows: readonly number[], lag: number): LagContribution {
    const n = rows.length;
    let own = 0;
    let crossed = 0;
    for (const rowsOf of this.#ofUnits) rowsOf.clear();
    // Relative to the largest exponent: what is 2^-1000 beside it is nothing.
    const top = Math.max(...rows.map((row) => Math.max(...this.#layers.map(({ exponents }) => exponents[row]))));
    for (let i = 0; i < n; i++) {
      for (let j = i; j < n; j++) {
        const product = this.#inner(rows[i], rows[j], top);
        if (i === j) own += product;
        else crossed += 2 * product;
      }
    }
    const log = (square: number) => (square > 0 ? Math.log10(square) / 2 + top * Math.log10(2) : square <= 0 ? -Infinity : square);
    return { lag, size: log(own / n), signal: n > 1 ? log(crossed / (n * (n - 1))) : -Infinity };
  }

  /** The whole gradients of the sequences: the norm of their mean, and their standard deviation. */
  whole(places: readonly { readonly b: number; readonly t: number }[]): { total: number; noise: number } {
    const { backend } = this.#network;
    const length = this.#layers.reduce((sum, _, layer) => sum + this.#partOf(layer), 0);
    const gradient = backend.allocate(length);
    const sum = backend.allocate(length);
    const n = places.length;
    let squares = 0;
    for (const { b, t } of places) {
      gradient.fill(0);
      let at = 0;
      for (let layer = 0; layer < this.#layers.length; layer++) {
        this.#addGradient(layer, b, t, gradient, at);
        at += this.#partOf(layer);
      }
      squares += backend.sumSquares(gradient, 0, length);
      backend.add(gradient, 0, sum, 0, length);
    }
    const mean = backend.sumSquares(sum, 0, length) / (n * n);
    return { total: Math.log10(mean) / 2, noise: Math.log10(Math.max(0, squares - n * mean) / (n - 1)) / 2 };
  }

  /** The inner product of the contributions of two rows, divided by 2^(2 top). */
  #inner(row: number, other: number, top: number): number {
    const { cell, H } = this.#network;
    const { G, A, F, R, U, J } = blocksOf(cell);
    let sum = 0;
    for (const [index, { kept, states, exponents, readAt, outputAt, apartRead, apartReadAt }] of this.#layers.entries()) {
      const factor = 2 ** (exponents[row] + exponents[other] - 2 * top);
      if (factor === 0) continue;
      const [mine, others] = [row * G * H, other * G * H];
      const joined = dot(kept.pre, mine, others, J * H);
      const rest = dot(kept.pre, mine + J * H, others + J * H, (F - J) * H);
      const apart = dot(kept.apart, row * A * H, other * A * H, A * H);
      const read = this.#readProduct(index, row, other);
      // States before the step; the state at the beginning is 0.
      const held = dot(states[0], readAt + row * H, readAt + other * H, H);
      const heldApart = A > 0 ? dot(apartRead, apartReadAt + row * H, apartReadAt + other * H, H) : 0;
      const recurrent = R > 0 ? joined * (held + 1) + apart * (heldApart + 1) : 0;
      const units = U > 0 ? product(this.#unitsOf(index, row), this.#unitsOf(index, other)) : 0;
      sum += factor * ((joined + rest) * (read + 1) + recurrent + units);
      for (const lag of this.#matrixLags(index)) {
        const at = outputAt - lag * this.#batch.B * H;
        sum += factor * (joined + rest) * dot(states[0], at + row * H, at + other * H, H);
      }
    }
    return sum;
  }

  #unitsOf(layer: number, row: number): Float64Array {
    const known = this.#ofUnits[layer].get(row);
    if (known) return known;
    const { cell, H } = this.#network;
    const { G, F, U } = blocksOf(cell);
    const found = new Float64Array(U * H);
    this.#addUnits(layer, this.#layers[layer].kept.pre, (row * G + F) * H, found, 0);
    this.#ofUnits[layer].set(row, found);
    return found;
  }

  /** Adds the gradient of the single units' parameters for one of their constants. */
  #addUnits(layer: number, gradient: Reals, at: number, out: Reals, to: number): void {
    const { cell, H, parameters } = this.#network;
    const [first] = this.#network.unitNames(layer);
    if (first !== undefined) cell.units?.backward(parameters.values, parameters.get(first).at, H, gradient, at, out, to);
  }

  /** Lags of the layer's skip connections that have a matrix. */
  #matrixLags(layer: number): readonly number[] {
    const { shortcuts, through } = this.#network.ways[layer];
    return through === 'matrix' ? shortcuts : [];
  }

  #readProduct(layer: number, row: number, other: number): number {
    const { input, vectors, symbols } = this.#batch;
    const reads = this.#reads[layer];
    const { H } = this.#network;
    if (reads) return dot(reads.values, reads.at + row * H, reads.at + other * H, H);
    if (input.kind === 'symbols') return symbols[row] === symbols[other] ? 1 : 0;
    return dot(vectors, row * input.size, other * input.size, input.size);
  }

  /** Numbers of a layer's gradient: by the input, by the state before, the two biases, single units, and by the states of skip connections. */
  #partOf(layer: number): number {
    const { H, cell } = this.#network;
    const { F, R, U } = blocksOf(cell);
    return H * (F * (this.#widthOf(layer) + 1 + this.#matrixLags(layer).length * H) + R * (H + 1) + U);
  }

  #widthOf(layer: number): number {
    return layer === 0 ? this.#batch.input.size : this.#network.H;
  }

  /** Adds the weight gradient of one layer, of sequence b from step t back, to `out`: by the input, by the state, the biases, by skips. */
  #addGradient(layer: number, b: number, t: number, out: Reals, at: number): void {
    const { backend, cell, H } = this.#network;
    const { B, input, vectors, symbols } = this.#batch;
    const { kept, states, exponents, readAt, outputAt, apartRead, apartReadAt } = this.#layers[layer];
    const rows = t + 1;
    const blocks = blocksOf(cell);
    const [G, A, F, J, I] = [blocks.G * H, blocks.A * H, blocks.F * H, blocks.J * H, this.#widthOf(layer)];
    const units = new Float64Array(blocks.U * H);
    const mark = backend.mark();
    const pre = backend.allocate(rows * F);
    const apart = backend.allocate(rows * A);
    for (let step = 0; step < rows; step++) {
      const row = step * B + b;
      const factor = 2 ** exponents[row];
      // A zero stays one at any exponent.
      if (factor === 0) continue;
      const scaled = (value: number) => (value === 0 ? 0 : value * factor);
      for (let i = 0; i < F; i++) pre[step * F + i] = scaled(kept.pre[row * G + i]);
      for (let i = 0; i < units.length; i++) units[i] += scaled(kept.pre[row * G + F + i]);
      for (let i = 0; i < A; i++) apart[step * A + i] = scaled(kept.apart[row * A + i]);
    }
    const reads = this.#reads[layer];
    if (reads) backend.multiplyTransposed(pre, 0, F, reads.values, reads.at + b * H, B * H, F, H, rows, out, at, H);
    else if (input.kind === 'vectors') backend.multiplyTransposed(pre, 0, F, vectors, b * I, B * I, F, I, rows, out, at, I);
    else {
      // The transpose of the gradient, which has the same norm.
      const read = backend.allocateIndices(rows);
      for (let step = 0; step < rows; step++) read[step] = symbols[step * B + b];
      backend.scatterAddRows(pre, 0, read, 0, rows, F, out, at);
    }
    const biases = at + F * I;
    backend.addColumnSums(pre, 0, F, rows, F, out, biases);
    this.#addUnits(layer, units, 0, out, biases + F);
    const byState = biases + F + units.length;
    const h = states[0];
    if (J > 0) {
      backend.multiplyTransposed(pre, 0, F, h, readAt + b * H, B * H, J, H, rows, out, byState, H);
      backend.addColumnSums(pre, 0, F, rows, J, out, byState + F * H);
    }
    if (A > 0) {
      backend.multiplyTransposed(apart, 0, A, apartRead, apartReadAt + b * H, B * H, A, H, rows, out, byState + J * H, H);
      backend.addColumnSums(apart, 0, A, rows, A, out, byState + F * H + J);
    }
    const bySkips = byState + blocks.R * H * (H + 1);
    for (const [index, lag] of this.#matrixLags(layer).entries()) {
      const from = outputAt - lag * B * H + b * H;
      backend.multiplyTransposed(pre, 0, F, h, from, B * H, F, H, rows, out, bySkips + index * F * H, H);
    }
    backend.release(mark);
  }
}

function dot(x: ArrayLike<number>, at: number, other: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += x[at + i] * x[other + i];
  return sum;
}

/** The inner product of two whole arrays. */
const product = (x: Float64Array, y: Float64Array) => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
};

export const lagContributionMonitor: Monitor<LagContributions | undefined> = {
  name: 'lag-contribution',
  measures: 'log10 of what each lag adds to the weight gradient, and of the noise of a minibatch',
  work: ({ network: { H, L, cell, input }, T, B }) => {
    const inputs = input.size + (L - 1) * H;
    const gradient = cell.gates * H * (L * H + inputs);
    // A forward pass, a backward pass without weight gradients, the inner products, and the weight gradients.
    return T * B * (3 * gradient + plain * (B / 2) * (cell.gates * H * L + L * H + inputs));
  },
  bytes: ({ network, T, B }) => {
    const { H, L, cell, parameters, residual, backend } = network;
    // What residual layers read, one sequence's gradients of the pre-activations, and two gradients of the weights.
    const numbers = (residual ? L * T * B * H : 0) + T * (cell.gates + cell.apart) * H + 2 * parameters.length;
    return numbers * (backend.precision === 'float32' ? 4 : 8) + 4 * T;
  },
  measure(look) {
    const unrolled = look.forward();
    look.consume();
    return lagContributions(unrolled, look.batch, look.loss);
  },
};
