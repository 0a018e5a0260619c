import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { DependenceReport } from '../diagnosis/dependence/dependence.ts';
import { ThroughtimeError } from '../errors.ts';
import { toJson } from '../run/json.ts';
import { takeLock } from '../run/lock.ts';
import type { MetricsWriter } from '../run/metrics.ts';
import { Course } from './course.ts';
import { dataKey, dataVariants, filesOf, testData } from './dataVariants.ts';
import type { Hands } from './hands/hands.ts';
import { type SettingRow, Standing } from './standing.ts';
import { revived, SweepDirectory } from './sweepDirectory.ts';
import type { ReadSweep } from './sweepFile.ts';
import type { TrialEvent } from './trialEvents.ts';

/** What `sweep` answers. */
export interface SweepResult {
  /** The sweep directory. */
  readonly sweep: string;
  readonly trials: {
    readonly count: number;
    readonly done: number;
    readonly failed: number;
    readonly leftOut: number;
    readonly waiting: number;
  };
  /** The trial with the lowest loss on the validation part; null where none is done. */
  readonly best: {
    readonly trial: number;
    readonly run: string;
    readonly setting: Readonly<Record<string, unknown>>;
    readonly loss: number;
  } | null;
  /** The settings, the best first; of a sweep with more, the first thousand. */
  readonly table: readonly SettingRow[];
  /** Of this sitting. */
  readonly seconds: number;
  readonly stopped: 'signal' | null;
}

/** Told to whoever shows progress. */
export interface SweepWatcher {
  /** The trials are known, and who trains them. */
  begun?(sweep: { directory: SweepDirectory; standing: Standing; hands: string; resumed: boolean }): void;
  /** Something changed; `left` is the time left in seconds, as far as it can be told. */
  changed?(left: number | null): void;
  /** Something that the user should know, in a sentence. */
  noted?(sentence: string): void;
}

/** Which sweep is made or gone on with, by whom. */
export interface SweepRequest {
  readonly read: ReadSweep;
  /** The sweep directory, which is gone on with where it is there. */
  readonly out: string;
  /** The version of this program. */
  readonly program: string;
  /** What trains the trials of a directory. */
  readonly hands: (parts: HandsParts) => Hands | Promise<Hands>;
  readonly signal?: AbortSignal;
  readonly watcher?: SweepWatcher;
}

export interface HandsParts {
  readonly directory: SweepDirectory;
  /** The version of this program. */
  readonly program: string;
  readonly read: ReadSweep;
  /** What the tests of the data have said, by the key of the data; empty where no verdicts are wanted. */
  readonly reports: Readonly<Record<string, DependenceReport>>;
}

/** Settings that the answer lists. */
const mostRows = 1000;

/** Trains the trials of a sweep, or goes on with them, and leaves a sweep directory. */
export async function runSweep(request: SweepRequest): Promise<SweepResult> {
  const { read, out, watcher } = request;
  const began = performance.now();
  const files = await filesOf(read.trials, read.folder);
  const resumed = SweepDirectory.is(out);
  const directory = resumed ? reopened(out, request, files) : begun(out, request, files);
  const release = takeLock(out);
  let writer: MetricsWriter<TrialEvent> | undefined;
  let hands: Hands | undefined;
  try {
    const standing = new Standing(read.trials);
    directory.replay((event) => standing.take(event));
    const signal = request.signal ?? new AbortController().signal;
    const reports = read.sweep.verdicts ? await reportsOf(directory, request, signal) : {};
    if (resumed) directory.update({ status: 'running' });
    const before = directory.record.program;
    if (before !== request.program) {
      watcher?.noted?.(`The sweep was begun by version ${before} and goes on with ${request.program}: the bits may differ.`);
    }
    writer = directory.writer();
    hands = await request.hands({ directory, program: request.program, read, reports });
    watcher?.begun?.({ directory, standing, hands: hands.name, resumed });
    const changed = (left: number | null) => watcher?.changed?.(left);
    const noted = (sentence: string) => watcher?.noted?.(sentence);
    await new Course({ standing, writer, hands, signal, changed, noted }).run();
    writer.sync();
    const result = resultOf(out, standing, signal.aborted, (performance.now() - began) / 1000);
    if (!result.stopped) await hands.finished?.();
    directory.update({ status: result.stopped ? 'stopped' : 'done', ended: new Date().toISOString(), result });
    return result;
  } catch (cause) {
    writer?.sync();
    directory.update({ status: 'stopped', ended: new Date().toISOString() });
    throw cause;
  } finally {
    await hands?.close();
    writer?.close();
    release();
  }
}

function begun(out: string, { read, program }: SweepRequest, files: Awaited<ReturnType<typeof filesOf>>): SweepDirectory {
  const { sweep, trials, folder } = read;
  return SweepDirectory.create(out, {
    ...{ program, name: sweep.name, folder: path.resolve(folder), sweep, files },
    ...{ trials: trials.count, settings: trials.plan.settings, seeds: trials.seeds.length },
  });
}

/** @throws SWEEP_INVALID where the directory is that of another sweep file, or of other data. */
function reopened(out: string, { read }: SweepRequest, files: Awaited<ReturnType<typeof filesOf>>): SweepDirectory {
  const directory = SweepDirectory.open(out);
  const { record } = directory;
  const now = JSON.parse(JSON.stringify(read.sweep)) as Record<string, unknown>;
  const then = record.sweep as unknown as Record<string, unknown>;
  const other = Object.keys({ ...now, ...then }).find((field) => !isDeepStrictEqual(now[field], then[field]));
  if (other !== undefined) {
    const sentence = `holds the sweep of another file, in which ${other} differs; give --out another name, or restore the file`;
    throw new ThroughtimeError('SWEEP_INVALID', sentence, { file: out });
  }
  for (const before of record.files) {
    if (files.some(({ path: file, sha256 }) => file === before.path && sha256 === before.sha256)) continue;
    const sentence = `cannot be gone on with: ${before.path} has changed since the sweep began; restore it, or give --out another name`;
    throw new ThroughtimeError('SWEEP_INVALID', sentence, { file: out });
  }
  return directory;
}

/** Tests the data that have not been tested. */
async function reportsOf(
  directory: SweepDirectory,
  { read, watcher }: SweepRequest,
  signal: AbortSignal,
): Promise<Record<string, DependenceReport>> {
  let reports = directory.reports;
  for (const [key, trial] of dataVariants(read.trials)) {
    if (reports[key]) continue;
    watcher?.noted?.('Testing the data, for the verdicts.');
    const report = await testData(read.trials.experiment(trial), read.folder, signal).catch((cause: unknown) => {
      if (!(cause instanceof ThroughtimeError) || cause.code !== 'STOPPED') throw cause;
      throw new ThroughtimeError('STOPPED', 'the sweep was stopped while the data were tested, before any training; begin it again');
    });
    reports = { ...reports, [key]: report };
    directory.reports = reports;
  }
  // As they are read again, so that a sweep that is gone on with judges by the same numbers.
  return JSON.parse(toJson(reports), revived) as Record<string, DependenceReport>;
}

/** What the test of a trial's data has said; null where no verdicts are wanted. */
export function reportFor({ read, reports }: HandsParts): (trial: number) => DependenceReport | null {
  if (!read.sweep.verdicts) return () => null;
  return (trial) => reports[dataKey(read.trials.experiment(trial))];
}

function resultOf(sweep: string, standing: Standing, aborted: boolean, seconds: number): SweepResult {
  const { trials, counts, best } = standing;
  const ended = counts.done + counts.failed + counts['left-out'];
  return {
    sweep,
    trials: { count: trials.count, done: counts.done, failed: counts.failed, leftOut: counts['left-out'], waiting: trials.count - ended },
    best: best && { ...best, run: trials.run(best.trial), setting: trials.setting(best.trial) },
    table: standing.table(mostRows),
    seconds,
    stopped: aborted && ended < trials.count ? 'signal' : null,
  };
}
