import type { Backend } from '../compute/backend.ts';
import type { DataParts } from '../data/dataset.ts';
import { Trainer } from '../training/trainer.ts';
import type { Experiment } from './experiment.ts';
import { openNetwork } from './openTraining.ts';

/** How a budget is divided: by which share of it the test of the data ends, and by which the training. */
export interface BudgetShares {
  readonly tested: number;
  readonly trained: number;
}

/** Where the training takes longer than there is time in any case. */
const usual: BudgetShares = { tested: 0.35, trained: 0.85 };
/** What the test of the data has at least, and at most; and by when the training is to end so that the rest is enough for a look and the losses. */
const leastTested = 0.2;
const mostTested = 0.5;
const latest = 0.92;
/** Looks while it trains, the loss on the validation part and checkpoints, beside its updates. */
const beside = 1.2;
/** Updates that are timed, after a first one, and the share of the budget that they may take. */
const timed = 4;
const shareOfTiming = 0.02;

/**
 * Divides a budget by what the training takes: a few updates of a network that is thrown away are timed, as fast or slow as the machine is now.
 * What they leave goes to the test of the data, within bounds; and a training that would be done a little late may be.
 */
export function budgetShares(experiment: Experiment, data: DataParts, backend: Backend, seconds: number): BudgetShares {
  const mark = backend.mark();
  try {
    const { network } = openNetwork(experiment, data, backend);
    const { training } = experiment;
    // What a search for a threshold or a guard would do belongs to the training, not to its timing.
    const clip = training.clip === 'auto' ? 'none' : training.clip;
    const trainer = new Trainer(network, data.train, { ...training, clip, guard: 'warn', monitors: [], monitorEvery: undefined });
    trainer.step();
    const began = performance.now();
    let updates = 0;
    while (updates < timed && !trainer.done && performance.now() - began < 1000 * shareOfTiming * seconds) {
      trainer.step();
      updates++;
    }
    if (updates === 0) return { tested: mostTested, trained: latest };
    return sharesFor((beside * (performance.now() - began) * training.updates) / updates / 1000 / seconds);
  } finally {
    backend.release(mark);
  }
}

/** @param training share of the budget that the training takes. */
export function sharesFor(training: number): BudgetShares {
  if (training > latest - leastTested) return usual;
  return { tested: Math.min(mostTested, Math.max(leastTested, usual.trained - training)), trained: latest };
}
