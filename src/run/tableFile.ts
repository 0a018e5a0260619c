import type { ByteSource } from '../data/byteSource.ts';
import type { ReadRow } from '../interop/collectColumns.ts';
import { type CsvOptions, eachCsvRow } from '../interop/csv.ts';
import { eachParquetRow, isParquet } from '../interop/parquetRows.ts';

/** An opened file of a table. */
export interface TableSource {
  /** Its bytes, by position. */
  readonly source: ByteSource;
  /** What it holds from its beginning to its end, unpacked where the file is compressed as a whole. */
  readonly pieces: () => AsyncIterable<Uint8Array>;
  /** The most bytes that its compressed parts may unpack to. */
  readonly unpacked?: number;
}

/**
 * The rows of a table's file, CSV or Parquet, one by one: as `eachCsvRow`. A Parquet file is told by its name or by how it begins and ends; its rows
 * are counted from 1 in place of lines.
 */
export async function eachTableRow({ source, pieces, unpacked }: TableSource, options: CsvOptions, read: ReadRow): Promise<string[]> {
  if (!isParquet(source, options.file)) return eachCsvRow(pieces(), options, read);
  // Read by position below; that all bytes are seen by whoever hashes them is the caller's.
  for await (const _ of pieces());
  return eachParquetRow(source, { ...options, unpacked }, read);
}
