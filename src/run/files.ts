import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  createReadStream,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ThroughtimeError } from '../errors.ts';

/** Runs a piece of file reading; what the system says becomes an error that names the file. */
export async function reading<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined || !reasons[code]) throw cause;
    throw readError(file, cause);
  }
}

/** The error of a file that could not be opened or read. */
export function readError(file: string, cause: unknown): ThroughtimeError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : reasons[code];
  const sentence = known === undefined ? `cannot be read: ${message}; check the disk and the path` : `${known}; check the path`;
  return new ThroughtimeError('FILE_UNREADABLE', sentence, { file }, { cause });
}

const reasons: Record<string, string> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  EISDIR: 'is a directory, not a file',
  ENOTDIR: 'does not exist, because a part of its path is not a directory',
};

/** The error of a file that could not be written. */
export function writeError(file: string, cause: unknown): ThroughtimeError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = (code === undefined ? undefined : writeReasons[code]) ?? message;
  return new ThroughtimeError('WRITE_FAILED', `cannot be written: ${why}; make room or choose another place`, { file }, { cause });
}

const writeReasons: Record<string, string> = {
  ENOENT: 'there is no such folder',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of this user is used up',
  EFBIG: 'it would be larger than this system lets a file be',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of its path is not a directory',
};

/**
 * Makes a directory that is not there yet, and those above it.
 *
 * @returns the topmost one that was made; undefined where the directory exists already.
 */
export function makeFolder(folder: string): string | undefined {
  const above = path.dirname(path.resolve(folder));
  const topmost = existsSync(above) ? undefined : makeFolder(above);
  try {
    mkdirSync(folder);
  } catch (cause) {
    if (topmost !== undefined) rmSync(topmost, { recursive: true, force: true });
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw writeError(folder, cause);
  }
  return topmost ?? folder;
}

/**
 * Writes a file whole or not at all: to a temporary name beside it, synced, then renamed. What was there before stays, if
 * anything fails; with `keep`, it is kept under that name when all is well. At no moment is there no whole file.
 */
export function writeWhole(file: string, content: Uint8Array | string, keep?: string): void {
  const temporary = `${file}.writing`;
  try {
    const descriptor = openSync(temporary, 'w');
    try {
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (keep !== undefined && existsSync(file)) {
      rmSync(keep, { force: true });
      linkOrCopy(file, keep);
    }
    renameSync(temporary, file);
    syncFolder(path.dirname(file));
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw writeError(file, cause);
  }
}

/** The same for what is written piece by piece: `write` is given the temporary name. */
export async function writeWholeBy(file: string, write: (temporary: string) => void | Promise<void>): Promise<void> {
  const temporary = `${file}.writing`;
  try {
    await write(temporary);
    const descriptor = openSync(temporary, 'r+');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
    syncFolder(path.dirname(file));
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause instanceof ThroughtimeError ? cause : writeError(file, cause);
  }
}

/** A second name for a file; a copy where the file system knows no such thing. */
function linkOrCopy(file: string, name: string): void {
  try {
    linkSync(file, name);
  } catch {
    copyFileSync(file, name);
  }
}

/** Makes renames in a folder durable, where the system has a way to. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Bytes of some files together; one that is not there counts as none. */
export function bytesOf(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** SHA-256 of a file's bytes, in hexadecimal; the file is streamed. */
export async function hashOf(file: string): Promise<string> {
  return reading(file, async () => {
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    return hash.digest('hex');
  });
}
