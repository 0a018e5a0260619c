import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import path from 'node:path';
import type { DependenceReport } from '../diagnosis/dependence/dependence.ts';
import { ThroughtimeError } from '../errors.ts';
import { makeFolder, writeWhole } from '../run/files.ts';
import { toJson } from '../run/json.ts';
import { eachLine, MetricsWriter } from '../run/metrics.ts';
import type { DataFile } from '../run/openData.ts';
import type { Sweep } from './sweepFile.ts';
import type { TrialEvent } from './trialEvents.ts';

const magic = 'throughtime-sweep';
const version = 1;

/** `sweep.json`: what was asked for and how it ended. */
export interface SweepRecord {
  readonly magic: typeof magic;
  readonly version: typeof version;
  /** A random name of this sweep. */
  readonly id: string;
  /** The version of the program that began it. */
  readonly program: string;
  readonly name: string;
  /** What relative paths of the experiment start from. */
  readonly folder: string;
  readonly sweep: Sweep;
  /** The data files as they were when the sweep began. */
  readonly files: readonly DataFile[];
  readonly trials: number;
  readonly settings: number;
  readonly seeds: number;
  readonly started: string;
  readonly ended?: string;
  readonly status: 'running' | 'stopped' | 'done';
  /** What `sweep` answered last. */
  readonly result?: unknown;
}

/** Names of the files of a sweep. */
const names = { record: 'sweep.json', trials: 'trials.jsonl', data: 'data.json', runs: 'trials' };

/** A directory with everything about one sweep. */
export class SweepDirectory {
  readonly path: string;
  #record: SweepRecord;

  private constructor(folder: string, record: SweepRecord) {
    this.path = folder;
    this.#record = record;
  }

  /** Makes the directory and writes its record. Nothing is left behind where that fails. */
  static create(folder: string, record: Omit<SweepRecord, 'magic' | 'version' | 'id' | 'started' | 'status'>): SweepDirectory {
    const made = makeFolder(folder);
    if (made === undefined) {
      throw new ThroughtimeError('SWEEP_INVALID', 'exists already and is no sweep directory; give --out another name', { file: folder });
    }
    try {
      const started = new Date().toISOString();
      const directory = new SweepDirectory(folder, { magic, version, id: randomUUID(), ...record, started, status: 'running' });
      // Made here, so that a trial whose first write fails has nothing to remove but its own.
      makeFolder(path.join(folder, names.runs));
      directory.#write();
      return directory;
    } catch (cause) {
      rmSync(made, { recursive: true, force: true });
      throw cause;
    }
  }

  /** Whether a folder holds a sweep. */
  static is(folder: string): boolean {
    return existsSync(path.join(folder, names.record));
  }

  /** @throws SWEEP_INVALID where it is not one that this program can read. */
  static open(folder: string): SweepDirectory {
    const file = path.join(folder, names.record);
    const refuse = (sentence: string, cause?: unknown): never => {
      throw new ThroughtimeError('SWEEP_INVALID', sentence, { file }, { cause });
    };
    if (!existsSync(file)) {
      throw new ThroughtimeError('SWEEP_INVALID', 'is not a sweep directory: it has no sweep.json; name one', { file: folder });
    }
    let record: SweepRecord | null = null;
    try {
      record = JSON.parse(readFileSync(file, 'utf8')) as SweepRecord | null;
    } catch (cause) {
      refuse('is not JSON, so the sweep cannot be opened; restore the file', cause);
    }
    if (record?.magic !== magic)
      return refuse(`is not the record of a sweep: its magic is not ${JSON.stringify(magic)}; name a sweep directory`);
    if (record.version !== version) {
      refuse(`is of version ${record.version}, and this program reads version ${version}; use the program that wrote it`);
    }
    return new SweepDirectory(folder, record);
  }

  get record(): SweepRecord {
    return this.#record;
  }

  get trialsFile(): string {
    return path.join(this.path, names.trials);
  }

  /** Rewrites the record with some fields changed. */
  update(fields: Partial<Pick<SweepRecord, 'status' | 'ended' | 'result'>>): void {
    this.#record = { ...this.#record, ...fields };
    this.#write();
  }

  /**
   * Hands over everything that has happened to its trials, and cuts off a last line that is torn.
   *
   * @throws SWEEP_INVALID for a whole line that is not an event.
   */
  replay(use: (event: TrialEvent) => void): void {
    let count = 0;
    let whole = 0;
    const { torn } = eachLine(this.trialsFile, (text, end) => {
      count++;
      use(parsed(text, this.trialsFile, count));
      whole = end;
    });
    if (torn) truncateSync(this.trialsFile, whole);
  }

  /** What writes events after those that are there. */
  writer(): MetricsWriter<TrialEvent> {
    return new MetricsWriter<TrialEvent>(this.trialsFile);
  }

  /** What tests of the data have said, by the data of the experiment. */
  get reports(): Record<string, DependenceReport> {
    const file = path.join(this.path, names.data);
    if (!existsSync(file)) return {};
    try {
      return JSON.parse(readFileSync(file, 'utf8'), revived) as Record<string, DependenceReport>;
    } catch (cause) {
      throw new ThroughtimeError('SWEEP_INVALID', 'is not JSON; remove it, and the data are tested anew', { file }, { cause });
    }
  }

  set reports(reports: Record<string, DependenceReport>) {
    writeWhole(path.join(this.path, names.data), `${toJson(reports, 2)}\n`);
  }

  #write(): void {
    writeWhole(path.join(this.path, names.record), `${toJson(this.#record, 2)}\n`);
  }
}

/** Reads the events of a sweep directory, one by one; a torn last line is left out. */
export function eachTrialEvent(file: string, use: (event: TrialEvent) => void): { torn: boolean } {
  let count = 0;
  return eachLine(file, (text) => {
    count++;
    use(parsed(text, file, count));
  });
}

function parsed(text: string, file: string, line: number): TrialEvent {
  let value: TrialEvent | null = null;
  try {
    value = JSON.parse(text, revived) as TrialEvent | null;
  } catch {
    // Answered below, like JSON of another kind.
  }
  if (typeof value?.trial !== 'number' || typeof value.event !== 'string') {
    throw new ThroughtimeError('SWEEP_INVALID', 'is not something that happened to a trial; restore the file from a copy', { file, line });
  }
  return value;
}

const notFinite = new Set(['NaN', 'Infinity', '-Infinity']);

/** Reads numbers that are not finite, which JSON has as strings. */
export const revived = (_: string, value: unknown): unknown => (typeof value === 'string' && notFinite.has(value) ? Number(value) : value);
