import { type Clip, unbound } from './clip.ts';

/** Every element of the gradient is limited to [-threshold, threshold] (Mikolov 2012, section 3.2.2). The direction may change. */
export function value(threshold: number): Clip {
  return ({ backend, gradient, length, norm }) => {
    // No element is larger than the norm.
    if (norm <= threshold) return unbound;
    let largest = 0;
    for (let i = 0; i < length; i++) largest = Math.max(largest, Math.abs(gradient[i]));
    const changed = backend.clampValues(gradient, 0, length, threshold);
    return changed === 0 ? unbound : { share: changed / length, factor: threshold / largest };
  };
}
