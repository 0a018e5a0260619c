import type { Backend, PackedMatrix, Reals } from '../../compute/backend.ts';
import { blocksOf } from '../cell/cell.ts';
import { type Network, skipWeight } from '../network.ts';
import { type Injection, inject } from './injection.ts';
import type { RowScale } from './rowScale.ts';

/** One way around a layer's cell, from h_{t - lag}. */
export interface Shortcut {
  readonly lag: number;
  /**
   * [lag, B, H] what the newest `lag` steps have sent back along this way, as mantissas, and their exponents [lag, B]. It arrives `lag` steps
   * further back: the step that is `back` steps before the last one of the pass has the row back % lag.
   */
  readonly sent: Injection & { readonly exponents: Int32Array };
  /** The matrix on the way, into the F gates that the input goes into: [H, F*H] and its transpose; undefined where there is none. */
  readonly forward: PackedMatrix | undefined;
  readonly backward: PackedMatrix | undefined;
}

/**
 * The skip connections of one layer that lead around its cell (`skip/skip.ts`), step by step. Those without a matrix add h_{t - lag} to the
 * h_t that the cell has made, and send dL/dh_t back; those with one add W h_{t - lag} to the pre-activations, and send Wᵀ dL/dpre_t back.
 *
 * What is sent keeps the exponents of the step that it comes from, and is brought to those of the step at which it arrives.
 */
export class Shortcuts {
  readonly list: readonly Shortcut[];
  readonly through: 'identity' | 'matrix';
  readonly #network: Network;
  readonly #backend: Backend;
  /** Largest B. */
  readonly #B: number;
  readonly #weightAt: number;
  #forwardVersion = -1;
  #backwardVersion = -1;

  constructor(network: Network, layer: number, B: number) {
    const { backend, cell, H, parameters, ways } = network;
    const { shortcuts, through } = ways[layer];
    const N = blocksOf(cell).F * H;
    this.through = through;
    this.#network = network;
    this.#backend = backend;
    this.#B = B;
    this.#weightAt = through === 'matrix' ? parameters.get(skipWeight(layer)).at : 0;
    this.list = shortcuts.map((lag) => ({
      lag,
      sent: { values: backend.allocate(lag * B * H), rows: null, exponents: backend.allocateIndices(lag * B) },
      forward: through === 'matrix' ? backend.allocatePacked(H, N, B) : undefined,
      backward: through === 'matrix' ? backend.allocatePacked(N, H, B) : undefined,
    }));
  }

  packForward(): void {
    this.#forwardVersion = this.#pack(this.#forwardVersion, 'forward');
  }

  packBackward(): void {
    this.#backwardVersion = this.#pack(this.#backwardVersion, 'backward');
  }

  /** Before the cell: adds to the pre-activations of B sequences what comes by matrices from the h before. h_t will begin at `nextAt`. */
  enter(h: Reals, nextAt: number, pre: Reals, preAt: number, B: number): void {
    const { H, cell } = this.#network;
    for (const { lag, forward } of this.list) {
      if (forward) this.#backend.multiply(h, nextAt - lag * B * H, H, B, forward, pre, preAt, cell.gates * H, true);
    }
  }

  /** After the cell: adds to h_t, which begins at `nextAt`, what comes as it is. */
  leave(h: Reals, nextAt: number, B: number): void {
    if (this.through === 'matrix') return;
    const size = B * this.#network.H;
    for (const { lag } of this.list) this.#backend.add(h, nextAt - lag * size, h, nextAt, size);
  }

  /** Adds to dL/dh_t what later steps have sent to it. @param back how many steps t is before the last one of the pass. */
  arrive(dStates: readonly Reals[], scale: RowScale, back: number, B: number): void {
    for (const { lag, sent } of this.list) {
      if (back >= lag) inject(this.#backend, sent, (back % lag) * this.#B, dStates, scale, B, this.#network.H);
    }
  }

  /** Sends dL/dh_t back as it is. */
  depart(dh: Reals, exponents: Int32Array, back: number, B: number): void {
    if (this.through === 'matrix') return;
    const { H } = this.#network;
    for (const { lag, sent } of this.list) {
      const first = (back % lag) * this.#B;
      for (let i = 0; i < B * H; i++) sent.values[first * H + i] = dh[i];
      for (let b = 0; b < B; b++) sent.exponents[first + b] = exponents[b];
    }
  }

  /** Sends dL/dpre_t back through the matrices. @param exponents of the rows from `first` on. */
  departThrough(pre: Reals, preAt: number, exponents: Int32Array, first: number, back: number, B: number): void {
    const { H, cell } = this.#network;
    for (const { lag, sent, backward } of this.list) {
      if (!backward) continue;
      const row = (back % lag) * this.#B;
      this.#backend.multiply(pre, preAt, cell.gates * H, B, backward, sent.values, row * H, H, false);
      for (let b = 0; b < B; b++) sent.exponents[row + b] = exponents[first + b];
    }
  }

  /** Adds the gradients of the matrices over `rows` rows of dL/dpre, the first of which made the h at `nextAt`. */
  addParameterGradients(pre: Reals, preAt: number, h: Reals, nextAt: number, rows: number, B: number): void {
    if (this.through === 'identity') return;
    const { H, cell, parameters } = this.#network;
    const N = blocksOf(cell).F * H;
    const stride = cell.gates * H;
    const width = this.list.length * H;
    for (const [index, { lag }] of this.list.entries()) {
      const at = this.#weightAt + index * H;
      this.#backend.multiplyTransposed(pre, preAt, stride, h, nextAt - lag * B * H, H, N, H, rows, parameters.gradient, at, width);
    }
  }

  #pack(packed: number, which: 'forward' | 'backward'): number {
    const { version, parameters, H } = this.#network;
    if (packed === version) return version;
    const width = this.list.length * H;
    for (const [index, shortcut] of this.list.entries()) {
      const matrix = shortcut[which];
      if (!matrix) continue;
      const [strideK, strideN] = which === 'forward' ? [1, width] : [width, 1];
      this.#backend.pack(parameters.values, this.#weightAt + index * H, strideK, strideN, matrix);
    }
    return version;
  }
}
