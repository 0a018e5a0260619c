/** Bundles the pages, each with everything it needs: the dashboard, and the lab with the thread that it trains in. */
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '..');

/** Writes `dashboard/` and `lab/` into a folder. */
export async function buildPages(folder: string): Promise<void> {
  const source = path.join(root, 'dashboard');
  const bundle = (entryPoints: Record<string, string>, outdir: string) =>
    build({
      ...{ entryPoints, outdir, bundle: true, minify: true, format: 'esm', platform: 'browser', target: ['es2023'] },
      ...{ jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none', logLevel: 'warning', absWorkingDir: root },
    });
  const dashboard = path.join(folder, 'dashboard');
  await bundle({ dashboard: path.join(source, 'main.tsx') }, dashboard);
  await bundle({ dashboard: path.join(source, 'style.css') }, dashboard);
  copyFileSync(path.join(source, 'index.html'), path.join(dashboard, 'index.html'));
  const lab = path.join(source, 'lab');
  const labFolder = path.join(folder, 'lab');
  await bundle({ lab: path.join(lab, 'main.tsx'), trainer: path.join(lab, 'worker/trainer.ts') }, labFolder);
  await bundle({ lab: path.join(lab, 'style.css') }, labFolder);
  copyFileSync(path.join(lab, 'index.html'), path.join(labFolder, 'index.html'));
}

if (import.meta.main) await buildPages(path.join(root, 'dist/pages'));
