import type { PullBack, Reals } from '../../compute/backend.ts';
import { blocksOf } from '../cell/cell.ts';
import { layerNames, type Network, skipWeight } from '../network.ts';
import { DelayedRows } from './delayedRows.ts';
import { Linearization } from './linearization.ts';
import { bytesOf } from './passMemory.ts';
import type { Unrolled } from './unrolled.ts';

/** To what power of two the largest number of a row is brought where it is set or where rows are added; smaller than `least` is 0. */
const comfortable = 40;
const least = 2 ** -90;
const decadesOfTwo = Math.log10(2);

/** The rows of one layer, and what leads around its step or over several. */
interface LayerRows {
  readonly pullBack: PullBack;
  /** Numbers of a row of `pullBack.input`: what reaches the layer below, then what the matrices of skip connections send back. */
  readonly inputWidth: number;
  /** In a dilated layer, the rows that are on their way to the steps between. */
  readonly leaping: DelayedRows | undefined;
  readonly shortcuts: readonly DelayedRows[];
}

/**
 * Row vectors over the states that a step makes (of all layers) on their way back through an unrolled network, up to P for each of B
 * sequences, step by step: from v ds_t to v · ds_t/ds_{t-k}, along the recurrent path and all skip connections. Without skip connections that is
 * v <- v · ds_t/ds_{t-1}. A gradient is such a row, and so is a row of a Jacobian. All rows of a step go
 * together, without weight gradients, each with exponents of its own (one per layer), so that the norms are exact far beyond
 * the range of floating-point numbers.
 *
 * The forward pass of the unrolled network is only read. Costs S H² multiplications a row, step and layer, and G S H² a sequence, step and
 * layer; between two layers as much again.
 */
export class WayBack {
  /** [B]: how many rows of each sequence are on their way, the first ones. */
  readonly active: Int32Array;
  /** Rows that each sequence has room for: as many as were asked for, or some more. */
  readonly P: number;
  readonly #network: Network;
  readonly #layers: LayerRows[];
  readonly #linearization: Linearization;
  /** Steps made so far. */
  #steps = 0;
  /** [B, P, H] with exponents [B, P]: gradients of the network's output that have not yet gone down the residual connections. */
  readonly #fresh: { values: Float64Array; exponents: Int32Array; is: Uint8Array } | undefined;

  constructor(network: Network, B: number, most: number) {
    const { backend, cell, H, L, residual } = network;
    const linearization = new Linearization(network, B);
    const { G, A, F } = blocksOf(cell);
    // Whole blocks of rows, which products take best.
    const P = most > 16 ? Math.ceil(most / 16) * 16 : most;
    this.P = P;
    this.active = new Int32Array(B);
    this.#network = network;
    this.#linearization = linearization;
    this.#layers = Array.from({ length: L }, (_, layer) => {
      const { recurrentLag, shortcuts } = network.ways[layer];
      const weights = weightsOf(network, layer);
      const pullBack = backend.pullBack({
        ...{ H, S: cell.states.length, G, A, F, B, P },
        ...{ pre: linearization.pre, apart: linearization.apart, direct: linearization.direct },
        apartRead: linearization.apartRead,
        ...weights,
      });
      pullBack.pack();
      return {
        pullBack,
        inputWidth: weights.width,
        leaping: recurrentLag > 1 ? new DelayedRows(backend, recurrentLag, B * P, cell.states.length * H) : undefined,
        shortcuts: shortcuts.map((lag) => new DelayedRows(backend, lag, B * P, H)),
      };
    });
    this.#fresh =
      residual && L > 1 ? { values: new Float64Array(B * P * H), exponents: new Int32Array(B * P), is: new Uint8Array(B * P) } : undefined;
  }

  /** Numbers of a row: layer by layer, state by state, H each. */
  get size(): number {
    const { L, H, cell } = this.#network;
    return L * cell.states.length * H;
  }

  /** Sets row p of sequence b to 0. */
  clear(b: number, p: number): void {
    const row = b * this.P + p;
    const width = this.size / this.#network.L;
    for (const { pullBack, leaping, shortcuts } of this.#layers) {
      pullBack.rows.fill(0, row * width, (row + 1) * width);
      pullBack.exponents[row] = 0;
      pullBack.squares[row] = 0;
      leaping?.clear(row);
      for (const shortcut of shortcuts) shortcut.clear(row);
    }
    if (this.#fresh) this.#fresh.is[row] = 0;
  }

  /** Row p of sequence b becomes the gradient by the network's output at the step to come, H numbers. */
  setOutput(b: number, p: number, values: Reals, at: number): void {
    const { H, L } = this.#network;
    const row = b * this.P + p;
    this.clear(b, p);
    const { rows, exponents, squares } = this.#layers[L - 1].pullBack;
    const width = this.size / L;
    let top = 0;
    for (let j = 0; j < H; j++) top = Math.max(top, Math.abs(values[at + j]));
    const shift = top > 0 && top < Infinity ? comfortable - Math.floor(Math.log2(top)) : 0;
    // A power of two that a number can hold: smaller than 2^-1000 there is nothing in any precision that is read here.
    const factor = 2 ** Math.min(shift, 1000);
    for (let j = 0; j < H; j++) {
      const value = values[at + j] * factor;
      rows[row * width + j] = value;
      squares[row] += rows[row * width + j] ** 2;
    }
    exponents[row] = -Math.min(shift, 1000);
    const fresh = this.#fresh;
    if (!fresh) return;
    for (let j = 0; j < H; j++) fresh.values[row * H + j] = rows[row * width + j];
    fresh.exponents[row] = exponents[row];
    fresh.is[row] = 1;
  }

  /** Row p of sequence b becomes the unit vector of element `index` of the state. */
  setUnit(b: number, p: number, index: number): void {
    const row = b * this.P + p;
    this.clear(b, p);
    const width = this.size / this.#network.L;
    const { rows, squares } = this.#layers[Math.floor(index / width)].pullBack;
    rows[row * width + (index % width)] = 1;
    squares[row] = 1;
  }

  /** Takes the active rows from the state after step t to that before it, for the B sequences of the last forward pass. */
  step(unrolled: Unrolled, t: number): void {
    const { L, H, residual } = this.#network;
    const { B } = unrolled.layers[0].kept;
    const width = this.size / L;
    const fresh = this.#fresh;
    for (let layer = L - 1; layer >= 0; layer--) {
      const { pullBack: own, inputWidth } = this.#layers[layer];
      const above = layer < L - 1 ? this.#layers[layer + 1] : undefined;
      const fromAbove = (target: Reals, row: number, targetWidth: number, exponents: Int32Array) => {
        if (above) {
          const { input, inputExponents } = above.pullBack;
          addRow(target, row, targetWidth, exponents, input, row * above.inputWidth, H, inputExponents[row]);
        }
      };
      if (above) this.#eachActive(B, (row) => fromAbove(own.rows, row, width, own.exponents));
      this.#sendAround(layer, B, 'identity');
      this.#linearization.take(unrolled.layers[layer], t);
      own.step(B, this.active);
      this.#sendAround(layer, B, 'matrix');
      this.#arrive(layer, B);
      if (layer === 0 || !residual) continue;
      // What comes to a layer's output goes down to its input as well.
      this.#eachActive(B, (row) => {
        if (above) fromAbove(own.input, row, inputWidth, own.inputExponents);
        else if (fresh?.is[row]) addRow(own.input, row, inputWidth, own.inputExponents, fresh.values, row * H, H, fresh.exponents[row]);
      });
    }
    this.#steps++;
    fresh?.is.fill(0);
  }

  /** Hands what goes around the cell to its skip connections: dL/dh_t as it is, before the step, or what their matrices make, after it. */
  #sendAround(layer: number, B: number, through: 'identity' | 'matrix'): void {
    const { pullBack, inputWidth, shortcuts } = this.#layers[layer];
    if (shortcuts.length === 0 || this.#network.ways[layer].through !== through) return;
    const { H } = this.#network;
    const width = this.size / this.#layers.length;
    for (const [index, shortcut] of shortcuts.entries()) {
      this.#eachActive(B, (row) => {
        if (through === 'identity') shortcut.put(this.#steps, row, pullBack.rows, row * width, pullBack.exponents[row]);
        else {
          const at = (row + 1) * inputWidth - (shortcuts.length - index) * H;
          shortcut.put(this.#steps, row, pullBack.input, at, pullBack.inputExponents[row]);
        }
      });
    }
  }

  /** Puts together the rows of the step before: those that leap over steps take their turns, and what has gone around the cells arrives. */
  #arrive(layer: number, B: number): void {
    const { pullBack, leaping, shortcuts } = this.#layers[layer];
    if (!leaping && shortcuts.length === 0) return;
    const { rows, exponents, squares } = pullBack;
    const { H } = this.#network;
    const width = this.size / this.#layers.length;
    const next = this.#steps + 1;
    this.#eachActive(B, (row) => {
      const at = row * width;
      if (leaping) {
        leaping.put(this.#steps, row, rows, at, exponents[row]);
        const place = leaping.place(next, row);
        for (let i = 0; i < width; i++) rows[at + i] = leaping.values[place * width + i];
        exponents[row] = leaping.exponents[place];
      }
      for (const shortcut of shortcuts) {
        const place = shortcut.place(next, row);
        addRow(rows, row, width, exponents, shortcut.values, place * H, H, shortcut.exponents[place]);
      }
      let square = 0;
      for (let i = at; i < at + width; i++) square += rows[i] * rows[i];
      squares[row] = square;
    });
  }

  /** log10 of the norm of row p of sequence b, over all layers; -Infinity for a row of zeros. */
  log10Norm(b: number, p: number): number {
    const row = b * this.P + p;
    const layers = this.#layers;
    let top = -Infinity;
    for (let layer = 0; layer < layers.length; layer++) {
      const { squares, exponents } = layers[layer].pullBack;
      if (squares[row] > 0) top = Math.max(top, exponents[row]);
    }
    let sum = 0;
    // An exact zero counts at any exponent, and a NaN stays one.
    for (let layer = 0; layer < layers.length; layer++) {
      const { squares, exponents } = layers[layer].pullBack;
      const square = squares[row];
      sum += square > 0 ? square * 2 ** (2 * (exponents[row] - top)) : square;
    }
    return top === -Infinity && !Number.isNaN(sum) ? -Infinity : Math.log10(sum) / 2 + top * decadesOfTwo;
  }

  /** The same of all active rows of sequence b, into the beginning of `out`. */
  log10Norms(b: number, out: Float64Array): void {
    const count = this.active[b];
    const first = b * this.P;
    if (this.#layers.length > 1) {
      for (let p = 0; p < count; p++) out[p] = this.log10Norm(b, p);
      return;
    }
    const { squares, exponents } = this.#layers[0].pullBack;
    for (let p = 0; p < count; p++) out[p] = Math.log10(squares[first + p]) / 2 + exponents[first + p] * decadesOfTwo;
  }

  /** Copies row p of sequence b, times 2^-exponent, to `out`; an exponent near that of `log10Norm` keeps it within a float64. */
  copy(b: number, p: number, exponent: number, out: Float64Array, at: number): void {
    const row = b * this.P + p;
    const width = this.size / this.#network.L;
    for (const [layer, { pullBack }] of this.#layers.entries()) {
      const { rows, exponents } = pullBack;
      const factor = 2 ** (exponents[row] - exponent);
      for (let i = 0; i < width; i++) out[at + layer * width + i] = rows[row * width + i] * factor;
    }
  }

  #eachActive(B: number, use: (row: number) => void): void {
    for (let b = 0; b < B; b++) for (let p = 0; p < this.active[b]; p++) use(b * this.P + p);
  }
}

/** Bytes that such a way back takes: counted, not allocated. */
export function wayBackBytes(network: Network, B: number, P: number): number {
  return bytesOf(network, (counted) => new WayBack(counted, B, P));
}

/**
 * The weights of one layer: the parameters themselves, or, where skip connections have matrices, a copy in which these stand beside the
 * input matrix, since what they read enters where the input does.
 */
function weightsOf({ backend, cell, H, parameters, ways }: Network, layer: number) {
  const names = layerNames(layer);
  const { F, R } = blocksOf(cell);
  const recurrentAt = R > 0 ? parameters.get(names.recurrentWeight).at : -1;
  const inputAt = parameters.get(names.inputWeight).at;
  const below = layer > 0 ? H : 0;
  const { shortcuts, through } = ways[layer];
  if (through === 'identity') return { weights: parameters.values, recurrentAt, inputAt, width: below };
  const around = shortcuts.length * H;
  const width = below + around;
  const recurrentLength = R * H * H;
  const weights = backend.allocate(recurrentLength + F * H * width);
  const copy = (from: number, to: number, count: number) => {
    for (let i = 0; i < count; i++) weights[to + i] = parameters.values[from + i];
  };
  const skipAt = parameters.get(skipWeight(layer)).at;
  copy(recurrentAt, 0, recurrentLength);
  for (let row = 0; row < F * H; row++) {
    copy(inputAt + row * below, recurrentLength + row * width, below);
    copy(skipAt + row * around, recurrentLength + row * width + below, around);
  }
  return { weights, recurrentAt: R > 0 ? 0 : -1, inputAt: recurrentLength, width };
}

/**
 * target[row] += H numbers of `added` from index `from`, into the first of `width`, each with an exponent of its own. The larger one is brought to the
 * comfortable range, and beside it the smaller.
 */
function addRow(
  target: Reals,
  row: number,
  width: number,
  exponents: Int32Array,
  added: Reals,
  from: number,
  H: number,
  addedExponent: number,
): void {
  const to = row * width;
  const more = largestOf(added, from, H);
  if (more === 0) return;
  const held = largestOf(target, to, width);
  const own = exponents[row];
  if (!(more < Infinity && held < Infinity)) {
    for (let j = 0; j < H; j++) target[to + j] += added[from + j];
    return;
  }
  const top = Math.max(Math.floor(Math.log2(more)) + addedExponent, held > 0 ? Math.floor(Math.log2(held)) + own : -Infinity);
  const exponent = top - comfortable;
  const ownFactor = held > 0 ? 2 ** (own - exponent) : 0;
  const addedFactor = 2 ** (addedExponent - exponent);
  for (let i = 0; i < width; i++) {
    const value = target[to + i] * ownFactor + (i < H ? added[from + i] * addedFactor : 0);
    target[to + i] = Math.abs(value) < least ? 0 : value;
  }
  exponents[row] = exponent;
}

/** The largest magnitude; a NaN makes it infinite. */
function largestOf(x: Reals, at: number, length: number): number {
  let largest = 0;
  for (let i = at; i < at + length; i++) {
    const magnitude = Math.abs(x[i]);
    if (!(magnitude <= largest)) largest = Number.isNaN(magnitude) ? Infinity : magnitude;
  }
  return largest;
}
