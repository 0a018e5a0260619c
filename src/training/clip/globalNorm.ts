import type { Clip } from './clip.ts';

/**
 * g <- threshold / ‖g‖ * g where ‖g‖ > threshold (Pascanu, Mikolov & Bengio 2013, algorithm 1). The direction is kept. As in
 * PyTorch's `clip_grad_norm_`, 1e-6 is added to the norm, so that both give the same numbers; a gradient at or below the
 * threshold is not touched.
 */
export function globalNorm(threshold: number): Clip {
  return ({ backend, gradient, length, norm }) => {
    if (!(norm > threshold)) return false;
    backend.scale(gradient, 0, length, threshold / (norm + 1e-6));
    return true;
  };
}
