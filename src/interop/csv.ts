import { CsvError, parse } from '#csv-parse';
import { Growing } from '../data/growing.ts';
import { show } from '../data/options.ts';
import type { TableColumns } from '../data/table.ts';
import { ThroughtimeError } from '../errors.ts';

/** Which columns of a CSV file are wanted, and how it is written. */
export interface CsvOptions {
  /** The file's name in errors. */
  readonly file: string;
  /** Columns of numbers. */
  readonly numbers: readonly string[];
  /** Columns of text. */
  readonly texts?: readonly string[];
  /** Default `,`. */
  readonly delimiter?: string;
  /** Numbers may be missing: an empty field, `NaN`, `NA` or `null`, which are read as NaN. Default false: they are refused. */
  readonly missing?: boolean;
}

/** The wanted columns of a CSV file, and the names of all. */
export interface CsvColumns extends TableColumns {
  readonly lines: Int32Array;
  readonly names: readonly string[];
}

/** What stands for a number that is missing, where one may be. */
const missing = /^(nan|na|null)?$/i;
/** Decimal notation alone: no NaN, no Infinity, no hexadecimal. */
const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/**
 * Reads a CSV file (RFC 4180) with column names in its first row. Spaces around a field are left out; empty lines are passed over;
 * a byte order mark is too. The wanted numbers are finite as float32, and kept as float64.
 *
 * @param source the file's pieces, cut anywhere, or the whole of it.
 * @throws DATA_INVALID with file, line and column for ragged rows, missing or repeated columns, and what is not a number;
 * DATA_TOO_SHORT where there are no rows.
 */
export async function readCsv(source: CsvSource, options: CsvOptions): Promise<CsvColumns> {
  const { file, texts = [] } = options;
  const lines = new Growing(Int32Array);
  const numberColumns = options.numbers.map(() => new Growing(Float64Array));
  const textColumns = texts.map((): string[] => []);
  const names = await eachCsvRow(source, options, (numbers, words, line) => {
    lines.push(line);
    for (let column = 0; column < numbers.length; column++) numberColumns[column].push(numbers[column]);
    for (let column = 0; column < words.length; column++) textColumns[column].push(words[column]);
  });
  return {
    file,
    names,
    lines: lines.take(),
    numbers: Object.fromEntries(options.numbers.map((name, column) => [name, numberColumns[column].take()])),
    texts: Object.fromEntries(texts.map((name, column) => [name, textColumns[column]])),
  };
}

/** The pieces of a file, cut anywhere, or the whole of it. */
export type CsvSource = AsyncIterable<Uint8Array | string> | string;

/**
 * The same row by row; nothing of a row is kept after it has been handed over.
 *
 * @param read gets the wanted numbers and texts of a row, in the order in which they were asked for, and its line. Both arrays are used again
 * for the next row.
 * @returns the names of all columns.
 */
export async function eachCsvRow(
  source: CsvSource,
  options: CsvOptions,
  read: (numbers: Float64Array, texts: readonly string[], line: number) => void,
): Promise<string[]> {
  const { file, delimiter = ',' } = options;
  const rows = new CsvRows(options, read);
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    max_record_size: longestRecord,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
  const fed = feed(parser, source);
  try {
    for await (const { record, info } of parser as AsyncIterable<ParsedRecord>) rows.take(record, info.lines);
    await fed;
  } catch (error) {
    parser.destroy();
    const { failed } = await fed;
    if (failed) throw failed.cause;
    if (!(error instanceof CsvError)) throw error;
    const line = (error as { lines?: number }).lines;
    const sentence = `must be CSV with fields separated by ${JSON.stringify(delimiter)}, got text that is not (${error.message}); correct it`;
    throw new ThroughtimeError('DATA_INVALID', sentence, { file, line }, { cause: error });
  }
  return rows.finish();
}

/** Characters of a record, which a file that is no CSV may lack the end of. */
const longestRecord = 2 ** 20;

/** Writes the source into the parser, as fast as that takes it. What reading the source throws ends the parser, and is the answer. */
async function feed(parser: ReturnType<typeof parse>, source: CsvSource): Promise<{ readonly failed?: { readonly cause: unknown } }> {
  try {
    for await (const piece of typeof source === 'string' ? [source] : source) {
      if (parser.destroyed) return {};
      if (!parser.write(piece)) await taken(parser);
    }
    parser.end();
    return {};
  } catch (cause) {
    parser.destroy();
    return { failed: { cause } };
  }
}

/** Waits until the parser takes more, or has ended. */
function taken(parser: ReturnType<typeof parse>): Promise<void> {
  return new Promise((resolve) => {
    if (parser.destroyed) return resolve();
    const done = () => {
      parser.off('drain', done).off('close', done);
      resolve();
    };
    parser.on('drain', done).on('close', done);
  });
}

interface ParsedRecord {
  readonly record: string[];
  /** `lines`: the line on which the record ends. */
  readonly info: { readonly lines: number };
}

class CsvRows {
  readonly #options: CsvOptions;
  readonly #read: (numbers: Float64Array, texts: readonly string[], line: number) => void;
  #names: string[] | undefined;
  /** Where each wanted column of numbers, and of texts, is in a row. */
  #numbersAt: number[] = [];
  #textsAt: number[] = [];
  readonly #numbers: Float64Array;
  readonly #texts: string[];
  #rows = 0;

  constructor(options: CsvOptions, read: (numbers: Float64Array, texts: readonly string[], line: number) => void) {
    this.#options = options;
    this.#read = read;
    this.#numbers = new Float64Array(options.numbers.length);
    this.#texts = new Array<string>(options.texts?.length ?? 0).fill('');
  }

  take(fields: string[], line: number): void {
    if (this.#names === undefined) {
      this.#header(fields, line);
      return;
    }
    if (fields.length !== this.#names.length) {
      const sentence = `a row must have ${this.#names.length} fields, as the first row has, got ${fields.length}; correct it`;
      throw new ThroughtimeError('DATA_INVALID', sentence, { file: this.#options.file, line });
    }
    for (let column = 0; column < this.#numbersAt.length; column++) {
      const text = fields[this.#numbersAt[column]];
      const value = number.test(text) ? Number(text) : Number.NaN;
      if (!Number.isFinite(Math.fround(value)) && !(this.#options.missing && missing.test(text))) {
        const sentence = `must be a number that is finite as a float32, got ${show(text)}; ${missing.test(text) ? 'let data.missing say what takes its place, or correct the row' : 'correct or remove the row'}`;
        throw new ThroughtimeError('DATA_INVALID', sentence, { file: this.#options.file, line, field: this.#options.numbers[column] });
      }
      this.#numbers[column] = value;
    }
    for (let column = 0; column < this.#textsAt.length; column++) this.#texts[column] = fields[this.#textsAt[column]];
    this.#rows++;
    this.#read(this.#numbers, this.#texts, line);
  }

  finish(): string[] {
    if (this.#rows === 0) {
      const sentence = 'has no rows; write the column names in its first row and the values below them';
      throw new ThroughtimeError('DATA_TOO_SHORT', sentence, { file: this.#options.file });
    }
    return this.#names!;
  }

  #header(names: string[], line: number): void {
    const { file, delimiter = ',' } = this.#options;
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) {
      const sentence = `the column name ${JSON.stringify(twice)} must stand once in the first row, got it twice; rename one column`;
      throw new ThroughtimeError('DATA_INVALID', sentence, { file, line });
    }
    const place = (name: string): number => {
      const at = names.indexOf(name);
      if (at < 0) {
        const hint = names.length === 1 ? `is the delimiter ${JSON.stringify(delimiter)} right?` : 'name one of these';
        const sentence = `must be a column of the file, whose columns are ${names.map((each) => JSON.stringify(each)).join(', ')}; ${hint}`;
        throw new ThroughtimeError('DATA_INVALID', sentence, { file, line, field: name });
      }
      return at;
    };
    this.#numbersAt = this.#options.numbers.map(place);
    this.#textsAt = (this.#options.texts ?? []).map(place);
    this.#names = names;
  }
}
