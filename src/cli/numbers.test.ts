import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, short } from './numbers.ts';

const table = <T>(what: string, write: (value: T) => string, rows: readonly (readonly [T, string])[]) => {
  for (const [value, expected] of rows) test(`${what}: ${value} is ${expected}`, () => assert.equal(write(value), expected));
};

table<number | null | undefined>('short', short, [
  [0, '0'],
  [1, '1.000'],
  [-0.25, '-0.2500'],
  [0.001, '0.001000'],
  [0.000999, '9.99e-4'],
  [1e-120, '1.00e-120'],
  [1234.5678, '1235'],
  [9999.4, '9999'],
  [9999.7, '10000'],
  [12345, '12345'],
  [-12345.6, '-12346'],
  [99999.4, '99999'],
  [99999.6, '1.00e+5'],
  [100000, '1.00e+5'],
  [Number.NaN, 'NaN'],
  [Number.NEGATIVE_INFINITY, '-Infinity'],
  [null, 'none'],
  [undefined, 'none'],
]);

table('duration', duration, [
  [0, '0.0 s'],
  [9.94, '9.9 s'],
  [9.99, '10 s'],
  [59.6, '60 s'],
  [99.4, '99 s'],
  [99.6, '1 min 40 s'],
  [179.6, '3 min 0 s'],
  [179.4, '2 min 59 s'],
  [5999.4, '99 min 59 s'],
  [5999.6, '1 h 40 min'],
  [7199, '2 h 0 min'],
  [7230, '2 h 1 min'],
]);
