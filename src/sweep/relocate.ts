import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from '../run/files.ts';
import { type RunRecord, recordFileOf } from '../run/runDirectory.ts';

/** Has a run directory, where it has been begun, name the data where they are on this machine. Their contents are the same, which is checked when they are opened. */
export function relocate(run: string, folder: string): void {
  const file = recordFileOf(run);
  if (!existsSync(file)) return;
  const record = JSON.parse(readFileSync(file, 'utf8')) as RunRecord;
  if (record.folder === folder) return;
  const files = record.files.map(({ path: each, sha256 }) => ({ path: path.resolve(folder, path.relative(record.folder, each)), sha256 }));
  writeWhole(file, `${JSON.stringify({ ...record, folder, files }, null, 2)}\n`);
}
