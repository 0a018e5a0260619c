import type { Batch } from '../network/batch.ts';
import { blocksOf } from '../network/cell/cell.ts';
import { layerNames, type Network, skipWeight } from '../network/network.ts';
import type { Unrolled } from '../network/unroll/unrolled.ts';

/** One layer's weights, and room for what its cell keeps of a step of one sequence, in float64. */
interface LayerStep {
  readonly input: Float64Array;
  readonly recurrent: Float64Array;
  readonly inputBias: Float64Array;
  readonly recurrentBias: Float64Array;
  /** [G*H, lags * H], or empty. */
  readonly skip: Float64Array;
  /** [G*H], [A*H], and per state s_{t-1} and s_t [2, H]. */
  readonly pre: Float64Array;
  readonly apart: Float64Array;
  readonly states: Float64Array[];
  /** [U*H] constants of single units. */
  readonly units: Float64Array;
  /** What the layer reads: [I], or [H] above the first. */
  readonly reads: Float64Array;
}

/**
 * The Jacobian ds_t/ds_{t-1} of one step of one sequence over the states of all layers, in float64: element [i, j] is the derivative of
 * element i of s_t by element j of s_{t-1}, states in the order layer by layer, state by state, H each. With skip connections the step reads
 * the states of several steps before, and there is one matrix for each of them, by that step's states alone. For the plain network it is
 *
 *     diag(f'(pr_t)) W
 *
 * and for any cell what `network/unroll/linearization.ts` says; from layer to layer, by the chain rule upward:
 *
 *     d s_l/d s_{t-1} = own part + X_l · d out_{l-1}/d s_{t-1}        X_l = sum over g of diag(ds_l/dpre_g) W_ih,g
 *
 * The states are those of the unrolled network's last forward pass; the step is made again from them. Costs S_l G H² multiplications a
 * layer, and S_l H² n more from the second layer on, n being the size of the whole state and S_l the states of a layer.
 */
export class StepJacobian {
  /** n: numbers that a step makes. */
  readonly size: number;
  /** How many steps before lie the states that a step reads, ascending; [1] without skip connections. */
  readonly lags: readonly number[];
  /** [n, n] of the last `take`, for each lag: ds_t/ds_{t-lag}. */
  readonly blocks: readonly Float64Array[];
  readonly #network: Network;
  readonly #layers: LayerStep[];
  readonly #dStates: Float64Array[];
  readonly #pre: Float64Array;
  readonly #apart: Float64Array;
  /** Of what the gates kept apart read, where that is not h_{t-1}: itself, one row of derivatives by it, and its own by pre [G*H] and h [H]. */
  readonly #read: { readonly values: Float64Array; readonly row: Float64Array; readonly pre: Float64Array; readonly direct: Float64Array };
  /** [H] numbers: how one element of the state depends on what its layer reads. */
  readonly #toInput: Float64Array;
  /** [H, n] for each lag: how a layer's output depends on s_{t-lag}; two that take turns. */
  readonly #outputs: Float64Array[][];

  constructor(network: Network) {
    const { L, H, cell, parameters, input, ways } = network;
    const { states } = cell;
    const { G, A, U, R } = blocksOf(cell);
    const n = L * states.length * H;
    this.#network = network;
    this.size = n;
    this.lags = lagsOf(network);
    this.blocks = this.lags.map(() => new Float64Array(n * n));
    this.#layers = Array.from({ length: L }, (_, layer) => {
      const names = layerNames(layer);
      const copy = (name: string) => Float64Array.from(parameters.valuesOf(name));
      return {
        ...{ input: copy(names.inputWeight), inputBias: copy(names.inputBias) },
        recurrent: R > 0 ? copy(names.recurrentWeight) : new Float64Array(0),
        recurrentBias: R > 0 ? copy(names.recurrentBias) : new Float64Array(0),
        skip: ways[layer].through === 'matrix' ? copy(skipWeight(layer)) : new Float64Array(0),
        pre: new Float64Array(G * H),
        apart: new Float64Array(A * H),
        states: states.map(() => new Float64Array(2 * H)),
        units: new Float64Array(U * H),
        reads: new Float64Array(layer === 0 ? input.size : H),
      };
    });
    for (const [layer, { units }] of this.#layers.entries()) network.unitConstants(layer, units, 0);
    this.#dStates = states.map(() => new Float64Array(H));
    this.#pre = new Float64Array(G * H);
    this.#apart = new Float64Array(A * H);
    const own = cell.apartInput ? H : 0;
    this.#read = {
      ...{ values: new Float64Array(own), row: new Float64Array(own) },
      ...{ pre: new Float64Array(own * G), direct: new Float64Array(own) },
    };
    this.#toInput = new Float64Array(H);
    this.#outputs = [0, 1].map(() => this.lags.map(() => new Float64Array(L > 1 ? H * n : 0)));
  }

  /** Multiplications of one `take`, about. */
  static work(network: Network): number {
    const { L, H, cell, ways } = network;
    const { gates: G, states } = cell;
    const S = states.length;
    const matrices = ways.reduce((sum, { shortcuts, through }) => sum + (through === 'matrix' ? shortcuts.length : 0), L);
    // What other gates read goes through two matrices, one after the other.
    const twice = L * S * H ** 3 * (cell.apartInput?.gates.length ?? 0);
    return twice + matrices * S * G * H * H + (L - 1) * (S * G * H * H + lagsOf(network).length * S * H * H * L * S * H);
  }

  /** Makes `blocks` those of step t of sequence b, and returns the first of them. */
  take(unrolled: Unrolled, batch: Batch, t: number, b: number): Float64Array {
    this.#forward(unrolled, batch, t, b);
    const { L, H, cell, residual, ways } = this.#network;
    const { states, apartInput } = cell;
    const { F, R, J } = blocksOf(cell);
    const S = states.length;
    const n = this.size;
    const blockOf = (lag: number) => this.blocks[this.lags.indexOf(lag)];
    for (const block of this.blocks) block.fill(0);
    for (let layer = 0; layer < L; layer++) {
      const { recurrent, input, skip, pre, apart, units, states: kept } = this.#layers[layer];
      const { recurrentLag, shortcuts, through } = ways[layer];
      const values = blockOf(recurrentLag);
      const first = layer * S * H;
      const below = this.#outputs[(layer + 1) % 2];
      this.#differentiateRead(layer);
      for (let a = 0; a < S; a++) {
        // A cell's backward step is linear and goes unit by unit: of ones it makes the derivatives of state a.
        this.#pre.set(pre);
        this.#apart.set(apart);
        for (const [c, dState] of this.#dStates.entries()) dState.fill(a === c ? 1 : 0);
        cell.backward({
          ...{ B: 1, H, pre: this.#pre, preAt: 0, apart: this.#apart, apartAt: 0, states: kept, previousAt: 0, nextAt: H },
          ...{ units, unitsAt: 0 },
          dStates: this.#dStates,
        });
        for (let j = 0; j < H; j++) {
          const row = (first + a * H + j) * n;
          for (let g = 0; g < F; g++) {
            if (apartInput?.gates.includes(g)) continue;
            const by = g >= J ? this.#apart[(g - J) * H + j] : this.#pre[g * H + j];
            const read = apartInput && g >= J;
            if (R > 0 && by !== 0) addRow(read ? this.#read.row : values, read ? 0 : row + first, recurrent, (g * H + j) * H, H, by);
            if (layer > 0) addRow(this.#toInput, 0, input, (g * H + j) * H, H, this.#pre[g * H + j]);
          }
          for (const [index, lag] of shortcuts.entries()) {
            const block = blockOf(lag);
            if (through === 'identity' && a === 0) block[row + first + j] += 1;
            for (let g = 0; through === 'matrix' && g < F; g++) {
              if (apartInput?.gates.includes(g)) continue;
              const at = ((g * H + j) * shortcuts.length + index) * H;
              addRow(block, row + first, skip, at, H, this.#pre[g * H + j]);
            }
          }
          if (apartInput) this.#throughRead(layer, values, row + first, blockOf);
          if (layer > 0) {
            for (const [which, block] of this.blocks.entries()) {
              for (let i = 0; i < H; i++) addRow(block, row, below[which], i * n, first, this.#toInput[i]);
            }
            this.#toInput.fill(0);
          }
          for (const [c, dState] of this.#dStates.entries()) values[row + first + c * H + j] += dState[j];
        }
      }
      if (layer === L - 1) break;
      for (const [which, output] of this.#outputs[layer % 2].entries()) {
        output.set(this.blocks[which].subarray(first * n, (first + H) * n));
        if (residual && layer > 0) for (let i = 0; i < output.length; i++) output[i] += below[which][i];
      }
    }
    return this.blocks[0];
  }

  /** The derivatives of what the gates kept apart read, unit by unit: of ones, as those of the states. */
  #differentiateRead(layer: number): void {
    const { H, cell } = this.#network;
    const { pre, states, units } = this.#layers[layer];
    if (!cell.apartInput) return;
    this.#read.pre.set(pre);
    this.#read.row.fill(1);
    for (const dState of this.#dStates) dState.fill(0);
    cell.apartInput.backward(
      {
        ...{ B: 1, H, pre: this.#read.pre, preAt: 0, apart: this.#apart, apartAt: 0, states, previousAt: 0, nextAt: H, units, unitsAt: 0 },
        dStates: this.#dStates,
      },
      this.#read.row,
    );
    this.#read.direct.set(this.#dStates[0]);
    this.#read.row.fill(0);
  }

  /** Takes the row of derivatives by what the gates kept apart read on to the gates that this is made of and to h_{t-1}, and clears it. */
  #throughRead(layer: number, values: Float64Array, at: number, blockOf: (lag: number) => Float64Array): void {
    const { H, cell, ways } = this.#network;
    const { recurrent, input, skip } = this.#layers[layer];
    const { shortcuts, through } = ways[layer];
    const { row, pre, direct } = this.#read;
    for (let i = 0; i < H; i++) {
      values[at + i] += row[i] * direct[i];
      for (const gate of cell.apartInput?.gates ?? []) {
        const unit = gate * H + i;
        const by = row[i] * pre[unit];
        addRow(values, at, recurrent, unit * H, H, by);
        if (layer > 0) addRow(this.#toInput, 0, input, unit * H, H, by);
        for (const [index, lag] of shortcuts.entries()) {
          if (through === 'matrix') addRow(blockOf(lag), at, skip, (unit * shortcuts.length + index) * H, H, by);
        }
      }
    }
    row.fill(0);
  }

  /** Makes step t of sequence b again, from the states before it. */
  #forward({ layers }: Unrolled, batch: Batch, t: number, b: number): void {
    const { L, H, cell, residual, ways } = this.#network;
    const { F, R, J } = blocksOf(cell);
    readInput(batch, t, b, this.#layers[0].reads);
    for (const [layer, { input, recurrent, inputBias, recurrentBias, skip, pre, apart, units, states, reads }] of this.#layers.entries()) {
      const { shortcuts, through } = ways[layer];
      const { states: all, readAt, outputAt } = layers[layer];
      const place = (t * batch.B + b) * H;
      for (const [index, state] of states.entries()) {
        for (let j = 0; j < H; j++) state[j] = all[index][readAt + place + j];
      }
      const before = shortcuts.map((lag) => outputAt + place - lag * batch.B * H);
      const [h] = states;
      const step = { B: 1, H, pre, preAt: 0, apart, apartAt: 0, states, previousAt: 0, nextAt: H, units, unitsAt: 0 };
      for (let row = 0; row < F * H; row++) {
        let own = inputBias[row];
        for (let i = 0; i < reads.length; i++) own += input[row * reads.length + i] * reads[i];
        for (let k = 0; through === 'matrix' && k < before.length; k++) {
          for (let j = 0; j < H; j++) own += skip[(row * before.length + k) * H + j] * all[0][before[k] + j];
        }
        pre[row] = own;
        if (R === 0) continue;
        // The gates kept apart come last, behind those that their own input is made of.
        if (cell.apartInput && row === J * H) cell.apartInput.forward(step, this.#read.values, 0);
        const read = cell.apartInput && row >= J * H ? this.#read.values : h;
        let recurring = recurrentBias[row];
        for (let j = 0; j < H; j++) recurring += recurrent[row * H + j] * read[j];
        if (row < J * H) pre[row] += recurring;
        else apart[row - J * H] = recurring;
      }
      cell.forward(step);
      if (through === 'identity') for (const at of before) for (let j = 0; j < H; j++) h[H + j] += all[0][at + j];
      if (layer === L - 1) break;
      const above = this.#layers[layer + 1].reads;
      for (let j = 0; j < H; j++) above[j] = h[H + j] + (residual && layer > 0 ? reads[j] : 0);
    }
  }
}

/** How many steps before lie the states that a step of the network reads, ascending. */
function lagsOf({ ways }: Network): number[] {
  return [...new Set(ways.flatMap(({ recurrentLag, shortcuts }) => [recurrentLag, ...shortcuts]))].sort((a, b) => a - b);
}

/** values[at ...] += factor * row[from ...], `length` numbers. */
function addRow(values: Float64Array, at: number, row: Float64Array, from: number, length: number, factor: number): void {
  for (let i = 0; i < length; i++) values[at + i] += factor * row[from + i];
}

function readInput({ input, vectors, symbols, B }: Batch, t: number, b: number, x: Float64Array): void {
  if (input.kind === 'symbols') x.fill(0)[symbols[t * B + b]] = 1;
  else for (let i = 0; i < input.size; i++) x[i] = vectors[(t * B + b) * input.size + i];
}
