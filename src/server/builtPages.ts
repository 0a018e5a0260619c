import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ThroughtimeError } from '../errors.ts';

/** The folder of the pages that came with the package; in a clone, those of the last `npm run build`. */
export function builtPages(): string {
  const root = path.dirname(createRequire(import.meta.url).resolve('throughtime/package.json'));
  const pages = path.join(root, 'dist', 'pages');
  if (existsSync(path.join(pages, 'dashboard', 'index.html'))) return pages;
  throw new ThroughtimeError('FILE_UNREADABLE', 'does not exist: the pages have not been built; run npm run build', { file: pages });
}
