import { bytesOf } from '../compute/bytes.ts';
import { ThroughtimeError } from '../errors.ts';
import { monitors } from '../monitor/monitors.ts';
import { checkBptt } from '../network/unroll/truncated.ts';
import { clipKeys } from './clip/clip.ts';
import { clipOf } from './clip/clips.ts';
import { Guard } from './guard/guard.ts';
import { optimizers } from './optimizer/optimizers.ts';
import type { TrainingOptions } from './options.ts';
import { scheduleOf } from './schedule/schedules.ts';

/** Options that only some optimizers have. */
const ofOptimizers = ['momentum', 'decay', 'beta1', 'beta2', 'epsilon', 'weightDecay'] as const;
const known: readonly string[] = [
  ...['optimizer', 'learningRate', 'schedule', 'batchSize', 'updates', 'seed', 'bptt', 'memory', 'clip', 'guard', 'validateEvery'],
  ...['monitors', 'monitorEvery', 'omega'],
  ...ofOptimizers,
];

/**
 * Refuses a training whose options are unknown, out of range, or have no meaning beside each other.
 *
 * @throws OPTION_INVALID naming the field, such as `training.momentum`.
 */
export function checkTraining(options: TrainingOptions): void {
  for (const [field, value] of Object.entries(options)) {
    if (value !== undefined && !known.includes(field)) refuse(field, `is not an option of a training; those are ${known.join(', ')}`);
  }
  const { optimizer, learningRate, batchSize, updates, seed, validateEvery, schedule, clip, guard = 'warn', bptt, memory } = options;
  if (!Object.hasOwn(optimizers, optimizer))
    refuse('optimizer', `is one of ${Object.keys(optimizers).join(', ')}, got ${String(optimizer)}`);
  if (!(learningRate > 0 && learningRate < Infinity)) refuse('learningRate', `is a finite number above 0, got ${learningRate}`);
  whole('batchSize', batchSize, 1);
  whole('updates', updates, 1);
  whole('seed', seed, 0);
  if (validateEvery !== undefined) whole('validateEvery', validateEvery, 1);
  checkMonitors(options);
  checkBptt(bptt);
  if (memory !== undefined) {
    try {
      bytesOf(memory);
    } catch (cause) {
      refuse('memory', (cause as Error).message);
    }
  }
  oneOf('schedule', schedule, ['constant'], ['warmUp', 'cosine', 'step']);
  scheduleOf(schedule, updates);
  oneOf('clip', clip, ['none', 'auto'], clipKeys);
  clipOf(clip);
  checkOmegaOption(options);
  oneOf('guard', guard, ['warn', 'skip', 'rollback', 'stop'], ['rollback']);
  new Guard(guard);
  for (const field of ofOptimizers) {
    if (options[field] === undefined || field in optimizers[optimizer].defaults) continue;
    const owners = Object.values(optimizers).filter(({ defaults }) => field in defaults);
    refuse(field, `has no meaning for ${optimizer}, only for ${owners.map(({ name }) => name).join(' and ')}; remove it`);
  }
}

function checkOmegaOption({ omega, clip, updates, bptt }: TrainingOptions): void {
  if (omega === undefined) return;
  if (bptt !== 'full' && bptt.k2 === 1) {
    refuse('omega', 'has no meaning in windows of one step, in which nothing goes from a step to the one before; choose a larger bptt.k2');
  }
  for (const field of Object.keys(omega))
    if (field !== 'weight' && field !== 'schedule') refuse('omega', `has a weight and a schedule, got ${field}`);
  if (!(omega.weight > 0 && omega.weight < Infinity)) refuse('omega.weight', `is a finite number above 0, got ${omega.weight}`);
  if (clipOf(clip).recurrent) {
    refuse(
      'omega',
      'has no meaning beside a clip inside the backward pass, which changes the norm that omega keeps; take {"globalNorm": 1}',
    );
  }
  oneOf('omega.schedule', omega.schedule ?? 'constant', ['constant'], ['warmUp', 'cosine', 'step']);
  try {
    scheduleOf(omega.schedule ?? 'constant', updates);
  } catch (cause) {
    const { message, place } = cause as ThroughtimeError;
    refuse(`omega.${place.field?.slice('training.'.length)}`, message.slice(`${place.field}: `.length));
  }
}

function checkMonitors({ monitors: chosen, monitorEvery }: TrainingOptions): void {
  const unknown = chosen?.find((name) => !monitors.some((monitor) => monitor.name === name));
  if (unknown !== undefined) refuse('monitors', `are of ${monitors.map(({ name }) => name).join(', ')}, got ${unknown}`);
  if (chosen && new Set(chosen).size < chosen.length) refuse('monitors', `names one twice: ${chosen.join(', ')}; leave one of them out`);
  if (monitorEvery === undefined) return;
  whole('monitorEvery', monitorEvery, 1);
  if (chosen?.length === 0) refuse('monitorEvery', 'has no meaning without monitors; remove it');
}

/** A word, or an object with exactly one of some keys. */
function oneOf(field: string, value: unknown, words: readonly string[], keys: readonly string[]): void {
  const given = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  if (words.includes(value as string) || (given.length === 1 && keys.includes(given[0]))) return;
  const forms = [...words.map((word) => JSON.stringify(word)), ...keys.map((key) => `{"${key}": ...}`)];
  refuse(field, `is one of ${forms.join(', ')}, got ${JSON.stringify(value)}`);
}

function whole(field: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) refuse(field, `is a whole number from ${least}, got ${value}`);
}

function refuse(field: string, sentence: string): never {
  throw new ThroughtimeError('OPTION_INVALID', sentence, { field: `training.${field}` });
}
