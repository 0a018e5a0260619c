/** A rule that draws runs of known truth, so that nobody has chosen them. */

import type { Backend } from '../../src/compute/backend.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { averages, filter, task } from './data.ts';
import { chooser, type Draft, explodingRate } from './drawing.ts';
import { gated, relu, rnn, type SetUp, type Truth } from './runs.ts';

const truths: readonly Truth[] = ['explodes at once', 'explodes late', 'large norms', 'heavy tails', 'healthy'];

/**
 * Draws so many set-ups of each truth, every choice with equal chances: what is learned, from sequences of which length, by which cell with
 * which recurrent weights, and by which optimizer. The rates follow from the one at which the training explodes (`explodingRate`):
 *
 *     explodes at once    four times that rate
 *     explodes late       a rate that rises over all updates to four times that rate
 *     the others          1/64 of that rate
 *
 * One that explodes at no rate is left out.
 */
export async function drawRuns(backend: Backend, seed: number, ofEach: number, say: (line: string) => void): Promise<readonly SetUp[]> {
  const of = chooser(seed);
  const setUps: SetUp[] = [];
  for (const truth of truths) {
    for (let i = 0; i < ofEach; i++) {
      const draft = draw(of, truth);
      const rate = await explodingRate(backend, draft, 1e-7, 4);
      say(`${draft.name}: ${rate}`);
      if (rate === null) continue;
      const { optimizer, ...rest } = draft;
      const explodes = truth === 'explodes at once' || truth === 'explodes late';
      const learningRate = Number((explodes ? 4 * rate : rate / 64).toPrecision(3));
      const schedule = truth === 'explodes late' ? { schedule: { warmUp: 599 } } : {};
      setUps.push({ ...rest, training: { optimizer, learningRate, ...schedule } });
    }
  }
  return setUps;
}

type Named = readonly [string, SetUp['data']];

function draw(of: ReturnType<typeof chooser>, truth: Truth): Draft {
  const length = of(20, 30, 40, 60);
  const scale = truth === 'large norms' ? of(300, 1000) : 1;
  const tails = truth === 'heavy tails' ? of(2, 3) : Infinity;
  const streams: readonly Named[] = [
    ['averages', averages({ length, scale, tails })],
    ['filter', filter({ length, scale, tails })],
  ];
  const tasks: readonly Named[] = [
    ['adding', task({ name: 'adding', length })],
    ['recall', task({ name: 'recall', lag: of(2, 4), length, symbols: 4, read: 'every' })],
    ['copying', task({ name: 'copying', length: length - 6, memory: 3, symbols: 4 })],
  ];
  const ordinary = scale === 1 && tails === Infinity;
  const [what, data] = of(...streams, ...(ordinary ? tasks : []));
  const [weights, recurrentInit] = of<readonly [string, NonNullable<ModelOptions['recurrentInit']>]>(
    ['default', 'default'],
    ['orthogonal', 'orthogonal'],
    ['gain 2', { gaussian: 2 }],
  );
  const [H, layers] = [of(12, 20, 32), of(1, 1, 2)];
  const [cell, model] = of<readonly [string, ModelOptions]>(
    ['tanh', rnn(H, { layers, recurrentInit })],
    ['ReLU', relu(H, { layers, recurrentInit })],
    ['LSTM', gated('lstm', H, { layers, recurrentInit })],
    ['GRU', gated('gru', H, { layers, recurrentInit })],
  );
  const optimizer = of('sgd', 'momentum', 'adam', 'rmsprop');
  const extra = `${scale === 1 ? '' : ` times ${scale}`}${ordinary || scale !== 1 ? '' : ` with tails of ${tails}`}`;
  const name = `${what} of ${length}${extra}, ${layers === 1 ? '' : 'two layers of '}${H} ${cell} (${weights}), ${optimizer}`;
  return { name, truth, data, model, optimizer };
}
