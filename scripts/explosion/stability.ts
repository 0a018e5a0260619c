/** What a stable training is, for the pages that ask which thresholds make one; and the set-ups that they ask it of. */

import type { Backend } from '../../src/compute/backend.ts';
import { type TuneClipAnswer, tuneClipPieces } from '../../src/diagnosis/threshold/tuneClip.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { longestOf } from '../../src/training/batchOrder.ts';
import { trainingDefaults } from '../../src/training/options.ts';
import { type SetUp, type Watched, watch } from './runs.ts';
import { drawSetUps, updates, withRate } from './tuning.ts';

/** Sequences that are held out. */
export const held = 32;
/** A training is judged against one with so much lower a threshold: it has to learn this share of what that learns. */
export const lower = 16;
export const learned = 0.5;

/** What `tune-clip` says with the seed 0, and the updates that it made for it. */
export async function tune(backend: Backend, { data, model, training }: SetUp): Promise<{ answer: TuneClipAnswer; made: number }> {
  const { train } = await data();
  const mark = backend.mark();
  const network = new Network(backend, model, train.input, train.target.size);
  const longest = longestOf(train);
  const options = { ...trainingDefaults, batchSize: 16, ...training, updates };
  const pieces = tuneClipPieces({ network, dataset: train, options, initialize: (seed) => initialize(network, model, seed, longest) });
  for (let made = 0; ; made++) {
    const { done, value } = pieces.next();
    if (!done) continue;
    backend.release(mark);
    return { answer: value, made };
  }
}

/** The median over some seeds of where the held-out loss begins. */
export async function beginningOf(backend: Backend, setUp: SetUp, seeds: readonly number[]): Promise<number> {
  const begins: number[] = [];
  for (const seed of seeds) begins.push((await watch(backend, { ...setUp, updates: 1 }, seed, { held })).heldOut[0]);
  return median(begins);
}

export const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
export const ending = ({ heldOut }: Watched) => median(heldOut.slice(Math.floor(0.75 * heldOut.length)));

/**
 * Whether a training of all updates is stable, by the held-out loss alone: every value is finite, none of its second half is above the
 * beginning (its own, or the median one of the seeds where that is higher), and it learns at least half of what a far lower threshold learns.
 */
export function stable(run: Watched, reference: Watched, beginning: number): boolean {
  const { heldOut } = run;
  const begin = Math.max(heldOut[0], beginning);
  if (heldOut.length < updates || unstable(run, beginning)) return false;
  return begin - ending(run) >= learned * (begin - ending(reference));
}

export function unstable({ heldOut, nonFinite }: Watched, beginning: number): boolean {
  const begin = Math.max(heldOut[0], beginning);
  return nonFinite.some((each) => each) || !heldOut.slice(updates / 2).every((loss) => loss <= begin);
}

/** Draws set-ups and their learning rates, until so many explode; and the names of those that explode at none. */
export async function drawn(backend: Backend, seed: number, count: number): Promise<{ setUps: SetUp[]; calm: string[] }> {
  const setUps: SetUp[] = [];
  const calm: string[] = [];
  for (const each of drawSetUps(seed, 3 * count)) {
    if (setUps.length === count) break;
    const setUp = await withRate(backend, each);
    if (setUp) setUps.push(setUp);
    else calm.push(each.name);
  }
  return { setUps, calm };
}
