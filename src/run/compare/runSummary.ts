import { existsSync, readFileSync } from 'node:fs';
import { ThroughtimeError } from '../../errors.ts';
import { isHeld } from '../lock.ts';
import { RunDirectory, type RunRecord } from '../runDirectory.ts';
import { type RunFields, runFields } from './runFields.ts';

/**
 * How a run stands: `done`; `exploded`, where its guard stopped it; `stopped` by a signal or a budget; `running` in a process that is there;
 * `killed`, where that process is gone.
 */
export type RunState = 'done' | 'exploded' | 'stopped' | 'running' | 'killed';

/** What a run directory says about a training as a whole. */
export interface RunSummary {
  /** Path of the run directory. */
  readonly run: string;
  readonly state: RunState;
  readonly fields: RunFields;
  readonly seed: number;
  /** Every number of the result by its path, such as `loss.validation`; null where it was not measured. Empty before there is a result. */
  readonly results: Readonly<Record<string, number | null>>;
  /** Of the result's `metric`, such as `accuracy`; null where it was not measured. */
  readonly metricName: string | null;
  /** Of verdict.json; null where the run was not judged. */
  readonly verdict: string | null;
  readonly backend: string;
  readonly started: string;
  readonly ended: string | null;
}

/**
 * Reads what a run came to.
 *
 * @param folder a run directory.
 * @throws RUN_INVALID for one that cannot be used, and for a verdict.json that is none.
 */
export function readRunSummary(folder: string): RunSummary {
  const directory = RunDirectory.open(folder);
  return { ...summaryOf(directory.record, folder, () => isHeld(folder)), verdict: verdictOf(directory.verdictFile) };
}

/** The same of a record that has been read. @param held whether a process trains it now. */
export function summaryOf(record: RunRecord, run: string, held: () => boolean): Omit<RunSummary, 'verdict'> {
  const result = isObject(record.result) ? record.result : {};
  const metric = isObject(result.metric) ? result.metric : {};
  return {
    run,
    state: stateOf(record, result.stopped, held),
    fields: runFields(record.experiment, record.files),
    seed: record.seed,
    results: Object.fromEntries(numbersOf(result)),
    metricName: typeof metric.name === 'string' ? metric.name : null,
    backend: record.backend.name,
    started: record.started,
    ended: record.ended ?? null,
  };
}

function stateOf({ status }: RunRecord, stopped: unknown, held: () => boolean): RunState {
  if (status === 'running') return held() ? 'running' : 'killed';
  // A run that is taken up again is written as running; one whose sitting has begun and not said so yet is held.
  if (status === 'stopped') return stopped === 'explosion' ? 'exploded' : 'stopped';
  return 'done';
}

/** JSON has no NaN and no infinity: a run writes them as these words. */
const notFinite: ReadonlySet<unknown> = new Set(['NaN', 'Infinity', '-Infinity']);

function* numbersOf(value: Readonly<Record<string, unknown>>, path = ''): Generator<[string, number | null]> {
  for (const [key, each] of Object.entries(value)) {
    const inside = path === '' ? key : `${path}.${key}`;
    if (typeof each === 'number' || each === null) yield [inside, each];
    else if (notFinite.has(each)) yield [inside, Number(each)];
    else if (isObject(each)) yield* numbersOf(each, inside);
  }
}

function verdictOf(file: string): string | null {
  if (!existsSync(file)) return null;
  let verdict: unknown;
  try {
    verdict = (JSON.parse(readFileSync(file, 'utf8')) as { verdict?: unknown } | null)?.verdict;
  } catch {
    // Answered below, like JSON of another kind.
  }
  if (typeof verdict === 'string') return verdict;
  throw new ThroughtimeError('RUN_INVALID', 'is not what diagnose answers; judge the run again, or remove the file', { file });
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
