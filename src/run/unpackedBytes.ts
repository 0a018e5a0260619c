import { type ByteSource, heldBytes } from '../data/byteSource.ts';
import { TemporaryFile } from './temporaryFile.ts';

/** Bytes that arrive in pieces and are read by position afterwards: kept in memory up to a size, and beyond that in a temporary file. */
export class UnpackedBytes {
  readonly #purpose: string;
  readonly #held: number;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #sink: TemporaryFile | undefined;

  /** @param file the one that is unpacked, for errors. @param held the most bytes that are kept in memory. */
  constructor(file: string, held: number) {
    this.#purpose = `the unpacked bytes of ${file}`;
    this.#held = held;
  }

  /** Whether they are in a file. */
  get spilled(): boolean {
    return this.#sink !== undefined;
  }

  /** @throws WRITE_FAILED */
  add(piece: Uint8Array): void {
    this.#size += piece.length;
    if (this.#sink) {
      this.#sink.write(piece);
      return;
    }
    this.#pieces.push(piece);
    if (this.#size <= this.#held) return;
    this.#sink = new TemporaryFile(this.#purpose);
    for (const each of this.#pieces) this.#sink.write(each);
    this.#pieces = [];
  }

  /** Ends the adding. */
  finish(): ByteSource {
    if (this.#sink) return this.#sink.finish();
    const all = new Uint8Array(this.#size);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [];
    return heldBytes(all);
  }

  /** Gives the file back. */
  close(): void {
    this.#sink?.close();
  }
}
