/** Runs grouped by their fields and compared: known numbers, from run directories that the run's own writer has made. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ThroughtimeError } from '../../src/errors.ts';
import { compareRuns, readRuns } from '../../src/run/compare/compareRuns.ts';
import { trialEnds } from '../../src/sweep/trialEnds.ts';
import { damage, writeGrid, writeOfVersion, writeTrial } from './trials.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'compare-'));
const at = (...names: string[]) => path.join(folder, ...names);
after(() => rmSync(folder, { recursive: true }));

const refused = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof ThroughtimeError && error.code === code && message.test(error.message);

describe('compare', () => {
  before(() => {
    // rnn: 1 + seed / 10, without a clip not finite at seed 2; gru: half of it. A clip takes 0.1 off.
    writeGrid(at('grid'), ['rnn', 'gru'], ['none', '{"globalNorm":1}'], [0, 1, 2], (cell, clip, seed) => ({
      loss: cell === 0 && clip === 0 && seed === 2 ? Number.NaN : (1 + seed / 10) / (cell + 1) - 0.1 * clip,
      verdict: cell === 1 ? 'healthy' : seed === 0 ? 'vanishing' : 'exploding',
      nonFiniteUpdates: cell === 0 && clip === 0 ? 1 : 0,
      gradientNorm: 10 ** seed,
    }));
  });

  test('groups are by the fields that differ, seeds aside, the best first, those with failures last', () => {
    const { by, pooled, groups, runs, leftOut, better } = compareRuns(readRuns([at('grid')]));
    assert.deepEqual([by, pooled, runs, leftOut, better], [['model.cell', 'training.clip'], [], 12, [], 'lower']);
    assert.deepEqual(
      groups.map(({ fields }) => Object.values(fields)),
      [
        ['gru', { globalNorm: 1 }],
        ['gru', 'none'],
        ['rnn', { globalNorm: 1 }],
        ['rnn', 'none'],
      ],
    );
    const near = (value: number | null, expected: number) => assert.ok(value !== null && Math.abs(value - expected) < 1e-12, `${value}`);
    const [, second, , last] = groups;
    // 0.5, 0.55, 0.6: mean 0.55, deviation 0.05.
    near(second.mean, 0.55);
    near(second.deviation, 0.05);
    assert.deepEqual([second.n, second.failed, second.min, second.max, second.verdicts], [3, 0, 0.5, 0.6, { healthy: 3 }]);
    assert.deepEqual([second.updates, second.seconds, second.gradientNorm], [3, 1.5, { p50: 37, max: 400 }]);
    // 1 and 1.1; the third has failed, and one of its updates in each was not finite.
    near(last.mean, 1.05);
    assert.deepEqual([last.n, last.failed, last.withNonFinite, last.verdicts], [3, 1, 3, { vanishing: 1, exploding: 2 }]);
  });

  test('differences are those of the same seed and the same other fields', () => {
    const { differences, against, groups } = compareRuns(readRuns([at('grid')]), { by: ['model.cell'] });
    assert.equal(groups[against].fields['model.cell'], 'gru');
    const [{ pairs, leftOut, mean, betterIn, interval, because }] = differences;
    // rnn less gru: 0.5 and 0.55 without a clip (the third pair has failed); 0.5, 0.55, 0.6 with one.
    assert.deepEqual([pairs, leftOut, betterIn, because], [5, 1, 0, null]);
    const values = [0.5, 0.55, 0.5, 0.55, 0.6];
    const average = 0.54;
    assert.ok(Math.abs((mean ?? 0) - average) < 1e-12);
    const deviation = Math.sqrt(values.reduce((sum, each) => sum + (each - average) ** 2, 0) / 4);
    // 2.776445105: Student's t at 95% with 4 degrees of freedom.
    const half = (2.776445105 * deviation) / Math.sqrt(5);
    assert.ok(interval && Math.abs(interval[0] - (average - half)) < 1e-9 && Math.abs(interval[1] - (average + half)) < 1e-9);
  });

  test('what a group pools is said, and a part of a field can make groups', () => {
    assert.deepEqual(compareRuns(readRuns([at('grid')]), { by: ['model.cell'] }).pooled, ['training.clip']);
    const { groups, pooled } = compareRuns(readRuns([at('grid')]), { by: ['training.clip.globalNorm'] });
    assert.deepEqual([groups.map(({ fields }) => fields['training.clip.globalNorm']), pooled], [[1, null], ['model.cell']]);
  });

  test('the group that others are compared with can be named', () => {
    const { against, groups, differences } = compareRuns(readRuns([at('grid')]), {
      against: { 'model.cell': 'rnn', 'training.clip': 'globalNorm 1' },
    });
    assert.deepEqual(groups[against].fields, { 'model.cell': 'rnn', 'training.clip': { globalNorm: 1 } });
    assert.deepEqual([differences.map(({ group }) => group), differences[0].betterIn], [[0, 1, 3], 3]);
    const wrong = (fields: Record<string, string>, message: RegExp) =>
      assert.throws(() => compareRuns(readRuns([at('grid')]), { against: fields }), refused('OPTION_INVALID', message));
    wrong({ 'model.cell': 'lstm' }, /model\.cell=lstm is no group; there are model\.cell=gru training\.clip=globalNorm 1;/);
    wrong({ 'model.cell': 'rnn' }, /fits 2 groups, and must name one/);
    wrong({ 'model.layers': '1' }, /model\.layers is no field of the groups, which are by model\.cell, training\.clip/);
  });

  test('a field that is left out is the same as one that says the default', () => {
    writeTrial(at('defaults', 'said'), { set: ['model.layers=1', 'data.seed=1', 'model.residual=false'] });
    writeTrial(at('defaults', 'left-out'), {});
    assert.deepEqual(compareRuns(readRuns([at('defaults')])).by, []);
  });

  test('an accuracy is better the higher it is', () => {
    for (const [cell, accuracy] of Object.entries({ rnn: 0.3, gru: 0.9 })) {
      writeTrial(at('accuracy', cell), { set: [`model.cell=${cell}`], accuracy });
    }
    const { better, groups } = compareRuns(readRuns([at('accuracy')]), { metric: 'metric.value' });
    assert.deepEqual([better, groups.map(({ mean }) => mean)], ['higher', [0.9, 0.3]]);
  });

  test('a run reached twice counts once, and links below a place are not followed', () => {
    mkdirSync(at('links'), { recursive: true });
    writeTrial(at('links', 'one'), {});
    symlinkSync(at('links'), at('links', 'again'));
    symlinkSync(at('links', 'one'), at('elsewhere'));
    assert.equal(readRuns([at('links'), at('links', 'one'), at('links', '.'), at('elsewhere')]).all.length, 1);
  });

  test('runs that have not ended, or cannot be read, are named with the reason; one that its guard stopped has failed', () => {
    const place = at('unfinished');
    for (const state of ['killed', 'held', 'stopped', 'exploded', 'done'] as const)
      writeTrial(path.join(place, state), { state, loss: 0.5 });
    writeOfVersion(path.join(place, 'other'), 7);
    writeTrial(path.join(place, 'torn'), {});
    damage(path.join(place, 'torn'), 'run.json', '{');
    const runs = readRuns([place]);
    const { groups, leftOut } = compareRuns(runs);
    assert.deepEqual([groups[0].n, groups[0].failed, groups[0].mean], [2, 1, 0.5]);
    const why = Object.fromEntries(leftOut.map(({ run, state, why: each }) => [path.basename(run), `${state}: ${each}`]));
    assert.deepEqual(Object.keys(why).sort(), ['held', 'killed', 'other', 'stopped', 'torn']);
    assert.match(why.held, /^running: is still trained/);
    assert.match(why.killed, /^killed: was killed before its end; go on with it: throughtime train .*killed$/);
    assert.match(why.stopped, /^stopped: /);
    assert.match(why.other, /^unreadable: .*is of version 7, and this program reads version 1/);
    assert.match(why.torn, /^unreadable: .*is not JSON/);
    assert.equal(runs.all.length, 5);
  });

  test('of trials of a sweep, the sweep says why they have not ended', () => {
    const place = at('sweep');
    for (const [trial, state] of (['done', 'stopped', 'killed', 'stopped'] as const).entries()) {
      writeTrial(path.join(place, 'trials', String(trial)), { state, seed: trial });
    }
    const line = (trial: number, fields: object) =>
      `${JSON.stringify({ at: '2026-01-01T00:00:00.000Z', trial, setting: {}, run: `trials/${trial}`, ...fields })}\n`;
    const left = line(1, { event: 'reached', updates: 100, loss: 1 }) + line(1, { event: 'left-out', updates: 100, loss: 1 });
    const failed = line(2, { event: 'failed', because: 'no memory was left', code: 'MEMORY_EXHAUSTED', again: false });
    writeFileSync(path.join(place, 'trials.jsonl'), left + failed + line(3, { event: 'begun' }));
    const { leftOut } = readRuns([place], { why: trialEnds() });
    assert.deepEqual(
      leftOut.map(({ run, why }) => `${path.basename(run)} ${why.split(';')[0]}`),
      [
        '1 was left out by successive halving after 100 updates',
        '2 failed in its sweep: no memory was left',
        '3 was stopped before its end',
      ],
    );
  });

  test('with fewer than three pairs there is no interval, and the reason is said', () => {
    const place = at('few');
    for (const seed of [0, 1]) {
      writeTrial(path.join(place, `rnn-${seed}`), { seed, loss: 1 });
      writeTrial(path.join(place, `gru-${seed}`), { seed, loss: 0.5 + seed, set: ['model.cell=gru'] });
    }
    writeTrial(path.join(place, 'lstm'), { seed: 7, loss: 2, set: ['model.cell=lstm', 'training.learningRate=0.5'] });
    const { differences, groups } = compareRuns(readRuns([place]), { by: ['model.cell'] });
    const of = (cell: string) => differences.find(({ group }) => groups[group].fields['model.cell'] === cell);
    assert.deepEqual([of('rnn')?.pairs ?? of('gru')?.pairs, of('rnn')?.interval ?? null], [2, null]);
    assert.match((of('rnn') ?? of('gru'))?.because ?? '', /^2 pairs are too few for an interval; train both with at least 3 seeds$/);
    assert.match(of('lstm')?.because ?? '', /^no two runs agree in training\.learningRate, training\.seed; train with the same, or add/);
  });

  test('fields and results that there are not are refused, with those that there are', () => {
    const runs = readRuns([at('grid')]);
    assert.throws(
      () => compareRuns(runs, { by: ['model.sell'] }),
      refused('OPTION_INVALID', /--by model\.sell is a field of none .*differ in model\.cell, training\.clip/),
    );
    assert.throws(() => compareRuns(runs, { by: ['model.cell', 'model.cell'] }), refused('OPTION_INVALID', /names model\.cell twice/));
    assert.throws(
      () => compareRuns(runs, { metric: 'loss.test' }),
      refused('OPTION_INVALID', /--metric loss\.test is in no result .*loss\.validation/),
    );
    assert.throws(() => readRuns([at('nowhere')]), refused('FILE_UNREADABLE', /nowhere: is not a directory/));
    mkdirSync(at('empty'));
    assert.throws(() => readRuns([at('grid'), at('empty')]), refused('RUN_INVALID', /empty: holds no run directory/));
    writeTrial(at('alone'), { state: 'killed' });
    assert.throws(() => compareRuns(readRuns([at('alone')])), refused('RUN_INVALID', /none of 1 run has ended.*was killed/));
  });
});
