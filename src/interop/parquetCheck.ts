import { ThriftReader, type ThriftStruct, type ThriftValue } from './thrift.ts';

/**
 * What is looked at in a Parquet file before its reader is let near it: that reader makes as much as a file claims. All sizes have to have their
 * bytes, or to be within what the user allows.
 */

/** A data or dictionary page of a column, as its header has it. */
export interface PageHeader {
  readonly kind: 'data' | 'dataV2' | 'dictionary' | 'other';
  /** Values, those that are null among them. */
  readonly count: number;
  readonly nulls: number;
  readonly encoding: string;
  /** Where its bytes begin in those of the column. */
  readonly at: number;
  readonly stored: number;
  readonly unpacked: number;
  /** Of `dataV2`: bytes of the levels before the values, which are never compressed. */
  readonly levels: number;
  readonly compressed: boolean;
}

const encodings = ['PLAIN', '', 'PLAIN_DICTIONARY', 'RLE', '', 'DELTA_BINARY_PACKED', '', '', 'RLE_DICTIONARY', 'BYTE_STREAM_SPLIT'];
const kinds = ['data', 'other', 'dictionary', 'dataV2'] as const;

/** A whole number of a header. */
function whole(struct: ThriftStruct | undefined, field: number, what: string, byDefault?: number): number {
  const value: ThriftValue | undefined = struct?.get(field) ?? byDefault;
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number;
  throw new RangeError(`it has ${number === undefined ? 'no' : String(value)} ${what}`);
}

const structOf = (value: ThriftValue | undefined): ThriftStruct | undefined => (value instanceof Map ? (value as ThriftStruct) : undefined);

/** Whether the footer is one, its lists have their elements, and its schema no more columns than it lists. @throws RangeError */
export function checkFooter(footer: Uint8Array): void {
  const metadata = new ThriftReader(footer).struct();
  const [schema, groups] = [metadata.get(2), metadata.get(4)];
  if (!Array.isArray(schema) || !Array.isArray(groups) || schema.length === 0)
    throw new RangeError('its footer has no schema and row groups');
  const children = schema.reduce((sum: number, element) => sum + whole(structOf(element), 5, 'children', 0), 0);
  if (children !== schema.length - 1) throw new RangeError(`its schema has ${schema.length} elements, and ${children} children of them`);
  for (const group of groups) {
    whole(structOf(group), 3, 'rows in a group');
    if (!Array.isArray(structOf(group)?.get(1))) throw new RangeError('it has a row group without columns');
  }
}

/**
 * The pages of a column in one row group.
 *
 * @param bytes of the column. @param rows of the group. @param width bytes of a plain value at least.
 * @throws RangeError where they do not have their bytes, or hold more or fewer values than there are rows.
 */
export function pagesOf(bytes: Uint8Array, rows: number, width: number): PageHeader[] {
  const pages: PageHeader[] = [];
  let values = 0;
  for (let at = 0; values < rows; ) {
    const reader = new ThriftReader(bytes, at);
    const header = reader.struct();
    const kind = kinds[whole(header, 1, 'kind of a page')] ?? 'other';
    const own = structOf(header.get(kind === 'data' ? 5 : kind === 'dictionary' ? 7 : 8));
    const page: PageHeader = {
      kind,
      count: kind === 'other' ? 0 : whole(own, 1, 'values in a page'),
      nulls: kind === 'dataV2' ? whole(own, 2, 'nulls in a page') : 0,
      encoding: encodings[kind === 'other' ? 0 : whole(own, kind === 'dataV2' ? 4 : 2, 'encoding')] ?? '',
      at: reader.at,
      stored: whole(header, 3, 'bytes of a page'),
      unpacked: whole(header, 2, 'unpacked bytes of a page'),
      levels: kind === 'dataV2' ? whole(own, 5, 'bytes of levels') + whole(own, 6, 'bytes of levels') : 0,
      compressed: kind !== 'dataV2' || own?.get(7) !== false,
    };
    at = page.at + page.stored;
    if (at > bytes.length) throw new RangeError(`it has a page of ${page.stored} bytes, more than the column has`);
    if (page.encoding === '') throw new RangeError('it has a page of an encoding that is not read here: write plain or dictionary pages');
    if (page.nulls > page.count || page.levels > page.stored || page.levels > page.unpacked)
      throw new RangeError('it has a page whose parts are larger than it is');
    if (kind === 'dictionary' && page.count * width > page.unpacked)
      throw new RangeError(`it has a dictionary of ${page.count} values in ${page.unpacked} bytes`);
    if (kind === 'data' || kind === 'dataV2') {
      values += page.count;
      if (page.count === 0) throw new RangeError('it has a page without values');
    }
    pages.push(page);
  }
  if (values > rows) throw new RangeError(`it has ${values} values in a group of ${rows} rows`);
  return pages;
}

/**
 * Whether a page's runs of equal or packed numbers give as many as the page has values, and not a million times as many.
 *
 * @param bytes of the page, unpacked; of `dataV2`, those behind the levels, and the levels apart.
 * @param nullable whether definition levels come first.
 */
export function checkPage(page: PageHeader, bytes: Uint8Array, nullable: boolean, levels?: Uint8Array): void {
  let at = 0;
  if (page.kind === 'data' && nullable) {
    const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
    if (length > bytes.length - 4) throw new RangeError(`it has levels of ${length} bytes in a page of ${bytes.length}`);
    checkRuns(bytes.subarray(4, 4 + length), 1, page.count);
    at = 4 + length;
  }
  if (levels && nullable) checkRuns(levels, 1, page.count);
  if (!page.encoding.endsWith('_DICTIONARY') || page.kind === 'dictionary') return;
  const width = bytes[at];
  if (width === undefined || width > 32) throw new RangeError(`it has dictionary indices of ${width} bits`);
  // How many are null is known only from the levels; there are no more than values.
  if (width > 0) checkRuns(bytes.subarray(at + 1), width, page.count, page.nulls > 0 || nullable);
}

/** @param fewer there may be fewer numbers than `most`, which are then read no further than there are. */
function checkRuns(bytes: Uint8Array, width: number, most: number, fewer = false): void {
  let at = 0;
  let count = 0;
  while (count < most && at < bytes.length) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length || shift > 28) throw new RangeError('it has a run without an end');
      const byte = bytes[at++];
      header += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    const packed = header % 2 === 1;
    const run = Math.floor(header / 2) * (packed ? 8 : 1);
    // A packed run is padded to eight numbers.
    if (count + run > most + (packed ? 7 : 0)) throw new RangeError(`it has a run of ${run} numbers in a page of ${most}`);
    count += run;
    at += packed ? (run / 8) * width : Math.ceil(width / 8);
    if (at > bytes.length && !packed) throw new RangeError('it has a run that is cut off');
  }
  if (count < most && !fewer) throw new RangeError(`it has ${count} numbers in a page of ${most}`);
}
