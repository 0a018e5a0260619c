import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Redis } from 'ioredis';
import { showBytes } from '../../compute/bytes.ts';
import { ThroughtimeError } from '../../errors.ts';
import { hashOf, writeError, writeWhole } from '../../run/files.ts';
import { dataKeyOf } from './keys.ts';
import type { OfferedFile, SweepNotice } from './messages.ts';

/** Bytes up to which a data file is sent through the server. */
export const mostSent = 64 * 2 ** 20;

/** Hashes of files that have not changed since they were taken. */
const known = new Map<string, { readonly size: number; readonly changed: number; readonly sha256: string }>();

async function hashKnown(file: string): Promise<string | null> {
  const now = statSync(file, { throwIfNoEntry: false });
  if (!now?.isFile()) return null;
  const before = known.get(file);
  if (before && before.size === now.size && before.changed === now.mtimeMs) return before.sha256;
  const sha256 = await hashOf(file);
  known.set(file, { size: now.size, changed: now.mtimeMs, sha256 });
  return sha256;
}

/**
 * Where the data of a sweep are on this machine: a folder that relative paths of its experiment start from. The files in it have the contents that were
 * submitted.
 *
 * @param shared a folder that has them; without it, they are taken from where they were submitted, if they are there, or from the server.
 * @param own where files from the server are put.
 * @throws QUEUE_REFUSED where they are not to be had.
 */
export async function dataPlace(redis: Redis, notice: SweepNotice, shared: string | undefined, own: string): Promise<string> {
  const { folder, files } = notice;
  if (files.length === 0) return shared ?? folder;
  if (shared !== undefined) {
    for (const file of files) refuseOther(file, path.resolve(shared, file.name), await hashKnown(path.resolve(shared, file.name)), true);
    return shared;
  }
  const there = await Promise.all(files.map(async (file) => (await hashKnown(path.resolve(folder, file.name))) === file.sha256));
  if (there.every((each) => each)) return folder;
  // Names may go up: the folder is as far down as the highest of them goes up.
  const up = Math.max(
    ...files.map(
      ({ name }) =>
        path
          .normalize(name)
          .split(path.sep)
          .filter((part) => part === '..').length,
    ),
  );
  const place = path.join(own, ...Array.from({ length: up }, (_, index) => `up-${up - index}`));
  makeFolders(place);
  for (const file of files) {
    const at = path.resolve(place, file.name);
    if (path.isAbsolute(file.name) || !at.startsWith(path.join(own, path.sep)) || !file.sent) {
      refuseOther(file, path.resolve(folder, file.name), await hashKnown(path.resolve(folder, file.name)), false);
      continue;
    }
    if ((await hashKnown(at)) === file.sha256) continue;
    const content = await redis.getBuffer(dataKeyOf(file.sha256));
    if (content === null) throw refusal(`${file.name} is no longer in the server; submit the sweep again`);
    makeFolders(path.dirname(at));
    writeWhole(at, content);
    refuseOther(file, at, await hashKnown(at), false);
  }
  return place;
}

function refuseOther({ name, sha256, bytes }: OfferedFile, at: string, found: string | null, shared: boolean): void {
  if (found === sha256) return;
  const lacks =
    found === null ? 'is not there' : `has other contents than ${name} of the sweep (${found.slice(0, 12)}, not ${sha256.slice(0, 12)})`;
  const next = shared
    ? 'bring it there'
    : `it is ${showBytes(bytes)} and was not sent: bring it there, or name a folder that has it with --data`;
  throw refusal(`the data file ${at} ${lacks}; ${next}`);
}

const refusal = (sentence: string) => new ThroughtimeError('QUEUE_REFUSED', sentence);

function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw writeError(folder, cause);
  }
}
