import type { Backend, Reals } from '../../compute/backend.ts';
import { Random, seedFor } from '../../compute/random.ts';
import { ThroughtimeError } from '../../errors.ts';
import type { Batch } from '../batch.ts';
import type { Loss } from '../loss/loss.ts';
import type { Network } from '../network.ts';
import type { Injection } from './injection.ts';
import type { LayerInput } from './layerWeights.ts';
import type { NormRecord } from './normRecord.ts';
import { pieceSteps } from './pieces.ts';
import { Readout } from './readout.ts';
import { RecurrentLayer } from './recurrentLayer.ts';
import { applyExponents, RowScale } from './rowScale.ts';
import type { StateWatch } from './stateWatch.ts';

/** How a batch is run forward. */
export interface ForwardOptions {
  /** Seed of the dropout masks; without it nothing is dropped, as it should be outside training. */
  readonly dropout?: number;
  /** Where in a longer pass the batch begins, in steps: the masks of a step depend on the seed and on its place alone. */
  readonly begin?: number;
  /** Only the states are wanted: there are no outputs, no loss and no way back then. */
  readonly statesOnly?: boolean;
}

/** A batch that is a part of a longer pass; the parts go backward from the last to the first. */
export interface Part {
  /** Targets that the whole pass counts, whose mean the loss is. */
  readonly counted: number;
  /** Steps of the pass that come after this part. Where there are any, the gradient goes on from what they handed back. */
  readonly after: number;
}

/** What a backward pass does beyond, or in place of, the parameter gradients. */
export interface BackwardOptions {
  /** Differentiate the sum of the counted losses instead of their mean, and leave the parameter gradients alone. */
  readonly statesOnly?: boolean;
  /** Per layer, the norms of dL/ds_t on their way back. */
  readonly record?: readonly NormRecord[];
  /** Measures dL/ds_t in every layer on its way back, and bounds it where it has a limit. */
  readonly watch?: StateWatch;
  /** [T, B, I] that receive dL/d(input), for networks that read vectors. */
  readonly inputGradient?: Reals;
  /** Told of steps [from, to) of a layer that have been gone back through, while their dL/dpre are mantissas; `after` as of the layer. */
  readonly passed?: (layer: RecurrentLayer, index: number, from: number, to: number, after: number) => void;
  /** Of a longer pass; without it the batch is all there is. */
  readonly part?: Part;
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
  readonly #random = new Random(0);
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

  /** Runs the batch forward; outputs at the counted steps are then in `readout.outputs`. */
  forward(batch: Batch, { dropout, begin = 0, statesOnly = false }: ForwardOptions = {}): void {
    const { T, B } = batch;
    const { H, residual } = this.network;
    if (T > this.T || B > this.B) {
      throw new ThroughtimeError(
        'SHAPE_MISMATCH',
        `this network is unrolled for at most ${this.T} steps of ${this.B} sequences, got ${T} of ${B}`,
      );
    }
    this.#batch = statesOnly ? undefined : batch;
    this.#dropping = dropout !== undefined && this.network.dropout > 0;
    let output: Output | undefined;
    for (const [index, layer] of this.layers.entries()) {
      const input = output === undefined ? inputOf(batch) : this.#inputFrom(output, index, batch, dropout, begin);
      this.#inputs[index] = input;
      layer.forward(input, T, B, batch.lengths);
      output = { values: layer.states[0], at: layer.outputAt };
      if (residual && input.kind === 'vectors' && index > 0) {
        const sum = this.#sums[index];
        sum.set(output.values.subarray(output.at, output.at + T * B * H));
        this.#backend.add(input.values, input.at, sum, 0, T * B * H);
        output = { values: sum, at: 0 };
      }
    }
    if (!statesOnly && output) this.readout.forward(output.values, output.at, batch);
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
   *
   * Of a part of a longer pass: the part's share of the mean loss of the whole; its gradient is added to that of the parts
   * after it. A part may have no counted target.
   */
  backward(loss: Loss, { statesOnly = false, record, watch, inputGradient, passed, part }: BackwardOptions = {}): number {
    const batch = this.#counted(loss, part);
    const { parameters } = this.network;
    const { counted, after } = part ?? { counted: batch.counted, after: 0 };
    if (!statesOnly && after === 0) parameters.gradient.fill(0);
    const weight = statesOnly ? 1 : 1 / counted;
    const { sum, injection: top } = this.readout.differentiate(batch, loss, weight, statesOnly);
    const { T, B } = batch;
    if (!part) watch?.begin(T, B);
    const steps = pieceSteps(this.network, B);
    for (let to = T; to > 0; to -= steps) {
      const from = Math.max(0, to - steps);
      let injection = top;
      for (let index = this.layers.length - 1; index >= 0; index--) {
        const layer = this.layers[index];
        layer.backward(injection, record?.[index], from, to, after + T - to, watch?.layers[index]);
        passed?.(layer, index, from, to, after + T - to);
        const below = index > 0 ? this.#handDown(index, injection, B, from, to) : injection;
        if (index === 0 && inputGradient) this.#trueInputGradient(layer, inputGradient, batch, from, to);
        if (!statesOnly) layer.addParameterGradients(this.#inputs[index], from, to);
        injection = below;
      }
    }
    this.#batch = undefined;
    return sum / counted;
  }

  #counted(loss: Loss, part?: Part): Batch {
    const batch = this.#batch;
    if (!batch) throw new ThroughtimeError('OPTION_INVALID', 'a loss needs a forward pass before it; call forward once for each backward');
    if ((part ?? batch).counted === 0)
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

  #inputFrom({ values, at }: Output, index: number, { T, B }: Batch, dropout: number | undefined, begin: number): LayerInput {
    const { H } = this.network;
    if (!this.#dropping || dropout === undefined) return { kind: 'vectors', values, at, width: H };
    const mask = this.#masks[index];
    const dropped = this.#dropped[index];
    const keep = 1 / (1 - this.network.dropout);
    // Every step has a seed of its own, so that it has the same masks whatever the steps are that it is run with.
    const first = (seedFor(dropout, 'mask', index) % 2 ** 52) + begin;
    const size = B * H;
    for (let t = 0; t < T; t++) {
      this.#random.restart(first + t);
      for (let i = t * size; i < (t + 1) * size; i++) {
        mask[i] = this.#random.uniform() < this.network.dropout ? 0 : keep;
        dropped[i] = mask[i] * values[at + i];
      }
    }
    return { kind: 'vectors', values: dropped, at: 0, width: H };
  }

  /** dL/d(input) of a layer in steps [from, to) as the injection of the layer below, in mantissa form. */
  #handDown(index: number, injection: Injection, B: number, from: number, to: number): Injection {
    const { H } = this.network;
    const layer = this.layers[index];
    const values = this.#handedDown[index % 2];
    const [first, past] = [from * B, to * B];
    layer.inputGradient(values, from, to);
    let { exponents } = layer;
    const scale = this.#residualScale;
    if (scale) {
      scale.exponents.set(exponents.subarray(first, past), first);
      for (let row = first; row < past; row++) {
        const at = injection.rows ? injection.rows[row] : row;
        if (at >= 0) scale.addRow([values], row, H, injection.values, at * H, injection.exponents?.[row] ?? 0);
      }
      // The rows of dL/dpre keep their own exponents; what is handed down has those of the sum.
      exponents = this.#sumExponents[index % 2];
      exponents.set(scale.exponents.subarray(first, past), first);
    }
    if (this.#dropping) {
      const mask = this.#masks[index];
      for (let i = first * H; i < past * H; i++) values[i] *= mask[i];
    }
    return { values, rows: null, exponents };
  }

  #trueInputGradient(layer: RecurrentLayer, out: Reals, { B, input }: Batch, from: number, to: number): void {
    if (input.kind !== 'vectors')
      throw new ThroughtimeError('OPTION_INVALID', 'symbols have no gradient; give the input as vectors (one-hot) to get one');
    layer.inputGradient(out, from, to);
    const first = from * B;
    applyExponents(this.#backend, out, first * input.size, (to - from) * B, input.size, layer.exponents, first, this.#factors);
  }
}

function inputOf({ input, vectors, symbols }: Batch): LayerInput {
  return input.kind === 'symbols'
    ? { kind: 'symbols', indices: symbols, width: input.size }
    : { kind: 'vectors', values: vectors, at: 0, width: input.size };
}
