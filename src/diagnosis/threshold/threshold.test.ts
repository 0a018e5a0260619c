import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { wasmBackend } from '../../compute/wasm/wasm.ts';
import { makeTask } from '../../data/task/tasks.ts';
import type { ModelOptions } from '../../network/model.ts';
import { initialize, Network } from '../../network/network.ts';
import { type TrainingOptions, trainingDefaults } from '../../training/options.ts';
import { Trainer } from '../../training/trainer.ts';
import { instability } from './instability.ts';
import { beginningPieces, stretchPieces } from './replay.ts';
import { type TuneClipAnswer, tuneClipPieces } from './tuneClip.ts';

const backend = await wasmBackend();
const { train } = makeTask({ kind: 'task', name: 'adding', length: 20, trainSequences: 300, validationSequences: 2 });
const model: ModelOptions = { cell: 'rnn', hiddenSize: 12, recurrentInit: 'orthogonal' };
const network = new Network(backend, model, train.input, train.target.size);
const draw = (seed: number) => initialize(network, model, seed);
const options: TrainingOptions = { ...trainingDefaults, optimizer: 'sgd', learningRate: 0.4, batchSize: 8, updates: 150, seed: 3 };

function finish<Piece, Whole>(pieces: Generator<Piece, Whole>): Whole {
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
  }
}

const tune = (more: Partial<TrainingOptions> = {}): TuneClipAnswer =>
  finish(tuneClipPieces({ network, dataset: train, options: { ...options, ...more }, initialize: draw, seeds: 2 }));

describe('a training that explodes', () => {
  const answer = tune();
  const threshold = answer.threshold as number;

  test('is found to, and the threshold lies between one that is stable and one that is not', () => {
    assert.ok(answer.explodesWithout && answer.explosion !== null && answer.explosion.update < 20);
    assert.equal(answer.snapshot, 0);
    assert.ok(threshold > 0 && threshold < (answer.unstable as number));
    const replays = answer.tried.filter(({ fresh }) => !fresh);
    assert.deepEqual([replays[0].threshold, replays[0].stable], [null, false]);
    // Nothing stable above anything unstable: the bracket, narrowed to 2.
    const stable = replays.flatMap((each) => (each.stable && each.threshold !== null ? each.threshold : []));
    const unstable = replays.flatMap((each) => (!each.stable && each.threshold !== null ? each.threshold : []));
    const high = Math.min(...unstable);
    const low = Math.max(...stable.filter((each) => each < high));
    assert.ok(high / low <= 2 * 1.02, `${low} and ${high}`);
  });

  test('the answer is the foot of a curve through trainings from new weights, and says what it is beside the average norm and what lower ones cost', () => {
    const { transition } = answer;
    const fresh = answer.tried.filter((each) => each.fresh);
    assert.ok(fresh.length > 0 && fresh.some((each) => each.threshold === threshold && each.stable));
    for (const each of fresh.filter(({ stable }) => !stable)) assert.match(each.why, /^stable in \d of \d fresh trainings: /);
    // With the answer itself two for each of the two repetitions, at least, and with some threshold as high twice as many without a fault.
    assert.ok((transition.find((tally) => tally.threshold === threshold)?.trainings ?? 0) >= 4);
    assert.ok(transition.some((tally) => tally.threshold >= threshold * 0.7 && tally.trainings >= 8 && tally.unstable === 0));
    assert.ok(transition.some((tally) => tally.threshold > threshold && tally.unstable > 0));
    const near = transition.filter((tally) => tally.threshold < 3.9 * threshold);
    assert.ok(instability(near)(threshold) < 0.03);
    assert.ok((answer.confidence ?? 0) >= 0.98);
    const above = transition.at(-1);
    assert.ok(above && Math.abs(above.threshold / threshold - 4) < 1e-9 && above.trainings >= 5);
    assert.equal(answer.separates, above.unstable > above.trainings / 2);
    assert.ok(answer.tried.some((each) => !each.fresh && each.threshold === threshold && each.stable));
    const norms = answer.curve.filter(Number.isFinite);
    const mean = norms.reduce((sum, norm) => sum + norm, 0) / norms.length;
    assert.ok(Math.abs((answer.againstAverage?.ratio ?? 0) - threshold / mean) < 1e-9);
    assert.ok(answer.price.every((each) => each.threshold < threshold && each.loss > 0));
  });

  test('with it a training of the same seed has no explosion, and without it has', () => {
    const signs = (clip: TrainingOptions['clip']) => {
      draw(options.seed);
      const trainer = new Trainer(network, train, { ...options, clip });
      while (!trainer.done) trainer.step();
      return trainer.takeEvents().filter(({ kind }) => kind === 'overshoot' || kind === 'divergence' || kind === 'nonFinite');
    };
    assert.deepEqual(signs({ globalNorm: threshold }), []);
    assert.ok(signs('none').length > 0);
  });

  test('the same search gives the same answer', () => {
    assert.deepEqual(tune(), answer);
  });
});

test('a training that does not explode needs none', () => {
  const answer = tune({ learningRate: 0.01 });
  assert.deepEqual([answer.threshold, answer.explodesWithout, answer.explosion, answer.tried], [null, false, null, []]);
  assert.equal(answer.curve.length, 150);
  assert.ok((answer.gradientNorm?.p50 ?? 0) > 0);
});

test('cut short, it says what is known so far', () => {
  const pieces = tuneClipPieces({ network, dataset: train, options, initialize: draw, seeds: 2 });
  let known: TuneClipAnswer | undefined;
  for (let count = 0; count < 600; count++) known = pieces.next().value;
  pieces.return(known as TuneClipAnswer);
  assert.ok(known?.explodesWithout);
  assert.equal(known.confidence, null);
  assert.ok(known.tried.length > 0);
});

test('a stretch that goes well has no fault, and gives back the memory of the backend', () => {
  draw(1);
  const mark = backend.mark();
  const stretch = finish(
    stretchPieces(
      { network, dataset: train, options: { ...options, learningRate: 0.02 } },
      { clip: 'none', seed: 1, from: undefined, updates: 90 },
    ),
  );
  assert.equal(backend.mark(), mark);
  assert.deepEqual([stretch.fault, stretch.losses.length, stretch.clippedFraction], [null, 90, 0]);
  assert.ok(stretch.loss < stretch.begin);
});

test('a training that happens to begin low is measured against where others begin', () => {
  const stretch = (beginning: number) => {
    draw(1);
    const replayed = { network, dataset: train, options: { ...options, learningRate: 0.1 } };
    return finish(stretchPieces(replayed, { clip: { globalNorm: 3 }, seed: 1, from: undefined, updates: 60, beginning }));
  };
  const own = stretch(0);
  assert.equal(stretch(100 * own.begin).begin, 100 * own.begin);
  assert.equal(stretch(own.begin / 2).begin, own.begin);
  const seeds = [1, 2, 3, 4, 5];
  const begins = seeds.map((seed) => {
    draw(seed);
    return finish(stretchPieces({ network, dataset: train, options }, { clip: 'none', seed, from: undefined, updates: 1 })).begin;
  });
  const middle = finish(beginningPieces({ network, dataset: train, options }, draw, seeds));
  assert.equal(middle, begins.toSorted((a, b) => a - b)[2]);
});
