import type { Clip } from './clip.ts';

/**
 * g <- threshold / ‖g‖ * g where ‖g‖ > threshold (Pascanu, Mikolov & Bengio 2013, algorithm 1). The direction is kept. As in
 * PyTorch's `clip_grad_norm_`, 1e-6 is added to the norm, so that both give the same numbers.
 */
export function globalNorm(threshold: number): Clip {
  return ({ backend, gradient, length, norm }) => {
    const factor = threshold / (norm + 1e-6);
    if (!(factor < 1)) return false;
    backend.scale(gradient, 0, length, factor);
    return true;
  };
}
