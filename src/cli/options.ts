import { availableParallelism } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';
import { bytesOf } from '../compute/bytes.ts';
import { monitors } from '../monitor/monitors.ts';

import { type BackendName, backendNames } from './openBackend.ts';

/** Options that several verbs share, each spelt once. */
export const options = {
  set: () =>
    new Option('--set <path=value>', 'set a field of the experiment, such as model.cell=lstm; may be repeated, once for each field')
      .argParser(collect)
      .default([] as string[], 'none'),
  replay: () =>
    new Option(
      '--replay <update>',
      'run the pass of an update that was not finite once more, and say where it stops being finite',
    ).argParser(wholeNumber),
  monitor: () =>
    new Option('--monitor <name>', 'have this monitor look at the training, and no others unless repeated')
      .choices(monitors.map(({ name }) => name))
      .argParser(collectMonitors),
  json: () => new Option('--json', 'print exactly one JSON document on stdout'),
  seed: () => new Option('--seed <number>', 'set training.seed').argParser(wholeNumber),
  memory: (description: string) => new Option('--memory <size>', description).argParser(sizeText),
  seeds: () =>
    new Option(
      '--seeds <number>',
      'repetitions of each replay, and a quarter of the trainings from new weights that confirm the answer; 5 by default',
    ).argParser(atLeastOne),
  budget: () => new Option('--budget <seconds>', 'bound the whole command; what was cut short is said').argParser(positiveNumber),
  checkpointEvery: () =>
    new Option('--checkpoint-every <seconds>', 'time between two checkpoints; 10 by default').argParser(positiveNumber),
  port: () => new Option('--port <number>', 'port to listen on; 0 takes a free one').argParser(portNumber).default(6161),
  threads: () =>
    new Option('--threads <number>', 'processor threads; the bits do not depend on it')
      .argParser(threadCount)
      .default(Math.min(availableParallelism(), 8), 'the cores of this machine, 8 at most'),
  redis: () =>
    new Option(
      '--redis <address>',
      'the Redis or Valkey server of a queue: redis://host:6379, rediss://... for TLS; a password also by THROUGHTIME_REDIS_PASSWORD',
    ),
  jobs: () =>
    new Option('--jobs <number>', 'trials at once, one processor thread each')
      .argParser(threadCount)
      .default(Math.min(availableParallelism(), 64), 'the cores of this machine'),
  lock: () =>
    new Option('--lock <seconds>', 'after so long without a sign of life, the trials of this worker are given to another')
      .argParser(positiveNumber)
      .default(20),
  prepare: () =>
    new Option('--prepare <where>', 'where batches are made: ahead in a thread, inline, or as the data ask for; the bits are the same')
      .choices(['auto', 'ahead', 'inline'])
      .default('auto'),
  backend: () =>
    new Option('--backend <name>', "blas: the machine's BLAS library where it is faster; wasm: float32 SIMD; scalar: plain float64 loops")
      .choices(backendNames)
      .default('auto' satisfies BackendName, 'auto: blas if there is one, else wasm'),
};

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function collectMonitors(value: string, before: string[] = []): string[] {
  const names = monitors.map(({ name }) => name);
  if (!names.includes(value)) throw new InvalidArgumentError(`Allowed choices are ${names.join(', ')}.`);
  return [...before, value];
}

/** Of arguments and options that name a file or directory. */
export function pathText(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty; name a file or directory.');
  return text;
}

function sizeText(text: string): string {
  try {
    bytesOf(text);
    return text;
  } catch (cause) {
    throw new InvalidArgumentError(`It ${(cause as Error).message}.`);
  }
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('It must be a whole number from 0.');
  return value;
}

function atLeastOne(text: string): number {
  const value = wholeNumber(text);
  if (value < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
  return value;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

function portNumber(text: string): number {
  const value = wholeNumber(text);
  if (value > 65535) throw new InvalidArgumentError('It must be a whole number from 0 to 65535.');
  return value;
}

function threadCount(text: string): number {
  const value = wholeNumber(text);
  if (value < 1 || value > 64) throw new InvalidArgumentError('It must be a whole number from 1 to 64.');
  return value;
}
