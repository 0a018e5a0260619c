/**
 * Small trainings whose truth is known: what makes each of them explode, or not, and a way to run one while a held-out batch is
 * measured after every update. Nothing here knows the detector. Long because it is one list of
 * set-ups, to be read and compared in one place.
 */

import type { Backend } from '../../src/compute/backend.ts';
import type { DataParts } from '../../src/data/dataset.ts';
import { chooseThreshold } from '../../src/diagnosis/threshold/choose.ts';
import { allocateBatch } from '../../src/network/batch.ts';
import { losses } from '../../src/network/loss/losses.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { longestOf } from '../../src/training/batchOrder.ts';
import type { TrainingEvent } from '../../src/training/events.ts';
import { type TrainingOptions, trainingDefaults } from '../../src/training/options.ts';
import { Trainer } from '../../src/training/trainer.ts';
import { averages, filter, task } from './data.ts';

/** The truth about a run. */
export type Truth = 'explodes at once' | 'explodes late' | 'large norms' | 'heavy tails' | 'healthy';

export interface SetUp {
  readonly name: string;
  readonly truth: Truth;
  readonly data: () => Promise<DataParts>;
  readonly model: ModelOptions;
  readonly training: Partial<TrainingOptions>;
  readonly updates?: number;
}

export const rnn = (hiddenSize: number, more: Partial<ModelOptions> = {}): ModelOptions => ({ cell: 'rnn', hiddenSize, ...more });
export const relu = (hiddenSize: number, more: Partial<ModelOptions> = {}): ModelOptions =>
  rnn(hiddenSize, { activation: 'relu', ...more });
export const gated = (cell: 'lstm' | 'gru', hiddenSize: number, more: Partial<ModelOptions> = {}): ModelOptions => ({
  cell,
  hiddenSize,
  ...more,
});
export const sgd = (learningRate: number, more: Partial<TrainingOptions> = {}) => ({ optimizer: 'sgd', learningRate, ...more }) as const;
const adam = (learningRate: number, more: Partial<TrainingOptions> = {}) => ({ optimizer: 'adam', learningRate, ...more }) as const;
export const momentum = (learningRate: number, more: Partial<TrainingOptions> = {}) =>
  ({ optimizer: 'momentum', learningRate, ...more }) as const;
/** A rate that rises until nothing holds any more. */
const ramp = { schedule: { warmUp: 599 } } as const;

/**
 * The runs that the detector's constants were looked at on, beside a grid of adding, recall and temporal order with plain networks, LSTM and
 * GRU. They say nothing about how good it is.
 */
export const choosing: readonly SetUp[] = [
  {
    name: 'copying, ReLU of gain 3, SGD',
    truth: 'explodes at once',
    data: task({ name: 'copying', length: 15, memory: 4 }),
    model: relu(20, { recurrentInit: { gaussian: 3 } }),
    training: sgd(0.3),
  },
  {
    name: 'parity, ReLU of gain 2, momentum',
    truth: 'explodes at once',
    data: task({ name: 'parity', length: 35, read: 'every' }),
    model: relu(16, { recurrentInit: { gaussian: 2 } }),
    training: momentum(0.05),
  },
  {
    name: 'averages, tanh of gain 1.8, SGD',
    truth: 'explodes at once',
    data: averages(),
    model: rnn(32, { recurrentInit: { gaussian: 1.8 } }),
    training: sgd(1),
  },
  {
    name: 'averages, GRU of gain 3, momentum',
    truth: 'explodes at once',
    data: averages(),
    model: gated('gru', 20, { recurrentInit: { gaussian: 3 } }),
    training: momentum(0.5),
  },
  {
    name: 'averages, ReLU identity, Adam',
    truth: 'explodes at once',
    data: averages({ length: 60 }),
    model: relu(24, { recurrentInit: 'identity' }),
    training: adam(0.2),
  },
  {
    name: 'averages, LSTM, SGD, rising rate',
    truth: 'explodes late',
    data: averages(),
    model: gated('lstm', 20),
    training: sgd(2.5, ramp),
  },
  {
    name: 'averages, tanh, SGD, rising rate',
    truth: 'explodes late',
    data: averages(),
    model: rnn(20, { recurrentInit: 'orthogonal' }),
    training: sgd(0.8, ramp),
  },
  {
    name: 'averages, GRU, momentum, rising rate',
    truth: 'explodes late',
    data: averages({ length: 45 }),
    model: gated('gru', 20),
    training: momentum(2, ramp),
  },
  {
    name: 'averages, ReLU, SGD, rising rate',
    truth: 'explodes late',
    data: averages({ length: 45 }),
    model: relu(20, { recurrentInit: 'orthogonal' }),
    training: sgd(2, ramp),
  },
  { name: 'averages times 1000, tanh, SGD', truth: 'large norms', data: averages({ scale: 1000 }), model: rnn(20), training: sgd(3e-5) },
  {
    name: 'averages times 1000, LSTM, Adam',
    truth: 'large norms',
    data: averages({ scale: 1000 }),
    model: gated('lstm', 20),
    training: adam(0.05),
  },
  {
    name: 'averages times 1000, ReLU, momentum',
    truth: 'large norms',
    data: averages({ scale: 1000 }),
    model: relu(20, { recurrentInit: 'orthogonal' }),
    training: momentum(1e-7),
  },
  { name: 'heavy tails (3), tanh, SGD', truth: 'heavy tails', data: averages({ tails: 3 }), model: rnn(20), training: sgd(0.03) },
  {
    name: 'heavy tails (2), LSTM, Adam',
    truth: 'heavy tails',
    data: averages({ tails: 2 }),
    model: gated('lstm', 20),
    training: adam(0.003),
  },
  {
    name: 'heavy tails (2), GRU, momentum',
    truth: 'heavy tails',
    data: averages({ tails: 2 }),
    model: gated('gru', 20),
    training: momentum(0.003),
  },
  { name: 'averages, tanh, SGD', truth: 'healthy', data: averages(), model: rnn(24), training: sgd(0.1) },
  {
    name: 'copying, LSTM, Adam',
    truth: 'healthy',
    data: task({ name: 'copying', length: 15, memory: 4 }),
    model: gated('lstm', 24),
    training: adam(0.005),
  },
  {
    name: 'parity, GRU, Adam',
    truth: 'healthy',
    data: task({ name: 'parity', length: 30, read: 'every' }),
    model: gated('gru', 24),
    training: adam(0.01),
  },
  {
    name: 'averages, ReLU identity, slow Adam',
    truth: 'healthy',
    data: averages(),
    model: relu(20, { recurrentInit: 'identity' }),
    training: adam(0.001),
  },
  {
    name: 'copying, tanh, SGD',
    truth: 'healthy',
    data: task({ name: 'copying', length: 15, memory: 4 }),
    model: rnn(24, { recurrentInit: 'orthogonal' }),
    training: sgd(0.1),
  },
];

/** The runs that judge the detector; each is run with several seeds. */
export const judging: readonly SetUp[] = [
  {
    name: 'recall, ReLU of gain 3, SGD',
    truth: 'explodes at once',
    data: task({ name: 'recall', lag: 3, length: 30, symbols: 5, read: 'every' }),
    model: relu(24, { recurrentInit: { gaussian: 3 } }),
    training: sgd(0.5),
  },
  {
    name: 'filter, tanh of gain 2, momentum',
    truth: 'explodes at once',
    data: filter({ length: 40 }),
    model: rnn(40, { recurrentInit: { gaussian: 2 } }),
    training: momentum(0.3),
  },
  {
    name: 'filter, LSTM of gain 4, SGD',
    truth: 'explodes at once',
    data: filter(),
    model: gated('lstm', 16, { recurrentInit: { gaussian: 4 } }),
    training: sgd(6),
  },
  {
    name: 'filter, two layers of ReLU of gain 2, RMSProp',
    truth: 'explodes at once',
    data: filter({ length: 40 }),
    model: relu(16, { layers: 2, recurrentInit: { gaussian: 2 } }),
    training: { optimizer: 'rmsprop', learningRate: 0.1 },
  },
  {
    name: 'adding, ReLU of gain 1.8, SGD',
    truth: 'explodes at once',
    data: task({ name: 'adding', length: 80 }),
    model: relu(32, { recurrentInit: { gaussian: 1.8 } }),
    training: sgd(0.03),
  },
  { name: 'filter, GRU, SGD, rising rate', truth: 'explodes late', data: filter(), model: gated('gru', 24), training: sgd(3, ramp) },
  {
    name: 'filter, two layers of tanh, momentum, rising rate',
    truth: 'explodes late',
    data: filter({ length: 25 }),
    model: rnn(16, { layers: 2 }),
    training: momentum(1.2, ramp),
  },
  {
    name: 'recall, ReLU, SGD, rising rate',
    truth: 'explodes late',
    data: task({ name: 'recall', lag: 3, length: 30, symbols: 5, read: 'every' }),
    model: relu(24, { recurrentInit: 'orthogonal' }),
    training: sgd(2.5, ramp),
  },
  {
    name: 'filter times 1000, orthogonal ReLU, momentum',
    truth: 'explodes late',
    data: filter({ scale: 1000, length: 40 }),
    model: relu(24, { recurrentInit: 'orthogonal' }),
    training: momentum(2e-6),
  },
  {
    name: 'filter, tanh, SGD, rising rate',
    truth: 'explodes late',
    data: filter({ length: 40 }),
    model: rnn(32),
    training: sgd(1.5, ramp),
  },
  { name: 'filter times 1000, tanh, SGD', truth: 'large norms', data: filter({ scale: 1000 }), model: rnn(32), training: sgd(1e-5) },
  {
    name: 'filter times 500, GRU, Adam',
    truth: 'large norms',
    data: filter({ scale: 500 }),
    model: gated('gru', 24),
    training: adam(0.01),
  },
  {
    name: 'temporal order, ReLU identity, Adam',
    truth: 'large norms',
    data: task({ name: 'temporalOrder', length: 50 }),
    model: relu(48, { recurrentInit: 'identity' }),
    training: adam(0.0003),
  },
  { name: 'heavy tails (3), ReLU, SGD', truth: 'heavy tails', data: filter({ tails: 3 }), model: relu(24), training: sgd(0.003) },
  { name: 'heavy tails (2), tanh, Adam', truth: 'heavy tails', data: filter({ tails: 2 }), model: rnn(24), training: adam(0.003) },
  {
    name: 'heavy tails (2), LSTM, momentum',
    truth: 'heavy tails',
    data: filter({ tails: 2 }),
    model: gated('lstm', 24),
    training: momentum(0.0005),
  },
  {
    name: 'temporal order, LSTM, Adam',
    truth: 'healthy',
    data: task({ name: 'temporalOrder', length: 25 }),
    model: gated('lstm', 32),
    training: adam(0.001),
  },
  {
    name: 'recall, GRU, Adam',
    truth: 'healthy',
    data: task({ name: 'recall', lag: 3, length: 30, symbols: 5, read: 'every' }),
    model: gated('gru', 32),
    training: adam(0.01),
  },
  { name: 'filter, LSTM, SGD', truth: 'healthy', data: filter(), model: gated('lstm', 32), training: sgd(0.1) },
  {
    name: 'adding, orthogonal tanh, Adam',
    truth: 'healthy',
    data: task({ name: 'adding', length: 80 }),
    model: rnn(32, { recurrentInit: 'orthogonal' }),
    training: adam(0.001),
  },
  {
    name: 'filter, three residual layers of GRU, Adam',
    truth: 'healthy',
    data: filter(),
    model: gated('gru', 16, { layers: 3, residual: true }),
    training: adam(0.005),
  },
  {
    name: 'filter, tanh in windows of 10, SGD',
    truth: 'healthy',
    data: filter({ length: 60 }),
    model: rnn(24),
    training: sgd(0.05, { bptt: { k1: 10, k2: 10 } }),
  },
];

/** What a run looked like from outside. */
export interface Watched {
  readonly losses: number[];
  readonly norms: number[];
  /** Loss of the held-out batch with the weights that the update was made from. */
  readonly heldOut: number[];
  readonly nonFinite: boolean[];
  readonly events: TrainingEvent[];
}

export interface WatchOptions {
  readonly clip?: TrainingOptions['clip'];
  readonly batchSize?: number;
  /** Sequences of the validation part that are held out; all by default. */
  readonly held?: number;
  /** Whether enough has been seen. */
  readonly enough?: (watched: Watched) => boolean;
}

/** Trains one set-up and measures the held-out batch after every update. A run of nothing but updates that are not finite ends early. */
export async function watch(
  backend: Backend,
  { data, model, training, updates = 600 }: SetUp,
  seed: number,
  { clip = 'none', batchSize = 16, held = Infinity, enough = () => false }: WatchOptions = {},
): Promise<Watched> {
  const { train, validation } = await data();
  const mark = backend.mark();
  const network = new Network(backend, model, train.input, train.target.size);
  initialize(network, model, seed, longestOf(train));
  const trainer = new Trainer(network, train, { ...trainingDefaults, batchSize, ...training, updates, seed, clip });
  const T = longestOf(validation);
  const count = Math.min(held, validation.count);
  const batch = allocateBatch(backend, validation.input, validation.target, T, count);
  validation.copy({ sequences: Array.from({ length: count }, (_, i) => i), begin: 0, end: T, countFrom: 0 }, batch);
  const unrolled = new Unrolled(network, T, count);
  const watched: Watched = { losses: [], norms: [], heldOut: [], nonFinite: [], events: [] };
  const dead = () => watched.nonFinite.length >= 20 && watched.nonFinite.slice(-20).every((each) => each);
  while (!trainer.done && !dead() && !enough(watched)) {
    unrolled.reset();
    unrolled.forward(batch);
    watched.heldOut.push(unrolled.loss(losses[train.loss]));
    const { loss, gradientNorm, nonFinite } = trainer.step();
    if (trainer.waiting) chooseThreshold(trainer);
    watched.losses.push(loss);
    watched.norms.push(gradientNorm);
    watched.nonFinite.push(nonFinite !== null);
    watched.events.push(...trainer.takeEvents());
  }
  backend.release(mark);
  return watched;
}

/** Values that the level of the held-out loss is the median of. */
const before = 30;

/**
 * The update (from 1) before which an explosion has doubled the held-out loss for good: the first whose weights make it more than twice
 * its level, the median of the 30 values before, with no value at or below that from there to the wreck.
 *
 * @param wreck the update before which all is lost, from 1.
 */
export function doubledAt(heldOut: readonly number[], wreck: number): number {
  const end = Math.min(wreck, heldOut.length);
  for (let i = 1; i < end; i++) {
    const past = heldOut.slice(Math.max(0, i - before), i).sort((a, b) => a - b);
    const limit = 2 * past[past.length >> 1];
    if (heldOut.slice(i, end).every((each) => !(each <= limit))) return i + 1;
  }
  return wreck;
}
