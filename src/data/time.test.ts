import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTime, timeAfter } from './time.ts';

const hour = 3_600_000;

test('a later timestamp is written in the same way', () => {
  for (const [text, milliseconds, later] of [
    ['2016-07-01 23:00:00', hour, '2016-07-02 00:00:00'],
    ['2016-02-28', 24 * hour, '2016-02-29'],
    ['2016-02-28', hour, '2016-02-28 01:00'],
    ['2016-07-01T13:00Z', 90_000, '2016-07-01T13:01:30Z'],
    ['2016-07-01T23:30:00+02:00', hour, '2016-07-02T00:30:00+02:00'],
    ['2016-07-01 13:00:00-0330', 500, '2016-07-01 13:00:00.500-0330'],
    ['2016-07-01 13:00:00.5', 250, '2016-07-01 13:00:00.750'],
  ] as const) {
    assert.equal(timeAfter(text, milliseconds), later);
    assert.equal(parseTime(later)! - parseTime(text)!, milliseconds);
  }
});
