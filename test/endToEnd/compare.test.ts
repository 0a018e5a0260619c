/** `throughtime compare` as a process: the table, the JSON, the files, and what is refused. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { writeGrid, writeTrial } from '../run/trials.ts';
import { throughtime, workplace } from './commandLine.ts';

describe('compare, from the command line', () => {
  const place = workplace();
  before(() => {
    writeGrid(place.path('runs'), ['rnn', 'gru'], ['none', '{"globalNorm":1}'], [0, 1, 2], (cell, clip, seed) => ({
      loss: 1 - 0.5 * cell + seed / 100 - clip / 10,
      verdict: cell === 1 ? 'healthy' : 'vanishing',
    }));
    writeTrial(place.path('runs/killed'), { state: 'killed' });
  });
  after(() => place[Symbol.dispose]());
  const compare = (...args: string[]) => throughtime(['compare', ...args], { cwd: place.folder });

  test('prints a table that fits, with intervals, and names what it leaves out', async () => {
    const { code, stdout, stderr } = await compare('runs', 'runs', '--by', 'model.cell,training.clip');
    assert.deepEqual([code, stderr], [0, '']);
    const lines = stdout.split('\n');
    for (const line of lines) assert.ok(line.length <= 100, line);
    assert.match(stdout, /12 runs in 4 groups by model\.cell, training\.clip; loss\.validation, lower is better/);
    assert.match(stdout, /^ {2}gru +globalNorm 1 +3 +0\.4100 +0\.01000 +0\.4000 +0\.4200 +healthy/m);
    // The difference is 0.5 for each seed, so that the interval is a point.
    assert.match(stdout, /^ {2}rnn · globalNorm 1 +3 +0\.5000 +0\.5000 to 0\.5000 .*0 of 3$/m);
    assert.match(stdout, /1 run is left out:\s+runs\/killed was killed before its end/);
  });

  test('--json prints one document, and the exports say where they are', async () => {
    const { code, stdout } = await compare('runs', '--json', '--parquet', 'runs.parquet', '--parquet-curves', 'curves.parquet');
    assert.equal(code, 0);
    const answer = JSON.parse(stdout);
    assert.deepEqual([answer.runs, answer.groups.length, answer.differences.length, answer.leftOut[0].run], [12, 4, 3, 'runs/killed']);
    assert.deepEqual(
      [answer.parquet, answer.curves],
      [
        { file: 'runs.parquet', rows: 13 },
        { file: 'curves.parquet', rows: 39 },
      ],
    );
    assert.ok(existsSync(place.path('runs.parquet')) && existsSync(place.path('curves.parquet')));
  });

  test('mistakes are one line, and the exit code is 2', async () => {
    const refused = async (message: RegExp, ...args: string[]) => {
      const { code, stdout, stderr } = await compare(...args);
      assert.deepEqual([code, stdout, stderr.trim().split('\n').length], [2, '', 1], stderr);
      assert.match(stderr, message);
    };
    await refused(/--by model\.sell is a field of none of these experiments/, 'runs', '--by', 'model.sell');
    await refused(/--by takes fields such as .*, got "model\.cell,"/, 'runs', '--by', 'model.cell,');
    await refused(/--parquet runs\.csv does not end in \.parquet/, 'nowhere', '--parquet', 'runs.csv');
  });
});
