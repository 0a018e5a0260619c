import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { taskHorizon } from '../data/task/tasks.ts';
import { type RunSummary, summaryOf } from '../run/compare/runSummary.ts';
import { isHeld } from '../run/lock.ts';
import { RunDirectory, type RunRecord } from '../run/runDirectory.ts';
import type { TrainingEvent } from '../training/events.ts';
import type { RunAnswer, RunState, Treat, TuneClip, Verdict } from './answers.ts';
import { EventList } from './eventList.ts';
import { type LineReader, LineTail } from './lineTail.ts';
import { Looks } from './looks.ts';
import { UpdateColumns } from './updateColumns.ts';

/** A larger document is not read. */
const largestDocument = 2 ** 24;

/** A file of lines with what they are made into. */
interface Followed {
  readonly tail: LineTail;
  readonly reader: LineReader;
  problem: string | null;
}

/** A run directory that is followed while it is written: what is in it, in bounded memory, as it is at the last `refresh`. */
export class FollowedRun {
  readonly name: string;
  readonly #folder: string;
  readonly columns = new UpdateColumns();
  readonly looks = new Looks();
  readonly #events = new EventList();
  readonly #files: { readonly metrics: Followed; readonly profiles: Followed; readonly events: Followed };
  #record: RunRecord | null = null;
  #recordProblem: string | null = null;
  readonly #documents = new Map<string, { stamp: string; value: unknown; problem: string | null }>();
  #versions = { updates: 0, looks: 0, run: 0 };
  #refreshing: Promise<void> | undefined;

  /** @param name of the run, as the page is told. */
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.name = name;
    const followed = (file: string, reader: LineReader): Followed => {
      const entry: Followed = { tail: new LineTail(path.join(folder, file)), reader, problem: null };
      return entry;
    };
    this.#files = {
      metrics: followed('metrics.jsonl', this.columns),
      profiles: followed('profiles.jsonl', this.looks),
      events: followed('events.jsonl', this.#events),
    };
  }

  /** Reads what is new. Two at once are one. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  state(): RunState {
    const { columns } = this;
    const verdict = this.#verdict;
    const problems = [
      this.#recordProblem,
      ...Object.values(this.#files).map(({ problem }) => problem),
      ...[...this.#documents.values()].map(({ problem }) => problem),
    ];
    return {
      run: this.name,
      name: this.#record?.experiment.name ?? this.name,
      status: this.#record?.status ?? 'unreadable',
      problem: problems.find((each) => each !== null) ?? null,
      updates: columns.updates,
      planned: this.#record?.experiment.training.updates ?? columns.updates,
      loss: columns.lastLoss,
      validationLoss: columns.lastValidationLoss,
      verdict: verdict?.verdict ?? null,
      started: this.#record?.started ?? null,
      versions: { ...this.#versions },
    };
  }

  answer(): RunAnswer {
    const record = this.#record;
    const training = record?.experiment.training;
    return {
      state: this.state(),
      record,
      events: this.#events.newest as TrainingEvent[],
      eventCount: this.#events.count,
      nonFinite: this.columns.nonFinite,
      nonFiniteCount: this.columns.nonFiniteCount,
      verdict: this.#verdict,
      tuneClip: (this.#documents.get('tuneClip.json')?.value ?? null) as TuneClip | null,
      treat: (this.#documents.get('treat.json')?.value ?? null) as Treat | null,
      gradientHorizon: training ? this.looks.horizon(training) : null,
      dataHorizon: this.#dataHorizon(),
    };
  }

  /** What it came to; undefined where its record cannot be read. */
  summary(): RunSummary | undefined {
    if (!this.#record) return undefined;
    return { ...summaryOf(this.#record, this.name, () => isHeld(this.#folder)), verdict: this.#verdict?.verdict ?? null };
  }

  get #verdict(): Verdict | null {
    return (this.#documents.get('verdict.json')?.value ?? null) as Verdict | null;
  }

  #dataHorizon(): RunAnswer['dataHorizon'] {
    const judged = this.#verdict?.dataHorizon;
    if (typeof judged === 'number') return { horizon: judged, from: 'verdict' };
    const data = this.#record?.experiment.data;
    return data?.kind === 'task' ? { horizon: taskHorizon(data), from: 'task' } : null;
  }

  async #refresh(): Promise<void> {
    const { metrics, profiles, events } = this.#files;
    const failed = this.columns.nonFiniteCount;
    let changed = await this.#readRecord();
    const updates = await readNew(metrics);
    const looks = await readNew(profiles);
    changed = (await readNew(events)) || looks || failed !== this.columns.nonFiniteCount || changed;
    changed = (await this.#readDocument('verdict.json', isVerdict)) || changed;
    changed = (await this.#readDocument('tuneClip.json', isTuneClip)) || changed;
    changed = (await this.#readDocument('treat.json', isTreat)) || changed;
    const before = this.#versions;
    this.#versions = { updates: before.updates + Number(updates), looks: before.looks + Number(looks), run: before.run + Number(changed) };
  }

  #recordStamp = '';

  async #readRecord(): Promise<boolean> {
    const stamp = await stampOf(path.join(this.#folder, 'run.json'));
    if (stamp === this.#recordStamp) return false;
    this.#recordStamp = stamp;
    try {
      this.#record = RunDirectory.open(this.#folder).record;
      this.#recordProblem = null;
    } catch (cause) {
      this.#record = null;
      this.#recordProblem = `run.json: ${sentenceOf(cause)}`;
    }
    return true;
  }

  async #readDocument(file: string, isOne: (value: unknown) => boolean): Promise<boolean> {
    const full = path.join(this.#folder, file);
    const stamp = await stampOf(full);
    const before = this.#documents.get(file);
    if (stamp === (before?.stamp ?? '')) return false;
    if (stamp === '') return this.#documents.delete(file);
    const entry: { stamp: string; value: unknown; problem: string | null } = { stamp, value: null, problem: null };
    this.#documents.set(file, entry);
    try {
      if ((await stat(full)).size > largestDocument) throw new Error(`has more than ${largestDocument} bytes`);
      const value: unknown = JSON.parse(await readFile(full, 'utf8'));
      if (isOne(value)) entry.value = value;
      else entry.problem = `${file}: is not what the command of its name answers`;
    } catch (cause) {
      entry.problem = `${file}: ${(cause as Error).message}`;
    }
    return true;
  }
}

const sentenceOf = (cause: unknown) => (cause instanceof Error && 'sentence' in cause ? String(cause.sentence) : (cause as Error).message);

/** Reads the new lines of a file; the first line that is none ends its reading until the file begins anew. */
async function readNew(file: Followed): Promise<boolean> {
  const { tail, reader } = file;
  const before = file.problem;
  try {
    const { restarted, lines } = await tail.read({
      restart() {
        file.problem = null;
        reader.restart();
      },
      take(text, line) {
        if (file.problem !== null) return;
        try {
          reader.take(text, line);
        } catch (cause) {
          file.problem = (cause as Error).message;
        }
      },
    });
    return restarted || lines > 0 || file.problem !== before;
  } catch (cause) {
    file.problem = (cause as Error).message;
    return file.problem !== before;
  }
}

/** Changes whenever a file does; empty where there is none. */
async function stampOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  return found ? `${found.ino} ${found.size} ${found.mtimeMs}` : '';
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isVerdict = (value: unknown) =>
  isObject(value) &&
  typeof value.verdict === 'string' &&
  Array.isArray(value.findings) &&
  value.findings.every((each) => isObject(each) && typeof each.kind === 'string' && typeof each.because === 'string');
const isTuneClip = (value: unknown) => isObject(value) && Array.isArray(value.tried) && Array.isArray(value.curve) && 'threshold' in value;
const isTreat = (value: unknown) => isObject(value) && isObject(value.before) && Array.isArray(value.tried) && value.tried.every(isObject);
