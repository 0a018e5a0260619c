import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.join(import.meta.dirname, '../docs/measured');

/** Writes what was measured as JSON, and as a page. @param shown whether the page goes to the standard output as well. */
export function writeMeasured(name: string, results: object, page: string, shown = true): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(results, null, 1)}\n`);
  writeFileSync(path.join(folder, `${name}.md`), page);
  if (shown) process.stdout.write(page);
}
