import type { Reals } from '../../compute/backend.ts';
import { scalarBackend } from '../../compute/scalar/scalar.ts';
import { ThroughtimeError } from '../../errors.ts';
import { GradientNorm } from '../../monitor/gradientNorm.ts';
import { RowScale } from '../../network/unroll/rowScale.ts';
import { boundState, stateLimit } from '../../network/unroll/stateWatch.ts';
import type { Binding, ClipOption } from './clip.ts';
import { clipOf } from './clips.ts';

/**
 * The clips and the norm monitor for training loops of any other make: gradients are typed arrays, one for each parameter. The
 * mathematics is that of the clips in this folder.
 */

/** What a gradient was, and what a clip made of it. */
export interface ClippedGradient {
  /** ‖g‖₂ over all arrays before and after, summed in float64. */
  readonly norm: number;
  readonly clippedNorm: number;
  /** ‖g_p‖₂ of each array before. */
  readonly parameters: readonly number[];
  readonly binding: Binding;
}

/**
 * A function that clips a gradient in place. What is not finite is not clipped: look at `norm` before the update.
 *
 * @param option `{ globalNorm }`, `{ value }`, `{ parameterNorm }` or `{ percentile }`, as an experiment has it, or `none`.
 * @throws OPTION_INVALID for an option that only a training of this project can follow, or a threshold that is not allowed.
 *
 * @example
 * ```ts
 * import { makeClip } from 'throughtime';
 *
 * const clip = makeClip({ globalNorm: 1 });
 * const gradients = [Float32Array.of(3, 0), Float32Array.of(4)];
 * const { norm, clippedNorm } = clip(gradients);
 * console.log(norm, clippedNorm.toFixed(3), gradients[1][0].toFixed(3)); // 5 1.000 0.800
 * ```
 */
export function makeClip(option: ClipOption): (gradients: readonly Reals[]) => ClippedGradient {
  const clip = clipOf(option);
  if (option === 'auto' || clip.recurrent) {
    const instead = option === 'auto' ? 'choose a threshold' : 'call boundStates at every step of the backward pass';
    throw new ThroughtimeError('OPTION_INVALID', `the clip ${JSON.stringify(option)} needs the training itself; ${instead}`);
  }
  const backend = scalarBackend();
  let flat = new Float64Array(0);
  return (gradients) => {
    const parts = layOut(gradients);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (flat.length !== length) flat = new Float64Array(length);
    for (const [index, { at }] of parts.entries()) flat.set(gradients[index], at);
    const { total: norm, parameters } = new GradientNorm(parts.length).measure(backend, flat, parts);
    const before = { norm, parameters: Array.from(parameters) };
    if (!Number.isFinite(norm)) return { ...before, clippedNorm: norm, binding: { share: 0, factor: 1 } };
    const binding = clip({ backend, gradient: flat, length, norm, parts });
    if (binding.share === 0) return { ...before, clippedNorm: norm, binding };
    for (const [index, part] of parts.entries()) gradients[index].set(flat.subarray(part.at, part.at + part.length));
    return { ...before, clippedNorm: Math.sqrt(backend.sumSquares(flat, 0, length)), binding };
  };
}

/** A function that measures a gradient: its norm, that of each array, and quantiles of the newest 1000 finite norms. */
export function makeNormMonitor(): (gradients: readonly Reals[]) => {
  norm: number;
  parameters: number[];
  p50: number;
  p90: number;
  p99: number;
} {
  const backend = scalarBackend();
  let monitor: GradientNorm | undefined;
  return (gradients) => {
    monitor ??= new GradientNorm(gradients.length);
    const { total, parameters } = monitor.measureEach(backend, gradients);
    const [p50, p90, p99] = [0.5, 0.9, 0.99].map((q) => (monitor as GradientNorm).quantile(q));
    return { norm: total, parameters: Array.from(parameters), p50, p90, p99 };
  };
}

/**
 * Bounds dL/ds_t in place, to be called at every step of a backward pass through time before it goes on to step t - 1.
 *
 * @param states arrays [B, H] of dL/ds_t: one for each state (h; of an LSTM h and c), which are bounded as one vector per sequence.
 * @param kind `norm`: of each sequence's vector; `value`: of each number.
 * @returns how many of the B sequences were bounded.
 *
 * @example
 * ```ts
 * import { boundStates } from 'throughtime';
 *
 * // Two sequences of two units; the first one's gradient is of norm 5.
 * const dh = Float64Array.of(3, 4, 0.1, 0.2);
 * console.log(boundStates([dh], 2, 2, 'norm', 1), dh.map((x) => Number(x.toFixed(3))).join(' ')); // 1 0.6 0.8 0.1 0.2
 * ```
 */
export function boundStates(states: readonly Reals[], B: number, H: number, kind: 'norm' | 'value', threshold: number): number {
  if (!(threshold > 0 && threshold < Infinity)) {
    throw new ThroughtimeError('OPTION_INVALID', `a threshold is a finite number above 0, got ${threshold}`);
  }
  const backend = scalarBackend();
  const limit = stateLimit(kind, threshold);
  const counts = { seen: new Int32Array(B), bound: new Int32Array(B), least: new Float64Array(B).fill(1) };
  const scale = new RowScale(backend, B, H);
  for (let b = 0; b < B; b++) {
    boundState(backend, limit, counts, states, scale, b, H);
    // The numbers are not mantissas here.
    scale.bring(states, b, H, 0);
  }
  return counts.bound.reduce((sum, each) => sum + each, 0);
}

function layOut(gradients: readonly Reals[]): { at: number; length: number }[] {
  let at = 0;
  return gradients.map(({ length }) => {
    const part = { at, length };
    at += length;
    return part;
  });
}
