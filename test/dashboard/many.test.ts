/** Pictures of many runs: what the server says of them, and where the page draws it. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { axisPlaces, brushBetween, brushByKey, isKept } from '../../dashboard/chart/parallelFigure.ts';
import { cutTo, inkOn, resultScale } from '../../dashboard/chart/resultScale.ts';
import { csvOf } from '../../dashboard/data/csv.ts';
import type { GridAnswer, TrialsAnswer } from '../../src/server/answers.ts';
import { type Dashboard, serveDashboard } from '../../src/server/dashboardServer.ts';
import { RunList } from '../../src/server/runList.ts';
import { writeGrid, writeOfVersion, writeTrial } from '../run/trials.ts';

describe('what the server says of many runs', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'many-'));
  let dashboard: Dashboard;
  const json = async <T>(target: string) => (await (await fetch(new URL(target, dashboard.address))).json()) as T;

  before(async () => {
    writeGrid(
      path.join(folder, 'sweep/trials'),
      ['rnn', 'gru'],
      ['none', '{"globalNorm":10}', '{"globalNorm":2}'],
      [0, 1],
      (cell, clip, seed) => ({
        loss: cell === 0 && clip === 0 && seed === 1 ? Number.NaN : 1 + cell + 10 * clip + 100 * seed,
        accuracy: 0.5 + cell / 10,
        verdict: 'healthy',
      }),
    );
    writeTrial(path.join(folder, 'killed'), { state: 'killed' });
    writeTrial(path.join(folder, 'exploded'), { state: 'exploded', loss: 3 });
    writeOfVersion(path.join(folder, 'other'), 9);
    dashboard = await serveDashboard({ folder, pages: folder, every: 50 });
    await json('/api/runs');
  });
  after(async () => {
    await dashboard.close();
    rmSync(folder, { recursive: true });
  });

  test('runs as points: the fields in which they differ with their values in order, and their results', async () => {
    const { folders, metric, metrics, better, fields, runs } = await json<TrialsAnswer>('/api/trials?under=sweep');
    assert.deepEqual(folders, [
      { folder: '', runs: 14 },
      { folder: 'sweep', runs: 12 },
    ]);
    assert.deepEqual([metric, better, metrics.includes('metric.value')], ['loss.validation', 'lower', true]);
    assert.deepEqual(fields, [
      { field: 'model.cell', values: ['gru', 'rnn'], numbers: null, seed: false },
      { field: 'training.clip', values: ['none', 'globalNorm 2', 'globalNorm 10'], numbers: null, seed: false },
      { field: 'training.seed', values: ['0', '1'], numbers: [0, 1], seed: true },
    ]);
    const of = (name: string) => runs.find(({ run }) => run === `sweep/trials/${name}`);
    // A gru with the clip at 10, which is written second and stands third, and seed 1.
    assert.deepEqual(of('gru-1-1'), {
      run: 'sweep/trials/gru-1-1',
      state: 'done',
      verdict: 'healthy',
      failed: false,
      result: 112,
      at: [0, 2, 1],
    });
    assert.deepEqual([of('rnn-0-1')?.failed, of('rnn-0-1')?.result], [true, null]);
    const all = await json<TrialsAnswer>('/api/trials?metric=metric.value');
    assert.deepEqual([all.better, all.runs.length], ['higher', 14]);
    assert.deepEqual(
      ['killed', 'exploded'].map((name) => all.runs.find(({ run }) => run === name)).map((run) => [run?.state, run?.failed]),
      [
        ['killed', false],
        ['exploded', true],
      ],
    );
  });

  test('a grid has a cell for each pair of values, as compare has them', async () => {
    const { x, y, cells, pooled, unfinished } = await json<GridAnswer>('/api/grid?under=sweep&x=training.clip&y=model.cell');
    assert.deepEqual(
      [x.values, y?.values, cells.length, pooled, unfinished],
      [['none', 'globalNorm 2', 'globalNorm 10'], ['gru', 'rnn'], 6, [], 0],
    );
    const at = (column: number, row: number) => cells.find((cell) => cell.x === column && cell.y === row);
    // gru, none: 2 and 102; mean 52, deviation 100 / sqrt(2).
    const { mean, deviation, n, failed, runs } = at(0, 0) as GridAnswer['cells'][number];
    assert.deepEqual([mean, n, failed, runs], [52, 2, 0, ['sweep/trials/gru-0-0', 'sweep/trials/gru-0-1']]);
    assert.ok(Math.abs((deviation ?? 0) - 100 / Math.SQRT2) < 1e-9);
    assert.deepEqual([at(0, 1)?.mean, at(0, 1)?.failed, at(0, 1)?.deviation], [1, 1, null]);
    const single = await json<GridAnswer>('/api/grid?under=sweep&x=model.cell');
    assert.deepEqual([single.y, single.cells.map(({ y: row }) => row), single.pooled], [null, [0, 0], ['training.clip']]);
    assert.equal((await json<GridAnswer>('/api/grid?x=model.cell')).unfinished, 1);
    assert.equal(await json('/api/grid?under=killed&x=model.cell'), null);
    assert.equal((await fetch(new URL('/api/grid?x=model.nothing', dashboard.address))).status, 400);
  });
});

test('of more runs than are shown, the list says that there are more', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'list-'));
  for (let run = 0; run < 6; run++) {
    mkdirSync(path.join(folder, String(run)));
    writeFileSync(path.join(folder, String(run), 'run.json'), '{}');
  }
  const list = new RunList(folder, 5);
  await list.look();
  assert.deepEqual([list.all.length, list.cut], [5, true]);
  rmSync(path.join(folder, '3'), { recursive: true });
  await list.look();
  assert.deepEqual([list.all.length, list.cut, list.get('3')], [5, false, undefined]);
  rmSync(folder, { recursive: true });
});

describe('parallel coordinates', () => {
  test('words are evenly spaced, numbers where they are, in decades where they are far apart', () => {
    assert.deepEqual(axisPlaces({ label: '', values: ['a', 'b', 'c'], numbers: null }, 9).places, [0, 0.5, 1]);
    assert.deepEqual(axisPlaces({ label: '', values: ['a'], numbers: null }, 9).places, [0.5]);
    assert.deepEqual(axisPlaces({ label: '', values: ['1', '2', '5'], numbers: [1, 2, 5] }, 9).places, [0, 0.25, 1]);
    const { places } = axisPlaces({ label: '', values: ['', '', ''], numbers: [1e-4, 1e-3, 1e-2] }, 9);
    for (const [index, expected] of [0, 0.5, 1].entries()) assert.ok(Math.abs(places[index] - expected) < 1e-12);
    assert.ok(axisPlaces({ label: '', values: Array.from({ length: 300 }, (_, i) => `v${i}`), numbers: null }, 9).ticks.length <= 9);
  });

  test('what failed stands apart from the numbers, at the bad end', () => {
    const axis = { label: '', values: ['1', '3', 'failed'], numbers: [1, 3, Number.NaN] };
    const top = axisPlaces(axis, 9, 'top');
    assert.deepEqual([top.places[0], top.places[2]], [0, 1]);
    assert.ok(top.places[1] < 0.9);
    const bottom = axisPlaces(axis, 9, 'bottom');
    assert.deepEqual([bottom.places[1], bottom.places[2]], [1, 0]);
    assert.ok(bottom.places[0] > 0.1);
    assert.ok(bottom.ticks.some(({ label, at }) => label === 'failed' && at === 0));
  });

  test('a stretch of an axis keeps the values in it, by pointer and by keys', () => {
    const places = [0, 0.25, 0.5, 1];
    assert.deepEqual(brushBetween(places, 0.6, 0.2), [1, 2]);
    assert.deepEqual(brushBetween(places, 0.7, 0.72), [2, 2]);
    assert.equal(brushBetween([], 0, 1), undefined);
    assert.deepEqual(brushByKey(undefined, 4, 'ArrowUp', false), [0, 0]);
    assert.deepEqual(brushByKey([0, 0], 4, 'ArrowUp', true), [0, 1]);
    assert.deepEqual(brushByKey([0, 1], 4, 'ArrowUp', false), [1, 2]);
    assert.deepEqual(brushByKey([2, 3], 4, 'ArrowUp', false), [2, 3]);
    assert.deepEqual(brushByKey([0, 1], 4, 'ArrowDown', false), [0, 1]);
    assert.deepEqual(brushByKey(undefined, 4, 'End', false), [3, 3]);
    assert.equal(brushByKey([1, 2], 4, 'Escape', false), null);
    assert.equal(brushByKey([1, 2], 4, 'a', false), undefined);
    const line = { name: '', at: [2, null], result: 1 };
    assert.deepEqual(
      [isKept(line, []), isKept(line, [[1, 2]]), isKept(line, [[0, 1]]), isKept(line, [undefined, [0, 9]])],
      [true, true, false, false],
    );
  });
});

describe('colours of results', () => {
  const palette = { heat: ['#ffffff', '#000000'] } as unknown as Parameters<typeof resultScale>[2];

  test('the better, the further from the page, evenly or in decades', () => {
    const lower = resultScale([1, 3], 'lower', palette, 0);
    assert.deepEqual(
      [lower.kind, lower.colour(1), lower.colour(3), lower.colour(2)],
      ['linear', 'rgb(0, 0, 0)', 'rgb(255, 255, 255)', 'rgb(128, 128, 128)'],
    );
    const higher = resultScale([0.01, 1], 'higher', palette, 0);
    assert.deepEqual([higher.kind, higher.colour(0.01), higher.colour(0.1)], ['log', 'rgb(255, 255, 255)', 'rgb(128, 128, 128)']);
    assert.equal(resultScale([-1, 100], 'lower', palette, 0).kind, 'linear');
    // All the same: each is the best there is.
    assert.deepEqual(
      [resultScale([2, 2], 'lower', palette, 0).colour(2), resultScale([], 'lower', palette, 0).steps(1)],
      ['rgb(0, 0, 0)', ['rgb(0, 0, 0)']],
    );
  });

  test('words on a colour can be read', () => {
    assert.deepEqual(
      [inkOn('rgb(255, 255, 255)'), inkOn('rgb(10, 20, 60)'), inkOn('rgb(200, 220, 210)')],
      ['#000000', '#ffffff', '#000000'],
    );
    assert.deepEqual([cutTo('abcdef', 100), cutTo('abcdefghij', 31), cutTo('abc', 1)], ['abcdef', 'ab…ij', '…']);
  });

  test('comma-separated values are quoted, and no formula', () => {
    assert.equal(csvOf([['a,b', '=1+1', null, 2.5]]), `"a,b",'=1+1,,2.5\n`);
  });
});
