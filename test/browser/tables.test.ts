/** Tables and compressed files in a page: the numbers are those that Node reads. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { Browser } from 'playwright-core';
import type * as tables from '../../src/tables.ts';
import { launch, skipped } from './browser.ts';

const rows = Array.from({ length: 5000 }, (_, n) => ({ a: Math.sin(n) * 1e3, b: n % 3, time: new Date(n * 3_600_000).toISOString() }));
const csv = `time,a,b\n${rows.map(({ a, b, time }) => `${time},${a},${b}\n`).join('')}`;

const program = `
import { heldBytes } from './src/index.ts';
import { gunzip, readCsv, readParquet } from './src/tables.ts';
async function* once(bytes) { yield bytes; }
const wanted = { file: 'a', numbers: ['b', 'a'], texts: ['time'] };
globalThis.read = {
  gzip: async (bytes) => readCsv(gunzip(once(bytes), { file: 'a.csv.gz', size: bytes.length }), wanted),
  parquet: async (bytes) => readParquet(heldBytes(bytes), wanted),
};
`;

let browser: Browser;
before(async () => {
  if (!skipped) browser = await launch();
});
after(async () => browser?.close());

test('a gzipped CSV file and a Parquet file', { skip: skipped }, async () => {
  const bundled = await build({
    stdin: { contents: program, resolveDir: new URL('../..', import.meta.url).pathname, loader: 'js' },
    ...{ bundle: true, write: false, format: 'iife', platform: 'browser', target: 'es2024', logLevel: 'error' },
  });
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.addScriptTag({ content: bundled.outputFiles[0].text });
  const columnData = [
    { name: 'time', data: rows.map(({ time }) => new Date(time)), type: 'TIMESTAMP' as const },
    { name: 'a', data: rows.map(({ a }) => a), type: 'DOUBLE' as const },
    { name: 'b', data: rows.map(({ b }) => b), type: 'INT32' as const },
  ];
  const files = { gzip: gzipSync(csv), parquet: Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 2000 })) };
  for (const [kind, bytes] of Object.entries(files)) {
    const columns = await page.evaluate(
      async ([name, base64]) => {
        const read = (globalThis as unknown as { read: Record<string, (bytes: Uint8Array) => ReturnType<typeof tables.readParquet>> }).read;
        const { numbers, texts, lines } = await read[name](Uint8Array.from(atob(base64), (each) => each.charCodeAt(0)));
        return { a: [...numbers.a], b: [...numbers.b], time: texts.time, last: lines[lines.length - 1] };
      },
      [kind, bytes.toString('base64')],
    );
    assert.equal(columns.last, kind === 'gzip' ? rows.length + 1 : rows.length);
    assert.equal(JSON.stringify(columns.a), JSON.stringify(rows.map(({ a }) => a)), kind);
    assert.equal(JSON.stringify(columns.b), JSON.stringify(rows.map(({ b }) => b)), kind);
    assert.equal(JSON.stringify(columns.time), JSON.stringify(rows.map(({ time }) => time)), kind);
  }
  assert.deepEqual(problems, []);
});
