import type { ModelOptions } from '../../src/network/model.ts';
import type { TrainingOptions } from '../../src/training/options.ts';
import {
  autoregression,
  chain,
  delayedXor,
  faint,
  keptSymbol,
  marked,
  nearAndFar,
  noiseClasses,
  noiseNumbers,
  order,
  pairAndBit,
  recall,
  scaledMean,
  secondOrder,
  signOfSum,
  swinging,
  type Task,
  third,
} from './tasks.ts';
import type { Trial } from './trial.ts';

/** The families that thresholds are chosen on. Those that the published figures come from are in heldOut.ts. */

export const tanh = (hiddenSize: number, rest: Partial<ModelOptions> = {}): ModelOptions => ({ cell: 'rnn', hiddenSize, ...rest });
export const relu = (hiddenSize: number, rest: Partial<ModelOptions> = {}): ModelOptions => ({
  cell: 'rnn',
  activation: 'relu',
  hiddenSize,
  ...rest,
});
export const lstm = (hiddenSize: number, rest: Partial<ModelOptions> = {}): ModelOptions => ({ cell: 'lstm', hiddenSize, ...rest });
export const gru = (hiddenSize: number, rest: Partial<ModelOptions> = {}): ModelOptions => ({ cell: 'gru', hiddenSize, ...rest });

interface Line {
  readonly name: string;
  readonly task: Task;
  readonly lags: readonly number[];
  readonly models: readonly ModelOptions[];
  readonly training?: Partial<TrainingOptions>;
  readonly construction?: Trial['construction'];
  readonly sequences?: number;
  /** Steps beyond lag + 1 that a sequence has; a random number below this. */
  readonly beyond?: number;
}

/** One trial for each lag of a line and each seed, with the models in turn. */
export function trialsOf(lines: readonly Line[], seeds: readonly number[]): Trial[] {
  return lines.flatMap(({ name, task, lags, models, training = {}, construction = 'dependence', sequences = 1500, beyond = 4 }) =>
    seeds.flatMap((seed, s) =>
      lags.map((lag, l) => ({
        ...{ family: name, task, training, construction },
        place: { lag, length: lag + 1 + ((seed * 7 + l * 3) % beyond) + (beyond > 4 ? 4 : 0), sequences, seed: 100 * seed + l },
        model: models[(l + s) % models.length],
      })),
    ),
  );
}

const lines: readonly Line[] = [
  { name: 'recall, plain', task: recall(4), lags: [35, 60], models: [tanh(24), tanh(16, { recurrentInit: { gaussian: 0.6 } })] },
  { name: 'recall, near', task: recall(4), lags: [3, 8], models: [lstm(24), gru(24), tanh(24)] },
  {
    name: 'recall, gates at length',
    task: recall(3),
    lags: [20, 30],
    models: [lstm(24, { forgetBias: 'chrono' }), tanh(32, { recurrentInit: 'orthogonal' })],
  },
  { name: 'marked number', task: marked, lags: [6, 45], models: [gru(20), lstm(20), tanh(24)] },
  { name: 'near and far', task: nearAndFar(0.3, 0.1), lags: [40, 70], models: [tanh(24), lstm(16), relu(24)] },
  { name: 'order', task: order, lags: [40, 10], models: [tanh(24), lstm(24)] },
  { name: 'few units', task: recall(12), lags: [1, 2], models: [lstm(1), tanh(1), gru(1)] },
  { name: 'timid', task: recall(4), lags: [2, 4], models: [lstm(16), tanh(16)], training: { learningRate: 3e-6 } },
  {
    name: 'window',
    task: recall(4),
    lags: [9, 14],
    models: [lstm(24), gru(24), tanh(24, { recurrentInit: 'orthogonal' })],
    training: { bptt: { k1: 4, k2: 4 } },
  },
  {
    name: 'autoregression',
    task: autoregression(0.9),
    lags: [50, 90],
    models: [lstm(12), tanh(16), gru(12)],
    construction: 'short',
    sequences: 300,
  },
  { name: 'chain', task: chain(4, 0.7), lags: [60], models: [tanh(16), gru(12)], construction: 'short', sequences: 300 },
  { name: 'noise', task: noiseClasses(4, 3), lags: [40, 80], models: [tanh(16), lstm(16)], construction: 'nothing' },
  {
    name: 'fast',
    task: recall(4),
    lags: [3, 6],
    models: [lstm(24), tanh(24), gru(24)],
    training: { learningRate: 2, clip: 'none' },
    construction: 'wrecked',
  },
  {
    name: 'wild weights',
    task: recall(4),
    lags: [8, 12],
    models: [tanh(24, { recurrentInit: { gaussian: 4 } }), relu(24, { recurrentInit: { gaussian: 3 } })],
    training: { clip: 'none', optimizer: 'sgd', learningRate: 0.3 },
    construction: 'wrecked',
  },
  { name: 'faint', task: faint(4, 0.9), lags: [10, 30], models: [tanh(16), lstm(16)], construction: 'faint', sequences: 60 },
  {
    name: 'scaled mean',
    task: scaledMean(30),
    lags: [40, 90],
    models: [tanh(24), tanh(24, { recurrentInit: { gaussian: 0.5 } })],
    training: { learningRate: 0.01, updates: 500 },
    beyond: 6,
  },
  { name: 'exclusive or', task: delayedXor, lags: [1, 3], models: [lstm(24), gru(24)], training: { learningRate: 0.02, updates: 600 } },
  { name: 'third', task: third, lags: [1, 4, 40, 90], models: [tanh(24), gru(20)], training: { learningRate: 0.01, updates: 500 } },
  {
    name: 'slow autoregression',
    task: autoregression(0.97),
    lags: [60],
    models: [tanh(16), relu(16), lstm(12)],
    construction: 'short',
    sequences: 300,
    training: { learningRate: 0.01 },
  },
  // From here on: families that figures were once published of, and that have led to changes since.
  // What is far cannot be reached.
  {
    name: 'kept symbol',
    task: keptSymbol(3, 0.1),
    lags: [45, 55],
    models: [tanh(20), relu(28), tanh(40, { recurrentInit: { gaussian: 0.7 } })],
    training: { optimizer: 'rmsprop', learningRate: 0.003 },
  },
  {
    name: 'pair and bit',
    task: pairAndBit,
    lags: [50, 80],
    models: [tanh(32), lstm(20, { forgetBias: -1 }), relu(24)],
    training: { learningRate: 0.01 },
  },
  {
    name: 'sign of a sum',
    task: signOfSum,
    lags: [40, 90],
    models: [tanh(24), tanh(24, { recurrentInit: { gaussian: 0.5 } })],
    training: { learningRate: 0.01, updates: 500 },
  },
  { name: 'two layers', task: recall(2), lags: [50], models: [tanh(16, { layers: 2 }), lstm(12, { layers: 2 })], beyond: 20 },
  // What is needed can be reached.
  {
    name: 'kept symbol, near',
    task: keptSymbol(3, 0.1),
    lags: [2, 6],
    models: [gru(16), lstm(16), tanh(28)],
    training: { learningRate: 0.01 },
  },
  {
    name: 'sign of a sum, near',
    task: signOfSum,
    lags: [3, 5],
    models: [lstm(16), gru(16), tanh(24)],
    training: { learningRate: 0.01, updates: 600 },
  },
  {
    name: 'pair and bit, near',
    task: pairAndBit,
    lags: [3, 6],
    models: [lstm(32), gru(24)],
    training: { learningRate: 0.01, updates: 600 },
  },
  { name: 'order, near', task: order, lags: [4, 6], models: [tanh(24), gru(20), lstm(20)], training: { batchSize: 16 } },
  {
    name: 'far by construction',
    task: marked,
    lags: [25, 40],
    models: [tanh(32, { recurrentInit: 'orthogonal' }), relu(40, { recurrentInit: 'identity' })],
    training: { updates: 800, learningRate: 0.002 },
  },
  // It is reached, and too much for the network or its updates.
  { name: 'too small', task: keptSymbol(16, 0), lags: [2, 3], models: [gru(1), lstm(1), tanh(2)], training: { learningRate: 0.01 } },
  { name: 'exclusive or, small', task: delayedXor, lags: [2, 3], models: [tanh(1), gru(1)], training: { learningRate: 0.01 } },
  { name: 'too slow', task: pairAndBit, lags: [2, 4], models: [lstm(24), gru(16)], training: { optimizer: 'sgd', learningRate: 1e-4 } },
  // A window is in the way.
  {
    name: 'window, kept symbol',
    task: keptSymbol(4, 0),
    lags: [7, 11],
    models: [lstm(20), gru(20)],
    training: { bptt: { k1: 3, k2: 5 }, learningRate: 0.01 },
  },
  {
    name: 'window, pair and bit',
    task: pairAndBit,
    lags: [6, 9],
    models: [gru(24), lstm(28)],
    training: { bptt: { k1: 2, k2: 3 }, learningRate: 0.01 },
  },
  {
    name: 'window, orthogonal',
    task: recall(2),
    lags: [16, 24],
    models: [tanh(32, { recurrentInit: 'orthogonal' })],
    training: { bptt: { k1: 8, k2: 8 }, learningRate: 0.003 },
  },
  // Nothing is there.
  {
    name: 'swinging',
    task: swinging,
    lags: [40, 70],
    models: [gru(16), tanh(20), lstm(16)],
    construction: 'short',
    sequences: 250,
    training: { learningRate: 0.01 },
  },
  {
    name: 'second order',
    task: secondOrder(0.9),
    lags: [50, 100],
    models: [lstm(16), gru(12)],
    construction: 'short',
    sequences: 300,
    training: { learningRate: 0.02 },
  },
  {
    name: 'sticky chain',
    task: chain(3, 0.85),
    lags: [60],
    models: [tanh(16), relu(16), lstm(12)],
    construction: 'short',
    sequences: 300,
    training: { learningRate: 0.01 },
  },
  { name: 'noise in numbers', task: noiseNumbers(5), lags: [30, 60], models: [lstm(16), tanh(24), gru(16)], construction: 'nothing' },
  // The training is wrecked.
  {
    name: 'wild weights, kept symbol',
    task: keptSymbol(3, 0),
    lags: [4, 8],
    models: [tanh(20, { recurrentInit: { gaussian: 5 } }), relu(20, { recurrentInit: { gaussian: 4 } })],
    training: { clip: 'none', optimizer: 'momentum', learningRate: 0.1 },
    construction: 'wrecked',
  },
  {
    name: 'fast, sign of a sum',
    task: signOfSum,
    lags: [2, 5],
    models: [tanh(24), lstm(16), gru(16)],
    training: { optimizer: 'adam', learningRate: 3, clip: 'none' },
    construction: 'wrecked',
  },
  {
    name: 'fast, order',
    task: order,
    lags: [6],
    models: [gru(20), lstm(20)],
    training: { optimizer: 'rmsprop', learningRate: 1, clip: 'none' },
    construction: 'wrecked',
  },
  // Too few to tell.
  { name: 'faint, kept symbol', task: faint(3, 0.93), lags: [8, 20], models: [gru(12), tanh(16)], construction: 'faint', sequences: 80 },
  {
    name: 'fast with momentum, order',
    task: order,
    lags: [5],
    models: [lstm(24), tanh(24)],
    training: { optimizer: 'momentum', learningRate: 4, clip: 'none' },
    construction: 'wrecked',
  },
];

export const choosing = (seeds: readonly number[]): Trial[] => trialsOf(lines, seeds);
