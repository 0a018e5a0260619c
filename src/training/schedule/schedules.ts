import { ThroughtimeError } from '../../errors.ts';
import { constant } from './constant.ts';
import { cosine } from './cosine.ts';
import type { Schedule, ScheduleOption } from './schedule.ts';
import { step } from './step.ts';
import { warmUp } from './warmUp.ts';

/**
 * The schedule that an experiment names, for a training of `updates` updates.
 *
 * @throws `OPTION_INVALID` for numbers that make no schedule.
 */
export function scheduleOf(option: ScheduleOption, updates: number): Schedule {
  if (option === 'constant') return constant;
  if ('warmUp' in option) return warmUp(count('warmUp', option.warmUp, 0), constant);
  if ('cosine' in option) {
    const { warmUp: rise = 0, minimum = 0 } = option.cosine;
    count('cosine.warmUp', rise, 0);
    if (!(minimum >= 0 && minimum <= 1)) refuse('cosine.minimum', 'a factor from 0 to 1', minimum);
    return warmUp(rise, cosine(rise, updates, minimum));
  }
  const { every, factor } = option.step;
  if (!(factor > 0 && factor < Infinity)) refuse('step.factor', 'a finite number above 0', factor);
  return step(count('step.every', every, 1), factor);
}

/** A whole number of updates, from `least`. */
function count(name: string, value: number, least: number): number {
  if (!Number.isInteger(value) || value < least) refuse(name, `a whole number of updates from ${least}`, value);
  return value;
}

function refuse(name: string, is: string, value: number): never {
  throw new ThroughtimeError('OPTION_INVALID', `${name} is ${is}, got ${value}`, { field: `training.schedule.${name}` });
}
