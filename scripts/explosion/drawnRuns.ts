/** A rule that draws runs of known truth, so that nobody has chosen them. */

import type { Backend } from '../../src/compute/backend.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { averages, filter, task } from './data.ts';
import { chooser, type Draft, lowestExplodingRate } from './drawing.ts';
import { gated, relu, rnn, type SetUp, type Truth } from './runs.ts';

const truths: readonly Truth[] = ['explodes at once', 'explodes late', 'large norms', 'heavy tails', 'healthy'];

/** Of a run. */
const updates = 400;
/** No optimizer that sets the length of its steps itself is given more than this where nothing is to explode: nobody would. */
const ordinary = 0.01;

/**
 * Draws so many set-ups of each kind, every choice with equal chances: what is learned, from sequences of which length, by which cell with
 * which recurrent weights, and by which optimizer. The rates follow from the lowest at which the training explodes within
 * 200 updates (`lowestExplodingRate`):
 *
 *     explodes at once    four times that rate
 *     explodes late       a rate that rises over all updates to 1.5 times that rate
 *     the others          1/64 of that rate, for RMSProp and Adam no more than 0.01
 *
 * Where the targets are 300 or 1000 times as large, and with them the gradient, that rate is the one of the same training with targets of size
 * 1, and the optimizers whose steps grow with the gradient take 1/64 of it over the size.
 *
 * One that explodes at no rate is left out. What a set-up is made for is not its truth: that is what becomes of it.
 */
export async function drawRuns(backend: Backend, seed: number, ofEach: number, say: (line: string) => void): Promise<readonly SetUp[]> {
  const of = chooser(seed);
  const drafts = truths.flatMap((truth) => Array.from({ length: ofEach }, () => draw(of, truth)));
  const setUps: SetUp[] = [];
  for (const draft of drafts) {
    const { optimizer, truth, unit, scale, ...rest } = draft;
    const rate = await lowestExplodingRate(backend, { ...draft, data: unit, updates: 200 });
    say(`${truth}: ${rest.name}: ${rate}`);
    if (rate === null) continue;
    const low = optimizer === 'adam' || optimizer === 'rmsprop' ? Math.min(ordinary, rate / 64) : rate / 64 / scale;
    const own = truth === 'explodes at once' ? 4 * rate : truth === 'explodes late' ? 1.5 * rate : low;
    const schedule = truth === 'explodes late' ? { schedule: { warmUp: updates - 1 } } : {};
    setUps.push({ ...rest, truth, updates, training: { optimizer, learningRate: Number(own.toPrecision(3)), ...schedule } });
  }
  return setUps;
}

interface Drawn extends Draft {
  /** Size of the targets, and what is learned with targets of size 1. */
  readonly scale: number;
  readonly unit: SetUp['data'];
}

type Named = readonly [string, (scale: number) => SetUp['data']];

function draw(of: ReturnType<typeof chooser>, truth: Truth): Drawn {
  const length = of(20, 30, 40, 60);
  const scale = truth === 'large norms' ? of(300, 1000) : 1;
  const tails = truth === 'heavy tails' ? of(2, 3) : Infinity;
  const streams: readonly Named[] = [
    ['averages', (scale) => averages({ length, scale, tails })],
    ['filter', (scale) => filter({ length, scale, tails })],
  ];
  const lag = of(2, 4);
  const tasks: readonly Named[] = [
    ['adding', () => task({ name: 'adding', length })],
    ['recall', () => task({ name: 'recall', lag, length, symbols: 4, read: 'every' })],
    ['copying', () => task({ name: 'copying', length: length - 6, memory: 3, symbols: 4 })],
  ];
  const plain = scale === 1 && tails === Infinity;
  const [what, make] = of(...streams, ...(plain ? tasks : []));
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
  const extra = `${scale === 1 ? '' : ` times ${scale}`}${plain || scale !== 1 ? '' : ` with tails of ${tails}`}`;
  const name = `${what} of ${length}${extra}, ${layers === 1 ? '' : 'two layers of '}${H} ${cell} (${weights}), ${optimizer}`;
  return { name, truth, data: make(scale), unit: make(1), scale, model, optimizer };
}
