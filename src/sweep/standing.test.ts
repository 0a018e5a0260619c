import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Standing } from './standing.ts';
import type { TrialEvent } from './trialEvents.ts';
import { Trials } from './trials.ts';

const trialsOf = (rates: number, seeds: number) =>
  new Trials({
    ...{ name: 'x', verdicts: false, search: 'grid' },
    base: { name: 'x', data: { kind: 'task', name: 'adding', length: 5 }, model: { cell: 'rnn', hiddenSize: 2 } },
    axes: { 'training.learningRate': Array.from({ length: rates }, (_, index) => 0.1 / (index + 1)), 'training.seed': { seeds } },
  });

const about = (trials: Trials, trial: number) => ({ at: '2026-01-01', trial, setting: trials.setting(trial), run: trials.run(trial) });
const done = (trials: Trials, trial: number, loss: number | null): TrialEvent => ({
  ...about(trials, trial),
  ...{ event: 'done', updates: 10, loss, metric: null, seconds: 1, explosion: loss === null, verdict: 'healthy', sick: false },
});

test('what is said does not depend on the order in which trials came, nor on some that came twice', () => {
  const trials = trialsOf(6, 3);
  const losses = fc.array(fc.option(fc.double({ min: 0, max: 10, noNaN: true })), { minLength: 18, maxLength: 18 });
  const order = fc.shuffledSubarray(
    Array.from({ length: 18 }, (_, trial) => trial),
    { minLength: 18 },
  );
  fc.assert(
    fc.property(losses, order, order, (values, one, other) => {
      const [a, b] = [new Standing(trials), new Standing(trials)];
      for (const trial of one) a.take(done(trials, trial, values[trial]));
      for (const trial of [...other, ...one.slice(0, 5)]) b.take(done(trials, trial, values[trial]));
      assert.deepEqual(a.table(4), b.table(4));
      assert.deepEqual(a.best, b.best);
      assert.deepEqual(a.counts, b.counts);
    }),
    { numRuns: 30 },
  );
});

test('the table is that of a plain sort by the mean loss, cut after its first rows', () => {
  const trials = trialsOf(40, 1);
  const losses = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 40, maxLength: 40 });
  fc.assert(
    fc.property(losses, (values) => {
      const standing = new Standing(trials);
      for (const [trial, loss] of values.entries()) standing.take(done(trials, trial, loss));
      const expected = values.map((loss, trial) => ({ loss, trial })).sort((a, b) => a.loss - b.loss || a.trial - b.trial);
      assert.deepEqual(
        standing.table(7).map(({ best }) => best?.trial),
        expected.slice(0, 7).map(({ trial }) => trial),
      );
    }),
    { numRuns: 30 },
  );
});

test('a trial that has come to its end stays there; one that failed and is tried again does not', () => {
  const trials = trialsOf(1, 2);
  const standing = new Standing(trials);
  const failed = (again: boolean): TrialEvent => ({ ...about(trials, 0), event: 'failed', because: 'x', code: null, again });
  assert.ok(standing.take(failed(true)));
  assert.ok(standing.take(done(trials, 0, 1)));
  assert.ok(!standing.take(failed(false)));
  assert.ok(!standing.take(done(trials, 0, 2)));
  assert.equal(standing.best?.loss, 1);
  assert.deepEqual(standing.counts, { waiting: 1, begun: 0, reached: 0, 'left-out': 0, failed: 0, done: 1 });
});

test('losses at rungs: each counts once, and one that is not finite ranks last', () => {
  const trials = trialsOf(1, 2);
  const standing = new Standing(trials);
  const reached = (trial: number, updates: number, loss: number | null): TrialEvent => ({
    ...about(trials, trial),
    event: 'reached',
    updates,
    loss,
  });
  assert.ok(standing.take(reached(0, 10, 0.5)));
  assert.ok(!standing.take(reached(0, 10, 0.1)));
  assert.ok(standing.take(reached(0, 30, null)));
  assert.equal(standing.rungLoss(0, 10), 0.5);
  assert.equal(standing.rungLoss(0, 30), Infinity);
  assert.equal(standing.rungLoss(1, 10), undefined);
});
