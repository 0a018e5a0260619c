import type { ModelOptions } from '../../src/network/model.ts';
import type { TrainingOptions } from '../../src/training/options.ts';

/** A network and how it is trained: one row of the table, the same for every task but for its size. */
export interface CureRow {
  readonly name: string;
  /** @param units of a plain network; those with more gates have half as many, and about as many weights. */
  model(units: number): ModelOptions;
  readonly training?: Partial<TrainingOptions>;
  /** Updates at most, where they are not those of the task; by the task's name. */
  readonly updates?: Readonly<Record<string, number>>;
}

/** Updates at most of a row's training on a task, fixed before any of them was made. */
export const updatesOf = (row: CureRow, task: { readonly name: string; readonly updates: number }) =>
  row.updates?.[task.name] ?? task.updates;

const falling = { cosine: { minimum: 0.05 } } as const;
const plain = (units: number) => ({ cell: 'rnn', hiddenSize: units }) as const;
const half = (units: number) => ({ hiddenSize: units / 2 }) as const;

/**
 * Updates at most on the copy task where they are fewer than the task's 10000, which the row that is claimed to solve it and the two that it is compared with
 * have: the others are there to be seen beside them.
 */
const copying = { 'copy 100': 2000 } as const;

/** What was tried beforehand, and with which seeds, the page says. */
export const rows: readonly CureRow[] = [
  { name: 'tanh', model: plain },
  {
    name: 'ReLU, identity start',
    model: (units) => ({ ...plain(units), activation: 'relu', recurrentInit: 'identity' }),
    updates: { ...copying, 'adding 200': 6000 },
  },
  { name: 'tanh, orthogonal start', model: (units) => ({ ...plain(units), recurrentInit: 'orthogonal' }), updates: copying },
  {
    name: 'tanh, orthogonal throughout',
    model: (units) => ({ ...plain(units), orthogonal: { learningRate: 0.0005 } }),
    training: { optimizer: 'rmsprop', learningRate: 0.01, schedule: { cosine: { minimum: 0.1 } }, clip: { percentile: 90 } },
    updates: { 'copy 100': 12_000 },
  },
  {
    name: 'tanh, skip added',
    model: (units) => ({ ...plain(units), recurrentInit: { gaussian: 0.5 }, skip: { kind: 'add', lag: 16 } }),
    updates: copying,
  },
  {
    name: 'ReLU, skip weighted',
    model: (units) => ({
      ...{ ...plain(units), activation: 'relu', recurrentInit: { gaussian: 0.5 } },
      skip: { kind: 'weighted', lag: 16 },
    }),
    training: { learningRate: 0.002, schedule: falling },
    updates: { ...copying, 'adding 200': 6000 },
  },
  {
    // One layer that reads h_{t-16} sees every 16th step alone; the one beneath it brings the steps between.
    name: 'ReLU, skip dilated, 2 layers',
    model: (units) => ({
      ...{ ...plain(units), activation: 'relu', layers: 2, recurrentInit: 'orthogonal' },
      skip: { kind: 'dilated', perLayer: [1, 16] },
    }),
    training: { learningRate: 0.002, schedule: falling },
    updates: { ...copying, 'adding 200': 6000 },
  },
  {
    name: 'ReLU, dilated stack of 7 layers',
    model: (units) => ({
      ...{ cell: 'rnn', activation: 'relu', hiddenSize: units / 2, layers: 7, residual: true, recurrentInit: 'orthogonal' },
      skip: { kind: 'dilated', perLayer: [1, 2, 4, 8, 16, 32, 64] },
    }),
    training: { learningRate: 0.002, schedule: falling },
    updates: copying,
  },
  { name: 'LSTM', model: (units) => ({ cell: 'lstm', ...half(units) }), training: { learningRate: 0.005 } },
  {
    name: 'LSTM, chrono',
    model: (units) => ({ cell: 'lstm', ...half(units), forgetBias: 'chrono' }),
    training: { learningRate: 0.005 },
    updates: copying,
  },
  { name: 'GRU', model: (units) => ({ cell: 'gru', ...half(units) }), training: { learningRate: 0.005 }, updates: copying },
  {
    name: 'LRU, 2 layers',
    model: (units) => ({ cell: 'lru', ...half(units), layers: 2, residual: true }),
    training: { learningRate: 0.01 },
    updates: copying,
  },
  {
    name: 'minGRU, 2 layers',
    model: (units) => ({ cell: 'mingru', ...half(units), layers: 2, residual: true }),
    training: { learningRate: 0.01, schedule: falling },
    updates: copying,
  },
  {
    name: 'tanh + Omega',
    model: (units) => ({ ...plain(units), recurrentInit: { gaussian: 1 } }),
    training: { optimizer: 'sgd', learningRate: 0.01, omega: { weight: 16 } },
    updates: copying,
  },
];
