/** A training on the temporal-order task of Pascanu, Mikolov & Bengio 2013, section 4.1, in a size for a processor, until it is solved. */

import { wasmBackend } from '../src/compute/wasm/wasm.ts';
import { makeTask } from '../src/data/task/tasks.ts';
import type { ModelOptions } from '../src/network/model.ts';
import { initialize, Network } from '../src/network/network.ts';
import { Evaluator } from '../src/training/evaluator.ts';
import { type TrainingOptions, trainingDefaults } from '../src/training/options.ts';
import { Trainer } from '../src/training/trainer.ts';

export const updates = 10_000;
/** Updates from one look at the validation sequences to the next. */
export const every = 250;
/** Solved: fewer errors than this on sequences that it has not seen. */
const errors = 0.01;
export const training = { ...trainingDefaults, optimizer: 'sgd', learningRate: 0.01, batchSize: 20, updates } as const;

/** 100 tanh units, whose recurrent weights have the deviation gain / 10. */
export const modelOf = (gain: number) =>
  ({ cell: 'rnn', hiddenSize: 100, recurrentInit: { gaussian: gain } }) as const satisfies ModelOptions;

const data = makeTask({ kind: 'task', name: 'temporalOrder', length: [20, 50], trainSequences: 20_000, validationSequences: 1000 });
const backend = await wasmBackend();

/** What became of a training. */
export interface TemporalOrderRun {
  readonly seed: number;
  /** The update at which it was found solved. */
  readonly solvedAt: number | null;
  readonly accuracy: number;
  readonly best: number;
  /** The update at which an explosion was detected. */
  readonly exploding: number | null;
}

export function trainTemporalOrder(model: ModelOptions, options: Pick<TrainingOptions, 'clip' | 'omega' | 'seed'>): TemporalOrderRun {
  const mark = backend.mark();
  const network = new Network(backend, model, data.train.input, data.train.target.size);
  initialize(network, model, options.seed);
  const trainer = new Trainer(network, data.train, { ...training, ...options });
  const evaluator = new Evaluator(network, data.validation, 100);
  let solvedAt: number | null = null;
  let accuracy = 0;
  let exploding: number | null = null;
  let best = 0;
  while (!trainer.done && solvedAt === null) {
    const { update } = trainer.step();
    exploding ??= trainer.takeEvents().find(({ kind }) => kind !== 'spike' && kind !== 'plateau')?.update ?? null;
    if (update % every !== 0) continue;
    accuracy = evaluator.evaluate().metric.value;
    best = Math.max(best, accuracy);
    if (accuracy > 1 - errors) solvedAt = update;
  }
  backend.release(mark);
  return { seed: options.seed, solvedAt, accuracy, best, exploding };
}
