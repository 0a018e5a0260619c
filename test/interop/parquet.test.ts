/** The exports of many runs, read by programs of others: DuckDB, and another reader of Parquet. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { ThroughtimeError } from '../../src/errors.ts';
import { ParquetFile } from '../../src/interop/parquet.ts';
import { readRuns } from '../../src/run/compare/compareRuns.ts';
import { exportCurves, exportRuns } from '../../src/run/compare/exportRuns.ts';
import { damage, writeTrial } from '../run/trials.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'parquet-'));
const at = (name: string) => path.join(folder, name);
after(() => rmSync(folder, { recursive: true }));

/** What DuckDB answers, row by row, numbers and words as they are. */
async function asked(query: string): Promise<unknown[][]> {
  const connection = await (await DuckDBInstance.create()).connect();
  try {
    return (await connection.runAndReadAll(query)).getRowsJS();
  } finally {
    connection.closeSync();
  }
}

describe('the table of runs', () => {
  const file = at('runs.parquet');
  before(async () => {
    writeTrial(at('runs/a'), { seed: 3, loss: 0.25, verdict: 'healthy', set: ['model.cell=lstm', 'model.forgetBias=chrono'] });
    writeTrial(at('runs/b'), {
      loss: Number.NaN,
      nonFiniteUpdates: 2,
      set: ['model.cell=lstm', 'model.forgetBias=1.5', 'training.clip=none'],
    });
    writeTrial(at('runs/ü "quoted"'), { state: 'killed', set: ['training.bptt={"k1":5,"k2":7}'] });
    await exportRuns(readRuns([at('runs')]).all, file);
  });

  test('DuckDB reads every run, whatever its state, with names and types as documented', async () => {
    const columns = new Map((await asked(`select column_name, column_type from (describe select * from '${file}')`)) as [string, string][]);
    const types = {
      ...{
        run: 'VARCHAR',
        state: 'VARCHAR',
        verdict: 'VARCHAR',
        backend: 'VARCHAR',
        started: 'TIMESTAMP',
        ended: 'TIMESTAMP',
        name: 'VARCHAR',
      },
      ...{ 'model.cell': 'VARCHAR', 'model.hiddenSize': 'DOUBLE', 'training.seed': 'DOUBLE', 'training.clip': 'VARCHAR' },
      ...{
        'training.clip.globalNorm': 'DOUBLE',
        'training.bptt.k2': 'DOUBLE',
        'model.forgetBias': 'VARCHAR',
        'training.monitors': 'VARCHAR',
      },
      ...{ 'result.metric.name': 'VARCHAR', 'result.loss.validation': 'DOUBLE', 'result.stepsPerSecond': 'DOUBLE' },
    };
    for (const [name, type] of Object.entries(types)) assert.equal(columns.get(name), type, name);
    assert.deepEqual([...columns.keys()].slice(0, 7), ['run', 'state', 'verdict', 'backend', 'started', 'ended', 'name']);
    const fields = '"training.seed", "model.cell", "model.forgetBias", "training.clip", "training.clip.globalNorm", "training.bptt.k2"';
    const results = 'state, verdict, "result.loss.validation", "result.nonFiniteUpdates", year(ended)::INT';
    assert.deepEqual(await asked(`select ${fields}, ${results} from '${file}' order by run`), [
      [3, 'lstm', '"chrono"', null, 1, null, 'done', 'healthy', 0.25, 0, 2026],
      [0, 'lstm', '1.5', 'none', null, null, 'done', null, Number.NaN, 2, 2026],
      [0, 'rnn', null, null, 1, 7, 'killed', null, null, null, null],
    ]);
    const [[last]] = await asked(`select max(run) from '${file}'`);
    assert.equal(last, at('runs/ü "quoted"'));
    // A NaN must not make a reader skip the rows beside it.
    assert.deepEqual(await asked(`select count(*)::INT from '${file}' where "result.loss.validation" < 0.3`), [[1]]);
  });

  test('another reader finds the same', async () => {
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(file) });
    assert.deepEqual(
      rows.map((row) => [row['training.seed'], row['model.cell'], row.state, row['result.loss.validation'] ?? null]),
      [
        [3, 'lstm', 'done', 0.25],
        [0, 'lstm', 'done', Number.NaN],
        [0, 'rnn', 'killed', null],
      ],
    );
  });

  test('the curves have a row for each update of each run', async () => {
    const curves = at('curves.parquet');
    assert.deepEqual(await exportCurves(readRuns([at('runs')]).all, curves), { file: curves, rows: 9 });
    const rows = await asked(
      `select "update", loss, "validationLoss", "gradientNorm", "clippedNorm", "nonFinite" from '${curves}' where run like '%b' order by "update"`,
    );
    assert.deepEqual(rows, [
      [1, 2, null, 2, 1, 'loss'],
      [2, 1, null, 2, 1, 'loss'],
      [3, 2 / 3, Number.NaN, 2, 1, null],
    ]);
  });

  test('what cannot be written leaves nothing behind', async () => {
    const runs = readRuns([at('runs')]).all;
    await assert.rejects(
      exportRuns(runs, at('nowhere/runs.parquet')),
      (error) => error instanceof ThroughtimeError && error.code === 'WRITE_FAILED',
    );
    await assert.rejects(exportRuns(runs, at('runs.csv')), /--parquet .*runs\.csv does not end in \.parquet/);
    writeTrial(at('damaged'), {});
    damage(at('damaged'), 'metrics.jsonl', '{"update":9}\n');
    await assert.rejects(exportCurves(readRuns([at('damaged')]).all, at('damaged.parquet')), /metrics\.jsonl:4: is the record of update 9/);
    assert.equal(existsSync(at('damaged.parquet')), false);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.includes('writing')),
      [],
    );
  });
});

test('a file of several groups of rows is read whole, and its order kept', async () => {
  const file = at('long.parquet');
  const parquet = new ParquetFile(file, [
    { name: 'i', type: 'whole' },
    { name: 'x', type: 'number' },
  ]);
  const count = 100_001;
  for (let i = 0; i < count; i++) parquet.add([i, i === 7 ? Infinity : i / 2]);
  parquet.close();
  // 0 + 1 + ... + (count - 1), less 7, halved.
  assert.deepEqual(await asked(`select count(*)::INT, max(i), sum(x) filter (x < 1e300) from '${file}'`), [
    [count, count - 1, ((count * (count - 1)) / 2 - 7) / 2],
  ]);
});
