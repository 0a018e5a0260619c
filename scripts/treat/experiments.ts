import { Random } from '../../src/compute/random.ts';

/** A small experiment with something wrong in it, or nothing. */
export interface Case {
  readonly name: string;
  /** What was done to it, in a few words. */
  readonly ill: string;
  /** Verdicts that this ought to be given. */
  readonly expected: readonly string[];
  readonly experiment: object;
  /** Whether it should be changed. */
  readonly sick: boolean;
}

const counts = { kind: 'task', trainSequences: 1500, validationSequences: 400 };
const recall = (lag: number, symbols = 4) => ({ ...counts, name: 'recall', lag, symbols });
const adding = (length: number) => ({ ...counts, name: 'adding', length });
const temporalOrder = (length: number) => ({ ...counts, name: 'temporalOrder', length });

const sick = (name: string, ill: string, expected: string, data: object, model: object, training: object): Case => ({
  ...{ name, ill, expected: [expected], sick: true },
  experiment: { name, data, model, training: { updates: 400, learningRate: 0.003, ...training } },
});

/** Ten sick experiments, of the kinds that `treat` is for. */
export const sickCases: readonly Case[] = [
  sick(
    'gain',
    'a recurrent matrix of twice the size at which the gradient keeps its norm, no clip',
    'exploding',
    recall(30),
    { cell: 'rnn', activation: 'relu', hiddenSize: 24, recurrentInit: { gaussian: 2 } },
    { clip: 'none', optimizer: 'sgd', learningRate: 0.05 },
  ),
  sick(
    'rate',
    'a learning rate a thousand times too large',
    'exploding',
    recall(5),
    { cell: 'gru', hiddenSize: 16 },
    { clip: 'none', optimizer: 'adam', learningRate: 3 },
  ),
  sick(
    'small',
    'a recurrent matrix half the size, tanh',
    'vanishing',
    recall(40),
    { cell: 'rnn', hiddenSize: 16, recurrentInit: { gaussian: 0.5 } },
    {},
  ),
  sick('closed', 'an LSTM whose forget gates begin closed', 'vanishing', recall(50), { cell: 'lstm', hiddenSize: 16, forgetBias: -1 }, {}),
  sick(
    'decay',
    'rectified units over a matrix that shrinks the state',
    'vanishing',
    recall(40),
    { cell: 'rnn', activation: 'relu', hiddenSize: 16 },
    {},
  ),
  sick(
    'distance',
    'a plain tanh network, and cues up to 60 steps back',
    'vanishing',
    adding(60),
    { cell: 'rnn', hiddenSize: 24 },
    { updates: 800 },
  ),
  sick(
    'window',
    'a window of 5 steps of an LSTM, and a cue 20 back',
    'truncated',
    recall(20),
    { cell: 'lstm', hiddenSize: 16 },
    { bptt: { k1: 5, k2: 5 } },
  ),
  sick(
    'order',
    'a window of 8 steps of a GRU, and two cues up to 40 back',
    'truncated',
    temporalOrder(40),
    { cell: 'gru', hiddenSize: 24 },
    { bptt: { k1: 8, k2: 8 }, updates: 800 },
  ),
  sick(
    'units',
    'two units for eight symbols',
    'hard-task',
    recall(3, 8),
    { cell: 'gru', hiddenSize: 2 },
    { updates: 600, learningRate: 0.01 },
  ),
  sick(
    'slow',
    'a learning rate a hundred times too small',
    'hard-task',
    recall(4),
    { cell: 'gru', hiddenSize: 16 },
    { learningRate: 0.00003 },
  ),
];

/** Six more, written down after the last change of `treat` and of what is prescribed. */
export const freshCases: readonly Case[] = [
  sick(
    'fresh-rate',
    'a learning rate a hundred times too large, an LSTM',
    'exploding',
    adding(20),
    { cell: 'lstm', hiddenSize: 16 },
    { clip: 'none', learningRate: 1, updates: 600 },
  ),
  sick(
    'fresh-chaos',
    'a tanh network that begins chaotic',
    'exploding',
    recall(25, 3),
    { cell: 'rnn', hiddenSize: 32, recurrentInit: { gaussian: 4 } },
    { clip: 'none' },
  ),
  sick('fresh-gru', 'a GRU, and a cue 80 steps back', 'vanishing', recall(80, 3), { cell: 'gru', hiddenSize: 16 }, {}),
  sick(
    'fresh-order',
    'a plain tanh network, and two cues up to 60 steps back',
    'vanishing',
    temporalOrder(60),
    { cell: 'rnn', hiddenSize: 20, recurrentInit: { gaussian: 0.7 } },
    { updates: 800 },
  ),
  sick(
    'fresh-window',
    'a window of 6 steps of a plain network, and a cue 15 back',
    'truncated',
    recall(15, 5),
    { cell: 'rnn', hiddenSize: 24, recurrentInit: 'orthogonal' },
    { bptt: { k1: 6, k2: 6 } },
  ),
  sick(
    'fresh-units',
    'one unit for six symbols',
    'hard-task',
    recall(2, 6),
    { cell: 'lstm', hiddenSize: 1 },
    { updates: 600, learningRate: 0.01 },
  ),
];

export const healthyCase: Case = {
  ...{ name: 'healthy', ill: 'nothing', expected: ['healthy'], sick: false },
  experiment: { name: 'healthy', data: recall(5), model: { cell: 'gru', hiddenSize: 24 }, training: { updates: 600, learningRate: 0.01 } },
};

/** Symbols and classes that have nothing to do with each other. @param files the names that its two files will have. */
export const noiseCase = (train: string, validation: string): Case => ({
  ...{ name: 'noise', ill: 'data that hold nothing', expected: ['no-long-range-dependency'], sick: false },
  experiment: {
    name: 'noise',
    data: { kind: 'sequences', train, validation, loss: 'crossEntropy' },
    model: { cell: 'gru', hiddenSize: 16 },
    training: { updates: 300, learningRate: 0.003 },
  },
});

/** Lines of a sequences file of noise. */
export function noiseLines(count: number, seed: number): string {
  const random = new Random(seed);
  const lines = Array.from({ length: count }, (_, i) => {
    // Every symbol and class appears.
    const x = Array.from({ length: 12 }, (_, t) => (t < 4 && i < 4 ? (t + i) % 4 : random.below(4)));
    return JSON.stringify({ x, y: i < 2 ? i : random.below(2) });
  });
  return `${lines.join('\n')}\n`;
}
