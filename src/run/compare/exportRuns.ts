import { ThroughtimeError } from '../../errors.ts';
import { type ParquetColumn, ParquetFile } from '../../interop/parquet.ts';
import { writeWholeBy } from '../files.ts';
import { eachMetricsLine } from '../metrics.ts';
import { RunDirectory } from '../runDirectory.ts';
import { leavesOf } from './runFields.ts';
import type { RunSummary } from './runSummary.ts';

type Value = string | number | boolean | Date | null;

/** A column of the table of runs, and its value of each. */
interface RunColumn extends ParquetColumn {
  readonly value: (run: RunSummary) => Value;
}

/** What every table of runs begins with. */
const beginning: readonly RunColumn[] = [
  { name: 'run', type: 'text', value: ({ run }) => run },
  { name: 'state', type: 'text', value: ({ state }) => state },
  { name: 'verdict', type: 'text', value: ({ verdict }) => verdict },
  { name: 'backend', type: 'text', value: ({ backend }) => backend },
  { name: 'started', type: 'moment', value: ({ started }) => new Date(started) },
  { name: 'ended', type: 'moment', value: ({ ended }) => (ended === null ? null : new Date(ended)) },
];

/** Results that every table has, measured or not, in this order; further ones follow by name. */
const always = [
  ...['loss.train', 'loss.validation', 'loss.constant', 'metric.value', 'best.update', 'best.validation'],
  ...['gradientNorm.p50', 'gradientNorm.p90', 'gradientNorm.p99', 'gradientNorm.max', 'clippedFraction'],
  ...['updates', 'appliedUpdates', 'nonFiniteUpdates', 'seconds', 'stepsPerSecond'],
];

/** The columns of a table of runs: what it begins with, `name` and the fields of the experiments by their paths, then `result.` and the results. */
function columnsOf(runs: readonly RunSummary[]): RunColumn[] {
  const leaves = new Map(runs.map((run) => [run, new Map(leavesOf(run.fields))]));
  const paths = [...new Set([...leaves.values()].flatMap((each) => [...each.keys()]))];
  const order = ['name', 'data.', 'model.', 'training.'];
  const rank = (path: string) => order.findIndex((each) => path.startsWith(each));
  const fields = paths
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map((path): RunColumn => {
      const kinds = new Set([...leaves.values()].flatMap((each) => kindOf(each.get(path))));
      const [kind] = kinds;
      const type = kinds.size === 1 && kind !== 'other' ? kind : 'text';
      const mixed = kinds.size > 1 || kind === 'other';
      const value = (run: RunSummary): Value => {
        const each = leaves.get(run)?.get(path) ?? null;
        return mixed && each !== null ? JSON.stringify(each) : (each as Value);
      };
      return { name: path, type, value };
    });
  const measured = new Set(runs.flatMap(({ results }) => Object.keys(results).filter((name) => typeof results[name] === 'number')));
  const further = [...measured].filter((name) => !always.includes(name)).sort();
  const results = [...always, ...further].map(
    (name): RunColumn => ({ name: `result.${name}`, type: 'number', value: ({ results: each }) => each[name] ?? null }),
  );
  const metric: RunColumn = { name: 'result.metric.name', type: 'text', value: ({ metricName }) => metricName };
  return [...beginning, ...fields, metric, ...results];
}

function kindOf(value: unknown): ('number' | 'text' | 'boolean' | 'other')[] {
  if (value === undefined || value === null) return [];
  if (typeof value === 'number') return ['number'];
  if (typeof value === 'string') return ['text'];
  return [typeof value === 'boolean' ? 'boolean' : 'other'];
}

/** What an export wrote. */
export interface Exported {
  readonly file: string;
  readonly rows: number;
}

/**
 * Writes a row for each run, whatever its state, into a Parquet file, whole or not at all.
 *
 * @throws OPTION_INVALID for a file that is not named .parquet; WRITE_FAILED.
 */
export async function exportRuns(runs: readonly RunSummary[], file: string): Promise<Exported> {
  checkParquetName('--parquet', file);
  await writeWholeBy(file, (temporary) => {
    const columns = columnsOf(runs);
    const parquet = new ParquetFile(temporary, columns);
    for (const run of runs) parquet.add(columns.map(({ value }) => value(run)));
    parquet.close();
  });
  return { file, rows: runs.length };
}

const curveColumns: readonly ParquetColumn[] = [
  { name: 'run', type: 'text' },
  { name: 'update', type: 'whole' },
  ...['loss', 'validationLoss', 'gradientNorm', 'clippedNorm', 'learningRate', 'seconds', 'omega', 'clip.share', 'clip.factor'].map(
    (name): ParquetColumn => ({ name, type: 'number' }),
  ),
  { name: 'nonFinite', type: 'text' },
];

/**
 * Writes a row for each update of each run: what metrics.jsonl has of it.
 *
 * @throws OPTION_INVALID for a file that is not named .parquet; WRITE_FAILED; RUN_INVALID for metrics that are damaged.
 */
export async function exportCurves(runs: readonly RunSummary[], file: string): Promise<Exported> {
  checkParquetName('--parquet-curves', file);
  let rows = 0;
  await writeWholeBy(file, (temporary) => {
    const parquet = new ParquetFile(temporary, curveColumns);
    for (const { run } of runs) {
      const { count } = eachMetricsLine(RunDirectory.open(run).metricsFile, (line) => {
        const {
          update,
          loss,
          validationLoss = null,
          gradientNorm,
          clippedNorm,
          learningRate,
          seconds,
          omega = null,
          clip,
          nonFinite,
        } = line;
        const measured = [loss, validationLoss, gradientNorm, clippedNorm, learningRate, seconds, omega];
        parquet.add([run, update, ...measured, clip?.share ?? null, clip?.factor ?? null, nonFinite]);
      });
      rows += count;
    }
    parquet.close();
  });
  return { file, rows };
}

/** Checked before any run is read. */
export function checkParquetName(option: string, file: string): void {
  if (file.endsWith('.parquet')) return;
  throw new ThroughtimeError('OPTION_INVALID', `${option} ${file} does not end in .parquet, by which readers know such a file; name it so`);
}
