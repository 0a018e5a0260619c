import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { DataParts } from '../data/dataset.ts';
import { splitLines } from '../data/lines.ts';
import { type SequencesFile, sequencesData } from '../data/sequences.ts';
import { neededColumns, tableData } from '../data/table.ts';
import { makeTask } from '../data/task/tasks.ts';
import { textData } from '../data/text.ts';
import { ThroughtimeError } from '../errors.ts';
import { readCsv } from '../interop/csv.ts';
import type { Experiment } from './experiment.ts';
import { hashOf, reading } from './files.ts';

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

/** Opens what an experiment learns from. @param folder what relative paths start from. */
export async function openData({ data, training }: Experiment, folder: string): Promise<DataParts> {
  switch (data.kind) {
    case 'task':
      return makeTask(data);
    case 'text': {
      const file = path.resolve(folder, data.path);
      const content = await reading(file, () => readFile(file));
      return textData(decodeUtf8(content, file), { split: data.split, file }).streams(
        training.batchSize,
        training.bptt === 'full' ? 1 : training.bptt.k2,
      );
    }
    case 'table': {
      const file = path.resolve(folder, data.path);
      const { numbers, texts } = neededColumns(data);
      return tableData(await reading(file, async () => readCsv(createReadStream(file), { file, numbers, texts })), data);
    }
    case 'sequences': {
      const file = async (name: string): Promise<SequencesFile> => openLines(path.resolve(folder, name));
      return sequencesData({
        train: await file(data.train),
        validation: await file(data.validation),
        test: data.test === undefined ? undefined : await file(data.test),
        options: data,
      });
    }
  }
}

/** A sequences file, opened; that it can be read is checked here, its lines are read later. */
export async function openLines(file: string): Promise<SequencesFile> {
  await reading(file, async () => {
    const handle = await open(file);
    const isDirectory = (await handle.stat()).isDirectory();
    await handle.close();
    if (isDirectory) throw Object.assign(new Error(), { code: 'EISDIR' });
  });
  return { file, lines: splitLines(createReadStream(file), file) };
}

function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ThroughtimeError(
      'DATA_INVALID',
      'must be text in UTF-8, got bytes that are not; save the file in this encoding',
      { file },
      { cause },
    );
  }
}
