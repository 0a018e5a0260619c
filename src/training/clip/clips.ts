import { ThroughtimeError } from '../../errors.ts';
import type { Clip, ClipOption } from './clip.ts';
import { globalNorm } from './globalNorm.ts';
import { value } from './value.ts';

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
