import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { heldBytes } from '../data/byteSource.ts';
import { gunzip, isGzip, mostUnpacked } from './gzip.ts';

async function unpacked(bytes: Uint8Array, most?: number, piece = 100): Promise<Buffer> {
  const pieces = (async function* () {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
  })();
  const parts: Uint8Array[] = [];
  for await (const part of gunzip(pieces, { file: 'a.gz', size: bytes.length, most })) parts.push(part);
  return Buffer.concat(parts);
}

const text = Buffer.from(Array.from({ length: 5000 }, (_, n) => `${n},${(n * n) % 97}\n`).join(''));
const packed = gzipSync(text);

describe('gunzip', () => {
  test('gives the bytes that were packed, wherever they are cut', async () => {
    for (const piece of [17, packed.length]) assert.ok(text.equals(await unpacked(packed, undefined, piece)));
    assert.equal((await unpacked(gzipSync(''))).length, 0);
  });

  test('refuses what is damaged, cut off or joined', async () => {
    const changed = (at: number) => {
      const bytes = Buffer.from(packed);
      bytes[at] ^= 0x55;
      return bytes;
    };
    const damaged = { code: 'DATA_INVALID', message: /^a\.gz: must be a whole gzip file, got one that is damaged or cut off/ };
    for (const bytes of [
      packed.subarray(0, 5),
      packed.subarray(0, -9),
      packed.subarray(0, -1),
      changed(40),
      changed(packed.length - 6),
      changed(2),
    ]) {
      await assert.rejects(unpacked(bytes), damaged);
    }
    const joined = Buffer.concat([packed, packed]);
    await assert.rejects(unpacked(joined), {
      code: 'DATA_INVALID',
      message: /must be one gzip file, got more bytes behind its end at 38117/,
    });
  });

  test('gives no more than is allowed', async () => {
    assert.equal((await unpacked(packed, text.length)).length, text.length);
    await assert.rejects(unpacked(packed, text.length - 1), {
      code: 'DATA_INVALID',
      message: /unpacks to more than .* give data\.unpacked as much/,
    });
    assert.deepEqual([mostUnpacked(10), mostUnpacked(1e9)], [2 ** 24, 5e10]);
  });

  test('passes on what reading throws', async () => {
    const pieces = (async function* () {
      yield packed.subarray(0, 50);
      throw new Error('disk');
    })();
    await assert.rejects(async () => {
      for await (const _ of gunzip(pieces, { file: 'a.gz', size: 100 }));
    }, /^Error: disk$/);
  });

  test('is told by two bytes', () => {
    assert.ok(isGzip(heldBytes(packed)));
    for (const other of ['', '\x1f', 'a,b']) assert.ok(!isGzip(heldBytes(Buffer.from(other))));
  });
});
