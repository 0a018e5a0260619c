import { CsvError, parse } from '#csv-parse';
import { show } from '../data/options.ts';
import { ThroughtimeError } from '../errors.ts';
import { collectColumns, type ReadColumns, type ReadRow } from './collectColumns.ts';

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
export async function readCsv(source: CsvSource, options: CsvOptions): Promise<ReadColumns> {
  return collectColumns(options, (read) => eachCsvRow(source, options, read));
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
export async function eachCsvRow(source: CsvSource, options: CsvOptions, read: ReadRow): Promise<string[]> {
  const { delimiter = ',' } = options;
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
  let failed: { readonly cause: unknown } | undefined;
  parser.on('data', ({ record, info }: ParsedRecord) => {
    if (failed) return;
    try {
      rows.take(record, info.lines);
    } catch (cause) {
      failed = { cause };
    }
  });
  const ended = new Promise<void>((resolve) => {
    parser.on('end', resolve).on('error', (cause) => {
      failed ??= { cause };
      resolve();
    });
  });
  for await (const text of textOf(source, options.file)) {
    await Promise.race([ended, new Promise((taken) => parser.write(text, taken))]);
    if (failed) break;
  }
  if (!failed) {
    parser.end();
    await ended;
  }
  if (failed) throw errorOf(failed.cause, options);
  return rows.finish();
}

/** Characters of a record, which a file that is no CSV may lack the end of. */
const longestRecord = 2 ** 20;

/** The pieces as text. @throws DATA_INVALID where they are not UTF-8. */
async function* textOf(source: CsvSource, file: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decode = (piece?: Uint8Array): string => {
    try {
      return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
    } catch (cause) {
      const sentence = 'must be text in UTF-8, got bytes that are not; save the file in this encoding';
      throw new ThroughtimeError('DATA_INVALID', sentence, { file }, { cause });
    }
  };
  for await (const piece of typeof source === 'string' ? [source] : source) {
    const text = typeof piece === 'string' ? piece : decode(piece);
    if (text !== '') yield text;
  }
  const rest = decode();
  if (rest !== '') yield rest;
}

/** What the parser says, in our words; all else as it is. */
function errorOf(error: unknown, { file, delimiter = ',' }: CsvOptions): unknown {
  if (!(error instanceof CsvError)) return error;
  const line = (error as { lines?: number }).lines;
  const sentence = `must be CSV with fields separated by ${JSON.stringify(delimiter)}, got text that is not (${error.message}); correct it`;
  return new ThroughtimeError('DATA_INVALID', sentence, { file, line }, { cause: error });
}

interface ParsedRecord {
  readonly record: string[];
  /** `lines`: the line on which the record ends. */
  readonly info: { readonly lines: number };
}

class CsvRows {
  readonly #options: CsvOptions;
  readonly #read: ReadRow;
  #names: string[] | undefined;
  /** Where each wanted column of numbers, and of texts, is in a row. */
  #numbersAt: number[] = [];
  #textsAt: number[] = [];
  readonly #numbers: Float64Array;
  readonly #texts: string[];
  #rows = 0;

  constructor(options: CsvOptions, read: ReadRow) {
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
