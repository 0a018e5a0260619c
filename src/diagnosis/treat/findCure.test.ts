import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ThroughtimeError } from '../../errors.ts';
import type { Diagnosis } from '../diagnose.ts';
import type { VerdictKind } from '../verdict/verdict.ts';
import { findCure } from './findCure.ts';
import type { Bench, Trial } from './treat.ts';

/** What a training with a change comes to: its verdict and loss, and the names of the changes that are prescribed for it. */
interface Fate {
  readonly verdict: VerdictKind;
  /** By repetition; the last one counts for all that follow. */
  readonly losses: readonly number[];
  readonly prescribed?: readonly string[];
  readonly refused?: boolean;
}

/** A bench on which every change is one named field, and its fate is known. A loss is reached in proportion to the updates. */
class KnownBench implements Bench {
  readonly asked: string[] = [];
  readonly #fates: Readonly<Record<string, Fate>>;
  readonly #stopAfter: number;

  constructor(fates: Readonly<Record<string, Fate>>, stopAfter = Infinity) {
    this.#fates = fates;
    this.#stopAfter = stopAfter;
  }

  async advance(trial: Trial, updates: number) {
    const { name, fate } = this.#of(trial);
    this.asked.push(`${name}/${trial.repetition}/${updates}`);
    if (fate.refused) throw new ThroughtimeError('OPTION_INVALID', 'does not go with the data; leave it out');
    const way = updates / 100;
    return {
      ...{ updates, asked: 100, seconds: 1, secondsPerUpdate: 0.01, parameters: 7 },
      losses: this.#losses(2 - way * (2 - this.#lossOf(trial))),
    };
  }

  async judge(trial: Trial) {
    const { fate } = this.#of(trial);
    const { verdict, prescribed = [] } = fate;
    const loss = this.#lossOf(trial);
    const sick = verdict !== 'healthy' && verdict !== 'no-long-range-dependency';
    const prescription = prescribed.map((name) => ({ set: { [`model.${name}`]: 1 }, why: `${name} helps` }));
    const diagnosis = {
      ...{ verdict, sick, loss: { model: loss, constant: 2, reference: 0 }, lagProfile: [], cutShort: [], dataHorizon: 5 },
      findings: [{ kind: verdict, because: 'So it is.', evidence: {}, prescription }],
    } as unknown as Diagnosis;
    return { diagnosis, losses: this.#losses(loss), seconds: 1 };
  }

  updatesOf = () => 100;
  accepts = () => true;
  told = () => {};
  stop = () => (this.asked.length >= this.#stopAfter ? 'budget' : null) as 'budget' | null;

  #of({ change }: Trial) {
    const name = Object.keys(change)
      .map((field) => field.slice(6))
      .join('+');
    const fate = this.#fates[name];
    if (!fate) throw new Error(`nothing is known of ${name}`);
    return { name, fate };
  }

  #lossOf(trial: Trial): number {
    const { losses } = this.#of(trial).fate;
    return losses[Math.min(trial.repetition, losses.length - 1)];
  }

  /** Units differ a little, each in its own way at every level. */
  #losses = (level: number) => Float64Array.from({ length: 60 }, (_, u) => level + 0.02 * Math.sin(u * (1 + level)));
}

const sick = (...prescribed: string[]): Fate => ({ verdict: 'vanishing', losses: [2], prescribed });

describe('what is recommended', () => {
  test('a change that is well and better with both seeds', async () => {
    const bench = new KnownBench({
      '': sick('a', 'b'),
      a: { verdict: 'hard-task', losses: [1.5] },
      b: { verdict: 'healthy', losses: [0.1] },
    });
    const { best, tried, before, stopped } = await findCure(bench);
    assert.deepEqual(best?.change, { 'model.b': 1 });
    assert.equal(best.cured, true);
    assert.deepEqual(
      best.gains.map(({ repetition, units }) => [repetition, units]),
      [
        [0, 30],
        [1, 30],
      ],
    );
    assert.equal(before.repetitions.length, 2);
    assert.equal(tried.length, 2);
    assert.equal(stopped, null);
  });

  test('not one that another seed does not bear out', async () => {
    const bench = new KnownBench({ '': sick('a'), a: { verdict: 'healthy', losses: [0.1, 2] } });
    const { best, because, tried } = await findCure(bench);
    assert.equal(best, null);
    assert.match(because, /^Nothing is recommended: none of 1 change was better/);
    assert.match(tried[0].because, /With another seed it is healthy, and not better than the experiment/);
  });

  test('nothing where nothing is better than the experiment', async () => {
    const bench = new KnownBench({
      '': sick('a', 'b'),
      a: { verdict: 'vanishing', losses: [2] },
      b: { verdict: 'vanishing', losses: [2.1] },
      'a+b': { verdict: 'vanishing', losses: [2] },
    });
    assert.equal((await findCure(bench)).best, null);
  });

  test('what is better and still sick is said to be no cure', async () => {
    const bench = new KnownBench({ '': sick('a'), a: { verdict: 'hard-task', losses: [1] } });
    const { best, because } = await findCure(bench);
    assert.equal(best?.cured, false);
    assert.match(because, /no cure/);
  });

  test('what has helped and not cured is gone on from', async () => {
    const bench = new KnownBench({
      '': sick('a', 'b'),
      a: { verdict: 'hard-task', losses: [1], prescribed: ['c'] },
      b: { verdict: 'vanishing', losses: [2] },
      'a+c': { verdict: 'healthy', losses: [0.01] },
      'a+b': { verdict: 'vanishing', losses: [2] },
    });
    const { best } = await findCure(bench);
    assert.deepEqual(best?.change, { 'model.a': 1, 'model.c': 1 });
    assert.deepEqual(best.why, ['a helps', 'c helps']);
  });

  test('nothing of an experiment that is not sick, and nothing is tried', async () => {
    const bench = new KnownBench({ '': { verdict: 'healthy', losses: [0] } });
    const { best, because, tried } = await findCure(bench);
    assert.deepEqual([best, tried], [null, []]);
    assert.match(because, /^Nothing is changed, because the experiment is healthy/);
    assert.deepEqual(bench.asked, ['/0/100']);
  });

  test('nothing where the time ends before a second seed', async () => {
    const bench = new KnownBench({ '': sick('a'), a: { verdict: 'healthy', losses: [0.1] } }, 2);
    const { best, because, stopped } = await findCure(bench);
    assert.equal(best, null);
    assert.equal(stopped, 'budget');
    assert.match(because, /the budget ended before the most promising/);
  });
});

describe('successive halving', () => {
  const six = ['a', 'b', 'c', 'd', 'e', 'f'];
  const fates = Object.fromEntries(six.map((name, i): [string, Fate] => [name, { verdict: 'healthy', losses: [1 - 0.1 * i] }]));

  test('six for a quarter of the updates, three for half of them, two to the end', async () => {
    const bench = new KnownBench({ '': sick(...six), ...fates });
    const { best } = await findCure(bench);
    const at = (updates: number) => bench.asked.filter((each) => each.endsWith(`/0/${updates}`)).map((each) => each[0]);
    assert.deepEqual(at(25), six);
    assert.deepEqual(at(50), ['f', 'e', 'd']);
    assert.deepEqual(at(100).slice(1), ['f', 'e']);
    assert.deepEqual(best?.change, { 'model.f': 1 });
  });

  test('what does not go with the data is left out with its sentence', async () => {
    const bench = new KnownBench({ '': sick(...six), ...fates, f: { ...fates.f, refused: true } });
    const { best, tried } = await findCure(bench);
    assert.deepEqual(best?.change, { 'model.e': 1 });
    assert.match(tried[5].because, /^cannot be trained: does not go with the data/);
  });
});
