import { createHash, type Hash } from 'node:crypto';
import path from 'node:path';
import { bytesOf } from '../compute/bytes.ts';
import { type ByteSource, heldBytes, mostHeldBytes } from '../data/byteSource.ts';
import type { DataParts } from '../data/dataset.ts';
import { splitLines } from '../data/lines.ts';
import { type SequencesFile, sequencesData } from '../data/sequences.ts';
import { neededColumns, TableBuilder, type TableOptions } from '../data/table.ts';
import { makeTask } from '../data/task/tasks.ts';
import { indexedText } from '../data/text.ts';
import { TextScan } from '../data/textScan.ts';
import { ThroughtimeError } from '../errors.ts';
import { checkDeclaredSize, gunzip, isGzip, mostUnpacked } from '../interop/gzip.ts';
import type { Experiment } from './experiment.ts';
import { FileSource } from './fileSource.ts';
import { hashOf } from './files.ts';
import type { Stop } from './pace.ts';
import { eachTableRow } from './tableFile.ts';
import { TemporaryFile } from './temporaryFile.ts';
import { UnpackedBytes } from './unpackedBytes.ts';

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
  /** The most bytes that a compressed file may unpack to; 50 times its own, and 16 MiB at least, by default. */
  readonly unpacked?: number;
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
export async function openDataFiles(experiment: Experiment, folder: string, given: OpenOptions = {}): Promise<OpenedData> {
  const { data, training } = experiment;
  const options = { ...given, unpacked: unpackedOf(experiment, folder) ?? given.unpacked };
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

/** `data.unpacked` in bytes. @throws EXPERIMENT_INVALID where it is no size, or no file is compressed. */
export function unpackedOf(experiment: Experiment, folder: string): number | undefined {
  const { unpacked } = experiment.data as { unpacked?: number | string };
  if (unpacked === undefined) return undefined;
  const refused = (sentence: string) => new ThroughtimeError('EXPERIMENT_INVALID', sentence, { field: 'data.unpacked' });
  let bytes: number;
  try {
    bytes = bytesOf(unpacked);
  } catch (cause) {
    throw refused((cause as ThroughtimeError).sentence);
  }
  const compressed = dataFiles(experiment, folder).some((file) => withFile(file, (source) => file.endsWith('.parquet') || isGzip(source)));
  if (!compressed) throw refused(`has no meaning where no file is compressed, got ${JSON.stringify(unpacked)}; remove it`);
  return bytes;
}

function withFile<T>(file: string, work: (source: FileSource) => T): T {
  const source = FileSource.open(file);
  try {
    return work(source);
  } finally {
    source.close();
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
  let unpacked: UnpackedBytes | undefined;
  try {
    const scan = new TextScan({ file });
    const hash = createHash('sha256');
    const compressed = isGzip(source);
    // Characters are read by position, which a compressed file has none of.
    if (compressed) unpacked = new UnpackedBytes(file, held);
    const content = !compressed && source.size <= held ? new Uint8Array(source.size) : undefined;
    let at = 0;
    for await (const piece of piecesOf(source, hash, options)) {
      scan.add(piece);
      unpacked?.add(piece);
      // A file that grows while it is read is found out at its end.
      content?.set(piece.subarray(0, content.length - at), at);
      at = Math.min(at + piece.length, source.size);
    }
    const bytes: ByteSource = unpacked?.finish() ?? (content ? heldBytes(content) : source);
    const text = indexedText(bytes, scan.finish(), { split, file });
    const parts = text.streams(B, window);
    const files = [{ path: file, sha256: hash.digest('hex') }];
    const reads = bytes === source || unpacked?.spilled;
    if (bytes !== source) source.close();
    return { data: reads ? { ...parts, close: () => (unpacked ?? source).close() } : parts, files };
  } catch (cause) {
    source.close();
    unpacked?.close();
    throw cause;
  }
}

async function openTable(file: string, table: TableOptions, options: OpenOptions): Promise<OpenedData> {
  const { held, unpacked } = options;
  const source = FileSource.open(file);
  const builder = new TableBuilder(table, file, { held, spill: () => new TemporaryFile(`the columns of ${file}`) });
  try {
    const hash = createHash('sha256');
    const pieces = () => piecesOf(source, hash, options);
    await eachTableRow({ source, pieces, unpacked }, { file, ...neededColumns(table) }, (values, words, line) =>
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

/** What a file holds, unpacked where it is compressed, from its beginning to its end. @param hash gets all bytes of the file itself. */
export async function* piecesOf(source: FileSource, hash?: Hash, options: OpenOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
  const { file } = source.handle;
  const { size } = source;
  if (isGzip(source)) {
    const most = options.unpacked ?? mostUnpacked(size);
    checkDeclaredSize(source, file, most);
    yield* gunzip(storedPieces(source, hash, options), { file, size, most });
    return;
  }
  if (file.endsWith('.gz')) {
    const sentence = 'must be a gzip file, as its name says, and does not begin as one; take another copy of it, or rename it';
    throw new ThroughtimeError('DATA_INVALID', sentence, { file });
  }
  yield* storedPieces(source, hash, options);
}

/** A file from its beginning to its end, or until it should stop. @param hash gets all of its bytes. */
async function* storedPieces(
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
