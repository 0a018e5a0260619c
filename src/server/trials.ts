import { type Comparison, compareRuns, defaultMetric, sayField, sortRuns } from '../run/compare/compareRuns.ts';
import { directionOf, metricNameOf, resultOf } from '../run/compare/groups.ts';
import { differingFields, type FieldValue, fieldAt, fieldKey, isSeed } from '../run/compare/runFields.ts';
import type { RunSummary } from '../run/compare/runSummary.ts';
import type { GridAnswer, TrialField, TrialsAnswer } from './answers.ts';

/** The runs below a folder of those that are served; all, where it is empty. */
const below = (runs: readonly RunSummary[], under: string) =>
  under === '' ? runs : runs.filter(({ run }) => run === under || run.startsWith(`${under}/`));

/** All runs below a folder as points: their values of the fields in which they differ, and what they came to. */
export function trialsAnswer(all: readonly RunSummary[], under: string, asked: string | undefined): TrialsAnswer {
  const runs = below(all, under);
  const metrics = metricsOf(runs);
  const metric = asked !== undefined && metrics.includes(asked) ? asked : defaultMetric;
  const fields = fieldsOf(runs);
  const places = fields.map(({ keys }) => new Map(keys.map((key, index) => [key, index])));
  return {
    folders: foldersOf(all),
    metrics,
    metric,
    metricName: metricNameOf(runs, metric),
    better: directionOf(runs, metric),
    fields: fields.map(({ answer }) => answer),
    runs: runs.map((run) => {
      const result = resultOf(run, metric);
      return {
        ...{ run: run.run, state: run.state, verdict: run.verdict },
        failed: result === 'failed',
        result: typeof result === 'number' ? result : null,
        at: fields.map(({ answer }, index) => places[index].get(fieldKey(fieldAt(run.fields, answer.field))) ?? 0),
      };
    }),
  };
}

/** The ended runs below a folder by one or two fields; undefined where none has ended. */
export function gridAnswer(
  all: readonly RunSummary[],
  { under, metric, x, y }: { under: string; metric: string | undefined; x: string; y: string | undefined },
): GridAnswer | undefined {
  const runs = sortRuns(below(all, under));
  if (runs.ended.length === 0) return undefined;
  const by = y === undefined || y === x ? [x] : [x, y];
  const comparison: Comparison = compareRuns(runs, { by, metric });
  const fields = by.map((field) => fieldOf(runs.ended, field));
  const place = (index: number, value: FieldValue) => fields[index].keys.indexOf(fieldKey(value ?? undefined));
  return {
    metric: comparison.metric,
    metricName: comparison.metricName,
    better: comparison.better,
    x: fields[0].answer,
    y: fields[1]?.answer ?? null,
    cells: comparison.groups.map(({ fields: values, n, failed, missing, mean, deviation, min, max, verdicts, runs: names }) => ({
      ...{ x: place(0, values[by[0]]), y: by.length > 1 ? place(1, values[by[1]]) : 0 },
      ...{ n, failed, missing, mean, deviation, min, max, verdicts, runs: names },
    })),
    pooled: comparison.pooled,
    unfinished: runs.leftOut.length,
  };
}

/** A field with what tells its values apart. */
interface Field {
  readonly answer: TrialField;
  readonly keys: readonly string[];
}

/** The fields in which runs differ, then the seeds. */
function fieldsOf(runs: readonly RunSummary[]): Field[] {
  const seeds = [...new Set(runs.flatMap(({ fields }) => Object.keys(fields)))].filter(isSeed);
  return [...differingFields(runs), ...seeds].map((field) => fieldOf(runs, field)).filter(({ keys }) => keys.length > 1);
}

function fieldOf(runs: readonly RunSummary[], field: string): Field {
  const values = new Map(runs.map(({ fields }) => [fieldKey(fieldAt(fields, field)), fieldAt(fields, field)]));
  const ordered = [...values].sort(([, a], [, b]) => inOrder(a, b));
  const numbers = ordered.map(([, value]) => value).filter((value) => typeof value === 'number');
  return {
    answer: {
      field,
      values: ordered.map(([, value]) => sayField(value)),
      numbers: numbers.length === ordered.length ? numbers : null,
      seed: isSeed(field),
    },
    keys: ordered.map(([key]) => key),
  };
}

/** What an experiment does not have comes first, then words, then numbers, then objects by their keys and what is in them. */
function inOrder(a: FieldValue | undefined, b: FieldValue | undefined): number {
  const rank = (value: unknown) =>
    value === undefined || value === null ? 0 : typeof value === 'object' ? 3 : typeof value === 'number' ? 2 : 1;
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return String(a) < String(b) ? -1 : 1;
  for (const [index, [key, value]] of Object.entries(a).entries()) {
    const other = Object.entries(b)[index];
    if (!other || key !== other[0]) return !other || key > other[0] ? 1 : -1;
    const order = inOrder(value as FieldValue, other[1] as FieldValue);
    if (order !== 0) return order;
  }
  return Object.keys(a).length - Object.keys(b).length;
}

function metricsOf(runs: readonly RunSummary[]): string[] {
  const names = new Set(runs.flatMap(({ results }) => Object.keys(results).filter((name) => typeof results[name] === 'number')));
  return [...names].sort();
}

/** Folders that hold several runs, and not the same ones as the folder above them. */
function foldersOf(runs: readonly RunSummary[]): { folder: string; runs: number }[] {
  const counts = new Map<string, number>([['', 0]]);
  for (const { run } of runs) {
    const parts = run.split('/');
    for (let length = 0; length < parts.length; length++) {
      const folder = parts.slice(0, length).join('/');
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
  }
  const above = (folder: string) => counts.get(folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : '');
  return [...counts]
    .filter(([folder, count]) => folder === '' || (count > 1 && count !== above(folder)))
    .map(([folder, count]) => ({ folder, runs: count }))
    .sort((a, b) => (a.folder < b.folder ? -1 : 1));
}
