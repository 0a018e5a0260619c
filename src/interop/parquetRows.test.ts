import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { heldBytes } from '../data/byteSource.ts';
import { checkFooter, checkPage, type PageHeader, pagesOf } from './parquetCheck.ts';
import { eachParquetRow, isParquet, type ParquetOptions } from './parquetRows.ts';

async function rowsOf(bytes: Uint8Array, options: Partial<ParquetOptions> = {}): Promise<{ names: string[]; rows: unknown[][] }> {
  const rows: unknown[][] = [];
  const names = await eachParquetRow(heldBytes(bytes), { file: 'a.parquet', numbers: [], ...options }, (numbers, texts, row) => {
    rows.push([row, ...numbers, ...texts]);
  });
  return { names, rows };
}

type Columns = Parameters<typeof parquetWriteBuffer>[0]['columnData'];
type Writing = Partial<Parameters<typeof parquetWriteBuffer>[0]>;

const written = (columnData: Columns, more: Writing = {}) => new Uint8Array(parquetWriteBuffer({ columnData, ...more }));

const all = Array.from({ length: 3000 }, (_, n) => n);
const columns: Columns = [
  { name: 'i', data: Int32Array.from(all, (n) => n % 7), type: 'INT32' },
  { name: 'l', data: all.map((n) => BigInt(n) * 1000n), type: 'INT64' },
  { name: 'f', data: Float32Array.from(all, (n) => Math.fround(n / 3)), type: 'FLOAT' },
  { name: 'd', data: Float64Array.from(all, (n) => Math.sin(n)), type: 'DOUBLE' },
  { name: 's', data: all.map((n) => `2024-01-${String(1 + (n % 28)).padStart(2, '0')}`), type: 'STRING' },
  { name: 't', data: all.map((n) => new Date(n * 3_600_000)), type: 'TIMESTAMP' },
];
const numbers = ['d', 'f', 'l', 'i'];
const expected = all.map((n) => [
  n + 1,
  ...[Math.sin(n), Math.fround(n / 3), n * 1000, n % 7],
  ...[`2024-01-${String(1 + (n % 28)).padStart(2, '0')}`, new Date(n * 3_600_000).toISOString()],
]);

describe('a Parquet file', () => {
  for (const [name, more] of Object.entries({
    'of one row group': {},
    'of row groups of 1000': { rowGroupSize: 1000 },
    'of small pages': { pageSize: 512 },
    uncompressed: { codec: 'UNCOMPRESSED' as const },
    'packed by gzip': { codec: 'GZIP' as const, compressors: { GZIP: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)) } },
    'packed by zstd': { codec: 'ZSTD' as const, compressors: { ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdCompressSync(bytes)) } },
  })) {
    test(`${name}: the wanted columns in the order in which they are wanted`, async () => {
      const bytes = written(columns, more);
      assert.ok(isParquet(heldBytes(bytes), 'x'));
      const { names, rows } = await rowsOf(bytes, { numbers, texts: ['s', 't'] });
      assert.deepEqual(names, ['i', 'l', 'f', 'd', 's', 't']);
      assert.equal(JSON.stringify(rows), JSON.stringify(expected));
    });
  }

  test('nulls are missing numbers', async () => {
    const bytes = written([{ name: 'a', data: [1, null, 3, null, null, 6], type: 'DOUBLE' }]);
    const { rows } = await rowsOf(bytes, { numbers: ['a'], missing: true });
    assert.deepEqual(
      rows.map(([, a]) => a),
      [1, Number.NaN, 3, Number.NaN, Number.NaN, 6],
    );
    await assert.rejects(rowsOf(bytes, { numbers: ['a'] }), {
      message: /^a\.parquet:2: a: must be a number .* got none; let data\.missing say/,
    });
  });

  test('what is not allowed is refused with row and column', async () => {
    await assert.rejects(rowsOf(written(columns), { numbers: ['x'] }), {
      message: /^a\.parquet: x: must be a column of the file, .* "i", "l"/,
    });
    await assert.rejects(rowsOf(written(columns), { numbers: ['s'] }), { message: /^a\.parquet:1: s: must be a number/ });
    await assert.rejects(rowsOf(written(columns), { texts: ['d'] }), { message: /^a\.parquet:1: d: must be a text or a timestamp/ });
    const large = written([{ name: 'a', data: [1, 1e39], type: 'DOUBLE' }]);
    await assert.rejects(rowsOf(large, { numbers: ['a'] }), { message: /^a\.parquet:2: a: must be a number .* got 1e\+39/ });
  });

  test('it unpacks to as much as is allowed', async () => {
    const bytes = written([{ name: 'a', data: new Float64Array(20_000), type: 'DOUBLE' }]);
    const refused = { code: 'DATA_INVALID', message: /unpacks to more than 100 kB/ };
    await assert.rejects(rowsOf(bytes, { numbers: ['a'], unpacked: 1e5 }), refused);
    assert.equal((await rowsOf(bytes, { numbers: ['a'] })).rows.length, 20_000);
  });
});

/** Refused with a sentence, whatever else: not an error of the language, not an array of what the file claims. */
async function refused(bytes: Uint8Array, name: string): Promise<void> {
  await assert.rejects(rowsOf(bytes, { numbers, texts: ['s'] }), (error: Error & { code?: string }) => {
    assert.ok(error.code === 'DATA_INVALID' || error.code === 'DATA_TOO_SHORT', `${name}: ${error.stack}`);
    assert.match(error.message, /^a\.parquet.*[;:] /, name);
    return true;
  });
}

describe('hostile Parquet files', () => {
  const good = written(columns, { rowGroupSize: 1000 });
  const footerAt = good.length - 8 - new DataView(good.buffer).getUint32(good.length - 8, true);
  const changed = (change: (bytes: Uint8Array, view: DataView) => void) => {
    const bytes = Uint8Array.from(good);
    change(bytes, new DataView(bytes.buffer));
    return bytes;
  };

  test('wrong magic, cut off, a footer longer than the file, lists of 2^31 elements', async () => {
    await refused(
      changed((bytes) => bytes.fill(0, 0, 4)),
      'magic',
    );
    await refused(good.subarray(0, good.length - 4), 'end cut off');
    await refused(good.subarray(0, 8), 'almost nothing');
    await refused(new Uint8Array(0), 'nothing');
    await refused(Uint8Array.from([...good.subarray(0, 200), ...good.subarray(footerAt)]), 'middle cut out');
    await refused(
      changed((_, view) => view.setUint32(good.length - 8, 2 ** 32 - 1, true)),
      'footer of 4 GiB',
    );
    await refused(
      changed((_, view) => view.setUint32(good.length - 8, 0, true)),
      'footer of nothing',
    );
    await refused(
      changed((bytes) => bytes.fill(0xff, footerAt, footerAt + 40)),
      'footer of ones',
    );
    await refused(
      changed((bytes) => bytes.fill(0, footerAt)),
      'footer of zeros',
    );
  });

  test('a list, a text and a nesting that claim more than there is', () => {
    // Field 2, a list of 2^31 - 1 structs; field 1, a text of as many bytes; structs in structs.
    const claims: [number[], RegExp][] = [
      [[0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07], /a list of 2147483647 elements/],
      [[0x18, 0xff, 0xff, 0xff, 0xff, 0x07], /a text of 2147483647 bytes/],
      [[0x18, ...new Array<number>(9).fill(0xff), 0x01], /a length of 18446744073709551615/],
      [[0x16, ...new Array<number>(12).fill(0xff)], /a number of more than 64 bits/],
      [new Array<number>(100).fill(0x1c), /nested more than 24 deep/],
    ];
    for (const [bytes, message] of claims) assert.throws(() => checkFooter(Uint8Array.from(bytes)), { message });
  });

  test('pages that claim more rows, bytes or values than they have', () => {
    /** A page header: data page of so many values, plain, and of these sizes. */
    const zigzag = (value: number) => {
      const bytes: number[] = [];
      for (let left = 2 * value; ; left = Math.floor(left / 128)) {
        bytes.push((left % 128) + (left >= 128 ? 128 : 0));
        if (left < 128) return bytes;
      }
    };
    const page = (unpacked: number, stored: number, values: number, encoding = 0) => {
      const own = [0x15, ...zigzag(values), 0x15, ...zigzag(encoding), 0x15, 6, 0x15, 6, 0];
      return Uint8Array.from([0x15, 0, 0x15, ...zigzag(unpacked), 0x15, ...zigzag(stored), 0x2c, ...own, 0, ...new Uint8Array(8)]);
    };
    assert.equal(pagesOf(page(8, 8, 1), 1, 8).length, 1);
    assert.throws(() => pagesOf(page(8, 2 ** 40, 1), 1, 8), /a page of 1099511627776 bytes, more than/);
    assert.throws(() => pagesOf(page(8, 8, 2 ** 50), 1, 8), /has 1125899906842624 values in a group of 1 rows/);
    assert.throws(() => pagesOf(page(8, 8, 0), 1, 8), /a page without values/);
    assert.throws(() => pagesOf(page(8, 8, 1), 2, 8), /cut off/);
    assert.throws(() => pagesOf(page(8, 8, 1, 7), 1, 8), /an encoding that is not read/);
  });

  test('runs that give a million times as many numbers as the page has', () => {
    const page: PageHeader = {
      kind: 'data',
      count: 5,
      nulls: 0,
      encoding: 'RLE_DICTIONARY',
      at: 0,
      stored: 9,
      unpacked: 9,
      levels: 0,
      compressed: true,
    };
    // Indices of 3 bits: one run of 5 numbers, then one of 2^29.
    checkPage(page, Uint8Array.of(3, 10, 1), false);
    const long = [0x80, 0x80, 0x80, 0x80, 0x04, 1];
    assert.throws(() => checkPage(page, Uint8Array.of(3, ...long), false), /a run of 536870912 numbers in a page of 5/);
    // The same as definition levels, before plain values.
    assert.throws(() => checkPage({ ...page, encoding: 'PLAIN' }, Uint8Array.of(6, 0, 0, 0, ...long), true), /a run of 536870912 numbers/);
    assert.throws(
      () => checkPage({ ...page, encoding: 'PLAIN' }, Uint8Array.of(0xff, 0xff, 0xff, 0x7f, 10, 1), true),
      /levels of 2147483647 bytes/,
    );
    assert.throws(() => checkPage(page, Uint8Array.of(99, 10, 1), false), /dictionary indices of 99 bits/);
  });

  test('bytes changed anywhere are refused, or change values and nothing else', async () => {
    const small = written(
      columns.map(({ name, data, type }) => ({ name, data: (data as number[]).slice(0, 40), type }) as Columns[number]),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(small.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.option(fc.nat(small.length), { nil: undefined }),
        async (changes, cut) => {
          const bytes = Uint8Array.from(small);
          for (const [at, value] of changes) bytes[at] = value;
          try {
            const { rows } = await rowsOf(bytes.subarray(0, cut), { numbers, texts: ['s'] });
            assert.ok(rows.length <= 2_000_000);
          } catch (error) {
            assert.ok(['DATA_INVALID', 'DATA_TOO_SHORT'].includes((error as { code: string }).code), String((error as Error).stack));
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
