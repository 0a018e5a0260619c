import { ThroughtimeError } from '../errors.ts';
import type { ByteSource } from './byteSource.ts';
import type { TextIndex } from './textScan.ts';

/** A text as numbers: each character is its index in an alphabet. */
export interface Characters {
  /** N */
  readonly length: number;
  /** Fills the first `count` elements of `into` with the characters from `from` on. */
  read(from: number, count: number, into: Int32Array): void;
  /** @throws DATA_CHANGED where the text may have become another. */
  verify(): void;
  /** What another thread needs to read the same, where it can. */
  readonly recipe?: CharactersRecipe;
}

/** A part of an indexed text, to be read in another thread. */
export interface CharactersRecipe {
  readonly source: unknown;
  readonly index: TextIndex;
  readonly from: number;
  readonly length: number;
}

/** Characters in memory. */
export class HeldCharacters implements Characters {
  readonly #codes: Int32Array;

  constructor(codes: Int32Array) {
    this.#codes = codes;
  }

  get length(): number {
    return this.#codes.length;
  }

  read(from: number, count: number, into: Int32Array): void {
    for (let n = 0; n < count; n++) into[n] = this.#codes[from + n];
  }

  verify(): void {}
}

/**
 * Characters [from, from + length) of a text in UTF-8, decoded where they are asked for. A read takes the bytes from the anchor before its
 * first character to the one after its last.
 */
export class IndexedCharacters implements Characters {
  readonly length: number;
  readonly #source: ByteSource;
  readonly #index: TextIndex;
  readonly #from: number;
  /** Index in the alphabet of each code point up to the largest; -1 where it has none. */
  readonly #codes: Int32Array;
  #bytes = new Uint8Array(0);

  constructor(source: ByteSource, index: TextIndex, from: number, length: number) {
    this.#source = source;
    this.#index = index;
    this.#from = from;
    this.length = length;
    this.#codes = codesOf(index.alphabet);
  }

  get recipe(): CharactersRecipe | undefined {
    const { handle } = this.#source;
    return handle === undefined ? undefined : { source: handle, index: this.#index, from: this.#from, length: this.length };
  }

  verify(): void {
    this.#source.verify();
  }

  read(from: number, count: number, into: Int32Array): void {
    const { start, end, spacing, anchors } = this.#index;
    const codes = this.#codes;
    const first = this.#from + from;
    let unknown = 0;
    if (anchors.length === 0) {
      const bytes = this.#fetch(start + first, start + first + count);
      for (let n = 0; n < count; n++) {
        into[n] = codes[bytes[n]] ?? -1;
        unknown |= into[n];
      }
    } else {
      const anchor = Math.floor(first / spacing);
      const bytes = this.#fetch(anchors[anchor], anchors[Math.ceil((first + count) / spacing)] ?? end);
      let at = 0;
      for (let skipped = anchor * spacing; skipped < first; skipped++) at += lengthOf(bytes[at]);
      for (let n = 0; n < count; n++) {
        into[n] = codes[pointAt(bytes, at)] ?? -1;
        unknown |= into[n];
        at += lengthOf(bytes[at]);
      }
    }
    if (unknown < 0) {
      throw new ThroughtimeError(
        'DATA_CHANGED',
        'a text has a character that it did not have when it was opened; do not change it while it is read',
      );
    }
  }

  /** Bytes [from, past), from element 0. */
  #fetch(from: number, past: number): Uint8Array {
    const length = past - from;
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
    this.#source.read(from, this.#bytes, length);
    return this.#bytes;
  }
}

function codesOf(alphabet: string): Int32Array {
  const points = Array.from(alphabet, (character) => character.codePointAt(0)!);
  const codes = new Int32Array((points.at(-1) ?? -1) + 1).fill(-1);
  for (const [code, point] of points.entries()) codes[point] = code;
  return codes;
}

/** Bytes of the character that begins with this one. */
function lengthOf(first: number): number {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** The code point of valid UTF-8 at a byte; some number or other where it is not valid. */
function pointAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return first;
  const second = bytes[at + 1] & 0x3f;
  if (first < 0xe0) return ((first & 0x1f) << 6) | second;
  const third = bytes[at + 2] & 0x3f;
  if (first < 0xf0) return ((first & 0x0f) << 12) | (second << 6) | third;
  return ((first & 0x07) << 18) | (second << 12) | (third << 6) | (bytes[at + 3] & 0x3f);
}
