/** Trainings that explode without a clip, for which thresholds are looked for: some by hand, and a rule that draws others. */

import type { Backend } from '../../src/compute/backend.ts';
import { averages, filter, task } from './data.ts';
import { chooser, type Draft, explodingRate } from './drawing.ts';
import { gated, momentum, relu, rnn, type SetUp, sgd } from './runs.ts';

/** The set-ups that the search was looked at on. Its answers for them say nothing about how good it is. */
export const known: readonly SetUp[] = [
  {
    name: 'filter, tanh of gain 1.5, SGD',
    truth: 'explodes at once',
    data: filter({ length: 35 }),
    model: rnn(28, { recurrentInit: { gaussian: 1.5 } }),
    training: sgd(0.5),
  },
  {
    name: 'averages, GRU of gain 3, SGD',
    truth: 'explodes at once',
    data: averages({ length: 40 }),
    model: gated('gru', 18, { recurrentInit: { gaussian: 3 } }),
    training: sgd(4),
  },
  {
    name: 'adding, orthogonal tanh, momentum',
    truth: 'explodes at once',
    data: task({ name: 'adding', length: 60 }),
    model: rnn(32, { recurrentInit: 'orthogonal' }),
    training: momentum(0.1),
  },
  {
    name: 'averages, orthogonal tanh, momentum',
    truth: 'explodes at once',
    data: averages({ length: 50 }),
    model: rnn(32, { recurrentInit: 'orthogonal' }),
    training: momentum(0.3),
  },
  {
    name: 'filter, LSTM of gain 4, SGD',
    truth: 'explodes at once',
    data: filter({ length: 25 }),
    model: gated('lstm', 20, { recurrentInit: { gaussian: 4 } }),
    training: sgd(8),
  },
  {
    name: 'recall, tanh of gain 2, SGD',
    truth: 'explodes at once',
    data: task({ name: 'recall', lag: 3, length: 25, symbols: 5, read: 'every' }),
    model: rnn(24, { recurrentInit: { gaussian: 2 } }),
    training: sgd(10),
  },
  {
    name: 'filter, two layers of ReLU, SGD',
    truth: 'explodes at once',
    data: filter({ length: 30 }),
    model: relu(20, { layers: 2, recurrentInit: 'orthogonal' }),
    training: sgd(1),
  },
];

/** Updates of a training. */
export const updates = 300;

/**
 * Draws set-ups, each choice with equal chances: a task whose loss falls within some hundred updates, its length, a cell with its
 * recurrent weights, its size and layers, gradient descent with or without momentum (the optimizers whose step grows with the gradient). A set-up whose
 * task, cell and optimizer have been drawn before is drawn again.
 */
export function drawSetUps(seed: number, count: number): readonly Draft[] {
  const of = chooser(seed);
  const drawn: Draft[] = [];
  while (drawn.length < count) {
    const length = of(20, 30, 40, 60);
    const lag = of(2, 4);
    const [name, data] = of<readonly [string, SetUp['data']]>(
      ['adding', task({ name: 'adding', length })],
      ['recall', task({ name: 'recall', lag, length, symbols: 4, read: 'every' })],
      ['copying', task({ name: 'copying', length: length - 6, memory: 3, symbols: 4 })],
      ['averages', averages({ length })],
      ['filter', filter({ length })],
    );
    const H = of(12, 20, 32);
    const layers = of(1, 1, 2);
    const gain = of(1.5, 2, 3);
    const [cell, model] = of<[string, SetUp['model']]>(
      ['orthogonal tanh', rnn(H, { layers, recurrentInit: 'orthogonal' })],
      [`tanh of gain ${gain}`, rnn(H, { layers, recurrentInit: { gaussian: gain } })],
      ['orthogonal ReLU', relu(H, { layers, recurrentInit: 'orthogonal' })],
      [`LSTM of gain ${gain}`, gated('lstm', H, { layers, recurrentInit: { gaussian: gain } })],
      [`GRU of gain ${gain}`, gated('gru', H, { layers, recurrentInit: { gaussian: gain } })],
    );
    const optimizer = of('sgd', 'momentum') as 'sgd' | 'momentum';
    const words = [`${name} of ${length}`, `${layers === 1 ? '' : 'two layers of '}${H} ${cell}`, optimizer === 'sgd' ? 'SGD' : 'momentum'];
    const same = (other: Draft) =>
      other.optimizer === optimizer &&
      other.model.cell === model.cell &&
      other.name.startsWith(`${name} `) &&
      other.model.activation === model.activation;
    if (drawn.some(same)) continue;
    drawn.push({ name: words.join(', '), truth: 'explodes at once', data, model, optimizer });
  }
  return drawn;
}

/** A drawn set-up with the first learning rate of 0.01 · 2ⁿ at which it explodes; null where it does at none. */
export async function withRate(backend: Backend, draft: Draft): Promise<SetUp | null> {
  const learningRate = await explodingRate(backend, { ...draft, updates }, 0.01, 2);
  if (learningRate === null) return null;
  const { optimizer, ...rest } = draft;
  return { ...rest, name: `${rest.name} ${learningRate}`, training: { optimizer, learningRate } };
}
