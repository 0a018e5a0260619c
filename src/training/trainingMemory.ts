import { bytesOf, showBytes } from '../compute/bytes.ts';
import type { Dataset } from '../data/dataset.ts';
import { ThroughtimeError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { describePlan, leastMemory, type MemoryPlan, planMemory } from '../network/unroll/memoryPlan.ts';
import { passMemory } from '../network/unroll/passMemory.ts';
import { evaluationSteps } from './evaluator.ts';
import { optimizers } from './optimizer/optimizers.ts';
import type { TrainingOptions } from './options.ts';
import { longestOf } from './trainer.ts';

/** How the memory of a training is used: weights, gradient and optimizer, the passes that learn, and those that evaluate. */
export interface TrainingMemory {
  /** Bytes that were allowed; null where nothing was said and the memory of the backend is the limit. */
  readonly limit: number | null;
  /** Of all of it, in bytes. */
  readonly bytes: number;
  readonly pass: MemoryPlan;
  /** Steps of the longest window of an evaluation. */
  readonly evaluationSteps: number;
}

/** What a pass that does not fit into the backend's memory at once is planned for where nothing was said: 1 GB. */
const unasked = 1e9;
/** The share of the limit that an evaluation may take, if a window of one step does not take more. */
const shareOfEvaluation = 1 / 8;

/**
 * Plans a training for `options.memory`, or, where that is not given, for the memory that the backend has left.
 *
 * @param evaluated data sets that are evaluated meanwhile.
 * @throws OPTION_INVALID naming `training.memory`, and MEMORY_EXHAUSTED where nothing fits into the backend's memory.
 */
export function planTraining(
  network: Network,
  train: Dataset,
  options: TrainingOptions,
  evaluated: readonly Dataset[] = [],
): TrainingMemory {
  const { backend, parameters } = network;
  const { bptt, memory } = options;
  const longest = longestOf(train);
  const T = Math.max(1, bptt === 'full' ? longest : Math.min(longest, bptt.k2));
  const B = Math.min(options.batchSize, train.count);
  const states = bptt === 'full' ? 0 : 1;
  const perNumber = backend.precision === 'float32' ? 4 : 8;
  const weights = parameters.length * perNumber * (2 + optimizers[options.optimizer].slots.length);
  const pass = passMemory(network, train.target, B);
  const evaluations = evaluated.map((dataset) => {
    const columns = Math.min(options.batchSize, dataset.count);
    return { ...passMemory(network, dataset.target, columns), most: evaluationSteps(network, dataset, columns) };
  });
  /** Bytes of the evaluations where their windows have at most so many steps. */
  const evaluating = (steps: number) =>
    evaluations.reduce((sum, { fixed, perStep, most }) => sum + fixed + perStep * Math.min(steps, most), 0);
  const plan = (limit: number, steps: number, within = limit): TrainingMemory | undefined => {
    const beside = weights + evaluating(steps);
    const plain = planMemory(pass, T, B, limit - beside, states);
    const planned = plain?.plan === 'plain' ? plain : planMemory(pass, T, B, within - beside, states);
    return planned && { limit: memory === undefined ? null : limit, bytes: planned.bytes + beside, pass: planned, evaluationSteps: steps };
  };
  const longestWindow = Math.max(1, ...evaluations.map(({ most }) => most));
  if (memory === undefined) {
    const room = backend.room() + parameters.length * perNumber * 2;
    const planned = plan(room, longestWindow, Math.min(room, unasked)) ?? plan(room, longestWindow);
    if (planned) return planned;
    const least = weights + evaluating(longestWindow) + leastMemory(pass, T, B, states);
    const sentence = `${showBytes(least)} are needed at least, and ${showBytes(room)} are there; take a smaller batch, a shorter window or fewer hidden units`;
    throw new ThroughtimeError('MEMORY_EXHAUSTED', sentence);
  }
  const limit = bytesOf(memory);
  const affordable = evaluations.map(({ fixed, perStep, most }) =>
    Math.min(most, Math.floor((limit * shareOfEvaluation - fixed) / perStep)),
  );
  const planned = plan(limit, Math.max(1, Math.min(longestWindow, ...affordable))) ?? plan(limit, 1);
  if (planned) return planned;
  const least = weights + evaluating(1) + leastMemory(pass, T, B, states);
  const sentence = `is too small with ${showBytes(limit)}: ${T} steps of ${B} sequences need ${showBytes(least)} at least; allow that, or take a smaller batch`;
  throw new ThroughtimeError('OPTION_INVALID', sentence, { field: 'training.memory' });
}

/** The plan in one line. */
export function describeMemory({ pass, bytes, limit }: TrainingMemory): string {
  const allowed = limit === null ? '' : ` of ${showBytes(limit)} allowed`;
  return `Plan: ${describePlan(pass)}; with weights and evaluation ${showBytes(bytes)}${allowed}.`;
}
