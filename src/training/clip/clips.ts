import { ThroughtimeError } from '../../errors.ts';
import { auto } from './auto.ts';
import { type Clip, type ClipOption, unbound } from './clip.ts';
import { globalNorm } from './globalNorm.ts';
import { parameterNorm } from './parameterNorm.ts';
import { percentile } from './percentile.ts';
import { recurrentNorm } from './recurrentNorm.ts';
import { recurrentValue } from './recurrentValue.ts';
import { value } from './value.ts';

/**
 * The clip that an experiment's `clip` names.
 *
 * @throws OPTION_INVALID for a threshold that is not a finite number above 0, or a percentile that is not between 0 and 100.
 */
export function clipOf(option: ClipOption): Clip {
  if (option === 'none') return () => unbound;
  if (option === 'auto') return auto();
  if ('globalNorm' in option) return globalNorm(threshold('globalNorm', option.globalNorm));
  if ('value' in option) return value(threshold('value', option.value));
  if ('parameterNorm' in option) return parameterNorm(threshold('parameterNorm', option.parameterNorm));
  if ('recurrentNorm' in option) return recurrentNorm(threshold('recurrentNorm', option.recurrentNorm));
  if ('recurrentValue' in option) return recurrentValue(threshold('recurrentValue', option.recurrentValue));
  return percentile(between('percentile', option.percentile));
}

function threshold(name: string, given: number): number {
  if (!(given > 0 && given < Infinity)) refuse(name, `a threshold is a finite number above 0, got ${given}`);
  return given;
}

function between(name: string, given: number): number {
  if (!(given > 0 && given < 100)) refuse(name, `a percentile is a number above 0 and below 100, got ${given}`);
  return given;
}

function refuse(name: string, sentence: string): never {
  throw new ThroughtimeError('OPTION_INVALID', sentence, { field: `training.clip.${name}` });
}
