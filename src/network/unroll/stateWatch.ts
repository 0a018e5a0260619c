import type { Backend, LayerWatch, Reals, StateLimit } from '../../compute/backend.ts';
import type { RowScale } from './rowScale.ts';

/** Steps of a pass whose norms are measured at most where nothing else is asked for: enough for a curve, too few to cost anything. */
const mostMeasured = 17;

/** A threshold in this range is kept with the exponent 0, as `RowScale` does it; another one with its own. */
const smallest = 2 ** -20;
const largest = 2 ** 60;

/** A limit on dL/ds_t. @param threshold a finite number above 0. */
export function stateLimit(kind: StateLimit['kind'], threshold: number): StateLimit {
  const exponent = threshold >= smallest && threshold <= largest ? 0 : Math.floor(Math.log2(threshold));
  return { kind, threshold, mantissa: threshold * 2 ** -exponent, exponent };
}

/** How often, and how hard, a limit bound. */
export interface Bound {
  /** Of the pairs of step and sequence, in all layers, whose gradient is not 0: the share that was bounded. */
  readonly share: number;
  /** The smallest ratio of the limit to what it bounded; 1 where it bounded nothing. */
  readonly factor: number;
}

/**
 * What is measured, and bounded, of dL/ds_t on its way back through the layers of a network. s_t of a layer is one vector: h, or
 * h and c together for an LSTM. L is what the backward pass differentiates, the mean loss of the batch in a training; dL/ds_t is
 * all of it that passes through step t, what the loss and the layer above add there included. With a limit θ, for each sequence
 * at each step, before anything goes on to step t - 1 or into a weight gradient:
 *
 *     norm:   dL/ds_t <- θ / ‖dL/ds_t‖ · dL/ds_t   where ‖dL/ds_t‖ > θ
 *     value:  every number of dL/ds_t is limited to [-θ, θ]
 *
 * What is not finite is left as it is.
 */
export class StateWatch {
  readonly limit: StateLimit | null;
  readonly layers: readonly LayerWatch[];
  /** Steps and sequences of the last pass, and how many of its steps were measured. */
  T = 0;
  B = 0;
  measured = 0;

  readonly #most: number;

  /** Room for passes of at most B sequences through L layers. @param steps of the longest pass, where every one of them is to be measured. */
  constructor(backend: Backend, L: number, B: number, limit: StateLimit | null = null, steps = 0) {
    const most = Math.max(mostMeasured, steps);
    this.limit = limit;
    this.#most = most;
    this.layers = Array.from({ length: L }, () => ({
      limit,
      stride: 1,
      norms: backend.allocate(most * B),
      exponents: backend.allocateIndices(most * B),
      seen: backend.allocateIndices(B),
      bound: backend.allocateIndices(B),
      least: backend.allocate(B).fill(1),
    }));
  }

  /** Forgets what was counted. */
  reset(): void {
    for (const { seen, bound, least } of this.layers) {
      seen.fill(0);
      bound.fill(0);
      least.fill(1);
    }
  }

  /** A backward pass of T steps of B sequences begins. */
  begin(T: number, B: number): void {
    const stride = Math.max(1, Math.ceil((T - 1) / (this.#most - 1)));
    this.T = T;
    this.B = B;
    this.measured = Math.floor((T - 1) / stride) + 1;
    for (const layer of this.layers) layer.stride = stride;
  }

  /** Steps between two that are measured. */
  get stride(): number {
    return this.layers[0].stride;
  }

  /** How often and how hard the limit has bound since `reset`. */
  get bound(): Bound {
    let seen = 0;
    let bound = 0;
    let factor = 1;
    for (const layer of this.layers) {
      for (let b = 0; b < layer.seen.length; b++) {
        seen += layer.seen[b];
        bound += layer.bound[b];
        factor = Math.min(factor, layer.least[b]);
      }
    }
    return { share: seen === 0 ? 0 : bound / seen, factor };
  }
}

/**
 * Measures and bounds dL/ds_t of B sequences, given as mantissas with exponents.
 *
 * @param back T - 1 - t: how many steps before the last one this is.
 */
export function watchStates(
  backend: Backend,
  watch: LayerWatch,
  states: readonly Reals[],
  scale: RowScale,
  back: number,
  B: number,
  H: number,
): void {
  const { limit, stride } = watch;
  const measured = back % stride === 0;
  if (!measured && !limit) return;
  for (let b = 0; b < B; b++) {
    if (measured) {
      const at = (back / stride) * B + b;
      watch.norms[at] = normOf(backend, states, b, H);
      watch.exponents[at] = scale.exponents[b];
    }
    if (limit) boundState(backend, limit, watch, states, scale, b, H);
  }
}

function normOf(backend: Backend, states: readonly Reals[], b: number, H: number): number {
  let squares = 0;
  for (const state of states) squares += backend.sumSquares(state, b * H, H);
  return Math.sqrt(squares);
}

/** Bounds dL/ds_t of sequence b, given as mantissas with an exponent, and counts it. */
export function boundState(
  backend: Backend,
  { kind, threshold, mantissa, exponent }: StateLimit,
  { seen, bound, least }: Pick<LayerWatch, 'seen' | 'bound' | 'least'>,
  states: readonly Reals[],
  scale: RowScale,
  b: number,
  H: number,
): void {
  const size = kind === 'norm' ? normOf(backend, states, b, H) : scale.largest(states, b, H);
  if (size === 0) return;
  seen[b]++;
  /** The limit of the mantissas. */
  const limit = threshold * 2 ** -scale.exponents[b];
  if (!(size > limit && size < Infinity)) return;
  bound[b]++;
  least[b] = Math.min(least[b], limit / size);
  if (kind === 'norm') {
    scale.multiply(states, b, H, mantissa / size, exponent);
  } else {
    scale.bring(states, b, H, exponent);
    for (const state of states) backend.clampValues(state, b * H, H, mantissa);
  }
}
