import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ByteSource } from '../data/byteSource.ts';
import type { ByteSink } from '../data/rowStore.ts';
import { ThroughtimeError } from '../errors.ts';
import { FileSource } from './fileSource.ts';
import { writeError } from './files.ts';

/**
 * A file of this process's own in the system's temporary folder (`TMPDIR`), written once from its beginning to its end. It has no name:
 * the name is removed as soon as the file is open, so that nothing is left behind, however the process ends. A system that cannot do that
 * has it removed at the end of the process.
 */
export class TemporaryFile implements ByteSink {
  readonly #purpose: string;
  readonly #file: string;
  readonly #descriptor: number;
  readonly #removeAtExit: (() => void) | undefined;
  #open = true;

  /** @param purpose what it is for, in errors: `the columns of a.csv`. @throws WRITE_FAILED */
  constructor(purpose: string, folder = os.tmpdir()) {
    this.#purpose = purpose;
    let own: string;
    try {
      own = mkdtempSync(path.join(folder, 'throughtime-'));
    } catch (cause) {
      throw this.#failure(folder, cause);
    }
    this.#file = path.join(own, 'rows');
    const remove = () => rmSync(own, { recursive: true, force: true });
    try {
      this.#descriptor = openSync(this.#file, 'wx+');
    } catch (cause) {
      remove();
      throw this.#failure(this.#file, cause);
    }
    try {
      remove();
    } catch {
      // The name stays until the file is closed.
      this.#removeAtExit = remove;
      process.once('exit', remove);
    }
  }

  write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    } catch (cause) {
      throw this.#failure(this.#file, cause);
    }
  }

  finish(): ByteSource {
    const { size, mtimeMs } = fstatSync(this.#descriptor);
    const source = new FileSource({ file: this.#file, descriptor: this.#descriptor, size, modified: mtimeMs });
    return {
      size,
      handle: source.handle,
      read: (position, into, length) => source.read(position, into, length),
      verify: () => source.verify(),
    };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#descriptor);
    if (!this.#removeAtExit) return;
    this.#removeAtExit();
    process.off('exit', this.#removeAtExit);
  }

  #failure(file: string, cause: unknown): ThroughtimeError {
    const { sentence } = writeError(file, cause);
    const why = sentence.split(';')[0];
    return new ThroughtimeError(
      'WRITE_FAILED',
      `${why}; this is where ${this.#purpose} go, which are too many for the memory: make room, or name a larger place by TMPDIR`,
      { file },
      { cause },
    );
  }
}
