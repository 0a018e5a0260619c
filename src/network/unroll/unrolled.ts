import type { Backend, Reals } from '../../compute/backend.ts';
import type { Random } from '../../compute/random.ts';
import { ThroughtimeError } from '../../errors.ts';
import type { Batch } from '../batch.ts';
import type { Loss } from '../loss/loss.ts';
import type { Network } from '../network.ts';
import { Readout } from './readout.ts';
import { type Injection, type LayerInput, type NormRecord, RecurrentLayer } from './recurrentLayer.ts';
import { applyExponents, RowScale } from './rowScale.ts';
import type { StateWatch } from './stateWatch.ts';

/** What a backward pass does beyond, or in place of, the parameter gradients. */
export interface BackwardOptions {
  /** Differentiate the sum of the counted losses instead of their mean, and leave the parameter gradients alone. */
  readonly statesOnly?: boolean;
  /** Per layer, the norms of dL/ds_t on their way back. */
  readonly record?: readonly NormRecord[];
  /** Measures dL/ds_t in every layer on its way back, and bounds it where it has a limit. */
  readonly watch?: StateWatch;
  /** [T, B, I]: receives dL/d(input), for networks that read vectors. */
  readonly inputGradient?: Reals;
}

/** The output of a layer, [T, B, H] from index `at`. */
interface Output {
  values: Reals;
  at: number;
}

/**
 * A network unrolled through time: forward through T steps of B sequences, and the exact gradient of the loss back through
 * all of them (Werbos 1990, "Backpropagation through time: what it does and how to do it"). The memory is allocated once,
 * for the largest T and B.
 *
 * The state before the first step is that of `reset` (zeros) or of `carry` (a state of the pass before, taken as a constant:
 * no gradient flows into it).
 */
export class Unrolled {
  readonly network: Network;
  readonly layers: readonly RecurrentLayer[];
  /** Largest T and B that fit. */
  readonly T: number;
  readonly B: number;
  readonly readout: Readout;
  readonly #backend: Backend;
  /** What each layer read in the last forward pass. */
  readonly #inputs: LayerInput[] = [];
  /** Per layer: its input after dropout. */
  readonly #dropped: Reals[];
  /** Per layer: 0 or 1/(1 - dropout) for each element of its input. */
  readonly #masks: Reals[];
  /** Per layer: its output where that is not simply its state. */
  readonly #sums: Reals[];
  /** dL/d(input) of the layer at hand, which is the injection of the layer below: two arrays that take turns. */
  readonly #handedDown: Reals[];
  readonly #residualScale: RowScale | undefined;
  readonly #sumExponents: Int32Array[];
  readonly #factors: Reals;
  #batch: Batch | undefined;
  #dropping = false;

  constructor(network: Network, T: number, B: number) {
    const { backend, H, L, residual, dropout } = network;
    const size = T * B * H;
    const perLayer = (needed: boolean) => Array.from({ length: L }, (_, layer) => backend.allocate(needed && layer > 0 ? size : 0));
    this.network = network;
    this.T = T;
    this.B = B;
    this.#backend = backend;
    this.layers = Array.from({ length: L }, (_, layer) => new RecurrentLayer(network, layer, T, B));
    this.readout = new Readout(network, T * B);
    this.#dropped = perLayer(dropout > 0);
    this.#masks = perLayer(dropout > 0);
    this.#sums = perLayer(residual);
    this.#handedDown = L > 1 ? [backend.allocate(size), backend.allocate(size)] : [];
    this.#residualScale = residual && L > 1 ? new RowScale(backend, T * B, H) : undefined;
    this.#sumExponents = this.#handedDown.map(() => backend.allocateIndices(T * B));
    this.#factors = backend.allocate(T * B);
  }

  /** Sets the state before the first step to 0. */
  reset(): void {
    for (const layer of this.layers) layer.reset();
  }

  /** Makes the state after `steps` steps of the last pass the state before the first step of the next. */
  carry(steps: number): void {
    for (const layer of this.layers) layer.carry(steps);
  }

  /**
   * Runs the batch forward; outputs at the counted steps are then in `readout.outputs`.
   *
   * @param dropout source of the dropout masks; without it nothing is dropped, as it should be outside training.
   */
  forward(batch: Batch, dropout?: Random): void {
    const { T, B } = batch;
    const { H, residual } = this.network;
    if (T > this.T || B > this.B) {
      throw new ThroughtimeError(
        'SHAPE_MISMATCH',
        `this network is unrolled for at most ${this.T} steps of ${this.B} sequences, got ${T} of ${B}`,
      );
    }
    this.#batch = batch;
    this.#dropping = dropout !== undefined && this.network.dropout > 0;
    let output: Output = { values: this.layers[0].states[0], at: B * H };
    for (const [index, layer] of this.layers.entries()) {
      const input = index === 0 ? inputOf(batch) : this.#inputFrom(output, index, dropout);
      this.#inputs[index] = input;
      layer.forward(input, T, B, batch.lengths);
      output = { values: layer.states[0], at: B * H };
      if (residual && input.kind === 'vectors' && index > 0) {
        const sum = this.#sums[index];
        sum.set(output.values.subarray(output.at, output.at + T * B * H));
        this.#backend.add(input.values, input.at, sum, 0, T * B * H);
        output = { values: sum, at: 0 };
      }
    }
    this.readout.forward(output.values, output.at, batch);
  }

  /** What a layer read in the last forward pass. */
  readonly inputOf = (layer: number): LayerInput => this.#inputs[layer];

  /** Mean loss of the counted targets of the last forward pass. */
  loss(loss: Loss): number {
    const batch = this.#counted(loss);
    return this.readout.evaluate(batch, loss) / batch.counted;
  }

  /**
   * Mean loss of the counted targets of the last forward pass, and its gradient: `network.parameters.gradient` is
   * overwritten with it. To be called once per forward pass, whose memory it consumes.
   */
  backward(loss: Loss, { statesOnly = false, record, watch, inputGradient }: BackwardOptions = {}): number {
    const batch = this.#counted(loss);
    const { parameters } = this.network;
    if (!statesOnly) parameters.gradient.fill(0);
    const weight = statesOnly ? 1 : 1 / batch.counted;
    const { sum, injection: top } = this.readout.differentiate(batch, loss, weight, statesOnly);
    watch?.begin(batch.T, batch.B);
    let injection = top;
    for (let index = this.layers.length - 1; index >= 0; index--) {
      const layer = this.layers[index];
      layer.backward(injection, record?.[index], watch?.layers[index]);
      const below = index > 0 ? this.#handDown(index, injection, batch) : injection;
      if (index === 0 && inputGradient) this.#trueInputGradient(layer, inputGradient, batch);
      if (!statesOnly) layer.addParameterGradients(this.#inputs[index]);
      injection = below;
    }
    this.#batch = undefined;
    return sum / batch.counted;
  }

  #counted(loss: Loss): Batch {
    const batch = this.#batch;
    if (!batch) throw new ThroughtimeError('OPTION_INVALID', 'a loss needs a forward pass before it; call forward once for each backward');
    if (batch.counted === 0)
      throw new ThroughtimeError('OPTION_INVALID', 'the batch has no counted target, so it has no loss; leave it out');
    if (loss.target !== batch.target.kind || batch.target.size !== this.network.O) {
      const { kind, size } = batch.target;
      throw new ThroughtimeError(
        'SHAPE_MISMATCH',
        `${loss.name} on ${this.network.O} outputs does not fit targets of kind ${kind} and size ${size}`,
      );
    }
    return batch;
  }

  #inputFrom({ values, at }: Output, index: number, dropout: Random | undefined): LayerInput {
    const { H } = this.network;
    if (!this.#dropping || !dropout) return { kind: 'vectors', values, at, width: H };
    const mask = this.#masks[index];
    const dropped = this.#dropped[index];
    const { T, B } = this.#batch as Batch;
    const keep = 1 / (1 - this.network.dropout);
    for (let i = 0; i < T * B * H; i++) {
      mask[i] = dropout.uniform() < this.network.dropout ? 0 : keep;
      dropped[i] = mask[i] * values[at + i];
    }
    return { kind: 'vectors', values: dropped, at: 0, width: H };
  }

  /** dL/d(input) of a layer as the injection of the layer below, in mantissa form. */
  #handDown(index: number, injection: Injection, batch: Batch): Injection {
    const { H } = this.network;
    const layer = this.layers[index];
    const values = this.#handedDown[index % 2];
    const rows = batch.T * batch.B;
    layer.inputGradient(values);
    let { exponents } = layer;
    const scale = this.#residualScale;
    if (scale) {
      scale.exponents.set(exponents.subarray(0, rows));
      for (let row = 0; row < rows; row++) {
        const at = injection.rows ? injection.rows[row] : row;
        if (at >= 0) scale.addRow([values], row, H, injection.values, at * H, injection.exponents?.[row] ?? 0);
      }
      // The rows of dL/dpre keep their own exponents; what is handed down has those of the sum.
      exponents = this.#sumExponents[index % 2];
      exponents.set(scale.exponents.subarray(0, rows));
    }
    if (this.#dropping) {
      const mask = this.#masks[index];
      for (let i = 0; i < rows * H; i++) values[i] *= mask[i];
    }
    return { values, rows: null, exponents };
  }

  #trueInputGradient(layer: RecurrentLayer, out: Reals, { T, B, input }: Batch): void {
    if (input.kind !== 'vectors')
      throw new ThroughtimeError('OPTION_INVALID', 'symbols have no gradient; give the input as vectors (one-hot) to get one');
    layer.inputGradient(out);
    applyExponents(this.#backend, out, 0, T * B, input.size, layer.exponents, 0, this.#factors);
  }
}

function inputOf({ input, vectors, symbols }: Batch): LayerInput {
  return input.kind === 'symbols'
    ? { kind: 'symbols', indices: symbols, width: input.size }
    : { kind: 'vectors', values: vectors, at: 0, width: input.size };
}
