import { slice, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ThroughtimeError } from '../../errors.ts';
import { recurrentLayers } from './recurrentLayers.ts';

/** The windows of a pass. */
export interface TruncatedOptions {
  /** k: steps of a window; after each there is an update, whose gradient goes back to the window's first step. */
  readonly window: number;
  /** Is told the loss of each window, from 0; returning false ends the pass. */
  readonly onWindow?: (window: number, loss: number) => boolean | undefined;
}

/**
 * One pass of truncated backpropagation through time, BPTT(k, k), over streams that are read side by side (docs/math/truncatedBptt.md): the
 * state is carried from window to window, the gradient is not. The last window may be shorter; its gradient goes back to its own first step.
 *
 * @param model compiled, its recurrent layers `stateful: true` and `returnSequences: true`; where they fix the number of steps, it is the window.
 * @param x [B, T, ...] and y [B, T, ...], B that of the model's `batchInputShape`.
 * @returns the loss of each window, before its update.
 * @throws SHAPE_MISMATCH for a model or data that do not fit, OPTION_INVALID for a window that is no number of steps.
 */
export async function trainTruncated(model: LayersModel, x: Tensor, y: Tensor, options: TruncatedOptions): Promise<number[]> {
  const { window, onWindow } = options;
  if (!Number.isSafeInteger(window) || window < 1) {
    throw new ThroughtimeError('OPTION_INVALID', `a window is a whole number of steps from 1, got ${window}`);
  }
  const wrong = (sentence: string, field?: string) => new ThroughtimeError('SHAPE_MISMATCH', sentence, { field });
  for (const { name, stateful, returnSequences, goBackwards } of recurrentLayers(model)) {
    if (goBackwards) throw wrong('goes backwards through the sequence, so that no state can be carried on; leave it out', name);
    if (!stateful) throw wrong('forgets its state after each window; make it with stateful: true', name);
    if (!returnSequences) throw wrong('gives its last step alone, and every step has a target; make it with returnSequences: true', name);
  }
  const [B, T] = x.shape;
  if (x.shape.length < 2 || y.shape.length < 2 || y.shape[0] !== B || y.shape[1] !== T) {
    throw wrong(`x has the shape [${x.shape}] and y [${y.shape}]; both begin with sequences and steps`);
  }
  const fixed = model.inputs[0].shape[1];
  if (fixed !== null && (fixed !== window || T % window !== 0)) {
    const sentence = `the model reads ${fixed} steps at a time; give that as the window and a multiple of it as the length, or leave it open (null) in batchInputShape`;
    throw wrong(`${sentence}, got windows of ${window} in ${T} steps`);
  }
  model.resetStates();
  const losses: number[] = [];
  for (let begin = 0; begin < T; begin += window) {
    const steps = Math.min(window, T - begin);
    const [input, target] = [x, y].map((each) => slice(each, [0, begin], [B, steps]));
    const answer = await model.trainOnBatch(input, target);
    input.dispose();
    target.dispose();
    const loss = Array.isArray(answer) ? answer[0] : answer;
    losses.push(loss);
    if (onWindow?.(losses.length - 1, loss) === false) break;
  }
  model.resetStates();
  return losses;
}
