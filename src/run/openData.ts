import { createHash, type Hash } from 'node:crypto';
import path from 'node:path';
import { heldBytes, mostHeldBytes } from '../data/byteSource.ts';
import type { DataParts } from '../data/dataset.ts';
import { splitLines } from '../data/lines.ts';
import { type SequencesFile, sequencesData } from '../data/sequences.ts';
import { neededColumns, TableBuilder, type TableOptions } from '../data/table.ts';
import { makeTask } from '../data/task/tasks.ts';
import { indexedText } from '../data/text.ts';
import { TextScan } from '../data/textScan.ts';
import { ThroughtimeError } from '../errors.ts';
import { eachCsvRow } from '../interop/csv.ts';
import type { Experiment } from './experiment.ts';
import { FileSource } from './fileSource.ts';
import { hashOf } from './files.ts';
import type { Stop } from './pace.ts';
import { TemporaryFile } from './temporaryFile.ts';

/** A data file of a run: where it was found and what it held. */
export interface DataFile {
  readonly path: string;
  readonly sha256: string;
}

/** The files that an experiment names, as full paths. @param folder what relative paths start from. */
export function dataFiles({ data }: Experiment, folder: string): string[] {
  if (data.kind === 'task') return [];
  const named = data.kind === 'sequences' ? [data.train, data.validation, data.test] : [data.path];
  return named.filter((each) => each !== undefined).map((each) => path.resolve(folder, each));
}

/** Hashes all data files of an experiment. */
export async function describeFiles(experiment: Experiment, folder: string): Promise<DataFile[]> {
  return Promise.all(dataFiles(experiment, folder).map(async (file) => ({ path: file, sha256: await hashOf(file) })));
}

/** How data files are opened. */
export interface OpenOptions {
  /** Bytes of a text, or of a table's numbers, that are kept in memory; what has more is read by position. 64 MiB by default. */
  readonly held?: number;
  /** Looked at while a file of more bytes than `held` is read: why that should stop; null where it should not. */
  readonly stop?: () => Stop | null;
}

/** What an experiment learns from, and the files that it was read from. */
export interface OpenedData {
  readonly data: DataParts;
  readonly files: readonly DataFile[];
}

/**
 * Opens what an experiment learns from. `close` of what it gives closes the files that large data are read from.
 *
 * @param folder what relative paths start from.
 */
export async function openData(experiment: Experiment, folder: string): Promise<DataParts> {
  return (await openDataFiles(experiment, folder)).data;
}

/**
 * The same, with the hashes of its files, in one pass over each: a text or a table of many gigabytes is read once from its beginning to
 * its end, and of what that takes in memory `held` bytes are the most that grow with it.
 *
 * @throws STOPPED where it is stopped before the end of a file.
 */
export async function openDataFiles({ data, training }: Experiment, folder: string, options: OpenOptions = {}): Promise<OpenedData> {
  const inFolder = (name: string) => path.resolve(folder, name);
  switch (data.kind) {
    case 'task':
      return { data: makeTask(data), files: [] };
    case 'text': {
      const window = training.bptt === 'full' ? 1 : training.bptt.k2;
      return openText(inFolder(data.path), data.split, training.batchSize, window, options);
    }
    case 'table':
      return openTable(inFolder(data.path), data, options);
    case 'sequences': {
      const hashed: { readonly file: string; readonly hash: Hash }[] = [];
      const lines = (name: string): SequencesFile => {
        const file = inFolder(name);
        const hash = createHash('sha256');
        hashed.push({ file, hash });
        return openLines(file, hash, options);
      };
      const parts = await sequencesData({
        train: lines(data.train),
        validation: lines(data.validation),
        test: data.test === undefined ? undefined : lines(data.test),
        options: data,
      });
      return { data: parts, files: hashed.map(({ file, hash }) => ({ path: file, sha256: hash.digest('hex') })) };
    }
  }
}

/**
 * The same for a run, whose data must be what they were when it began: where they are not, that is what is said, whatever else is wrong
 * with them.
 *
 * @param begun the run and the files that it began with; absent for a new run.
 * @throws RUN_INVALID where a file has changed.
 */
export async function openUnchanged(
  experiment: Experiment,
  folder: string,
  begun?: { readonly run: string; readonly files: readonly DataFile[] },
  options: OpenOptions = {},
): Promise<OpenedData> {
  let opened: OpenedData | undefined;
  try {
    opened = await openDataFiles(experiment, folder, options);
    if (begun) checkUnchanged(begun.run, begun.files, opened.files);
    return opened;
  } catch (cause) {
    opened?.data.close?.();
    const stopped = cause instanceof ThroughtimeError && cause.code === 'STOPPED';
    if (begun && !opened && !stopped) checkUnchanged(begun.run, begun.files, await describeFiles(experiment, folder));
    throw cause;
  }
}

/** Refuses a run whose data are no longer what they were. */
export function checkUnchanged(runPath: string, recorded: readonly DataFile[], files: readonly DataFile[]): void {
  for (const before of recorded) {
    const now = files.find((each) => each.path === before.path);
    if (now?.sha256 === before.sha256) continue;
    throw new ThroughtimeError(
      'RUN_INVALID',
      `cannot be used: ${before.path} has changed since the run began; restore it or begin a new run`,
      { file: runPath },
    );
  }
}

async function openText(file: string, split: number | undefined, B: number, window: number, options: OpenOptions): Promise<OpenedData> {
  const { held = mostHeldBytes } = options;
  const source = FileSource.open(file);
  try {
    const scan = new TextScan({ file });
    const hash = createHash('sha256');
    const content = source.size <= held ? new Uint8Array(source.size) : undefined;
    let at = 0;
    for await (const piece of piecesOf(source, hash, options)) {
      scan.add(piece);
      // A file that grows while it is read is found out at its end.
      content?.set(piece.subarray(0, content.length - at), at);
      at = Math.min(at + piece.length, source.size);
    }
    const text = indexedText(content ? heldBytes(content) : source, scan.finish(), { split, file });
    const parts = text.streams(B, window);
    const files = [{ path: file, sha256: hash.digest('hex') }];
    if (content === undefined) return { data: { ...parts, close: () => source.close() }, files };
    source.close();
    return { data: parts, files };
  } catch (cause) {
    source.close();
    throw cause;
  }
}

async function openTable(file: string, table: TableOptions, options: OpenOptions): Promise<OpenedData> {
  const { numbers, texts } = neededColumns(table);
  const { held } = options;
  const source = FileSource.open(file);
  const builder = new TableBuilder(table, file, { held, spill: () => new TemporaryFile(`the columns of ${file}`) });
  try {
    const hash = createHash('sha256');
    await eachCsvRow(piecesOf(source, hash, options), { file, numbers, texts }, (values, words, line) =>
      builder.add(values, line, words[0]),
    );
    return { data: builder.finish(), files: [{ path: file, sha256: hash.digest('hex') }] };
  } catch (cause) {
    builder.close();
    throw cause;
  } finally {
    source.close();
  }
}

/** A sequences file, opened; that it can be read is checked here, its lines are read later. @param hash gets all of its bytes. */
export function openLines(file: string, hash?: Hash, options?: OpenOptions): SequencesFile {
  FileSource.open(file).close();
  return { file, lines: linesOf(file, hash, options) };
}

async function* linesOf(file: string, hash?: Hash, options?: OpenOptions): AsyncGenerator<string, void, undefined> {
  const source = FileSource.open(file);
  try {
    yield* splitLines(piecesOf(source, hash, options), file);
  } finally {
    source.close();
  }
}

/** A file from its beginning to its end, or until it should stop. @param hash gets all of its bytes. */
async function* piecesOf(
  source: FileSource,
  hash?: Hash,
  { held = mostHeldBytes, stop }: OpenOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  let read = 0;
  for await (const piece of source.pieces()) {
    const why = source.size > held ? stop?.() : null;
    if (why) {
      const soFar = `${(read / 1e6).toFixed(1)} of its ${(source.size / 1e6).toFixed(1)} MB had been read`;
      const sentence =
        why === 'signal'
          ? `${soFar} when the command was stopped, so nothing has begun; begin again`
          : `${soFar} when the budget was used up, so nothing could begin; give a larger --budget`;
      throw new ThroughtimeError('STOPPED', sentence, { file: source.handle.file });
    }
    hash?.update(piece);
    read += piece.length;
    yield piece;
  }
}
