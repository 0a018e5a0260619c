/**
 * Do the data keep up? A text and a table too large for the memory they are allowed are generated in a temporary folder, and measured are
 * the pass that opens them, the largest memory of a process that opens them and trains, and the time of an update with its batch copied
 * from memory, read from the file on the spot, and prepared ahead in a thread; with the file in the system's cache, and with it dropped
 * from there before every round. `node bench/data.ts [megabytes of each file, 500] [--json]`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Random } from '../src/compute/random.ts';
import { wasmBackend } from '../src/compute/wasm/wasm.ts';
import type { Dataset } from '../src/data/dataset.ts';
import { initialize, Network } from '../src/network/network.ts';
import { openBatches } from '../src/run/aheadBatches.ts';
import { type Experiment, readExperiment } from '../src/run/experiment.ts';
import type { FileHandle } from '../src/run/fileSource.ts';
import { type OpenedData, openDataFiles } from '../src/run/openData.ts';
import { Trainer } from '../src/training/trainer.ts';

type Kind = 'text' | 'table';

const models = {
  small: { cell: 'gru', hiddenSize: 32 },
  middle: { cell: 'lstm', hiddenSize: 256 },
} as const;
type ModelName = keyof typeof models;

const kinds: readonly Kind[] = ['text', 'table'];
const rounds = 8;
/** Updates of the process whose memory is measured. */
const updatesForMemory = 50;

export interface DataReport {
  readonly megabytes: number;
  readonly threads: number;
  readonly opening: readonly OpeningResult[];
  readonly updates: readonly UpdateResult[];
}

export interface OpeningResult {
  readonly kind: Kind;
  readonly fileMegabytes: number;
  readonly seconds: number;
  /** Of the whole process, after opening and `updatesForMemory` updates of the small model, batches prepared ahead. */
  readonly peakMegabytes: number;
  /** Of a process that does the same on a file of a hundredth of the size: what anything takes. */
  readonly peakOfSmallMegabytes: number;
}

/** Medians over the rounds, in milliseconds. */
export interface UpdateResult {
  readonly kind: Kind;
  readonly model: ModelName;
  /** Whether the file was in the system's cache. */
  readonly cache: 'warm' | 'cold';
  readonly memory: number;
  readonly inline: number;
  readonly ahead: number;
  /** Median of inline / ahead, round by round. */
  readonly gain: number;
}

/** Generates the files, measures in processes of their own, and removes the files. */
export async function benchData(megabytes: number): Promise<DataReport> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'throughtime-bench-'));
  try {
    const opening: OpeningResult[] = [];
    const updates: UpdateResult[] = [];
    for (const kind of kinds) {
      const [large, small] = [megabytes, megabytes / 100].map((size) => generate(kind, path.join(folder, `${size}.${kind}`), size * 1e6));
      const one = child<MemoryAnswer>({ measure: 'memory', kind, file: large });
      const other = child<MemoryAnswer>({ measure: 'memory', kind, file: small });
      const fileMegabytes = statSync(large).size / 1e6;
      opening.push({ kind, fileMegabytes, ...one, peakOfSmallMegabytes: other.peakMegabytes });
      for (const model of Object.keys(models) as ModelName[]) {
        updates.push(...child<UpdateResult[]>({ measure: 'updates', kind, file: large, model }));
      }
      rmSync(large);
    }
    return { megabytes, threads: threads(), opening, updates };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of the kernels. */
const threads = () => Math.min(os.availableParallelism(), 8);

/** Words, some of them of several bytes a letter; or seven columns of four decimals. */
function generate(kind: Kind, file: string, bytes: number): string {
  const random = new Random(1);
  const words = ['gradient ', 'through ', 'time ', 'and ', 'zurück, ', '世界 ', 'by layer.\n'];
  const piece = () =>
    kind === 'text'
      ? words[random.below(words.length)]
      : `${Array.from({ length: 7 }, () => (100 * random.uniform()).toFixed(4)).join(',')}\n`;
  const descriptor = openSync(file, 'w');
  let written = kind === 'table' ? writeSync(descriptor, 'a,b,c,d,e,f,g\n') : 0;
  while (written < bytes) {
    let together = '';
    while (together.length < 2 ** 18) together += piece();
    written += writeSync(descriptor, together);
  }
  closeSync(descriptor);
  return file;
}

function experimentOf(kind: Kind, file: string, model: ModelName): Experiment {
  const columns = { inputs: ['a', 'b', 'c', 'd', 'e', 'f', 'g'], target: 'g', window: 96, horizon: 24 };
  const data = kind === 'text' ? { kind, path: file } : { kind, path: file, ...columns };
  return readExperiment(JSON.stringify({ name: 'bench', data, model: models[model] }), 'bench');
}

interface Task {
  readonly measure: 'memory' | 'updates';
  readonly kind: Kind;
  readonly file: string;
  readonly model?: ModelName;
}

interface MemoryAnswer {
  readonly seconds: number;
  readonly peakMegabytes: number;
}

/** Runs a task in a process of its own. */
function child<Answer>(task: Task): Answer {
  return JSON.parse(execFileSync(process.execPath, [import.meta.filename, '--task', JSON.stringify(task)], { encoding: 'utf8' })) as Answer;
}

async function trainerOn({ data }: OpenedData, { model, training }: Experiment, prepare: 'ahead' | 'inline') {
  const backend = await wasmBackend({ threads: threads() });
  const network = new Network(backend, model, data.train.input, data.train.target.size);
  initialize(network, model, training.seed);
  const { batches, close } = await openBatches(data.train, training, backend, prepare);
  return { trainer: new Trainer(network, data.train, { ...training, updates: 1e6 }, { batches }), close };
}

async function measureMemory({ kind, file }: Task): Promise<MemoryAnswer> {
  const experiment = experimentOf(kind, file, 'small');
  const began = performance.now();
  const opened = await openDataFiles(experiment, '.', { held: 0 });
  const seconds = (performance.now() - began) / 1000;
  const { trainer, close } = await trainerOn(opened, experiment, 'ahead');
  for (let update = 0; update < updatesForMemory; update++) trainer.step();
  await close();
  return { seconds, peakMegabytes: (process.resourceUsage().maxRSS * 1024) / 1e6 };
}

async function measureUpdates({ kind, file, model = 'small' }: Task): Promise<UpdateResult[]> {
  const experiment = experimentOf(kind, file, model);
  const inFile = await openDataFiles(experiment, '.', { held: 0 });
  const inMemory = await openDataFiles(experiment, '.', { held: Number.POSITIVE_INFINITY });
  const sides = {
    memory: await trainerOn(inMemory, experiment, 'inline'),
    inline: await trainerOn(inFile, experiment, 'inline'),
    ahead: await trainerOn(inFile, experiment, 'ahead'),
  };
  for (const { trainer } of Object.values(sides)) for (let i = 0; i < 20; i++) trainer.step();
  const perRound = model === 'small' ? 100 : 12;
  const results: UpdateResult[] = [];
  for (const cache of ['warm', 'cold'] as const) {
    const times = { memory: [] as number[], inline: [] as number[], ahead: [] as number[] };
    let dropped = true;
    for (let round = 0; round < rounds && dropped; round++) {
      for (const side of ['memory', 'inline', 'ahead'] as const) {
        if (cache === 'cold') dropped &&= dropCache(inFile.data.train);
        const began = performance.now();
        for (let i = 0; i < perRound; i++) sides[side].trainer.step();
        times[side].push((performance.now() - began) / perRound);
      }
    }
    // Where the system cannot be asked to forget a file, nothing is said about it.
    if (!dropped) continue;
    const gain = median(times.inline.map((time, round) => time / times.ahead[round]));
    results.push({ kind, model, cache, memory: median(times.memory), inline: median(times.inline), ahead: median(times.ahead), gain });
  }
  for (const { close } of Object.values(sides)) await close();
  return results;
}

/** Has Linux forget what it holds of the file that a data set is read from. Returns whether it could be asked. */
function dropCache({ recipe }: Dataset): boolean {
  if (recipe === undefined || process.platform !== 'linux') return false;
  const { descriptor } = (recipe.kind === 'textStreams' ? recipe.characters.source : recipe.rows.source) as FileHandle;
  const file = `/proc/${process.pid}/fd/${descriptor}`;
  spawnSync('sync', ['-d', file]);
  return spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0']).status === 0;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** The report as two tables. */
export function dataTables({ opening, updates, threads: ofKernels }: DataReport): string {
  const table = (rows: readonly (readonly string[])[]) => {
    const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
    return rows
      .map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  '))
      .join('\n');
  };
  const first = table([
    ['opened', 'MB', 'seconds', 'MB/s', 'peak RSS, MB', 'of 1/100, MB'],
    ...opening.map(({ kind, fileMegabytes, seconds, peakMegabytes, peakOfSmallMegabytes }) => [
      ...[kind, fileMegabytes.toFixed(0), seconds.toFixed(1), (fileMegabytes / seconds).toFixed(0)],
      ...[peakMegabytes.toFixed(0), peakOfSmallMegabytes.toFixed(0)],
    ]),
  ]);
  const second = table([
    ['an update, ms', 'model', 'cache', 'memory', 'file, inline', 'file, ahead', 'inline / ahead'],
    ...updates.map(({ kind, model, cache, memory, inline, ahead, gain }) => [
      ...[kind, `${models[model].cell} ${models[model].hiddenSize}`, cache],
      ...[memory, inline, ahead].map((time) => time.toFixed(3)),
      gain.toFixed(3),
    ]),
  ]);
  return `${first}\n\n${ofKernels} threads of the kernels, and one that prepares batches:\n\n${second}`;
}

if (import.meta.main) {
  const [first, second] = process.argv.slice(2);
  if (first === '--task') {
    const task = JSON.parse(second) as Task;
    const answer = task.measure === 'memory' ? await measureMemory(task) : await measureUpdates(task);
    process.stdout.write(JSON.stringify(answer));
    process.exit();
  }
  const report = await benchData(Number(process.argv.slice(2).find((word) => !word.startsWith('--')) ?? 500));
  process.stdout.write(`${process.argv.includes('--json') ? JSON.stringify(report) : dataTables(report)}\n`);
}
