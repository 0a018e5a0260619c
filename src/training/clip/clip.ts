import type { Backend, Reals } from '../../compute/backend.ts';
import { ThroughtimeError } from '../../errors.ts';
import { globalNorm } from './globalNorm.ts';
import { value } from './value.ts';

/** What a clip gets to see: the flat gradient, and its norm before any clipping. */
export interface GradientView {
  readonly backend: Backend;
  readonly gradient: Reals;
  readonly length: number;
  /** ‖g‖₂ over all parameters, summed in float64. */
  readonly norm: number;
}

/** Bounds a gradient in place. Returns whether it changed anything. */
export type Clip = (view: GradientView) => boolean;

/** The `clip` entry of an experiment. */
export type ClipOption = 'none' | { readonly globalNorm: number } | { readonly value: number };

/** The clip that an experiment's `clip` names. */
export function clipOf(option: ClipOption): Clip {
  if (option === 'none') return () => false;
  if ('globalNorm' in option) return globalNorm(positive('globalNorm', option.globalNorm));
  return value(positive('value', option.value));
}

function positive(name: string, threshold: number): number {
  if (!(threshold > 0 && threshold < Infinity)) {
    throw new ThroughtimeError('OPTION_INVALID', `a threshold is a finite number above 0, got ${threshold}`, {
      field: `training.clip.${name}`,
    });
  }
  return threshold;
}
