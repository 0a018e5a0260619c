import { ThroughtimeError } from '../errors.ts';
import type { Batch, InputShape, TargetShape } from '../network/batch.ts';
import type { ByteSource } from './byteSource.ts';
import { type Characters, HeldCharacters, IndexedCharacters } from './characters.ts';
import type { DataParts, Dataset, Window } from './dataset.ts';
import { optionError, show } from './options.ts';
import type { DatasetRecipe } from './recipe.ts';
import type { TextIndex } from './textScan.ts';
import { beginCopy } from './window.ts';

/** A text in two parts, ready to be cut into streams. */
export interface TextParts {
  /** All characters (Unicode code points) of the whole text, once each, ascending. */
  readonly alphabet: string;
  /** How many characters the alphabet has: I and O. */
  readonly size: number;
  /**
   * Both parts as B streams side by side.
   *
   * @param window steps that a training stream must have at least.
   * @throws DATA_TOO_SHORT where a part has fewer than B + 1 characters, or a training stream is shorter than the window.
   */
  streams(B: number, window?: number): DataParts;
}

/** A text in memory, as numbers: each character is its index in the alphabet. */
export interface TextData extends TextParts {
  /** The first part of the text. */
  readonly train: Int32Array;
  /** The rest of it. */
  readonly validation: Int32Array;
}

/** How a text is read. */
export interface TextOptions {
  /** Share of the characters in the training part, between 0 and 1; default 0.95. */
  readonly split?: number;
  /** The text's name in errors. */
  readonly file?: string;
}

/**
 * Prepares a text for next-character prediction: the first `split` of it to train on, the rest for validation.
 *
 * The alphabet is taken from the whole text, because a rare character may come in the validation part alone. That tells a network
 * that the character exists, and nothing about where it comes: all that training can teach about it is that it did not come.
 * A byte order mark at the beginning is left out; nothing else is changed, line ends neither.
 *
 * @throws EXPERIMENT_INVALID for a split that is none; DATA_TOO_SHORT where a part has fewer than two characters.
 */
export function textData(content: string, options: TextOptions = {}): TextData {
  const { file } = options;
  checkSplit(options);
  if (!content.isWellFormed()) {
    const sentence = 'must be Unicode text, got half of a surrogate pair in it; read the file as UTF-8';
    throw new ThroughtimeError('DATA_INVALID', sentence, { file });
  }
  const { alphabet: points, codes } = encode(content.startsWith('\ufeff') ? content.slice(1) : content);
  const trainLength = trainCharacters(codes.length, options);
  const train = codes.slice(0, trainLength);
  const validation = codes.slice(trainLength);
  const alphabet = points.map((point) => String.fromCodePoint(point)).join('');
  return { train, validation, ...partsOf(alphabet, new HeldCharacters(train), new HeldCharacters(validation), file) };
}

/**
 * The same for a text that is left where it is, and read in small pieces while it is learned from. The data sets are those
 * of `textData`, character by character.
 *
 * @param source the bytes that `index` was made of.
 * @throws as `textData`.
 */
export function indexedText(source: ByteSource, index: TextIndex, options: TextOptions = {}): TextParts {
  checkSplit(options);
  const { alphabet, characters } = index;
  const trainLength = trainCharacters(characters, options);
  const train = new IndexedCharacters(source, index, 0, trainLength);
  const validation = new IndexedCharacters(source, index, trainLength, characters - trainLength);
  return partsOf(alphabet, train, validation, options.file);
}

const defaultSplit = 0.95;

function checkSplit({ split = defaultSplit }: TextOptions): void {
  if (typeof split === 'number' && split > 0 && split < 1) return;
  throw optionError('split', `must be a number between 0 and 1, got ${show(split)}; give the share of the text to train on`);
}

/** How many of N characters are trained on. */
function trainCharacters(N: number, { split = defaultSplit, file }: TextOptions): number {
  const trainLength = Math.round(split * N);
  if (trainLength >= 2 && N - trainLength >= 2) return trainLength;
  const sentence =
    `has ${N} characters, ${trainLength} to train on and ${N - trainLength} for validation, and each part needs at least 2; ` +
    'give a longer text or change data.split';
  throw new ThroughtimeError('DATA_TOO_SHORT', sentence, { file });
}

function partsOf(alphabet: string, train: Characters, validation: Characters, file: string | undefined): TextParts {
  const size = Array.from(alphabet).length;
  return {
    alphabet,
    size,
    streams: (B, window = 1) => ({
      train: atLeast(window, streamsOf(train, B, size, 'the training part', file), file),
      validation: streamsOf(validation, B, size, 'the validation part', file),
      description: { kind: 'text', alphabet },
      baselines: [],
    }),
  };
}

/** Refuses streams that are shorter than a window of truncated backpropagation. */
function atLeast(window: number, streams: Dataset, file: string | undefined): Dataset {
  const length = streams.length(0);
  if (length >= window) return streams;
  const sentence =
    `gives ${streams.count} training streams of ${length} characters, shorter than a window of training.bptt.k2 = ${window}; ` +
    'give a longer text, a smaller training.batchSize or a shorter window';
  throw new ThroughtimeError('DATA_TOO_SHORT', sentence, { file });
}

/**
 * A text as B sequences of floor((N - 1) / B) characters each, in the text's order; the target at every step is the next character.
 * The up to B - 1 characters that are left over at the end are not used.
 *
 * @param codes [N] indices into the alphabet.
 * @param size how many characters the alphabet has.
 * @throws DATA_TOO_SHORT where a stream would have no character.
 */
export function textStreams(codes: Int32Array, B: number, size: number, part = 'the text', file?: string): Dataset {
  return streamsOf(new HeldCharacters(codes), B, size, part, file);
}

function streamsOf(characters: Characters, B: number, size: number, part: string, file?: string): Dataset {
  if (!Number.isSafeInteger(B) || B < 1) {
    throw new ThroughtimeError('OPTION_INVALID', `the number of streams must be a whole number from 1, got ${show(B)}; give one`);
  }
  if (characters.length < B + 1) {
    const sentence =
      `${part} has ${characters.length} characters, too few for ${B} streams, which need at least ${B + 1}; ` +
      'give a longer text, a smaller training.batchSize or another data.split';
    throw new ThroughtimeError('DATA_TOO_SHORT', sentence, { file });
  }
  return new TextStreams(characters, B, size);
}

/** B streams of one text side by side. */
export class TextStreams implements Dataset {
  readonly input: InputShape;
  readonly target: TargetShape;
  readonly loss = 'crossEntropy';
  readonly count: number;
  readonly #characters: Characters;
  readonly #length: number;
  /** A window of one stream, and the character after it. */
  #codes = new Int32Array(0);

  constructor(characters: Characters, B: number, size: number) {
    this.input = { kind: 'symbols', size };
    this.target = { kind: 'classes', size };
    this.count = B;
    this.#characters = characters;
    this.#length = Math.floor((characters.length - 1) / B);
  }

  get recipe(): DatasetRecipe | undefined {
    const { recipe } = this.#characters;
    return recipe && { kind: 'textStreams', characters: recipe, B: this.count, size: this.input.size };
  }

  length(): number {
    return this.#length;
  }

  copy(window: Window, batch: Batch): void {
    beginCopy(this, window, batch);
    const { sequences, begin, countFrom } = window;
    const { T, B, symbols, rows, classes } = batch;
    const length = B === 0 ? 0 : batch.lengths[0];
    const from = Math.max(0, countFrom - begin);
    symbols.fill(0, length * B, T * B);
    batch.counted = Math.max(0, length - from) * B;
    if (length === 0) return;
    if (this.#codes.length <= length) this.#codes = new Int32Array(length + 1);
    const codes = this.#codes;
    this.#characters.verify();
    for (let b = 0; b < B; b++) {
      this.#characters.read(sequences[b] * this.#length + begin, length + 1, codes);
      for (let t = 0, row = b; t < length; t++, row += B) symbols[row] = codes[t];
      for (let t = from, row = from * B + b, n = b; t < length; t++, row += B, n += B) {
        rows[n] = row;
        classes[n] = codes[t + 1];
      }
    }
  }
}

const codePoints = 0x110000;

/** The code points of a text, ascending, and every character's index among them. */
function encode(content: string): { alphabet: number[]; codes: Int32Array } {
  const codes = new Int32Array(content.length);
  const index = new Int32Array(codePoints);
  let N = 0;
  for (let at = 0; at < content.length; N++) {
    const point = content.codePointAt(at)!;
    codes[N] = point;
    index[point] = 1;
    at += point > 0xffff ? 2 : 1;
  }
  const alphabet: number[] = [];
  for (let point = 0; point < codePoints; point++) {
    if (index[point] === 0) continue;
    index[point] = alphabet.length;
    alphabet.push(point);
  }
  for (let n = 0; n < N; n++) codes[n] = index[codes[n]];
  return { alphabet, codes: codes.slice(0, N) };
}
