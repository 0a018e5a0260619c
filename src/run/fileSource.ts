import { closeSync, fstatSync, openSync, read, readSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import type { ByteSource } from '../data/byteSource.ts';
import { ThroughtimeError } from '../errors.ts';
import { readError } from './files.ts';

const readAsync = promisify(read);

/** An open file as another thread of this process can use it: descriptors belong to the process. */
export interface FileHandle {
  /** Its name in errors. */
  readonly file: string;
  readonly descriptor: number;
  readonly size: number;
  /** When it was last written, in milliseconds since 1970. */
  readonly modified: number;
}

/** Bytes of a piece of a file that is read from its beginning to its end. */
const pieceBytes = 2 ** 16;

/**
 * The bytes of an open file. A file that is replaced by another of the same name stays what it was; one that is written to is told by its
 * size and time.
 */
export class FileSource implements ByteSource {
  readonly handle: FileHandle;
  #open = true;

  constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** @throws FILE_UNREADABLE where there is no such file, or it cannot be read by position. */
  static open(file: string): FileSource {
    let descriptor: number | undefined;
    try {
      // Before it is opened, because opening a pipe waits for one who writes to it.
      const kind = statSync(file);
      if (kind.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
      if (!kind.isFile()) {
        const sentence = 'is not a regular file, so that it cannot be read more than once; write it to a file first';
        throw new ThroughtimeError('FILE_UNREADABLE', sentence, { file });
      }
      descriptor = openSync(file, 'r');
      const { size, mtimeMs } = fstatSync(descriptor);
      return new FileSource({ file, descriptor, size, modified: mtimeMs });
    } catch (cause) {
      if (descriptor !== undefined) closeSync(descriptor);
      throw cause instanceof ThroughtimeError ? cause : readError(file, cause);
    }
  }

  get size(): number {
    return this.handle.size;
  }

  read(position: number, into: Uint8Array, length: number): void {
    const { file, descriptor } = this.handle;
    for (let at = 0; at < length; ) {
      let bytesRead: number;
      try {
        bytesRead = readSync(descriptor, into, at, length - at, position + at);
      } catch (cause) {
        throw readError(file, cause);
      }
      if (bytesRead === 0) throw this.#changed(`ends at byte ${position + at}`);
      at += bytesRead;
    }
  }

  verify(): void {
    const { descriptor, size, modified, file } = this.handle;
    let status: { size: number; mtimeMs: number };
    try {
      status = fstatSync(descriptor);
    } catch (cause) {
      throw readError(file, cause);
    }
    if (status.size !== size) throw this.#changed(`now has ${status.size} bytes`);
    if (status.mtimeMs !== modified) throw this.#changed('was written to');
  }

  #changed(what: string): ThroughtimeError {
    const { file, size } = this.handle;
    const sentence = `${what}, and had ${size} bytes when it was opened; it must not be changed while it is read, so restore it and go on`;
    return new ThroughtimeError('DATA_CHANGED', sentence, { file });
  }

  /** The whole file in pieces, from its beginning to its end. */
  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    const { descriptor, file } = this.handle;
    for (let at = 0; ; ) {
      const piece = Buffer.allocUnsafeSlow(pieceBytes);
      let bytesRead: number;
      try {
        ({ bytesRead } = await readAsync(descriptor, piece, 0, pieceBytes, at));
      } catch (cause) {
        throw readError(file, cause);
      }
      if (bytesRead === 0) break;
      at += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
    this.verify();
  }

  close(): void {
    if (this.#open) closeSync(this.handle.descriptor);
    this.#open = false;
  }
}
