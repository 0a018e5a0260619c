import type { Clip } from './clip.ts';

/** Every element of the gradient is limited to [-threshold, threshold] (Mikolov 2012, section 3.2.2). The direction may change. */
export function value(threshold: number): Clip {
  return ({ backend, gradient, length }) => backend.clampValues(gradient, 0, length, threshold) > 0;
}
