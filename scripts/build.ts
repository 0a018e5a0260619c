/**
 * Bundles the package into dist/: the core, the Node part, the command line and the threads that it starts, their types, the experiment's JSON
 * Schema, and the pages.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { experimentJsonSchema } from '../src/run/experimentSchema.ts';
import { sweepJsonSchema } from '../src/sweep/sweepSchema.ts';
import { buildPages } from './pages.ts';

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist');
await build({
  entryPoints: {
    ...{ index: 'src/index.ts', node: 'src/node.ts', cli: 'src/cli/main.ts' },
    // What clips alone is a file of its own, so that a page that does no more takes no other.
    ...{ clip: 'src/training/clip/typedArrays.ts', tfjs: 'src/tfjs.ts', tables: 'src/tables.ts' },
    ...{ batchThread: 'src/run/batchThread.ts', trialThread: 'src/run/trialThread.ts' },
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: ['es2024', 'node22'],
  packages: 'external',
  // Resolved where it is used: a page takes another one than Node.
  external: ['#csv-parse'],
  sourcemap: true,
  legalComments: 'none',
  logLevel: 'warning',
});
await buildPages('dist/pages');
execFileSync('tsc', ['--project', 'tsconfig.build.json'], { stdio: 'inherit', shell: process.platform === 'win32' });
writeFileSync('dist/experiment.schema.json', `${JSON.stringify(experimentJsonSchema(), null, 2)}\n`);
writeFileSync('dist/sweep.schema.json', `${JSON.stringify(sweepJsonSchema(), null, 2)}\n`);
