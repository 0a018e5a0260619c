import { open } from 'node:fs/promises';

/** Bytes read at a time; between two pieces others have their turn. */
const piece = 2 ** 20;
/** Bytes before the place read up to that are compared, to see whether the file has been cut off and written anew. */
const compared = 256;
/** The longest line that is waited for. */
const longestLine = 2 ** 24;

/** What a tail found. */
export interface TailNews {
  /** The file is not the one that was read so far: whatever its lines were made into is to be forgotten. `use` is told before its lines come. */
  readonly restarted: boolean;
  /** Whole lines that were new. */
  readonly lines: number;
}

/** Whoever takes the lines. `line` counts from 1. */
export interface LineReader {
  restart(): void;
  take(text: string, line: number): void;
}

/**
 * Follows a file of lines that another process writes: each `read` hands over the whole lines that are new, and a torn last line waits
 * until it is whole. A run that is taken up again cuts its files back to the last checkpoint and goes on from there; a file that is
 * shorter than what was read of it, is another file, or has other bytes before the place reached, is read from its beginning.
 */
export class LineTail {
  readonly #file: string;
  #at = 0;
  #lines = 0;
  #inode = 0;
  #before: Uint8Array = new Uint8Array(0);

  constructor(file: string) {
    this.#file = file;
  }

  /** @throws what the system says, but for a file that is not there: that has no lines. */
  async read(reader: LineReader): Promise<TailNews> {
    const handle = await open(this.#file, 'r').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined;
      throw cause;
    });
    if (!handle) return this.#restartIf(this.#at > 0, reader);
    try {
      const { size, ino } = await handle.stat();
      const before = new Uint8Array(this.#before.length);
      const other = ino !== this.#inode && this.#at > 0;
      if (!other && size >= this.#at && before.length > 0) await handle.read(before, 0, before.length, this.#at - before.length);
      const { restarted } = this.#restartIf(other || size < this.#at || Buffer.compare(before, this.#before) !== 0, reader);
      this.#inode = ino;
      const first = this.#lines;
      let rest: Buffer = Buffer.alloc(0);
      for (let from = this.#at; from < size; ) {
        const { bytesRead, buffer } = await handle.read(
          Buffer.allocUnsafe(Math.min(piece, size - from)),
          0,
          Math.min(piece, size - from),
          from,
        );
        if (bytesRead === 0) break;
        from += bytesRead;
        rest = this.#hand(rest.length === 0 ? buffer.subarray(0, bytesRead) : Buffer.concat([rest, buffer.subarray(0, bytesRead)]), reader);
        if (rest.length > longestLine) throw new Error(`line ${this.#lines + 1} has more than ${longestLine} bytes`);
      }
      return { restarted, lines: this.#lines - first };
    } finally {
      await handle.close();
    }
  }

  /** Hands over the whole lines of some bytes, and gives back what is left. */
  #hand(bytes: Buffer, reader: LineReader): Buffer {
    let begin = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, begin)) {
      reader.take(bytes.toString('utf8', begin, end), ++this.#lines);
      begin = end + 1;
    }
    if (begin > 0) {
      this.#at += begin;
      const kept = Math.min(compared, this.#at);
      const joined =
        begin >= kept ? bytes.subarray(begin - kept, begin) : Buffer.concat([this.#before, bytes.subarray(0, begin)]).subarray(-kept);
      this.#before = Uint8Array.from(joined);
    }
    return bytes.subarray(begin);
  }

  #restartIf(restarted: boolean, reader: LineReader): TailNews {
    if (restarted) {
      [this.#at, this.#lines, this.#before] = [0, 0, new Uint8Array(0)];
      reader.restart();
    }
    return { restarted, lines: 0 };
  }
}
