import type { ModelOptions } from '../../src/network/model.ts';
import type { TrainingOptions } from '../../src/training/options.ts';

/** A network and how it is trained: one row of the table, the same for every task but for its size. */
export interface CureRow {
  readonly name: string;
  /** @param units of a plain network; those with more gates have half as many, and about as many weights. */
  model(units: number): ModelOptions;
  readonly training?: Partial<TrainingOptions>;
}

const falling = { cosine: { minimum: 0.05 } } as const;
const plain = (units: number) => ({ cell: 'rnn', hiddenSize: units }) as const;
const half = (units: number) => ({ hiddenSize: units / 2 }) as const;

/** What was tried beforehand, and with which seeds, the page says. */
export const rows: readonly CureRow[] = [
  { name: 'tanh', model: plain },
  {
    name: 'ReLU, identity start',
    model: (units) => ({ ...plain(units), activation: 'relu', recurrentInit: 'identity' }),
  },
  { name: 'tanh, orthogonal start', model: (units) => ({ ...plain(units), recurrentInit: 'orthogonal' }) },
  {
    name: 'tanh, orthogonal throughout',
    model: (units) => ({ ...plain(units), orthogonal: { learningRate: 0.0005 } }),
    training: { optimizer: 'rmsprop', learningRate: 0.01, schedule: { cosine: { minimum: 0.02 } }, clip: { percentile: 90 } },
  },
  { name: 'tanh, skip added', model: (units) => ({ ...plain(units), recurrentInit: { gaussian: 0.5 }, skip: { kind: 'add', lag: 16 } }) },
  {
    name: 'tanh, skip weighted',
    model: (units) => ({ ...plain(units), recurrentInit: 'orthogonal', skip: { kind: 'weighted', lag: 16 } }),
  },
  { name: 'tanh, skip dilated', model: (units) => ({ ...plain(units), recurrentInit: 'orthogonal', skip: { kind: 'dilated', lag: 16 } }) },
  {
    name: 'tanh, dilated stack of 7 layers',
    model: (units) => ({
      ...{ cell: 'rnn', hiddenSize: units / 2, layers: 7, residual: true, recurrentInit: 'orthogonal' },
      skip: { kind: 'dilated', perLayer: [1, 2, 4, 8, 16, 32, 64] },
    }),
    training: { learningRate: 0.002, schedule: falling },
  },
  { name: 'LSTM', model: (units) => ({ cell: 'lstm', ...half(units) }), training: { learningRate: 0.005 } },
  { name: 'LSTM, chrono', model: (units) => ({ cell: 'lstm', ...half(units), forgetBias: 'chrono' }), training: { learningRate: 0.005 } },
  { name: 'GRU', model: (units) => ({ cell: 'gru', ...half(units) }), training: { learningRate: 0.005 } },
  {
    name: 'LRU, 2 layers',
    model: (units) => ({ cell: 'lru', ...half(units), layers: 2, residual: true }),
    training: { learningRate: 0.01 },
  },
  {
    name: 'minGRU, 2 layers',
    model: (units) => ({ cell: 'mingru', ...half(units), layers: 2, residual: true }),
    training: { learningRate: 0.01, schedule: falling },
  },
  {
    name: 'tanh + Omega',
    model: (units) => ({ ...plain(units), recurrentInit: { gaussian: 1 } }),
    training: { optimizer: 'sgd', learningRate: 0.01, omega: { weight: 16 } },
  },
];
