import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { ThroughtimeError } from '../../errors.ts';

/**
 * The run directories at and below some places, each once, however often and by whatever name it is reached, in the order of the places and
 * of their names. Below a place links are not followed, and folders that begin with a dot are left alone.
 *
 * @throws FILE_UNREADABLE for a place that is no directory; RUN_INVALID for one without any run.
 */
export function findRuns(places: readonly string[]): string[] {
  const found = new Map<string, string>();
  for (const place of places) {
    if (!existsSync(place) || !statSync(place).isDirectory()) {
      throw new ThroughtimeError('FILE_UNREADABLE', 'is not a directory; name run directories, or folders of them', { file: place });
    }
    let count = 0;
    for (const folder of runsBelow(place)) {
      count++;
      const real = realpathSync(folder);
      if (!found.has(real)) found.set(real, folder);
    }
    if (count === 0) {
      throw new ThroughtimeError('RUN_INVALID', 'holds no run directory: there is no run.json in it or below; name another folder', {
        file: place,
      });
    }
  }
  return [...found.values()];
}

function* runsBelow(folder: string): Generator<string> {
  const entries = listed(folder);
  if (entries.some((entry) => entry.name === 'run.json' && !entry.isDirectory())) yield folder;
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  for (const name of folders.sort(inOrder)) yield* runsBelow(path.join(folder, name));
}

function listed(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    throw new ThroughtimeError(
      'FILE_UNREADABLE',
      `cannot be listed: ${(cause as Error).message.split(',')[0]}; make it readable, or name other folders`,
      { file: folder },
      { cause },
    );
  }
}

/** trial-2 before trial-10. */
const { compare: inOrder } = new Intl.Collator('en', { numeric: true });
