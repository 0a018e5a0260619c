import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import type { DataParts, Dataset } from '../data/dataset.ts';
import { allocateBatch } from '../network/batch.ts';
import { constantLoss } from '../training/constantPredictor.ts';
import { type Experiment, readExperiment } from './experiment.ts';
import { openData, openDataFiles, openUnchanged } from './openData.ts';
import { TemporaryFile } from './temporaryFile.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'throughtime-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function experiment(data: object): Experiment {
  const model = { cell: 'rnn', hiddenSize: 2 };
  return readExperiment(JSON.stringify({ name: 'a', data, model, training: { batchSize: 3 } }), 'a.json');
}

function write(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

const words = 'Über die Zeit.\r\n世界 😀\n'.repeat(300);
const rows = [
  't,a,b',
  ...Array.from({ length: 500 }, (_, i) => `2020-01-01T00:${String(i % 60).padStart(2, '0')},${i % 17},${(i * i) % 23}.5`),
];
const textFile = () => ({ file: write('a.txt', `\ufeff${words}`), data: experiment({ kind: 'text', path: 'a.txt', split: 0.8 }) });
const tableFile = () => ({
  file: write('a.csv', rows.join('\n')),
  data: experiment({ kind: 'table', path: 'a.csv', inputs: ['a', 'b'], target: 'b', window: 12, horizon: 3 }),
});

/** The first sequences of a data set, as they come into a batch. */
function some(data: Dataset) {
  const T = Math.min(40, data.length(0));
  const sequences = Array.from({ length: Math.min(50, data.count) }, (_, b) => b);
  const batch = allocateBatch(scalarBackend(), data.input, data.target, T, sequences.length);
  data.copy({ sequences, begin: 0, end: T, countFrom: 0 }, batch);
  return { ...batch };
}

const descriptors = () => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);

/** What is learned from, as it comes into batches, and what is said of it. */
function parts({ data: { train, validation, description, baselines } }: { data: DataParts }) {
  const constant = constantLoss(train, validation, scalarBackend());
  return { train: some(train), validation: some(validation), description, baselines, constant };
}

describe('compressed data', () => {
  const packed = (file: string) => write(`${path.basename(file)}.gz`, gzipSync(readFileSync(file)));
  const at = (data: Experiment, more: object): Experiment => ({ ...data, data: { ...data.data, ...more } as Experiment['data'] });

  for (const [kind, make] of Object.entries({ textFile, tableFile })) {
    test(`${kind}: the same bits as those of the file that was packed, from memory and from a file, and the hash of the packed one`, async () => {
      const { file, data } = make();
      const expected = parts(await openDataFiles(data, folder));
      const gz = packed(file);
      const before = descriptors();
      for (const held of [undefined, 0]) {
        const opened = await openDataFiles(at(data, { path: gz }), folder, { held });
        assert.deepEqual(parts(opened), expected);
        assert.deepEqual(opened.files, [{ path: gz, sha256: createHash('sha256').update(readFileSync(gz)).digest('hex') }]);
        assert.equal(opened.data.close !== undefined, held === 0);
        opened.data.close?.();
        assert.equal(descriptors(), before);
      }
    });
  }

  test('a table as Parquet: the same bits as those of the CSV file', async () => {
    const { data } = tableFile();
    const expected = parts(await openDataFiles(data, folder));
    const fields = rows.slice(1).map((row) => row.split(','));
    const columnData = ['a', 'b'].map((name, at) => ({ name, data: fields.map((row) => Number(row[at + 1])), type: 'DOUBLE' as const }));
    const file = write('a.parquet', new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 100 })));
    for (const held of [undefined, 0]) {
      const opened = await openDataFiles(at(data, { path: file }), folder, { held });
      assert.deepEqual(parts(opened), expected);
      assert.deepEqual(opened.files, [{ path: file, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') }]);
      opened.data.close?.();
    }
  });

  test('sequences, of which one file may be packed and another not', async () => {
    const lines = Array.from({ length: 40 }, (_, n) => JSON.stringify({ x: [[n], [n / 2]], y: n % 3 })).join('\n');
    const [train, validation] = ['train.ndjson', 'validation.ndjson'].map((name) => write(name, lines));
    const data = experiment({ kind: 'sequences', train, validation, loss: 'crossEntropy' });
    const expected = parts(await openDataFiles(data, folder));
    assert.deepEqual(parts(await openDataFiles(at(data, { train: packed(train) }), folder)), expected);
  });

  test('as much as may come out of a file is said by data.unpacked, which has no meaning where none is packed', async () => {
    const { file, data } = textFile();
    const gz = packed(file);
    const refused = { code: 'DATA_INVALID', message: /a\.txt\.gz: has .* and unpacks to more than 8\.71 kB/ };
    await assert.rejects(openDataFiles(at(data, { path: gz, unpacked: 8702 }), folder), refused);
    await openDataFiles(at(data, { path: gz, unpacked: '8.703 kB' }), folder);
    const meaningless = { code: 'EXPERIMENT_INVALID', message: /^data\.unpacked: has no meaning where no file is compressed, got "1 GB"/ };
    await assert.rejects(openDataFiles(at(data, { unpacked: '1 GB' }), folder), meaningless);
    await assert.rejects(openDataFiles(at(data, { path: gz, unpacked: 'much' }), folder), {
      message: /^data\.unpacked: must be a size above 0/,
    });
  });

  test('what is named .gz is one', async () => {
    const file = write('no.txt.gz', words);
    await assert.rejects(openDataFiles(at(textFile().data, { path: file }), folder), { message: /must be a gzip file, as its name says/ });
  });
});

describe('data that are read from their files', () => {
  for (const [kind, make] of Object.entries({ textFile, tableFile })) {
    test(`${kind}: they are those that are kept in memory, with the hash of the file; closing gives back what was open`, async () => {
      const { file, data } = make();
      const inMemory = await openDataFiles(data, folder);
      const before = descriptors();
      const inFile = await openDataFiles(data, folder, { held: 0 });
      assert.deepEqual(
        [inMemory, inFile].map(({ data: { close } }) => close !== undefined),
        [false, true],
      );
      assert.deepEqual(inFile.files, inMemory.files);
      assert.deepEqual(inFile.files, [{ path: file, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') }]);
      assert.deepEqual(parts(inFile), parts(inMemory));
      inFile.data.close?.();
      assert.equal(descriptors(), before);
    });
  }

  test('a text that is cut off, or written to, is an error that names it; one that was replaced stays what it was', async () => {
    const { file, data } = textFile();
    const open = async () => (await openDataFiles(data, folder, { held: 0 })).data;
    const replaced = await open();
    const expected = some(replaced.train);
    renameSync(write('b.txt', 'other'), file);
    assert.deepEqual(some(replaced.train), expected);
    replaced.close?.();

    textFile();
    const cut = await open();
    truncateSync(file, 100);
    assert.throws(() => some(cut.train), {
      code: 'DATA_CHANGED',
      message: /a\.txt: now has 100 bytes, and had \d+ bytes when it was opened/,
    });
    cut.close?.();

    textFile();
    const written = await open();
    writeFileSync(file, `\ufeff${words.replaceAll('Z', 'z')}`);
    // Two writes may come within one tick of the system's clock.
    utimesSync(file, 1e9, 1e9);
    assert.throws(() => some(written.train), { code: 'DATA_CHANGED', message: /a\.txt: was written to/ });
    written.close?.();
  });

  test('the rows of a table do not depend on its file any more', async () => {
    const { file, data } = tableFile();
    const { data: parts } = await openDataFiles(data, folder, { held: 0 });
    const expected = some(parts.train);
    rmSync(file);
    assert.deepEqual(some(parts.train), expected);
    parts.close?.();
  });

  test('a run whose data have changed is told so, whatever else is wrong with them', async () => {
    const { file, data } = textFile();
    const { files } = await openDataFiles(data, folder);
    const begun = { run: 'runs/a', files };
    (await openUnchanged(data, folder, begun, { held: 0 })).data.close?.();
    const before = descriptors();
    for (const content of [`${words}x`, 'x', Uint8Array.of(0xff)]) {
      writeFileSync(file, content);
      await assert.rejects(openUnchanged(data, folder, begun, { held: 0 }), {
        code: 'RUN_INVALID',
        message: /^runs\/a: .*a\.txt has changed/,
      });
    }
    assert.equal(descriptors(), before);
  });

  test('the reading is stopped between pieces, and says how far it had come', async () => {
    const { data } = textFile();
    const before = descriptors();
    write('a.ndjson', '{"x":[[1]],"y":1}\n');
    const sequences = experiment({ kind: 'sequences', train: 'a.ndjson', validation: 'a.ndjson', loss: 'mse' });
    for (const each of [data, tableFile().data, sequences]) {
      for (const [why, words] of [
        ['signal', /: 0\.0 of its \d\.\d MB had been read when the command was stopped/],
        ['budget', /the budget was used up, so nothing could begin; give a larger --budget$/],
      ] as const) {
        await assert.rejects(openDataFiles(each, folder, { held: 0, stop: () => why }), { code: 'STOPPED', message: words });
      }
    }
    assert.equal(descriptors(), before);
  });

  test('after an error nothing is open', async () => {
    const before = descriptors();
    write('a.txt', Uint8Array.of(0x61, 0xff));
    await assert.rejects(openDataFiles(experiment({ kind: 'text', path: 'a.txt' }), folder, { held: 0 }), {
      code: 'DATA_INVALID',
      message: /a\.txt: must be text in UTF-8/,
    });
    const { data } = tableFile();
    write('a.csv', [...rows, 'x,1'].join('\n'));
    await assert.rejects(openDataFiles(data, folder, { held: 0 }), {
      code: 'DATA_INVALID',
      message: /a\.csv:502: a row must have 3 fields/,
    });
    write('a.csv', rows.slice(0, 4).join('\n'));
    await assert.rejects(openDataFiles(data, folder, { held: 0 }), { code: 'DATA_TOO_SHORT' });
    assert.equal(descriptors(), before);
  });

  test('what cannot be read by position is refused', { skip: process.platform === 'win32' }, async () => {
    const pipe = path.join(folder, 'pipe');
    assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
    const refused = (data: object, message: RegExp) =>
      assert.rejects(openData(experiment(data), folder), { code: 'FILE_UNREADABLE', message });
    await refused({ kind: 'text', path: 'nothing.txt' }, /nothing\.txt: does not exist/);
    await refused({ kind: 'text', path: '.' }, /is a directory, not a file/);
    await refused({ kind: 'text', path: 'pipe' }, /pipe: is not a regular file, so that it cannot be read more than once/);
  });
});

describe('a temporary file', () => {
  test('has no name while it is used, and nothing is left of it', { skip: process.platform === 'win32' }, () => {
    const own = mkdtempSync(path.join(folder, 'temporary-'));
    const file = new TemporaryFile('the columns of a.csv', own);
    assert.deepEqual(readdirSync(own), []);
    file.write(Uint8Array.of(1, 2, 3));
    file.write(Uint8Array.of(4));
    const source = file.finish();
    const read = new Uint8Array(3);
    source.read(1, read, 3);
    assert.deepEqual([source.size, ...read], [4, 2, 3, 4]);
    file.close();
    file.close();
  });

  test('that cannot be made says where it would have gone and how to change that', () => {
    const message = /nothing-here: cannot be written: .*; this is where the columns of a\.csv go, .* name a larger place by TMPDIR$/;
    assert.throws(() => new TemporaryFile('the columns of a.csv', path.join(folder, 'nothing-here')), { code: 'WRITE_FAILED', message });
  });
});
