import { type ColumnData, type FileMetaData, parquetMetadata, parquetRead, parquetSchema, snappyUncompress } from 'hyparquet';
import { decompressGzip, decompressZstd } from 'hyparquet-compressors';
import type { ByteSource } from '../data/byteSource.ts';
import { show } from '../data/options.ts';
import { ThroughtimeError } from '../errors.ts';
import { collectColumns, type ReadColumns, type ReadRow } from './collectColumns.ts';
import type { CsvOptions } from './csv.ts';
import { mostUnpacked, tooLarge } from './gzip.ts';
import { checkFooter, checkPage, type PageHeader, pagesOf } from './parquetCheck.ts';

const magic = 0x31524150;

function magicAt(source: ByteSource, position: number): boolean {
  const bytes = new Uint8Array(4);
  source.read(position, bytes, 4);
  return new DataView(bytes.buffer).getUint32(0, true) === magic;
}

/** Whether a file is Parquet, by its name or by how it begins and ends. */
export function isParquet(source: ByteSource, file: string): boolean {
  return file.endsWith('.parquet') || (source.size >= 12 && magicAt(source, 0) && magicAt(source, source.size - 4));
}

/** Bytes of the longest footer that is read. */
const longestFooter = 64 * 2 ** 20;

/** Options of a Parquet file: as those of a CSV file, and the most bytes that it may unpack to. */
export interface ParquetOptions extends Omit<CsvOptions, 'delimiter'> {
  /** Of the wanted columns, unpacked and as float64; by default 50 times the file's own bytes, and 16 MiB at least. */
  readonly unpacked?: number;
}

/**
 * The wanted columns of a Parquet file row by row, one row group in memory at a time. Numbers are those of the types INT32, INT64, FLOAT,
 * DOUBLE and decimals; timestamps are handed on as text: with Z where the file says that they are UTC, without a zone where it says local.
 * Pages may be plain, of a dictionary, delta or byte-stream-split, packed by Snappy, GZIP or ZSTD, or not.
 *
 * @param source the file.
 * @param read as that of `eachCsvRow`; a row's number, counted from 1, is in place of the line.
 * @returns the names of all columns.
 * @throws DATA_INVALID where the file is damaged, claims more than it has, unpacks to more than it may, or holds what is not allowed;
 * DATA_TOO_SHORT where there are no rows.
 */
export async function eachParquetRow(source: ByteSource, options: ParquetOptions, read: ReadRow): Promise<string[]> {
  try {
    return await new ParquetRows(source, options).each(read);
  } catch (cause) {
    if (cause instanceof ThroughtimeError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const sentence = `must be a Parquet file, got one that is damaged or claims what it does not have (${why}); take another copy of it`;
    throw new ThroughtimeError('DATA_INVALID', sentence, { file: options.file }, { cause });
  }
}

/** The same, all rows of it. @throws as `eachParquetRow`. */
export async function readParquet(source: ByteSource, options: ParquetOptions): Promise<ReadColumns> {
  return collectColumns(options, (read) => eachParquetRow(source, options, read));
}

interface Column {
  readonly name: string;
  /** Bytes of a plain value at least. */
  readonly width: number;
  readonly nullable: boolean;
}

const widths: Readonly<Record<string, number>> = {
  BOOLEAN: 0,
  INT32: 4,
  INT64: 8,
  INT96: 12,
  FLOAT: 4,
  DOUBLE: 8,
  BYTE_ARRAY: 4,
  FIXED_LEN_BYTE_ARRAY: 1,
};

class ParquetRows {
  readonly #source: ByteSource;
  readonly #options: ParquetOptions;
  readonly #metadata: FileMetaData;
  readonly #names: string[];
  readonly #most: number;
  #unpacked = 0;

  constructor(source: ByteSource, options: ParquetOptions) {
    this.#source = source;
    this.#options = options;
    this.#most = options.unpacked ?? mostUnpacked(source.size);
    if (source.size < 12 || !magicAt(source, 0) || !magicAt(source, source.size - 4)) {
      throw new RangeError('it does not begin and end with PAR1');
    }
    const tail = this.#bytes(source.size - 8, source.size);
    const length = new DataView(tail.buffer).getUint32(0, true);
    if (length > Math.min(source.size - 12, longestFooter))
      throw new RangeError(`its footer should have ${length} bytes, and the file has ${source.size}`);
    const footer = this.#bytes(source.size - 8 - length, source.size);
    checkFooter(footer.subarray(0, length));
    this.#metadata = parquetMetadata(footer.buffer, { geoparquet: false });
    this.#names = parquetSchema(this.#metadata).children.map(({ element }) => element.name);
  }

  async each(read: ReadRow): Promise<string[]> {
    const { numbers, texts = [], file } = this.#options;
    const wanted = [...numbers, ...texts].map((name) => this.#column(name));
    const values = new Float64Array(numbers.length);
    const words = new Array<string>(texts.length).fill('');
    let row = 0;
    for (let group = 0, from = 0; group < this.#metadata.row_groups.length; group++) {
      const rows = Number(this.#metadata.row_groups[group].num_rows);
      this.#allow(rows * 8 * wanted.length);
      const columns: ArrayLike<unknown>[] = [];
      for (const column of wanted) columns.push(await this.#read(column, group, from, rows));
      for (let n = 0; n < rows; n++) {
        row++;
        for (let at = 0; at < values.length; at++) values[at] = this.#number(columns[at][n], row, numbers[at]);
        for (let at = 0; at < words.length; at++) words[at] = this.#text(columns[numbers.length + at][n], row, texts[at]);
        read(values, words, row);
      }
      from += rows;
    }
    if (row === 0) throw new ThroughtimeError('DATA_TOO_SHORT', 'has no rows; write some', { file });
    return this.#names;
  }

  #bytes(from: number, to: number): Uint8Array<ArrayBuffer> {
    if (!(from >= 0 && from <= to && to <= this.#source.size)) throw new RangeError(`it has no bytes ${from} to ${to}`);
    const bytes = new Uint8Array(to - from);
    this.#source.read(from, bytes, bytes.length);
    return bytes;
  }

  /** Counts bytes that are about to be made. */
  #allow(bytes: number): void {
    this.#unpacked += bytes;
    if (!(this.#unpacked <= this.#most)) throw tooLarge(this.#options.file, this.#source.size, this.#most);
  }

  #column(name: string): Column {
    const { file } = this.#options;
    const found = parquetSchema(this.#metadata).children.filter(({ element }) => element.name === name);
    if (found.length !== 1) {
      const sentence = `must be a column of the file, whose columns are ${this.#names.map((each) => JSON.stringify(each)).join(', ')}; name one of these`;
      throw new ThroughtimeError('DATA_INVALID', sentence, { file, field: name });
    }
    const [{ element, children }] = found;
    if (children.length > 0 || element.repetition_type === 'REPEATED' || element.type === undefined) {
      throw new ThroughtimeError('DATA_INVALID', 'must hold one value in each row, and holds lists or structs; flatten it', {
        file,
        field: name,
      });
    }
    return { name, width: widths[element.type], nullable: element.repetition_type === 'OPTIONAL' };
  }

  /** One column of one row group. */
  async #read({ name, width, nullable }: Column, group: number, from: number, rows: number): Promise<ArrayLike<unknown>> {
    if (rows === 0) return [];
    const chunk = this.#metadata.row_groups[group].columns.find(({ meta_data: meta }) => meta?.path_in_schema[0] === name);
    const meta = chunk?.meta_data;
    if (!meta || chunk?.file_path) throw new RangeError(`it has no column ${name} in row group ${group}`);
    const begin = Number(meta.dictionary_page_offset || meta.data_page_offset);
    const bytes = this.#bytes(begin, begin + Number(meta.total_compressed_size));
    const pages = pagesOf(bytes, rows, width);
    for (const { unpacked } of pages) this.#allow(unpacked);
    const unpacker = new PageUnpacker(meta.codec, pages, bytes, nullable);
    const chunks: ArrayLike<unknown>[] = [];
    await parquetRead({
      file: {
        byteLength: this.#source.size,
        slice: (start, end = this.#source.size) => bytes.slice(start - begin, end - begin).buffer,
      },
      metadata: this.#metadata,
      columns: [name],
      rowStart: from,
      rowEnd: from + rows,
      parsers: {
        timestampFromMilliseconds: ms,
        timestampFromMicroseconds: (us) => ms(us, 1e3),
        timestampFromNanoseconds: (ns) => ms(ns, 1e6),
        dateFromDays: days,
      },
      compressors: unpacker.compressors,
      onChunk: ({ columnData }: ColumnData) => chunks.push(columnData),
    });
    const values = chunks.length === 1 ? chunks[0] : chunks.flatMap((each) => Array.from(each));
    if (values.length !== rows) throw new RangeError(`its column ${name} has ${values.length} values in a group of ${rows} rows`);
    return values;
  }

  #number(value: unknown, row: number, field: string): number {
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (typeof number === 'number' && Number.isFinite(Math.fround(number))) return number;
    const lacks = value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value));
    if (lacks && this.#options.missing) return Number.NaN;
    const next = lacks ? 'let data.missing say what takes its place, or correct the row' : 'correct or remove the row';
    const sentence = `must be a number that is finite as a float32, got ${lacks ? 'none' : show(value)}; ${next}`;
    throw new ThroughtimeError('DATA_INVALID', sentence, { file: this.#options.file, line: row, field });
  }

  #text(value: unknown, row: number, field: string): string {
    if (typeof value === 'string') return value;
    if (value instanceof Instant) {
      const { element } = parquetSchema(this.#metadata).children.find(({ element: { name } }) => name === field)!;
      const { logical_type: type } = element;
      const local = type?.type === 'TIMESTAMP' && !type.isAdjustedToUTC;
      const iso = new Date(value.milliseconds).toISOString();
      return local ? iso.slice(0, -1) : iso;
    }
    const sentence = `must be a text or a timestamp of whole milliseconds, got ${value === null || value === undefined ? 'none' : show(value)}; correct or remove the row`;
    throw new ThroughtimeError('DATA_INVALID', sentence, { file: this.#options.file, line: row, field });
  }
}

/** A timestamp. */
class Instant {
  readonly milliseconds: number;

  constructor(milliseconds: number) {
    this.milliseconds = milliseconds;
  }
}

/** Undefined where it is none, or not one of whole milliseconds. */
function ms(value: bigint | undefined, units = 1): Instant | undefined {
  const milliseconds = Number(value) / units;
  return Math.abs(milliseconds) <= 8.64e15 && Number.isInteger(milliseconds) ? new Instant(milliseconds) : undefined;
}

function days(value: number | undefined): Instant | undefined {
  return value === undefined || value === null ? undefined : ms(BigInt(value) * 86_400_000n);
}

type Unpack = (input: Uint8Array, length: number) => Uint8Array;

const codecs: Readonly<Record<string, Unpack>> = {
  UNCOMPRESSED: (input) => input,
  SNAPPY: (input, length) => {
    const output = new Uint8Array(length);
    snappyUncompress(input, output);
    return output;
  },
  GZIP: decompressGzip,
  ZSTD: (input, length) => decompressZstd(input, new Uint8Array(length)),
};

/** Unpacks the pages of a column in their order, and checks each before its reader gets it. */
class PageUnpacker {
  readonly compressors: Record<string, Unpack>;

  constructor(codec: string, pages: readonly PageHeader[], bytes: Uint8Array, nullable: boolean) {
    if (!Object.hasOwn(codecs, codec)) throw new RangeError(`it is packed by ${codec}; ${Object.keys(codecs).join(', ')} are read`);
    const packed: PageHeader[] = [];
    for (const page of pages) {
      const whole = bytes.subarray(page.at, page.at + page.stored);
      const levels = page.kind === 'dataV2' ? whole.subarray(0, page.levels) : undefined;
      if (codec === 'UNCOMPRESSED' || !page.compressed) checkPage(page, whole.subarray(page.levels), nullable, levels);
      else {
        packed.push(page);
        if (levels) checkPage({ ...page, encoding: 'PLAIN' }, new Uint8Array(0), nullable, levels);
      }
    }
    let next = 0;
    this.compressors = {
      [codec]: (input, length) => {
        const page = packed[next++];
        if (page === undefined || length !== page.unpacked - page.levels) throw new RangeError('its pages do not follow each other');
        const unpacked = codecs[codec](input, length);
        checkPage(page, unpacked, nullable && page.kind === 'data');
        return unpacked;
      },
    };
  }
}
