import { gru, lstm, relu, tanh, trialsOf } from './families.ts';
import { keptSymbol, recall } from './tasks.ts';
import type { Trial } from './trial.ts';
import { echo, faintNumber, held, heldBit, majority, noiseEveryStep, pulse, stream, thresholdProcess, twoMarked } from './unseenTasks.ts';

/**
 * The families that the published figures come from: tasks, cells, lengths, rates and disguises that nothing was chosen on. Written down before any
 * of them was judged; a family on which a verdict led to a change of the judge moves to families.ts, and the figures are then of new seeds.
 */
const lines: Parameters<typeof trialsOf>[0] = [
  // What is far cannot be reached.
  {
    name: 'two marked',
    task: twoMarked,
    lags: [45, 70],
    models: [tanh(24), gru(20), lstm(20)],
    training: { learningRate: 0.003 },
  },
  { name: 'majority', task: majority, lags: [55], models: [tanh(20), relu(24), gru(16, { layers: 2 })], training: { learningRate: 0.01 } },
  {
    name: 'held',
    task: held(4),
    lags: [60],
    models: [tanh(24), relu(20), tanh(20, { recurrentInit: 'glorot' })],
    beyond: 10,
  },
  { name: 'held bit beside what is near', task: heldBit, lags: [50], models: [tanh(28), lstm(16, { forgetBias: 0 })], beyond: 12 },
  {
    name: 'pulse',
    task: pulse(0.2),
    lags: [60, 110],
    models: [tanh(20), tanh(28, { recurrentInit: { gaussian: 0.8 } }), { cell: 'mingru', hiddenSize: 20 }],
    training: { optimizer: 'momentum', learningRate: 0.02 },
  },
  // What is far can be reached.
  {
    name: 'held, kept by the cell',
    task: held(4),
    lags: [30, 50],
    models: [
      { cell: 'mingru', hiddenSize: 24, forgetBias: 'chrono' },
      { cell: 'lru', hiddenSize: 24 },
      lstm(24, { forgetBias: 'chrono' }),
      tanh(32, { recurrentInit: 'orthogonal' }),
    ],
    training: { learningRate: 0.01 },
    beyond: 8,
  },
  {
    name: 'kept symbol over a skip',
    task: keptSymbol(4, 0),
    lags: [16, 24],
    models: [tanh(24, { skip: { kind: 'weighted', lag: 8 } }), gru(20, { skip: { kind: 'add', lag: 8 } })],
    training: { learningRate: 0.01 },
  },
  { name: 'pulse, near', task: pulse(0.2), lags: [5, 8], models: [gru(16), lstm(16), tanh(16)], training: { learningRate: 0.01 } },
  { name: 'echo', task: echo(3), lags: [1, 2], models: [lstm(20), tanh(24), gru(20)], beyond: 20, training: { learningRate: 0.01 } },
  { name: 'majority, near', task: majority, lags: [2, 4], models: [gru(16), tanh(20)], training: { learningRate: 0.01, updates: 600 } },
  // It is reached, and too much for the network or its updates.
  { name: 'two units', task: recall(24), lags: [2, 4], models: [lstm(2), gru(2), tanh(2)], training: { learningRate: 0.01 } },
  { name: 'echo, too small', task: echo(12), lags: [3], models: [gru(2), lstm(2), tanh(3)], beyond: 20, training: { learningRate: 0.01 } },
  { name: 'majority, hardly moved', task: majority, lags: [2, 3], models: [lstm(20), tanh(20)], training: { learningRate: 1e-5 } },
  // A window is in the way.
  {
    name: 'window, held',
    task: held(3),
    lags: [14, 20],
    models: [lstm(20, { forgetBias: 'chrono' }), { cell: 'mingru', hiddenSize: 20, forgetBias: 'chrono' }],
    training: { bptt: { k1: 5, k2: 5 }, learningRate: 0.01 },
    beyond: 8,
  },
  {
    name: 'window, pulse',
    task: pulse(0.2),
    lags: [12, 18],
    models: [tanh(32, { recurrentInit: 'orthogonal' }), gru(24)],
    training: { bptt: { k1: 6, k2: 8 }, learningRate: 0.005, updates: 600 },
  },
  // Nothing is far back.
  {
    name: 'threshold process',
    task: thresholdProcess,
    lags: [50, 80],
    models: [tanh(16), gru(16), { cell: 'lru', hiddenSize: 16 }],
    construction: 'short',
    sequences: 250,
    training: { learningRate: 0.01 },
  },
  {
    name: 'stream',
    task: stream,
    lags: [2500],
    models: [lstm(16), gru(16), tanh(16)],
    construction: 'short',
    sequences: 1,
    training: { learningRate: 0.02, bptt: { k1: 20, k2: 20 } },
  },
  {
    name: 'noise at every step',
    task: noiseEveryStep(3),
    lags: [30, 60],
    models: [gru(16), tanh(20), relu(16)],
    construction: 'nothing',
    sequences: 400,
  },
  // The training is wrecked.
  {
    name: 'wild weights, pulse',
    task: pulse(0.1),
    lags: [6, 10],
    models: [tanh(24, { recurrentInit: { gaussian: 5 } }), relu(24, { recurrentInit: { gaussian: 3 } })],
    training: { clip: 'none', optimizer: 'sgd', learningRate: 0.2 },
    construction: 'wrecked',
  },
  {
    name: 'fast, held',
    task: held(4),
    lags: [4, 6],
    models: [gru(16), tanh(20), lstm(16)],
    training: { optimizer: 'adam', learningRate: 1.5, clip: 'none' },
    construction: 'wrecked',
  },
  {
    name: 'fast, two marked',
    task: twoMarked,
    lags: [5, 8],
    models: [lstm(20), gru(20), tanh(20)],
    training: { optimizer: 'rmsprop', learningRate: 0.6, clip: 'none' },
    construction: 'wrecked',
  },
  // Too few to tell.
  { name: 'faint number', task: faintNumber(0.9), lags: [10, 25], models: [tanh(12), lstm(12)], construction: 'faint', sequences: 80 },
];

/** Sequences where nothing else is said: fewer than the thresholds were chosen with, which is a difference too. */
const sequences = 800;

export const heldOut = (seeds: readonly number[]): Trial[] =>
  trialsOf(
    lines.map((line) => ({ sequences, ...line })),
    seeds,
  );
