import { existsSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { DataDescription } from '../data/dataset.ts';
import { show } from '../data/options.ts';
import { ThroughtimeError } from '../errors.ts';
import type { TrainingMemory } from '../training/trainingMemory.ts';
import { type Experiment, experimentFrom } from './experiment.ts';
import { makeFolder, writeWhole } from './files.ts';
import { toJson } from './json.ts';
import type { DataFile } from './openData.ts';
import type { Rewind } from './rewind.ts';

const magic = 'throughtime-run';
const version = 1;

/** `run.json`: what was asked for, where and with what it was done, and how it ended. */
export interface RunRecord {
  readonly magic: typeof magic;
  readonly version: typeof version;
  readonly experiment: Experiment;
  readonly seed: number;
  /** What relative paths in the experiment start from. */
  readonly folder: string;
  /** The data files as they were when the run began. */
  readonly files: readonly DataFile[];
  /** What a reader of the weights needs to know of the data. */
  readonly data: DataDescription;
  /** How the memory is used: the plan of the passes, which a later sitting takes over, for the bits depend on it. */
  readonly memory?: TrainingMemory;
  readonly backend: {
    readonly name: string;
    readonly detail: string;
    readonly reason: string;
    readonly threads: number;
    /** The library that `blas` uses, and what for. */
    readonly native?: Readonly<Record<string, unknown>>;
  };
  readonly machine: {
    readonly node: string;
    readonly platform: string;
    readonly arch: string;
    readonly cpu: string;
    readonly cores: number;
  };
  /** The run and the update that this one was begun from, where it was not begun from the beginning. */
  readonly from?: Rewind;
  readonly started: string;
  /** When the last sitting with this run ended; absent while the first one runs. */
  readonly ended?: string;
  readonly status: 'running' | 'stopped' | 'done';
  /** What `train` answered when the run was done. */
  readonly result?: unknown;
}

/** Names of the files of a run. */
const names = {
  record: 'run.json',
  metrics: 'metrics.jsonl',
  checkpoint: 'checkpoint.safetensors',
  previous: 'checkpoint.previous.safetensors',
  best: 'best.safetensors',
  events: 'events.jsonl',
  beforeExplosion: 'beforeExplosion.safetensors',
  failures: 'failures',
  profiles: 'profiles.jsonl',
  verdict: 'verdict.json',
};

/** The record of a run directory. */
export const recordFileOf = (folder: string): string => path.join(folder, names.record);

const kinds: readonly string[] = ['task', 'sequences', 'text', 'table'];

/** A directory with everything about one run. */
export class RunDirectory {
  readonly path: string;
  #record: RunRecord;

  private constructor(folder: string, record: RunRecord) {
    this.path = folder;
    this.#record = record;
  }

  /** Makes the directory and writes its record. Nothing is left behind where that fails. */
  static create(folder: string, record: Omit<RunRecord, 'magic' | 'version' | 'machine' | 'started' | 'status'>): RunDirectory {
    const made = makeFolder(folder);
    if (made === undefined) {
      throw new ThroughtimeError(
        'RUN_EXISTS',
        'exists already; give --run another name, or train the directory itself to go on with its run',
        { file: folder },
      );
    }
    try {
      const run = new RunDirectory(folder, {
        magic,
        version,
        ...record,
        machine: machine(),
        started: new Date().toISOString(),
        status: 'running',
      });
      run.#write();
      return run;
    } catch (cause) {
      rmSync(made, { recursive: true, force: true });
      throw cause;
    }
  }

  /** Opens the directory of an earlier run. */
  static open(folder: string): RunDirectory {
    const file = path.join(folder, names.record);
    if (!existsSync(file)) {
      const why = existsSync(folder)
        ? 'it has no run.json; name the directory that a training has left, such as runs/mine'
        : 'there is nothing of that name; check the path';
      throw new ThroughtimeError('RUN_INVALID', `is not a run directory: ${why}`, { file: folder });
    }
    let record: RunRecord;
    try {
      record = JSON.parse(readFileSync(file, 'utf8')) as RunRecord;
    } catch (cause) {
      throw new ThroughtimeError('RUN_INVALID', 'is not JSON, so the run cannot be opened; restore the file', { file }, { cause });
    }
    if (record?.magic !== magic)
      throw new ThroughtimeError(
        'RUN_INVALID',
        `is not the record of a run: magic is ${show(record?.magic)}, not ${JSON.stringify(magic)}; name a run directory`,
        { file },
      );
    if (record.version !== version) {
      throw new ThroughtimeError(
        'RUN_INVALID',
        `is of version ${show(record.version)}, and this program reads version ${version}; use the program that wrote it`,
        { file },
      );
    }
    if (typeof record.folder !== 'string' || !Array.isArray(record.files) || !record.backend) {
      throw new ThroughtimeError('RUN_INVALID', 'lacks folder, files or backend, so the run cannot be opened; restore the file', { file });
    }
    if (
      typeof record.experiment !== 'object' ||
      typeof record.data !== 'object' ||
      record.data === null ||
      !kinds.includes(record.data.kind)
    ) {
      const sentence = `lacks the experiment or what it was trained on (${kinds.join(', ')}), so the run cannot be opened; restore the file`;
      throw new ThroughtimeError('RUN_INVALID', sentence, { file });
    }
    return new RunDirectory(folder, { ...record, experiment: experimentFrom(record.experiment, file) });
  }

  get record(): RunRecord {
    return this.#record;
  }

  get metricsFile(): string {
    return path.join(this.path, names.metrics);
  }

  get checkpointFile(): string {
    return path.join(this.path, names.checkpoint);
  }

  get previousCheckpointFile(): string {
    return path.join(this.path, names.previous);
  }

  get eventsFile(): string {
    return path.join(this.path, names.events);
  }

  /** The checkpoint of the last good moment before the newest explosion. */
  get beforeExplosionFile(): string {
    return path.join(this.path, names.beforeExplosion);
  }

  /** Folder of passes that were not finite. */
  get failuresFolder(): string {
    return path.join(this.path, names.failures);
  }

  get profilesFile(): string {
    return path.join(this.path, names.profiles);
  }

  /** What `diagnose` answered last. */
  get verdictFile(): string {
    return path.join(this.path, names.verdict);
  }

  get bestFile(): string {
    return path.join(this.path, names.best);
  }

  /** Rewrites the record with some fields changed. */
  update(fields: Partial<Pick<RunRecord, 'status' | 'ended' | 'result' | 'backend'>>): void {
    this.#record = { ...this.#record, ...fields };
    this.#write();
  }

  #write(): void {
    writeWhole(path.join(this.path, names.record), `${toJson(this.#record, 2)}\n`);
  }
}

/** The first of `runs/name`, `runs/name-2`, ... that is not there yet. */
export function freeRunPath(name: string, parent = 'runs'): string {
  for (let count = 1; ; count++) {
    const candidate = path.join(parent, count === 1 ? name : `${name}-${count}`);
    if (!existsSync(candidate)) return candidate;
  }
}

/** What this process runs on. */
export function machine(): RunRecord['machine'] {
  const cpus = os.cpus();
  return {
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    cpu: cpus[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
  };
}
