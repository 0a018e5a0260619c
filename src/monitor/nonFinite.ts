import type { Reals } from '../compute/backend.ts';
import type { Batch } from '../network/batch.ts';
import type { Loss } from '../network/loss/loss.ts';
import { layerNames } from '../network/network.ts';
import type { NormRecord } from '../network/unroll/normRecord.ts';
import type { StateWatch } from '../network/unroll/stateWatch.ts';
import type { Unrolled } from '../network/unroll/unrolled.ts';

/** What a tensor was computed from, with its largest magnitude there: a number that is finite, or that is not where the fault came with it. */
export interface Feed {
  readonly tensor: string;
  readonly largest: number;
}

/** Where a value that is not finite appears first, in the order of computation. */
export interface NonFiniteLocation {
  /**
   * A parameter's name; `input`; `initial h`; `h` (or `c`, ...) for a state; `output`; `loss`; on the way back `dL/dh`, which stands for all
   * states of a layer together; `gradient of <parameter>`; `norm of the gradient`.
   */
  readonly tensor: string;
  readonly pass: 'before' | 'forward' | 'backward';
  /** From 0; null where it belongs to none. */
  readonly layer: number | null;
  /** Step of the pass, from 0, and sequence of the batch. */
  readonly step: number | null;
  readonly sequence: number | null;
  /** Place in the tensor: [unit] of a state, [row, column] of a matrix. */
  readonly index: readonly number[];
  /** NaN, or an infinity of either sign; on the way back, where the size is known beyond the range of numbers, Infinity. */
  readonly value: number;
  readonly fedBy: readonly Feed[];
  /** For a fault in a parameter: the first state or output that it reaches. */
  readonly reaches?: NonFiniteLocation;
}

/**
 * Runs a pass once more, tensor by tensor, and says where a value that is not finite appears first: in the parameters, the input, the
 * state before the first step; then layer by layer and step by step forward, in the outputs and the loss; then backward from the top
 * layer and the last step. In layers, because a layer below knows nothing of those above, and in steps, because no step knows of later
 * ones: what is found first is where it came from. Null where everything is finite.
 *
 * @param unrolled as it was before the pass: the state before the first step is still there. Afterwards the gradient is that of the pass.
 * @param options the same seed of the dropout masks, and the same limit of dL/ds_t, as in the pass.
 */
export function locateNonFinite(
  unrolled: Unrolled,
  batch: Batch,
  loss: Loss,
  { dropout, watch }: { dropout?: number; watch?: StateWatch } = {},
): NonFiniteLocation | null {
  const parameter = inParameters(unrolled);
  const before = parameter ?? inInput(unrolled, batch) ?? inInitialStates(unrolled, batch);
  if (before && before !== parameter) return before;
  unrolled.forward(batch, { dropout });
  const forward = inStates(unrolled, batch) ?? inOutputs(unrolled, batch);
  if (parameter) return forward ? { ...parameter, reaches: forward } : parameter;
  if (forward) return forward;
  if (batch.counted === 0) return null;
  return inBackwardPass(unrolled, batch, loss, watch);
}

const nowhere = { layer: null, step: null, sequence: null, index: [], fedBy: [] } as const;

function inParameters({ network: { backend, parameters } }: Unrolled): NonFiniteLocation | null {
  const found = backend.firstNonFinite(parameters.values, 0, parameters.length);
  if (found < 0) return null;
  const { name, shape, at } = parameters.owner(found);
  return {
    ...nowhere,
    tensor: name,
    pass: 'before',
    layer: layerOf(name),
    index: indexIn(found - at, shape),
    value: parameters.values[found],
  };
}

function inInput({ network: { backend } }: Unrolled, { vectors, input, T, B }: Batch): NonFiniteLocation | null {
  if (input.kind !== 'vectors') return null;
  const found = backend.firstNonFinite(vectors, 0, T * B * input.size);
  if (found < 0) return null;
  const row = Math.floor(found / input.size);
  return { ...nowhere, tensor: 'input', pass: 'before', ...place(row, B), index: [found % input.size], value: vectors[found] };
}

function inInitialStates({ network, layers }: Unrolled, { B }: Batch): NonFiniteLocation | null {
  const { backend, cell, H } = network;
  for (const [layer, { states, history }] of layers.entries()) {
    for (const [which, state] of states.entries()) {
      const found = backend.firstNonFinite(state, 0, history * B * H);
      if (found < 0) continue;
      const sequence = Math.floor(found / H) % B;
      const tensor = `initial ${cell.states[which]}`;
      return { ...nowhere, tensor, pass: 'before', layer, step: 0, sequence, index: [found % H], value: state[found] };
    }
  }
  return null;
}

function inStates(unrolled: Unrolled, batch: Batch): NonFiniteLocation | null {
  const { network, layers } = unrolled;
  const { backend, cell, H } = network;
  const { T, B } = batch;
  for (const [layer, { states, outputAt }] of layers.entries()) {
    let first = { at: Number.POSITIVE_INFINITY, row: Number.POSITIVE_INFINITY, which: 0 };
    // From the last state on: within a step, the first one (h) is made from the others.
    for (let which = states.length - 1; which >= 0; which--) {
      const at = backend.firstNonFinite(states[which], outputAt, T * B * H);
      const row = Math.floor(at / H);
      if (at >= 0 && row < first.row) first = { at, row, which };
    }
    if (first.row === Number.POSITIVE_INFINITY) continue;
    const { at, row, which } = first;
    const value = states[which][outputAt + at];
    const where = { layer, ...place(row, B), index: [at % H], value };
    return { tensor: cell.states[which], pass: 'forward', ...where, fedBy: feedsOfState(unrolled, layer, row, B) };
  }
  return null;
}

/** What the states of a layer at row t * B + b are made from: the states before, the layer's input, and its parameters. */
function feedsOfState({ network, layers, inputOf }: Unrolled, layer: number, row: number, B: number): Feed[] {
  const { cell, H, parameters, ways } = network;
  const step = Math.floor(row / B);
  const { states, recurrentLag, outputAt } = layers[layer];
  const before = (which: number, lag: number): Feed => ({
    tensor: step < lag ? `initial ${cell.states[which]}` : `${cell.states[which]} of step ${step - lag}`,
    largest: largestIn(states[which], outputAt + (row - lag * B) * H, H),
  });
  const feeds = states.map((_, which) => before(which, recurrentLag));
  for (const lag of ways[layer].shortcuts) feeds.push(before(0, lag));
  const input = inputOf(layer);
  if (input.kind === 'vectors') {
    const tensor = layer === 0 ? `input of step ${step}` : `output of layer ${layer - 1} at step ${step}`;
    feeds.push({ tensor, largest: largestIn(input.values, input.at + row * input.width, input.width) });
  }
  for (const { name, at, length } of parameters.list.filter((each) => layerOf(each.name) === layer)) {
    feeds.push({ tensor: name, largest: largestIn(parameters.values, at, length) });
  }
  return feeds;
}

function inOutputs({ network, layers, readout }: Unrolled, { counted, rows, B, T }: Batch): NonFiniteLocation | null {
  const { backend, O, H, L, parameters } = network;
  const found = backend.firstNonFinite(readout.outputs, 0, counted * O);
  if (found < 0) return null;
  const row = rows[Math.floor(found / O)];
  const { at, length } = parameters.get('readout.weight');
  const fedBy = [
    {
      tensor: `h of step ${Math.floor(row / B)}`,
      largest: largestIn(layers[L - 1].states[0], layers[L - 1].outputAt + Math.min(row, T * B - 1) * H, H),
    },
    { tensor: 'readout.weight', largest: largestIn(parameters.values, at, length) },
  ];
  return { ...nowhere, tensor: 'output', pass: 'forward', ...place(row, B), index: [found % O], value: readout.outputs[found], fedBy };
}

function inBackwardPass(unrolled: Unrolled, batch: Batch, loss: Loss, watch?: StateWatch): NonFiniteLocation | null {
  const { network, readout } = unrolled;
  const { backend, parameters, L, O } = network;
  const { T, B, counted } = batch;
  const output = { tensor: 'output', largest: largestIn(readout.outputs, 0, counted * O) };
  const record: NormRecord[] = Array.from({ length: L }, () => ({
    squares: new Float64Array(T * B),
    exponents: new Int32Array(T * B),
    afterInjection: true,
  }));
  const value = unrolled.backward(loss, { record, watch });
  if (!Number.isFinite(value)) return { ...nowhere, tensor: 'loss', pass: 'forward', value, fedBy: [output] };
  const { gradient, length } = parameters;
  if (Number.isFinite(backend.sumSquares(gradient, 0, length))) return null;
  const state = inBackwardStates(unrolled, record, batch);
  if (state) return state;
  const found = backend.firstNonFinite(gradient, 0, length);
  if (found < 0) {
    const largest = largestIn(gradient, 0, length);
    return { ...nowhere, tensor: 'norm of the gradient', pass: 'backward', value: Infinity, fedBy: [{ tensor: 'gradient', largest }] };
  }
  const { name, shape, at } = parameters.owner(found);
  const layer = layerOf(name);
  const fedBy =
    layer === null
      ? [output]
      : [{ tensor: 'dL/dh', largest: 10 ** largestLog10(record[layer]) }, ...meetsInGradient(unrolled, batch, layer, name)];
  return {
    ...nowhere,
    tensor: `gradient of ${name}`,
    pass: 'backward',
    layer,
    index: indexIn(found - at, shape),
    value: gradient[found],
    fedBy,
  };
}

/** What dL/dh is multiplied with in the gradient of a weight: the layer's inputs, or its states. */
function meetsInGradient({ network: { H }, layers, inputOf }: Unrolled, { T, B }: Batch, layer: number, name: string): Feed[] {
  const { inputWeight, recurrentWeight } = layerNames(layer);
  if (name === recurrentWeight) return [{ tensor: 'h', largest: largestIn(layers[layer].states[0], 0, T * B * H) }];
  const input = inputOf(layer);
  if (name !== inputWeight || input.kind !== 'vectors') return [];
  const largest = largestIn(input.values, input.at, T * B * input.width);
  return [{ tensor: layer === 0 ? 'input' : `output of layer ${layer - 1}`, largest }];
}

/** The first dL/ds_t on the way back whose norm is not a number, or more than the precision of the backend holds. */
function inBackwardStates({ network }: Unrolled, record: readonly NormRecord[], { T, B }: Batch): NonFiniteLocation | null {
  const top = network.backend.precision === 'float32' ? Math.log10(3.4028234663852886e38) : Math.log10(Number.MAX_VALUE);
  for (let layer = network.L - 1; layer >= 0; layer--) {
    const norms = record[layer];
    for (let t = T - 1; t >= 0; t--) {
      for (let b = 0; b < B; b++) {
        const size = log10Of(norms, t * B + b);
        if (size <= top) continue;
        const { recurrentLag, shortcuts } = network.ways[layer];
        const later = [recurrentLag, ...shortcuts].filter((lag) => t + lag < T);
        const weights = network.parameters.list.filter(({ name }) => name === layerNames(layer).recurrentWeight);
        const fedBy = [
          ...later.map((lag) => ({ tensor: `dL/dh of step ${t + lag}`, largest: 10 ** log10Of(norms, (t + lag) * B + b) })),
          ...weights.map(({ name, at, length }) => ({ tensor: name, largest: largestIn(network.parameters.values, at, length) })),
        ];
        const value = Number.isNaN(size) ? Number.NaN : Infinity;
        return { tensor: 'dL/dh', pass: 'backward', layer, step: t, sequence: b, index: [], value, fedBy: later.length > 0 ? fedBy : [] };
      }
    }
  }
  return null;
}

const log10Of = ({ squares, exponents }: NormRecord, row: number) => Math.log10(squares[row]) / 2 + exponents[row] * Math.log10(2);

function largestLog10(record: NormRecord): number {
  let largest = -Infinity;
  for (let row = 0; row < record.squares.length; row++) largest = Math.max(largest, log10Of(record, row));
  return largest;
}

const place = (row: number, B: number) => ({ step: Math.floor(row / B), sequence: row % B });

function indexIn(offset: number, shape: readonly number[]): number[] {
  return shape.length === 2 ? [Math.floor(offset / shape[1]), offset % shape[1]] : [offset];
}

function layerOf(name: string): number | null {
  const found = /_l(\d+)$/.exec(name);
  return found ? Number(found[1]) : null;
}

/** The largest magnitude; NaN where there is one. */
function largestIn(values: Reals, at: number, length: number): number {
  let largest = 0;
  for (let i = at; i < at + length; i++) largest = Math.max(largest, Math.abs(values[i]));
  return largest;
}

/** A location in a sentence fragment, e.g. `h of layer 0 is Infinity at step 57 of sequence 3, unit 5`. */
export function describeLocation({ tensor, layer, step, sequence, index, value, fedBy, reaches }: NonFiniteLocation): string {
  const ofLayer = layer !== null && !/_l\d+$/.test(tensor) ? ` of layer ${layer}` : '';
  const at = step === null ? '' : ` at step ${step} of sequence ${sequence}`;
  const element = index.length > 0 ? `, element [${index.join(', ')}]` : '';
  const feeds = fedBy.map((feed) => `${feed.tensor} (largest ${Number(feed.largest.toPrecision(3))})`).join(', ');
  const from = feeds === '' ? '' : `, made from ${feeds}`;
  const further = reaches ? `; because of it ${describeLocation({ ...reaches, fedBy: [] })}` : '';
  return `${tensor}${ofLayer} is ${value}${at}${element}${from}${further}`;
}
