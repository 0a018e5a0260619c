import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, showBytes } from './bytes.ts';

test('a size is a number of bytes or carries its unit', () => {
  for (const [size, bytes] of [
    [65536, 65536],
    ['65536', 65536],
    ['256MB', 256e6],
    ['256 mb', 256e6],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['2GB', 2e9],
    ['64kB', 64000],
    ['64KiB', 65536],
    ['1B', 1],
  ] as const) {
    assert.equal(bytesOf(size), bytes);
  }
});

test('what is not a size above 0 is refused and quoted', () => {
  for (const size of ['', 'MB', '-1MB', '0', 0, 0.5, '1TB', '1e9', '12 apples', Number.NaN, Number.POSITIVE_INFINITY, '9999999999GB']) {
    assert.throws(() => bytesOf(size), { code: 'OPTION_INVALID', message: /^must be a size above 0/ });
  }
});

test('a size that is shown is enough, and can be given back', () => {
  for (const [bytes, shown] of [
    [4000, '4 kB'],
    [4001, '4.01 kB'],
    [999_000, '999 kB'],
    [1_234_567, '1.24 MB'],
    [25_300_000, '25.3 MB'],
    [256e6, '256 MB'],
    [256e6 + 1, '257 MB'],
    [4_294_967_296, '4.3 GB'],
  ] as const) {
    assert.equal(showBytes(bytes), shown);
    assert.ok(bytesOf(shown) >= bytes);
  }
});
