import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Redis } from 'ioredis';
import { ThroughtimeError } from '../../errors.ts';
import { writeError } from '../../run/files.ts';
import { lockName } from '../../run/lock.ts';

/** Bytes of a piece; a server takes no value above 512 MB. */
const pieceBytes = 2 ** 23;

interface SentFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Bytes of files that are on their way at once. */
const mostAtOnce = 2 ** 26;

/** Puts the files of a run directory into the server, in place of what was there of it. */
export async function sendRun(redis: Redis, key: string, run: string): Promise<void> {
  await redis.del(key);
  const files: SentFile[] = [];
  let sending: Promise<unknown>[] = [];
  let bytes = 0;
  for (const name of filesIn(run)) {
    const content = readFileSync(path.join(run, name));
    files.push({ name, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
    for (let at = 0; at < content.length; at += pieceBytes) {
      sending.push(redis.hset(key, `${name}#${at / pieceBytes}`, content.subarray(at, at + pieceBytes)));
    }
    bytes += content.length;
    if (bytes < mostAtOnce) continue;
    await Promise.all(sending);
    [sending, bytes] = [[], 0];
  }
  await Promise.all(sending);
  // The list comes last: where it is, all is.
  await redis.hset(key, 'files', JSON.stringify(files));
}

/**
 * Writes the files of a run directory from the server, all of them or none; a directory that is there is replaced.
 *
 * @returns false where the server has none, or where there was no run to be sent: a trial can fail before it is begun.
 */
export async function fetchRun(redis: Redis, key: string, run: string): Promise<boolean> {
  const list = await redis.hget(key, 'files');
  if (list === null) return false;
  const files = JSON.parse(list) as SentFile[];
  if (files.length === 0) return false;
  const incoming = path.join(path.dirname(run), `.${path.basename(run)}.incoming`);
  rmSync(incoming, { recursive: true, force: true });
  try {
    for (const { name } of files) {
      if (!isInside(name)) {
        throw new ThroughtimeError(
          'QUEUE_REFUSED',
          `a worker has sent a file with the name ${JSON.stringify(name)}, which is not one of a run`,
        );
      }
    }
    let fetching: Promise<void>[] = [];
    let bytes = 0;
    for (const file of files) {
      fetching.push(fetchFile(redis, key, file, incoming));
      bytes += file.bytes;
      if (bytes < mostAtOnce) continue;
      await Promise.all(fetching);
      [fetching, bytes] = [[], 0];
    }
    await Promise.all(fetching);
    rmSync(run, { recursive: true, force: true });
    renameSync(incoming, run);
    return true;
  } catch (cause) {
    rmSync(incoming, { recursive: true, force: true });
    throw cause;
  }
}

async function fetchFile(redis: Redis, key: string, { name, bytes, sha256 }: SentFile, folder: string): Promise<void> {
  const pieces = Array.from({ length: Math.ceil(bytes / pieceBytes) }, (_, index) => redis.hgetBuffer(key, `${name}#${index}`));
  const content = Buffer.concat((await Promise.all(pieces)).filter((piece) => piece !== null));
  if (createHash('sha256').update(content).digest('hex') !== sha256) {
    throw new ThroughtimeError('QUEUE_REFUSED', `${name} of a run has not come through the queue as it was sent; begin the sweep again`);
  }
  const file = path.join(folder, name);
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content, { flush: true });
  } catch (cause) {
    throw writeError(file, cause);
  }
}

/** Files of a run directory, with those in its folders; not the lock, and nothing that is being written. */
function filesIn(run: string): string[] {
  if (!existsSync(run)) return [];
  return readdirSync(run, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== lockName && !entry.name.endsWith('.writing'))
    .map((entry) => path.relative(run, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
}

/** Whether a name stays in the folder that it is put into. */
const isInside = (name: string): boolean => /^[\w.-]+(\/[\w.-]+)*$/.test(name) && !name.split('/').includes('..');
