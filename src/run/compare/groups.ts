import { deviationOf, meanOf } from '../../diagnosis/comparison/pairedDifference.ts';
import { type FieldValue, fieldAt, fieldKey } from './runFields.ts';
import type { RunSummary } from './runSummary.ts';

/** Which of two results is the better one. */
export type Direction = 'lower' | 'higher';

/** Runs with the same values of some fields, and what they came to. */
export interface Group {
  /** Values of the fields that make the group; null where an experiment does not have one. */
  readonly fields: Readonly<Record<string, FieldValue>>;
  readonly n: number;
  /** Runs whose result is not finite, or whose guard stopped them; they are in none of the next four. */
  readonly failed: number;
  /** Runs that did not measure it. */
  readonly missing: number;
  /** Of the result, over the runs that neither failed nor lack it; null where there is none. */
  readonly mean: number | null;
  /** Standard deviation (n - 1); null of fewer than two. */
  readonly deviation: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Runs in which some update was skipped because it was not finite. */
  readonly withNonFinite: number;
  /** How many runs were judged so; runs without a verdict are in none. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** Mean over the runs of the median norm of the gradient before clipping, and the largest of all. */
  readonly gradientNorm: { readonly p50: number | null; readonly max: number | null };
  /** Means over the runs. */
  readonly updates: number | null;
  readonly seconds: number | null;
  /** Their directories. */
  readonly runs: readonly string[];
}

/** A group with the runs themselves. */
export interface Grouped {
  readonly group: Group;
  readonly runs: readonly RunSummary[];
}

/** What a run came to: a number that may be not finite; `failed` where its guard stopped it; undefined where it was not measured. */
export function resultOf({ state, results }: RunSummary, metric: string): number | 'failed' | undefined {
  if (state === 'exploded') return 'failed';
  const value = results[metric] ?? undefined;
  return value !== undefined && !Number.isFinite(value) ? 'failed' : value;
}

/** An accuracy and a speed are better the higher they are, everything else the lower. */
export function directionOf(runs: readonly RunSummary[], metric: string): Direction {
  const accuracy = /(^|\.)metric\.value$/.test(metric) && runs.some(({ metricName }) => metricName === 'accuracy');
  return accuracy || metric === 'stepsPerSecond' ? 'higher' : 'lower';
}

/** What a metric is called where its path does not say: `accuracy` of `metric.value`; null for the others, and where runs call it differently. */
export function metricNameOf(runs: readonly RunSummary[], metric: string): string | null {
  if (metric !== 'metric.value') return null;
  const names = new Set(runs.flatMap(({ metricName }) => metricName ?? []));
  return names.size === 1 ? [...names][0] : null;
}

/** The groups of some runs, the best first: fewer failures, then the better mean. */
export function groupRuns(runs: readonly RunSummary[], by: readonly string[], metric: string, better: Direction): Grouped[] {
  const groups = new Map<string, RunSummary[]>();
  for (const run of runs) {
    const key = by.map((path) => fieldKey(fieldAt(run.fields, path))).join('\n');
    const group = groups.get(key);
    if (group) group.push(run);
    else groups.set(key, [run]);
  }
  return [...groups.values()].map((members) => ({ group: groupOf(members, by, metric), runs: members })).sort(ranked(better));
}

function groupOf(runs: readonly RunSummary[], by: readonly string[], metric: string): Group {
  const values = runs.map((run) => resultOf(run, metric));
  const known = values.filter((each) => typeof each === 'number');
  const over = (name: string) => runs.map(({ results }) => results[name]).filter((each) => typeof each === 'number');
  const meanOver = (name: string) => {
    const finite = over(name).filter(Number.isFinite);
    return finite.length === 0 ? null : meanOf(finite);
  };
  const verdicts: Record<string, number> = {};
  for (const { verdict } of runs) if (verdict !== null) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  const extreme = (choose: (...all: number[]) => number, of: readonly number[]) =>
    of.length === 0 ? null : of.reduce((a, b) => choose(a, b));
  return {
    fields: Object.fromEntries(by.map((path) => [path, fieldAt(runs[0].fields, path) ?? null])),
    n: runs.length,
    failed: values.filter((each) => each === 'failed').length,
    missing: values.filter((each) => each === undefined).length,
    mean: known.length === 0 ? null : meanOf(known),
    deviation: deviationOf(known),
    min: extreme(Math.min, known),
    max: extreme(Math.max, known),
    withNonFinite: over('nonFiniteUpdates').filter((count) => count > 0).length,
    verdicts,
    gradientNorm: { p50: meanOver('gradientNorm.p50'), max: extreme(Math.max, over('gradientNorm.max')) },
    updates: meanOver('updates'),
    seconds: meanOver('seconds'),
    runs: runs.map(({ run }) => run),
  };
}

const ranked =
  (better: Direction) =>
  ({ group: a }: Grouped, { group: b }: Grouped): number => {
    const failures = a.failed / a.n - b.failed / b.n;
    if (failures !== 0) return failures;
    if (a.mean === null || b.mean === null) return Number(a.mean === null) - Number(b.mean === null);
    return better === 'lower' ? a.mean - b.mean : b.mean - a.mean;
  };
