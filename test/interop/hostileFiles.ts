/**
 * Files that lie, at least ten for each reader: prints what each reader says of each, and the most memory that this process has held. A program of
 * its own, so that the memory is its own (`hostile.test.ts` runs it).
 *
 * argument: a folder to write in.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { heldBytes } from '../../src/data/byteSource.ts';
import { makeTask } from '../../src/data/task/tasks.ts';
import { eachParquetRow } from '../../src/interop/parquetRows.ts';
import { readSafetensors, writeSafetensors } from '../../src/interop/safetensors.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { checkpointBytes, restoreCheckpoint } from '../../src/run/checkpoint.ts';
import { type Experiment, readExperiment } from '../../src/run/experiment.ts';
import { importWeights } from '../../src/run/importWeights.ts';
import { openDataFiles } from '../../src/run/openData.ts';
import { trainedNetwork } from '../../src/run/trainedNetwork.ts';
import { trainingDefaults } from '../../src/training/options.ts';
import { Trainer } from '../../src/training/trainer.ts';

const folder = process.argv[2];
type Bytes = Uint8Array | string;
const raw = (content: Bytes): Buffer => Buffer.from(content as Uint8Array);
let files = 0;

function write(content: Bytes, ending: string): string {
  const file = path.join(folder, `${++files}${ending}`);
  writeFileSync(file, content);
  return file;
}

/** The bytes with some changed. */
function changed(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(values, at < 0 ? bytes.length + at : at);
  return copy;
}

const huge = 2 ** 60;

/** A safetensors file of this header and these bytes. */
function tensors(header: string | object, bytes = 8, length?: bigint): Uint8Array {
  const text = raw(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + bytes);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

const tensor = (shape: unknown, offsets: unknown = [0, 8], dtype: unknown = 'F32') => ({ dtype, shape, data_offsets: offsets });

const safetensors: Record<string, Uint8Array> = {
  nothing: new Uint8Array(0),
  'seven bytes': new Uint8Array(7),
  'a header of 2^60 bytes': tensors('{}', 0, BigInt(huge)),
  'a header longer than the file': tensors('{}', 0, 100n),
  'a header that is no JSON': tensors('{"a":'),
  'NaN in the header': tensors('{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}'),
  'a header that is a list': tensors('[]', 0),
  'a header that is no UTF-8': changed(tensors('{"a":1}'), 10, 0xff),
  'an unknown type': tensors({ a: tensor([2], [0, 8], 'I128') }),
  'the type of an object': tensors({ a: tensor([2], [0, 8], 'toString') }),
  'a shape of 2^60': tensors({ a: tensor([huge]) }),
  'a shape whose product is beyond all numbers': tensors({ a: tensor([2 ** 52, 2 ** 52, 2 ** 52]) }),
  'a shape of half an element': tensors({ a: tensor([0.5, 4]) }),
  'tensors that overlap': tensors({ a: tensor([2], [0, 8]), b: tensor([2], [4, 12]) }, 12),
  'tensors with a gap': tensors({ a: tensor([1], [0, 4]), b: tensor([1], [8, 12]) }, 12),
  'places that descend': tensors({ a: tensor([2], [8, 0]) }),
  'places beyond the file': tensors({ a: tensor([2 ** 40], [0, 2 ** 42]) }),
  'a name twice': tensors('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}'),
  'bytes at the end': tensors({ a: tensor([1], [0, 4]) }),
  'lists in lists, a million deep': tensors('['.repeat(1e6)),
};

const data = makeTask({ kind: 'task', name: 'recall', lag: 1, trainSequences: 4, validationSequences: 2 });
const model = { cell: 'gru', hiddenSize: 3 } as const;
const network = new Network(scalarBackend(), model, data.train.input, data.train.target.size);
initialize(network, model, 0);
const trainer = new Trainer(network, data.train, { ...trainingDefaults, updates: 2, batchSize: 2 });
const checkpoint = readSafetensors(checkpointBytes(trainer), 'checkpoint');
const list = [...checkpoint.tensors.values()];
const { metadata } = checkpoint;
const resumed = (from: typeof list, more: Record<string, string> = metadata) => writeSafetensors(from, more);
const wrongShape = list.map((each, at) => (at === 0 ? { ...each, shape: [1], values: each.values.slice(0, 1) } : each));
const fields = Object.keys(metadata);

const checkpoints: Record<string, Uint8Array> = {
  'cut in the middle': checkpointBytes(trainer).subarray(0, 300),
  'cut by a byte': checkpointBytes(trainer).subarray(0, -1),
  'no metadata': resumed(list, {}),
  'an unknown version': resumed(list, { ...metadata, version: '99' }),
  'one tensor alone': resumed(list.slice(0, 1)),
  'no tensors': resumed([]),
  'a shape that does not fit': resumed(wrongShape),
  ...Object.fromEntries(fields.map((field) => [`${field} that is no JSON`, resumed(list, { ...metadata, [field]: '{"a":' })])),
  ...Object.fromEntries(fields.map((field) => [`${field} of lists`, resumed(list, { ...metadata, [field]: '[[[' })])),
  'a header of 2^60 bytes': safetensors['a header of 2^60 bytes'],
  'tensors that overlap': safetensors['tensors that overlap'],
  'another file': raw('{"name": "not a checkpoint"}'),
};

const experiment = {
  name: 'a',
  data: { kind: 'task', name: 'recall', lag: 1, trainSequences: 4 },
  model,
  training: { updates: 2 },
};
const record = {
  ...{ magic: 'throughtime-run', version: 1, experiment, seed: 0, folder: '.', files: [], data: { kind: 'task', name: 'recall' } },
  ...{ backend: { name: 'scalar' }, machine: {}, started: '', status: 'done' },
};
const records: Record<string, string> = {
  nothing: '',
  null: 'null',
  'a list': '[]',
  'a number': '1e999',
  'NaN in it': '{"magic": NaN}',
  'cut in the middle': JSON.stringify(record).slice(0, 80),
  'another magic': JSON.stringify({ ...record, magic: 'run' }),
  'a version from the future': JSON.stringify({ ...record, version: 2 ** 40 }),
  'a folder that is a number': JSON.stringify({ ...record, folder: 7 }),
  'no experiment': JSON.stringify({ ...record, experiment: undefined }),
  'an unknown field': JSON.stringify({ ...record, experiment: { ...experiment, surprise: 1 } }),
  '2^60 units': JSON.stringify({ ...record, experiment: { ...experiment, model: { ...model, hiddenSize: huge } } }),
  'other units than the weights have': JSON.stringify({
    ...record,
    experiment: { ...experiment, model: { ...model, hiddenSize: 2 ** 40 } },
  }),
  'no data': JSON.stringify({ ...record, data: undefined }),
  'an experiment that is a number': JSON.stringify({ ...record, experiment: 1 }),
  'data of an unknown kind': JSON.stringify({ ...record, data: { kind: 'spell' } }),
  'lists in lists, a million deep': '['.repeat(1e6),
};

const chain = (layers: object[]) => ({ class_name: 'Sequential', config: { name: 'm', layers } });
const plain = (more: object = {}) => ({ class_name: 'SimpleRNN', config: { name: 'r', units: 2, activation: 'tanh', ...more } });
const dense = { class_name: 'Dense', config: { name: 'd', activation: 'linear' } };
const weight = (name: string, shape: unknown, more: object = {}) => ({ name, shape, dtype: 'float32', ...more });
const whole = [
  weight('r/kernel', [1, 2]),
  weight('r/recurrent_kernel', [2, 2]),
  weight('r/bias', [2]),
  weight('d/kernel', [2, 1]),
  weight('d/bias', [1]),
];
/** Eleven numbers. */
const bytesOfWhole = 44;
const manifest = (weights: unknown, paths: unknown = ['s.bin']) => [{ paths, weights }];
const modelJson = (weightsManifest: unknown, modelTopology: unknown = chain([plain(), dense])) =>
  JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest });

const models: Record<string, string> = {
  nothing: '',
  'NaN in it': '{"modelTopology": NaN}',
  'a list': '[]',
  'another format': '{"format": "graph-model"}',
  'no weights': modelJson(undefined),
  'a shard that is missing': modelJson(manifest(whole, ['no.bin'])),
  'a shard above the folder': modelJson(manifest(whole, ['../s.bin'])),
  'a shard from the root': modelJson(manifest(whole, ['/etc/passwd'])),
  'a shard of another machine': modelJson(manifest(whole, ['http://a/b.bin'])),
  'a shard above, on another system': modelJson(manifest(whole, ['..\\s.bin'])),
  'a shard twice': modelJson(manifest(whole, ['s.bin', 's.bin'])),
  'a shape of 2^60': modelJson(manifest([weight('r/kernel', [huge])])),
  'a shape beyond all numbers': modelJson(manifest([weight('r/kernel', [2 ** 52, 2 ** 52])])),
  'a shape of 2^40 bytes': modelJson(manifest([weight('r/kernel', [2 ** 38])])),
  'a negative shape': modelJson(manifest([weight('r/kernel', [-1, -2])])),
  'more bytes than the shards have': modelJson(manifest([...whole, weight('x', [1])])),
  'fewer bytes than the shards have': modelJson(manifest(whole.slice(1))),
  'a weight twice': modelJson(manifest([...whole.slice(0, 4), weight('r/kernel', [1])])),
  'whole numbers': modelJson(manifest([weight('r/kernel', [11], { dtype: 'int32' })])),
  'a scale that is none': modelJson(manifest([weight('r/kernel', [44], { quantization: { dtype: 'uint8', scale: null, min: 0 } })])),
  'a type that is an object': modelJson(manifest([weight('r/kernel', [11], { dtype: { toString: 1 } })])),
  'units of 2^60': modelJson(manifest(whole), chain([plain({ units: huge }), dense])),
  'units that are a text': modelJson(manifest(whole), chain([plain({ units: '2' }), dense])),
  'an unknown layer': modelJson(manifest(whole), chain([plain(), { class_name: 'constructor', config: { name: 'd' } }])),
  'layers that are none': modelJson(manifest(whole), chain([null as unknown as object, dense])),
  'a key twice': modelJson(manifest(whole)).replace('{"format"', '{"format":"layers-model","format"'),
  'lists in lists, a million deep': '['.repeat(1e6),
};

const table = parquetWriteBuffer({ columnData: [{ name: 'a', data: Array.from({ length: 200 }, (_, n) => n / 3), type: 'DOUBLE' }] });
const parquet = new Uint8Array(table);
const footer = parquet.length - 8;
const parquets: Record<string, Uint8Array> = {
  nothing: new Uint8Array(0),
  'magic alone': raw('PAR1PAR1'),
  'another magic': changed(parquet, 0, 0x50, 0x4b, 3, 4),
  'no magic at the end': changed(parquet, -1, 0),
  'the end cut off': parquet.subarray(0, -20),
  'the beginning cut off': parquet.subarray(50),
  'a footer of 4 GiB': changed(parquet, footer, 0xff, 0xff, 0xff, 0xff),
  'a footer of nothing': changed(parquet, footer, 0, 0, 0, 0),
  'a footer that begins elsewhere': changed(parquet, footer, parquet[footer] - 3),
  'a footer of ones': changed(parquet, parquet.length - 68, ...new Array<number>(60).fill(0xff)),
  'pages of ones': changed(parquet, 4, ...new Array<number>(40).fill(0xff)),
  'pages of zeros': changed(parquet, 4, ...new Array<number>(40).fill(0)),
};

const rows = Array.from({ length: 60 }, (_, n) => `${n},${n % 7}`);
const csv = ['a,b', ...rows].join('\n');
const csvs: Record<string, Bytes> = {
  nothing: '',
  'names alone': 'a,b\n',
  'a quote without its end': `a,b\n"${'x'.repeat(3e6)}`,
  'a line without its end': `a,b\n${'1'.repeat(3e6)}`,
  'zeros alone': new Uint8Array(3e6),
  'a field too few': `${csv}\n1`,
  'NaN in it': `${csv}\nNaN,1`,
  'a number beyond all': `${csv}\n1e999,1`,
  'a name twice': csv.replace('a,b', 'a,a'),
  'no such column': csv.replace('a,b', 'x,y'),
  'UTF-16': Buffer.from(csv, 'utf16le'),
  'an executable': changed(new Uint8Array(5000).fill(0x90), 0, 0x7f, 0x45, 0x4c, 0x46),
};

const line = '{"x":[[1],[2]],"y":0}';
const lines = Array.from({ length: 20 }, () => line).join('\n');
const ndjsons: Record<string, Bytes> = {
  nothing: '',
  'half a line': `${lines}\n${line.slice(0, 9)}`,
  'a blank line': `${line}\n\n${line}`,
  'NaN in it': `${lines}\n{"x":[[NaN]],"y":0}`,
  'a number beyond all': `${lines}\n{"x":[[1e999]],"y":0}`,
  'another field': `${lines}\n{"x":[[1]],"y":0,"z":1}`,
  'a class of 2^60': `${lines}\n{"x":[[1]],"y":${huge}}`,
  'steps of other sizes': `${lines}\n{"x":[[1],[1,2]],"y":0}`,
  'a list': `${lines}\n[]`,
  'no UTF-8': changed(raw(lines), 3, 0xff),
  'zeros alone': new Uint8Array(3e6),
  'lists in lists, a million deep': `{"x":${'['.repeat(1e6)}`,
};

/** The packed file, damaged in all the ways that a packed file may be; and one that unpacks to 40 MB and says so. */
function packed(content: string, bomb: Buffer): Record<string, Uint8Array> {
  const good = gzipSync(content);
  return {
    'a name alone': raw(content),
    'its first bytes alone': good.subarray(0, 9),
    'the middle cut out': Buffer.concat([good.subarray(0, 15), good.subarray(-12)]),
    'the end cut off': good.subarray(0, -9),
    'a byte cut off': good.subarray(0, -1),
    'another checksum': changed(good, -6, 1, 2),
    'another length': changed(good, -4, 0xff, 0xff, 0xff, 0xff),
    'another method': changed(good, 2, 7),
    'flags that are none': changed(good, 3, 0xe0),
    'a name without an end': changed(good, 3, 8, ...new Array<number>(good.length - 4).fill(65)),
    'two files joined': Buffer.concat([good, good]),
    'a file in a file': gzipSync(good),
    'a bomb': bomb,
  };
}

const nothingBomb = gzipSync(Buffer.alloc(4e7));
/** What is allowed, for ever. */
const endless = (each: string, begin = '') => gzipSync(begin + each.repeat(Math.ceil(4e7 / each.length)), { level: 1 });

const opened = (content: object): Promise<unknown> => {
  const complete: Experiment = readExperiment(JSON.stringify({ name: 'a', data: content, model, training: { batchSize: 2 } }), 'a.json');
  return openDataFiles(complete, folder);
};
const asTable = (file: string) => opened({ kind: 'table', path: file, inputs: ['a', 'b'], target: 'b', window: 2, horizon: 1 });
const asSequences = (file: string) => opened({ kind: 'sequences', train: file, validation: write(line, '.ndjson'), loss: 'crossEntropy' });
const asText = (file: string) =>
  openDataFiles(
    readExperiment(JSON.stringify({ name: 'a', data: { kind: 'text', path: file }, model, training: { batchSize: 2 } }), 'a.json'),
    folder,
  );

/** What is done with each file of each reader. */
const readers: Record<string, Record<string, () => unknown>> = {};
function reader<Content>(name: string, contents: Record<string, Content>, read: (content: Content) => unknown): void {
  readers[name] = Object.fromEntries(Object.entries(contents).map(([what, content]) => [what, () => read(content)]));
}

reader('safetensors', safetensors, (bytes) => readSafetensors(bytes, 'a.safetensors'));
reader('checkpoint', checkpoints, (bytes) => restoreCheckpoint(trainer, write(bytes, '.safetensors')));
reader('run.json', records, (text) => {
  const run = path.join(folder, `run${++files}`);
  mkdirSync(run);
  writeFileSync(path.join(run, 'run.json'), text);
  writeFileSync(path.join(run, 'checkpoint.safetensors'), checkpointBytes(trainer));
  return trainedNetwork(run, scalarBackend());
});
reader('model.json', models, (text) => {
  const own = path.join(folder, `model${++files}`);
  mkdirSync(own);
  writeFileSync(path.join(own, 'model.json'), text);
  writeFileSync(path.join(own, 's.bin'), new Uint8Array(bytesOfWhole));
  return importWeights({ source: path.join(own, 'model.json'), file: path.join(folder, 'never.safetensors') });
});
reader('Parquet', parquets, (bytes) => eachParquetRow(heldBytes(bytes), { file: 'a.parquet', numbers: ['a'] }, () => {}));
reader('CSV', csvs, (bytes) => asTable(write(bytes, '.csv')));
reader('NDJSON', ndjsons, (bytes) => asSequences(write(bytes, '.ndjson')));
reader('CSV in gzip', packed(csv, endless(`1,2\n`, 'a,b\n')), (bytes) => asTable(write(bytes, '.csv.gz')));
reader('NDJSON in gzip', packed(lines, endless(`${line}\n`)), (bytes) => asSequences(write(bytes, '.ndjson.gz')));
reader(
  'text in gzip',
  { ...packed('In time.\n'.repeat(99), nothingBomb), 'a bomb that says it is small': changed(nothingBomb, -4, 9, 0, 0, 0) },
  (bytes) => asText(write(bytes, '.txt.gz')),
);

const answers: object[] = [];
for (const [name, cases] of Object.entries(readers)) {
  for (const [what, read] of Object.entries(cases)) {
    const begun = performance.now();
    let answer: object;
    try {
      await read();
      answer = { code: null };
    } catch (error) {
      const { code, message, stack } = error as { code?: string; message: string; stack?: string };
      answer = { code, message, stack };
    }
    answers.push({ reader: name, what, ...answer, milliseconds: performance.now() - begun });
  }
}
process.stdout.write(JSON.stringify({ answers, megabytes: process.resourceUsage().maxRSS / 1024 }));
