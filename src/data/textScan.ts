import { ThroughtimeError } from '../errors.ts';

/** What one pass over a text in UTF-8 finds out: enough to read any of its characters by position. */
export interface TextIndex {
  /** All characters (Unicode code points), once each, ascending. */
  readonly alphabet: string;
  /** N */
  readonly characters: number;
  /** The byte at which the first character begins, after a byte order mark; and one past the last character's last byte. */
  readonly start: number;
  readonly end: number;
  /** Characters from one anchor to the next. */
  readonly spacing: number;
  /** `anchors[i]` is the byte at which character `i * spacing` begins. Empty where every character is one byte. */
  readonly anchors: Float64Array;
}

const codePoints = 0x110000;
/** Characters between two anchors to begin with. */
const firstSpacing = 1024;
/** 8 MiB of anchors, whatever the text: where there would be more, every other one is dropped. */
const mostAnchors = 2 ** 20;

/**
 * Takes a text in pieces and keeps none of them. In memory are a mark for each possible character and at most 2^20 anchors of 8 bytes: about
 * 10 MiB for a text of any length. From a text of G characters, at most max(1024, G / 2^19) lie between two anchors.
 */
export class TextScan {
  readonly #file: string | undefined;
  readonly #mostAnchors: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  readonly #seen = new Uint8Array(codePoints);
  #anchors: Float64Array;
  #anchorCount = 0;
  #spacing: number;
  #characters = 0;
  #start = 0;
  #byte = 0;
  #begun = false;

  /** @param options.file the text's name in errors. The others are for tests. */
  constructor(options: { readonly file?: string; readonly spacing?: number; readonly mostAnchors?: number } = {}) {
    this.#file = options.file;
    this.#spacing = options.spacing ?? firstSpacing;
    this.#mostAnchors = options.mostAnchors ?? mostAnchors;
    this.#anchors = new Float64Array(Math.min(256, this.#mostAnchors));
  }

  /** @param bytes the text's next piece, cut anywhere. @throws DATA_INVALID where it is not UTF-8. */
  add(bytes: Uint8Array): void {
    this.#take(this.#decode(bytes));
  }

  /** @throws DATA_INVALID where the text ends within a character. */
  finish(): TextIndex {
    this.#take(this.#decode());
    const points: string[] = [];
    for (let point = this.#seen.indexOf(1); point >= 0; point = this.#seen.indexOf(1, point + 1)) points.push(String.fromCodePoint(point));
    const single = this.#byte - this.#start === this.#characters;
    return {
      alphabet: points.join(''),
      characters: this.#characters,
      start: this.#start,
      end: this.#byte,
      spacing: this.#spacing,
      anchors: single ? new Float64Array(0) : this.#anchors.slice(0, this.#anchorCount),
    };
  }

  #decode(bytes?: Uint8Array): string {
    try {
      return bytes === undefined ? this.#decoder.decode() : this.#decoder.decode(bytes, { stream: true });
    } catch (cause) {
      const sentence = 'must be text in UTF-8, got bytes that are not; save the file in this encoding';
      throw new ThroughtimeError('DATA_INVALID', sentence, { file: this.#file }, { cause });
    }
  }

  #take(text: string): void {
    const seen = this.#seen;
    let at = 0;
    if (!this.#begun && text !== '') {
      this.#begun = true;
      if (text.charCodeAt(0) === 0xfeff) {
        this.#start = this.#byte = 3;
        at = 1;
      }
    }
    let characters = this.#characters;
    let byte = this.#byte;
    let next = this.#anchorCount * this.#spacing;
    while (at < text.length) {
      if (characters === next) {
        this.#mark(byte);
        next = this.#anchorCount * this.#spacing;
      }
      const unit = text.charCodeAt(at);
      if (unit < 0x80) {
        seen[unit] = 1;
        byte++;
        at++;
      } else {
        const point = text.codePointAt(at)!;
        seen[point] = 1;
        byte += point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        at += point < 0x10000 ? 1 : 2;
      }
      characters++;
    }
    this.#characters = characters;
    this.#byte = byte;
  }

  /** Character `anchorCount * spacing` begins at this byte. */
  #mark(byte: number): void {
    if (this.#anchorCount === this.#mostAnchors) {
      // An odd number of anchors ends with one that is kept, so that the new one lies halfway to the next.
      const kept = Math.ceil(this.#anchorCount / 2);
      for (let i = 0; i < kept; i++) this.#anchors[i] = this.#anchors[2 * i];
      const takes = this.#anchorCount % 2 === 0;
      this.#anchorCount = kept;
      this.#spacing *= 2;
      if (!takes) return;
    }
    if (this.#anchorCount === this.#anchors.length) {
      const larger = new Float64Array(Math.min(2 * this.#anchors.length, this.#mostAnchors));
      larger.set(this.#anchors);
      this.#anchors = larger;
    }
    this.#anchors[this.#anchorCount++] = byte;
  }
}
