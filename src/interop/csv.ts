import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { Growing } from '../data/growing.ts';
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
}

/** The wanted columns of a CSV file, and the names of all. */
export interface CsvColumns extends TableColumns {
  readonly lines: Int32Array;
  readonly names: readonly string[];
}

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
export async function readCsv(source: AsyncIterable<Uint8Array | string> | string, options: CsvOptions): Promise<CsvColumns> {
  const { file, delimiter = ',' } = options;
  const reader = new CsvReader(options);
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
  try {
    await pipeline(typeof source === 'string' ? [source] : source, parser, async (records: AsyncIterable<ParsedRecord>) => {
      for await (const { record, info } of records) reader.read(record, info.lines);
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = (error as { lines?: number }).lines;
    const sentence = `must be CSV with fields separated by ${JSON.stringify(delimiter)}, got text that is not (${error.message}); correct it`;
    throw new ThroughtimeError('DATA_INVALID', sentence, { file, line }, { cause: error });
  }
  return reader.finish();
}

interface ParsedRecord {
  readonly record: string[];
  /** `lines`: the line on which the record ends. */
  readonly info: { readonly lines: number };
}

class CsvReader {
  readonly #options: CsvOptions;
  #names: string[] | undefined;
  /** Where each wanted column is in a row. */
  readonly #at = new Map<string, number>();
  readonly #lines = new Growing(Int32Array);
  readonly #numbers = new Map<string, Growing<Float64Array<ArrayBuffer>>>();
  readonly #texts = new Map<string, string[]>();

  constructor(options: CsvOptions) {
    this.#options = options;
    for (const name of options.numbers) this.#numbers.set(name, new Growing(Float64Array));
    for (const name of options.texts ?? []) this.#texts.set(name, []);
  }

  read(fields: string[], line: number): void {
    if (this.#names === undefined) {
      this.#header(fields, line);
      return;
    }
    if (fields.length !== this.#names.length) {
      const sentence = `a row must have ${this.#names.length} fields, as the first row has, got ${fields.length}; correct it`;
      throw new ThroughtimeError('DATA_INVALID', sentence, { file: this.#options.file, line });
    }
    this.#lines.push(line);
    for (const [name, values] of this.#numbers) {
      const text = fields[this.#at.get(name)!];
      const value = number.test(text) ? Number(text) : Number.NaN;
      if (!Number.isFinite(Math.fround(value))) {
        const sentence = `must be a number that is finite as a float32, got ${JSON.stringify(text)}; correct or remove the row`;
        throw new ThroughtimeError('DATA_INVALID', sentence, { file: this.#options.file, line, field: name });
      }
      values.push(value);
    }
    for (const [name, texts] of this.#texts) texts.push(fields[this.#at.get(name)!]);
  }

  finish(): CsvColumns {
    if (this.#lines.length === 0) {
      const sentence = 'has no rows; write the column names in its first row and the values below them';
      throw new ThroughtimeError('DATA_TOO_SHORT', sentence, { file: this.#options.file });
    }
    return {
      file: this.#options.file,
      names: this.#names!,
      lines: this.#lines.take(),
      numbers: Object.fromEntries([...this.#numbers].map(([name, values]) => [name, values.take()])),
      texts: Object.fromEntries(this.#texts),
    };
  }

  #header(names: string[], line: number): void {
    const { file, delimiter = ',' } = this.#options;
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) {
      const sentence = `the column name ${JSON.stringify(twice)} must stand once in the first row, got it twice; rename one column`;
      throw new ThroughtimeError('DATA_INVALID', sentence, { file, line });
    }
    for (const name of [...this.#numbers.keys(), ...this.#texts.keys()]) {
      const at = names.indexOf(name);
      if (at < 0) {
        const hint = names.length === 1 ? `is the delimiter ${JSON.stringify(delimiter)} right?` : 'name one of these';
        const sentence = `must be a column of the file, whose columns are ${names.map((each) => JSON.stringify(each)).join(', ')}; ${hint}`;
        throw new ThroughtimeError('DATA_INVALID', sentence, { file, line, field: name });
      }
      this.#at.set(name, at);
    }
    this.#names = names;
  }
}
