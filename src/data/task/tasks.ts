import { Random } from '../../compute/random.ts';
import type { Baseline, DataParts } from '../dataset.ts';
import { optionError, refuseOtherFields, show, wholeOption, wordOption } from '../options.ts';
import { SequencesBuilder, StoredSequences } from '../storedSequences.ts';
import { adding } from './adding.ts';
import { copying } from './copying.ts';
import { parity } from './parity.ts';
import { recall } from './recall.ts';
import type { PreparedTask, TaskMethod, TaskOptions } from './task.ts';
import { temporalOrder } from './temporalOrder.ts';

/** Every task. A new one gets its line here, and with it the contract test. */
const methods: readonly TaskMethod[] = [adding, copying, temporalOrder, recall, parity];

/** The names of all tasks. */
export const taskNames: readonly TaskOptions['name'][] = methods.map((method) => method.name);

const commonFields = ['kind', 'name', 'length', 'trainSequences', 'validationSequences', 'seed'];

/** What a task is where its options say nothing. */
export const taskDefaults = { trainSequences: 10_000, validationSequences: 1000, seed: 1 } as const;

/** More numbers than this (8 GiB) are refused before they are drawn. */
const mostNumbers = 2 ** 30;

/**
 * Draws a task's training and validation sequences. The same options give the same sequences on every machine, and more
 * sequences begin with the same ones.
 *
 * @throws EXPERIMENT_INVALID naming the field, for an option that is unknown, not allowed, or without meaning for the task.
 */
export function makeTask(options: TaskOptions): DataParts {
  const { task, lengths } = prepareTask(options);
  const trainSequences = wholeOption('trainSequences', options.trainSequences, taskDefaults.trainSequences, 1);
  const validationSequences = wholeOption('validationSequences', options.validationSequences, taskDefaults.validationSequences, 1);
  const seed = wholeOption('seed', options.seed, taskDefaults.seed, 0, 2 ** 52 - 1);

  const numbersPerStep = task.input.kind === 'vectors' ? task.input.size : 1;
  const numbers = (trainSequences + validationSequences) * task.steps(lengths[1]) * numbersPerStep;
  if (numbers > mostNumbers) {
    throw optionError(
      'trainSequences',
      `asks for sequences of ${numbers} numbers in all, and ${mostNumbers} are allowed; lower data.trainSequences or data.length`,
    );
  }
  const validation = drawSequences(task, lengths, validationSequences, new Random(2 * seed + 1));
  return {
    train: drawSequences(task, lengths, trainSequences, new Random(2 * seed)),
    validation,
    description: { kind: 'task', name: options.name },
    baselines: naiveBaselines(task, validation),
  };
}

/** The task's true data horizon in steps, for its longest sequences: the answer that a test of the data should find. */
export function taskHorizon(options: TaskOptions): number {
  const { task, lengths } = prepareTask(options);
  return task.horizon(lengths[1]);
}

function prepareTask(options: TaskOptions): { task: PreparedTask; lengths: readonly [number, number] } {
  const name = wordOption('name', options.name, undefined, taskNames);
  const method = methods.find((candidate) => candidate.name === name)!;
  refuseOtherFields(options, [...commonFields, ...method.fields], `the task "${name}"`);
  const task = method.prepare(options);
  return { task, lengths: readLength(options.length, task, name) };
}

function readLength(length: unknown, task: PreparedTask, name: string): readonly [number, number] {
  const isLength = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= task.leastLength;
  if (length === undefined && task.defaultLength !== undefined) return [task.defaultLength, task.defaultLength];
  if (isLength(length)) return [length, length];
  if (Array.isArray(length) && length.length === 2 && isLength(length[0]) && isLength(length[1]) && length[0] <= length[1]) {
    return [length[0], length[1]];
  }
  throw optionError(
    'length',
    `must be a whole number from ${task.leastLength} for the task "${name}", or [least, most] of two such numbers in this order, ` +
      `got ${show(length)}; change it`,
  );
}

function drawSequences(task: PreparedTask, [least, most]: readonly [number, number], count: number, random: Random): StoredSequences {
  const builder = new SequencesBuilder();
  for (let n = 0; n < count; n++) {
    const length = least + (most > least ? random.below(most - least + 1) : 0);
    task.draw(length, random, builder);
    builder.end(task.steps(length));
  }
  return new StoredSequences(task, builder.take());
}

/** The mean of the naive predictor's loss over the counted targets that were drawn. */
function naiveBaselines(task: PreparedTask, drawn: StoredSequences): Baseline[] {
  if (task.naive === undefined) return [];
  const { name, lossPerSequence } = task.naive;
  return [{ name, loss: (drawn.count * lossPerSequence) / drawn.arrays.targetSteps.length }];
}
