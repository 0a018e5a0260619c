import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ThroughtimeError } from '../errors.ts';
import { writeError } from './files.ts';

/** Name of the file that says which process writes a run. */
export const lockName = 'lock.json';
/** Seconds after which a lock that cannot be read is one whose process was killed while it wrote it. */
const writtenWithin = 10;

/** Who holds a lock. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, where the system tells: another process may come to have the same pid. */
  readonly begun: string | null;
}

/**
 * Makes this process the only one that writes a run. The lock of a process that is no longer there is taken over.
 *
 * @returns what gives the lock back.
 * @throws RUN_IN_USE where another process has it, or may have it.
 */
export function takeLock(folder: string): () => void {
  const file = path.join(folder, lockName);
  const own = JSON.stringify({ pid: process.pid, host: os.hostname(), begun: beginOf(process.pid) } satisfies Holder);
  for (let attempt = 0; ; attempt++) {
    if (written(file, `${own}\n`)) break;
    const found = readLock(file);
    if (attempt >= 3) throw new ThroughtimeError('RUN_IN_USE', 'is being taken by another process; try again later', { file: folder });
    if (found === undefined) continue;
    const refusal = refusalOf(found, file);
    if (refusal !== undefined) throw new ThroughtimeError('RUN_IN_USE', refusal, { file: folder });
    putAside(file, found);
  }
  return () => {
    if (readLock(file) === `${own}\n`) rmSync(file, { force: true });
  };
}

/** Whether another process writes a run, or may be writing it; nothing is taken and nothing written. */
export function isHeld(folder: string): boolean {
  const file = path.join(folder, lockName);
  const found = readLock(file);
  return found !== undefined && refusalOf(found, file) !== undefined;
}

/** Makes the file, unless it is there. */
function written(file: string, content: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw writeError(file, cause);
  }
  try {
    writeSync(descriptor, content);
  } catch (cause) {
    rmSync(file, { force: true });
    throw writeError(file, cause);
  } finally {
    closeSync(descriptor);
  }
  return true;
}

/** Why the lock cannot be taken over; undefined where its process is gone. */
function refusalOf(content: string, file: string): string | undefined {
  const holder = holderOf(content);
  const removal = `if no process trains this run, remove ${file}`;
  if (!holder) {
    const age = (Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0)) / 1000;
    return age > writtenWithin ? undefined : `is being taken by another process; wait for it, or ${removal}`;
  }
  if (holder.host !== os.hostname()) {
    return `is used by process ${holder.pid} on ${holder.host}, which cannot be asked from here; wait for it, or ${removal}`;
  }
  if (!isAlive(holder.pid)) return undefined;
  const begun = beginOf(holder.pid);
  if (begun !== null && holder.begun !== null && begun !== holder.begun) return undefined;
  const doubt = begun === null || holder.begun === null ? `, or ${removal}` : '';
  return `is being trained by process ${holder.pid}; wait for it or stop it${doubt}`;
}

function holderOf(content: string): Holder | undefined {
  try {
    const { pid, host, begun } = JSON.parse(content) as Holder;
    if (Number.isSafeInteger(pid) && pid > 0 && typeof host === 'string') return { pid, host, begun: begun ?? null };
  } catch {
    // Not a lock that was written to its end.
  }
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    // A process of another user may not be asked, but is there.
    return (cause as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  // One that was killed stays listed (Z, X) until its parent has asked how it ended.
  return !'ZX'.includes(statOf(pid)?.[0] ?? 'R');
}

/** When a process began, in ticks since a boot that is named too; null where the system does not tell. */
function beginOf(pid: number): string | null {
  const begun = statOf(pid)?.[19];
  if (begun === undefined) return null;
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${begun}`;
  } catch {
    return null;
  }
}

/** What Linux says of a process, from field 3 (its state) on; undefined where there is no such list. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program before it, in parentheses, may hold spaces.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** Moves away a lock that was left behind, and puts it back if it has become another's in the meantime. */
function putAside(file: string, content: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const moved = readLock(aside);
  if (moved !== undefined && moved !== content) written(file, moved);
  rmSync(aside, { force: true });
}

function readLock(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
