import { bytesOf, showBytes } from '../compute/bytes.ts';
import type { Dataset } from '../data/dataset.ts';
import { ThroughtimeError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { describePlan, leastMemory, type MemoryPlan, planMemory } from '../network/unroll/memoryPlan.ts';
import { passMemory } from '../network/unroll/passMemory.ts';
import { longestOf } from './batchOrder.ts';
import { evaluationSteps } from './evaluator.ts';
import { omegaBytes } from './omega.ts';
import { optimizers } from './optimizer/optimizers.ts';
import type { TrainingOptions } from './options.ts';

/** How memory is used: weights and what belongs to them, the passes that go back, and those that only evaluate. */
export interface MemoryUse {
  /** Bytes that were allowed; null where nothing was said and the memory of the backend is the limit. */
  readonly limit: number | null;
  /** Of all of it, in bytes. */
  readonly bytes: number;
  readonly pass: MemoryPlan;
}

/** The memory of a training. */
export interface TrainingMemory extends MemoryUse {
  /** Steps of the longest window of an evaluation. */
  readonly evaluationSteps: number;
}

/** What a pass that does not fit into the backend's memory at once is planned for where nothing was said: 1 GB. */
const unasked = 1e9;
/** The share of the limit that an evaluation may take, if a window of one step does not take more. */
const shareOfEvaluation = 1 / 8;

/** What a plan is made for. */
export interface Needs {
  /** Steps and sequences of the longest pass. */
  readonly T: number;
  readonly B: number;
  /** Arrays beside the parameters that are as long as they are: the gradient, the optimizer's. */
  readonly likeParameters: number;
  /** States that are kept beside the plan's own. */
  readonly states: number;
  /** Bytes that are taken otherwise. */
  readonly beside: number;
}

/**
 * Plans passes over the data within a limit, or, where there is none, within what the backend has left.
 *
 * @returns undefined where nothing fits into the limit.
 */
export function planWithin(network: Network, { target }: Dataset, needs: Needs, limit: number | null): MemoryUse | undefined {
  const { T, B, states } = needs;
  const memory = passMemory(network, target, B);
  const beside = needs.beside + weights(network, needs);
  const within = limit ?? network.backend.room() + allocated(network);
  // Where nothing was said, a pass that does not fit is not given all that there is.
  const modest = limit ?? Math.min(within, unasked);
  const plain = planMemory(memory, T, B, within - beside, states);
  const pass = plain?.plan === 'plain' ? plain : (planMemory(memory, T, B, modest - beside, states) ?? plain);
  return pass && { limit, bytes: pass.bytes + beside, pass };
}

/** The error of a limit within which nothing fits. */
export function tooSmall(network: Network, { target }: Dataset, needs: Needs, limit: number | null, field: string): ThroughtimeError {
  const { T, B, states } = needs;
  const least = needs.beside + weights(network, needs) + leastMemory(passMemory(network, target, B), T, states);
  const what = `${T} steps of ${B} sequence${B === 1 ? '' : 's'} need ${showBytes(least)} at least`;
  if (limit === null) {
    const there = showBytes(network.backend.room() + allocated(network));
    return new ThroughtimeError('MEMORY_EXHAUSTED', `${what}, and ${there} are there; take a smaller batch or fewer hidden units`);
  }
  const sentence = `is too small with ${showBytes(limit)}: ${what}; allow that, or take a smaller batch`;
  return new ThroughtimeError('OPTION_INVALID', sentence, { field });
}

/**
 * Plans a training for `options.memory`, or, where that is not given, for the memory that the backend has left.
 *
 * @param evaluated data sets that are evaluated meanwhile.
 * @param looks bytes that looks take (`planLooks`), for which there has to be room within a limit.
 * @throws OPTION_INVALID naming `training.memory`, and MEMORY_EXHAUSTED where nothing fits into the backend's memory.
 */
export function planTraining(
  network: Network,
  train: Dataset,
  options: TrainingOptions,
  evaluated: readonly Dataset[] = [],
  looks = 0,
): TrainingMemory {
  const { bptt, memory, optimizer, batchSize, omega } = options;
  const longest = longestOf(train);
  const [T, B] = [Math.max(1, bptt === 'full' ? longest : Math.min(longest, bptt.k2)), Math.min(batchSize, train.count)];
  const ofOmega = omega ? omegaBytes(network, T, B) : 0;
  const limit = memory === undefined ? null : bytesOf(memory);
  const evaluations = evaluated.map((dataset) => {
    const B = Math.min(batchSize, dataset.count);
    return { ...passMemory(network, dataset.target, B), most: evaluationSteps(network, dataset, B) };
  });
  const needs = (steps: number): Needs => ({
    T,
    B,
    likeParameters: 1 + optimizers[optimizer].slots.length,
    states: bptt === 'full' ? 0 : 1,
    beside: evaluations.reduce(
      (sum, { fixed, perStep, most }) => sum + fixed + perStep * Math.min(steps, most),
      ofOmega + (limit === null ? 0 : looks),
    ),
  });
  let steps = Math.max(1, ...evaluations.map(({ most }) => most));
  if (limit !== null) {
    for (const { fixed, perStep } of evaluations) {
      steps = Math.max(1, Math.min(steps, Math.floor((limit * shareOfEvaluation - fixed) / perStep)));
    }
  }
  // Where the share of evaluation is what is lacking, it takes a step at a time.
  for (const evaluationSteps of [steps, 1]) {
    const use = planWithin(network, train, needs(evaluationSteps), limit);
    if (use) return { ...use, evaluationSteps };
  }
  throw tooSmall(network, train, needs(1), limit, 'training.memory');
}

/** The plan in one line. */
export function describeMemory({ pass, bytes, limit }: MemoryUse): string {
  const allowed = limit === null ? '' : ` of ${showBytes(limit)} allowed`;
  return `Plan: ${describePlan(pass)}; ${showBytes(bytes)} in all${allowed}.`;
}

const perNumber = ({ backend: { precision } }: Network) => (precision === 'float32' ? 4 : 8);
const numbers = (network: Network) => network.parameters.length * perNumber(network);
const turning = (network: Network) => (network.parameters.orthogonal?.length ?? 0) * perNumber(network);
const weights = (network: Network, { likeParameters }: Needs) => numbers(network) * (1 + likeParameters) + turning(network);
/** The parameters and their gradient are there before anything is planned. */
const allocated = (network: Network) => 2 * numbers(network) + turning(network);
