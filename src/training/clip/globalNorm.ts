import { type Binding, type Clip, type GradientView, unbound } from './clip.ts';

/**
 * g <- threshold / ‖g‖ * g where ‖g‖ > threshold (Pascanu, Mikolov & Bengio 2013, algorithm 1). The direction is kept. As in
 * PyTorch's `clip_grad_norm_`, 1e-6 is added to the norm, so that both give the same numbers; a gradient at or below the
 * threshold is not touched.
 */
export function globalNorm(threshold: number): Clip {
  return (view) => shrink(view, threshold);
}

/** The same, for clips whose threshold is found while training. */
export function shrink({ backend, gradient, length, norm }: GradientView, threshold: number): Binding {
  if (!(norm > threshold)) return unbound;
  const factor = threshold / (norm + 1e-6);
  backend.scale(gradient, 0, length, factor);
  return { share: 1, factor };
}
