import type { ByteSource } from '../data/byteSource.ts';
import { type CsvOptions, eachCsvRow } from '../interop/csv.ts';

/** An opened file of a table. */
export interface TableSource {
  /** Its bytes, by position. */
  readonly source: ByteSource;
  /** What it holds from its beginning to its end, unpacked where the file is compressed as a whole. */
  readonly pieces: () => AsyncIterable<Uint8Array>;
  /** The most bytes that its compressed parts may unpack to. */
  readonly unpacked?: number;
}

/** The rows of a table's file one by one: as `eachCsvRow`. */
export async function eachTableRow(
  { pieces }: TableSource,
  options: CsvOptions,
  read: (numbers: Float64Array, texts: readonly string[], line: number) => void,
): Promise<string[]> {
  return eachCsvRow(pieces(), options, read);
}
