import {
  abs,
  clipByValue,
  concat,
  customGrad,
  div,
  greater,
  max,
  minimum,
  mul,
  onesLike,
  split,
  sqrt,
  square,
  sum,
  type Tensor,
  where,
} from '@tensorflow/tfjs-core';
import type { LayersModel, RNN } from '@tensorflow/tfjs-layers';
import { ThroughtimeError } from '../../errors.ts';
import { recurrentLayers } from './recurrentLayers.ts';

/** `recurrentNorm` bounds ‖dL/ds_t‖₂ of each sequence; `recurrentValue` every number of it. */
export type RecurrentClip = { readonly recurrentNorm: number } | { readonly recurrentValue: number };

/** A clip that can be taken away. */
export interface RecurrentClipping {
  /** Gives the cells back as they were. */
  release(): void;
}

/**
 * Bounds the gradient of the state, dL/ds_t, at every step of the backward pass through the recurrent layers of a TensorFlow.js model, before it goes
 * on to step t - 1: the clips `recurrentNorm` and `recurrentValue` of this system (docs/math). The state of an LSTM is h and c, one vector.
 *
 * @param from a model or a layer: simpleRNN, lstm or gru, also `layers.rnn` of such a cell. It is changed: its cells' `call` becomes that of the clip.
 * @returns what gives the cells back as they were.
 * @throws OPTION_INVALID for a threshold that is not allowed, SHAPE_MISMATCH for other layers.
 */
export function clipRecurrentPath(from: LayersModel | RNN, clip: RecurrentClip): RecurrentClipping {
  const [kind, ...others] = Object.keys(clip);
  const threshold = 'recurrentNorm' in clip ? clip.recurrentNorm : clip.recurrentValue;
  if ((kind !== 'recurrentNorm' && kind !== 'recurrentValue') || others.length > 0) {
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `a clip of the recurrent path is { recurrentNorm } or { recurrentValue }, got ${JSON.stringify(clip)}`,
    );
  }
  if (!(threshold > 0 && threshold < Infinity)) {
    throw new ThroughtimeError('OPTION_INVALID', `a threshold is a finite number above 0, got ${threshold}`);
  }
  const bound = kind === 'recurrentNorm' ? boundNorms : boundValues;
  const passing = customGrad((state) => ({ value: (state as Tensor).clone(), gradFunc: (gradient: Tensor) => bound(gradient, threshold) }));
  const cells = recurrentLayers(from).map(({ cell }) => cell);
  const before = cells.map(({ call }) => call);
  for (const [index, cell] of cells.entries()) {
    cell.call = function (inputs, kwargs) {
      const [, ...states] = before[index].call(this, inputs, kwargs) as Tensor[];
      const joined = passing(concat(states, 1));
      const bounded = states.length === 1 ? [joined] : split(joined, states.length, 1);
      // What the next layer reads is the first state.
      return [bounded[0], ...bounded];
    };
  }
  return {
    release() {
      for (const [index, cell] of cells.entries()) cell.call = before[index];
    },
  };
}

/** Of each row; the largest number is taken out first, since float32 cannot hold the squares of all that it can hold. */
function boundNorms(gradient: Tensor, threshold: number): Tensor {
  const largest = max(abs(gradient), 1, true);
  const scale = where(greater(largest, 0), largest, onesLike(largest));
  const norm = mul(scale, sqrt(sum(square(div(gradient, scale)), 1, true)));
  const factor = where(greater(norm, threshold), div(threshold, norm), onesLike(norm));
  return mul(gradient, minimum(factor, 1));
}

function boundValues(gradient: Tensor, threshold: number): Tensor {
  return clipByValue(gradient, -threshold, threshold);
}
