import type { Sign } from '../guard/detector.ts';
import { type Clip, type GradientView, unbound } from './clip.ts';
import { shrink } from './globalNorm.ts';

/** A clip that begins without a threshold and is given one when it is needed. */
export interface AutoClip extends Clip {
  /** null as long as none has been chosen. */
  readonly threshold: number | null;
  /** Whether the gradient has begun to explode and no threshold has been chosen yet. */
  readonly waiting: boolean;
  /** Whether a sign is the one that a threshold has to be chosen for; from then on it is waited for. */
  wants(sign: Sign | null): boolean;
  /** null: none is needed so far. */
  choose(threshold: number | null): void;
}

/**
 * No clip until the gradient explodes; from then on the global norm's, with the threshold that was found by replaying the training
 * from before the explosion (`diagnosis/threshold`).
 */
export function auto(): AutoClip {
  let threshold: number | null = null;
  let waiting = false;
  const clip = (view: GradientView) => (threshold === null ? unbound : shrink(view, threshold));
  const properties: Omit<AutoClip, 'threshold' | 'waiting'> = {
    wants(sign) {
      if (threshold === null && sign?.exploding) waiting = true;
      return waiting;
    },
    choose(chosen) {
      threshold = chosen;
      waiting = false;
    },
    memory: {
      name: 'clip.threshold',
      save: () => Float64Array.of(threshold ?? 0, Number(waiting)),
      restore(values) {
        threshold = values[0] > 0 ? values[0] : null;
        waiting = values[1] === 1;
      },
    },
  };
  Object.assign(clip, properties);
  Object.defineProperties(clip, { threshold: { get: () => threshold }, waiting: { get: () => waiting } });
  return clip as unknown as AutoClip;
}
