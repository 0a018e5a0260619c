import { ThroughtimeError } from '../../errors.ts';
import { findRuns } from './findRuns.ts';
import { type Direction, directionOf, type Group, groupRuns, metricNameOf } from './groups.ts';
import { differencesAgainst, type GroupDifference } from './pairs.ts';
import { differingFields, fieldAt, fieldKey } from './runFields.ts';
import { type RunState, type RunSummary, readRunSummary } from './runSummary.ts';

/** The result that is compared where nothing is said. */
export const defaultMetric = 'loss.validation';

/** A run that is in no group, and why. */
export interface LeftOut {
  readonly run: string;
  /** `unreadable` where its files cannot be used. */
  readonly state: RunState | 'unreadable';
  readonly why: string;
}

/** What some run directories hold. */
export interface RunsRead {
  /** All that could be read, whatever their state. */
  readonly all: readonly RunSummary[];
  /** Those that came to an end: done, or stopped by their guard. */
  readonly ended: readonly RunSummary[];
  readonly leftOut: readonly LeftOut[];
}

/** What `compare` answers. */
export interface Comparison {
  readonly metric: string;
  /** Such as `accuracy`, where the path of the metric does not say; else null. */
  readonly metricName: string | null;
  /** Which results are better. */
  readonly better: Direction;
  /** The fields that make the groups. */
  readonly by: readonly string[];
  /** Further fields in which runs differ, seeds aside: a group holds several values of them. */
  readonly pooled: readonly string[];
  /** Runs compared. */
  readonly runs: number;
  /** The best first. */
  readonly groups: readonly Group[];
  /** Of every other group against the one at `against`, at the level of `confidence`. */
  readonly against: number;
  readonly confidence: number;
  readonly differences: readonly GroupDifference[];
  readonly leftOut: readonly LeftOut[];
}

/** By which fields runs are grouped, and by which number they are compared. */
export interface CompareOptions {
  /** Fields that make the groups; by default those in which the runs differ, seeds aside. */
  readonly by?: readonly string[];
  /** A number of the result by its path; the validation loss by default. */
  readonly metric?: string;
  /** Fields and values of the group that the others are compared with; the best group by default. */
  readonly against?: Readonly<Record<string, string>>;
}

/**
 * Reads the runs at and below some places.
 *
 * @param places run directories, and folders of them.
 * @param options.each told of every run read, and of how many there are.
 * @param options.why says why a run has not ended, where somebody knows it better than its directory.
 * @throws FILE_UNREADABLE, RUN_INVALID for places that hold no run. A single run that cannot be read is left out by name.
 */
export function readRuns(
  places: readonly string[],
  { each, why }: { each?: (read: number, of: number) => void; why?: (run: string) => string | undefined } = {},
): RunsRead {
  const folders = findRuns(places);
  const all: RunSummary[] = [];
  const leftOut: LeftOut[] = [];
  for (const [index, folder] of folders.entries()) {
    try {
      all.push(readRunSummary(folder));
    } catch (cause) {
      if (!(cause instanceof ThroughtimeError)) throw cause;
      leftOut.push({ run: folder, state: 'unreadable', why: cause.message });
    }
    each?.(index + 1, folders.length);
  }
  return sortRuns(all, leftOut, why);
}

/** Tells runs that have ended from those that have not. */
export function sortRuns(
  all: readonly RunSummary[],
  unreadable: readonly LeftOut[] = [],
  known?: (run: string) => string | undefined,
): RunsRead {
  const leftOut = [...unreadable];
  const ended: RunSummary[] = [];
  for (const run of all) {
    const why = whyUnfinished(run);
    if (why === undefined) ended.push(run);
    else leftOut.push({ run: run.run, state: run.state, why: known?.(run.run) ?? why });
  }
  return { all, ended, leftOut };
}

function whyUnfinished({ run, state }: RunSummary): string | undefined {
  if (state === 'running') return 'is still trained; wait for its end';
  if (state === 'killed') return `was killed before its end; go on with it: throughtime train ${run}`;
  if (state === 'stopped') return `was stopped before its end; go on with it: throughtime train ${run}`;
  return undefined;
}

/**
 * Groups runs by fields of their experiments and compares what they came to, over the seeds and pair by pair.
 *
 * @throws RUN_INVALID where no run has ended; OPTION_INVALID for a field, a metric or a group that there is not.
 */
export function compareRuns({ ended, leftOut }: RunsRead, options: CompareOptions = {}): Comparison {
  const { metric = defaultMetric } = options;
  if (ended.length === 0) {
    const [first] = leftOut;
    const count = `${leftOut.length} ${leftOut.length === 1 ? 'run' : 'runs'}`;
    throw new ThroughtimeError('RUN_INVALID', `none of ${count} has ended, so there is nothing to compare: ${first?.run} ${first?.why}`);
  }
  checkMetric(ended, metric);
  const differing = differingFields(ended);
  const by = options.by ?? differing;
  checkFields(ended, by, differing);
  const better = directionOf(ended, metric);
  const grouped = groupRuns(ended, by, metric, better);
  const groups = grouped.map(({ group }) => group);
  const against = options.against ? groupNamed(groups, by, options.against) : 0;
  return {
    ...{ metric, metricName: metricNameOf(ended, metric), better, by },
    pooled: differing.filter((path) => !by.some((each) => each === path || each.startsWith(`${path}.`))),
    runs: ended.length,
    ...{ groups, against },
    confidence: 0.95,
    differences: differencesAgainst(grouped, against, by, metric, better),
    leftOut,
  };
}

function checkMetric(runs: readonly RunSummary[], metric: string): void {
  if (runs.some(({ results }) => typeof results[metric] === 'number')) return;
  const known = [...new Set(runs.flatMap(({ results }) => Object.keys(results).filter((name) => typeof results[name] === 'number')))];
  throw new ThroughtimeError('OPTION_INVALID', `--metric ${metric} is in no result of these runs; there are ${known.sort().join(', ')}`);
}

function checkFields(runs: readonly RunSummary[], by: readonly string[], differing: readonly string[]): void {
  const twice = by.find((path, index) => by.indexOf(path) !== index);
  if (twice !== undefined) throw new ThroughtimeError('OPTION_INVALID', `--by names ${twice} twice; name each field once`);
  for (const path of by) {
    if (runs.some(({ fields }) => fieldAt(fields, path) !== undefined)) continue;
    const some = differing.length > 0 ? `they differ in ${differing.join(', ')}` : 'they differ in nothing but their seeds';
    throw new ThroughtimeError('OPTION_INVALID', `--by ${path} is a field of none of these experiments; ${some}`);
  }
}

function groupNamed(groups: readonly Group[], by: readonly string[], wanted: Readonly<Record<string, string>>): number {
  for (const path of Object.keys(wanted)) {
    if (!by.includes(path)) {
      throw new ThroughtimeError(
        'OPTION_INVALID',
        `--against ${path} is no field of the groups, which are by ${by.join(', ')}; name one of those`,
      );
    }
  }
  const matching = groups.flatMap(({ fields }, index) =>
    Object.entries(wanted).every(([path, text]) => sayField(fields[path]) === text || fieldKey(fields[path]) === text) ? [index] : [],
  );
  if (matching.length === 1) return matching[0];
  const named = Object.entries(wanted).map(([path, text]) => `${path}=${text}`);
  const allowed = groups.slice(0, 8).map(({ fields }) => by.map((path) => `${path}=${sayField(fields[path])}`).join(' '));
  const problem = matching.length === 0 ? 'is no group' : `fits ${matching.length} groups, and must name one`;
  throw new ThroughtimeError('OPTION_INVALID', `--against ${named.join(',')} ${problem}; there are ${allowed.join('; ')}`);
}

/** A value of a field for people: a word as it is, `{"globalNorm": 1}` as `globalNorm 1`, `-` where the experiment has none. */
export function sayField(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return JSON.stringify(value);
  return Object.entries(value)
    .map(([key, each]) => (typeof each === 'object' && each !== null ? `${key} ${JSON.stringify(each)}` : `${key} ${each}`))
    .join(', ');
}
