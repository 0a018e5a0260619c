/** What importing the package does to its importer: nothing, and no more of it than is used. */

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '../..');

/** What is different after an import. */
async function changedBy(entry: string): Promise<{ globals: string[]; listeners: (string | symbol)[]; running: string[] }> {
  const before = { globals: new Set(Reflect.ownKeys(globalThis)), listeners: new Set(process.eventNames()) };
  const exported = await import(path.join(root, `src/${entry}.ts`));
  assert.ok(Object.keys(exported).length > 3);
  return {
    globals: Reflect.ownKeys(globalThis)
      .filter((name) => !before.globals.has(name))
      .map(String),
    listeners: process.eventNames().filter((name) => !before.listeners.has(name)),
    running: process.getActiveResourcesInfo().filter((each) => /Timeout|Worker|Port|TCP/.test(each)),
  };
}

test('an import of the core starts nothing and leaves nothing behind', async () => {
  assert.deepEqual(await changedBy('index'), { globals: [], listeners: [], running: [] });
});

for (const [entry, of] of [
  ['node', /^__zod_/],
  ['tfjs', /^_tf/],
] as const) {
  test(`nor does one of ${entry}, but for what its dependency keeps`, async () => {
    const { globals, listeners, running } = await changedBy(entry);
    assert.deepEqual(
      { globals: globals.filter((name) => !of.test(name)), listeners, running },
      { globals: [], listeners: [], running: [] },
    );
  });
}

test('a page that only clips gradients gets no kernels: it is small', async () => {
  const contents = `export { boundStates, makeClip, makeNormMonitor } from './src/index.ts';`;
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    ...{ bundle: true, minify: true, platform: 'browser', format: 'esm', write: false, metafile: true, logLevel: 'silent' },
  });
  const [{ contents: bytes, text }] = outputFiles;
  // A module in base64 begins so; `\0asm` of the kernels.
  assert.ok(!text.includes('AGFzbQ') && !text.includes('WebAssembly'));
  assert.ok(bytes.length < 14_000 && gzipSync(bytes).length < 6_000, `${bytes.length} bytes, ${gzipSync(bytes).length} compressed`);
  const [{ inputs }] = Object.values(metafile.outputs);
  const rooms = new Set(
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? (/^src\/(\w+)\//.exec(file)?.[1] ?? []) : [])),
  );
  assert.deepEqual([...rooms].sort(), ['compute', 'monitor', 'network', 'training']);
});
