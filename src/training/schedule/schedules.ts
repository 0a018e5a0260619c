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
  if ('warmUp' in option) return warmUp(rising('warmUp', option.warmUp, updates), constant);
  if ('cosine' in option) {
    const { warmUp: rise = 0, minimum = 0 } = option.cosine;
    rising('cosine.warmUp', rise, updates);
    if (!(minimum >= 0 && minimum <= 1)) refuse('cosine.minimum', 'be a factor from 0 to 1', minimum);
    return warmUp(rise, cosine(rise, updates, minimum));
  }
  const { every, factor } = option.step;
  if (!(factor > 0 && factor < Infinity)) refuse('step.factor', 'be a finite number above 0', factor);
  if (count('step.every', every, 1) >= updates) {
    refuse('step.every', `be smaller than the ${updates} updates, or the factor never acts`, every);
  }
  return step(every, factor);
}

/** A warm-up that ends before the last update. */
function rising(name: string, value: number, updates: number): number {
  if (count(name, value, 0) >= updates && value > 0) refuse(name, `end before the last of the ${updates} updates`, value);
  return value;
}

/** A whole number of updates, from `least`. */
function count(name: string, value: number, least: number): number {
  if (!Number.isInteger(value) || value < least) refuse(name, `be a whole number of updates from ${least}`, value);
  return value;
}

function refuse(name: string, is: string, value: number): never {
  throw new ThroughtimeError('OPTION_INVALID', `must ${is}, got ${value}`, { field: `training.schedule.${name}` });
}
