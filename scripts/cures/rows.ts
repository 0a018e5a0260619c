import type { ModelOptions } from '../../src/network/model.ts';
import type { TrainingOptions } from '../../src/training/options.ts';

/** A network and how it is trained: one row of the table. What is tried is the same for every task. */
export interface CureRow {
  readonly name: string;
  readonly model: ModelOptions;
  readonly training?: Partial<TrainingOptions>;
}

const H = 128;
const rnn = { cell: 'rnn', hiddenSize: H } as const;
/** The paper's optimizer for orthogonal matrices, with a tenth of its rate for them. */
const turning = { optimizer: 'rmsprop', learningRate: 0.001 } as const;

export const rows: readonly CureRow[] = [
  { name: 'tanh', model: rnn },
  { name: 'ReLU, identity start', model: { ...rnn, activation: 'relu', recurrentInit: 'identity' } },
  { name: 'tanh, orthogonal start', model: { ...rnn, recurrentInit: 'orthogonal' } },
  { name: 'tanh, orthogonal throughout', model: { ...rnn, orthogonal: true }, training: turning },
  { name: 'tanh, skip added', model: { ...rnn, recurrentInit: { gaussian: 0.5 }, skip: { kind: 'add', lag: 16 } } },
  { name: 'tanh, skip weighted', model: { ...rnn, recurrentInit: 'orthogonal', skip: { kind: 'weighted', lag: 16 } } },
  { name: 'tanh, skip dilated', model: { ...rnn, recurrentInit: 'orthogonal', skip: { kind: 'dilated', lag: 16 } } },
  {
    name: 'tanh, dilated stack',
    model: {
      cell: 'rnn',
      hiddenSize: 48,
      layers: 6,
      recurrentInit: 'orthogonal',
      residual: true,
      skip: { kind: 'dilated', perLayer: [1, 2, 4, 8, 16, 32] },
    },
  },
  {
    name: 'tanh + Omega',
    model: { ...rnn, recurrentInit: { gaussian: 1 } },
    training: { optimizer: 'sgd', learningRate: 0.01, omega: { weight: 2 } },
  },
  { name: 'LSTM', model: { cell: 'lstm', hiddenSize: 64 }, training: { learningRate: 0.003 } },
  { name: 'LSTM, chrono', model: { cell: 'lstm', hiddenSize: 64, forgetBias: 'chrono' }, training: { learningRate: 0.003 } },
  { name: 'GRU', model: { cell: 'gru', hiddenSize: 64 }, training: { learningRate: 0.003 } },
  { name: 'LRU, 2 layers', model: { cell: 'lru', hiddenSize: 64, layers: 2, residual: true }, training: { learningRate: 0.003 } },
  { name: 'minGRU, 2 layers', model: { cell: 'mingru', hiddenSize: 64, layers: 2, residual: true }, training: { learningRate: 0.003 } },
];
