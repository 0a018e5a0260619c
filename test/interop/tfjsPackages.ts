/** The real TensorFlow.js, bundled as for a page: its modules name each other without endings, which Node does not resolve. */

import { rmSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as core from '@tensorflow/tfjs-core';
import type * as layers from '@tensorflow/tfjs-layers';
import { build } from 'esbuild';

const source = `
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import '@tensorflow/tfjs-backend-cpu';
export * as core from '@tensorflow/tfjs-core';
export * as layers from '@tensorflow/tfjs-layers';
`;

/** @param folder where the bundle may lie until it has been loaded. */
export async function tfjs(folder: string): Promise<{ core: typeof core; layers: typeof layers }> {
  const outfile = path.join(folder, 'tfjs.mjs');
  await build({
    stdin: { contents: source, resolveDir: import.meta.dirname },
    bundle: true,
    format: 'esm',
    platform: 'node',
    mainFields: ['module', 'main'],
    outfile,
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  const loaded = (await import(pathToFileURL(outfile).href)) as { core: typeof core; layers: typeof layers };
  rmSync(outfile);
  // It recommends another package once, on stderr.
  const { warn } = console;
  console.warn = () => {};
  await loaded.core.ready();
  loaded.core.zeros([1]).dispose();
  console.warn = warn;
  return loaded;
}
