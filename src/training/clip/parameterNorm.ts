import { type Clip, unbound } from './clip.ts';

/**
 * g_p <- threshold / ‖g_p‖ * g_p for every parameter p with ‖g_p‖ > threshold: a parameter whose gradient explodes does not take
 * the others' with it. The direction within a parameter is kept, that of the whole gradient may change. 1e-6 is added to the norm
 * that is divided by, as in `globalNorm`.
 */
export function parameterNorm(threshold: number): Clip {
  return ({ backend, gradient, length, norm, parts = [{ at: 0, length }] }) => {
    // No parameter's norm is larger than that of all of them.
    if (norm <= threshold) return unbound;
    let bound = 0;
    let factor = 1;
    for (const part of parts) {
      const own = Math.sqrt(backend.sumSquares(gradient, part.at, part.length));
      if (!(own > threshold)) continue;
      const shrunk = threshold / (own + 1e-6);
      backend.scale(gradient, part.at, part.length, shrunk);
      bound++;
      factor = Math.min(factor, shrunk);
    }
    return bound === 0 ? unbound : { share: bound / parts.length, factor };
  };
}
