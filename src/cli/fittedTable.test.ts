import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cut, fittedTable } from './fittedTable.ts';

const columns = [
  { title: 'name', least: 6 },
  { title: 'value', right: true },
  { title: 'time', right: true, omit: 2 },
  { title: 'max', right: true, omit: 1 },
];
const rows = [
  ['a', '1', '10 s', '7'],
  ['a name of thirty-two characters.', '20', '9 s', '8'],
];

test('a table that has room is whole', () => {
  const { lines, omitted } = fittedTable(columns, rows, 60);
  assert.deepEqual(omitted, []);
  assert.deepEqual(lines, [
    'name                              value  time  max',
    'a                                     1  10 s    7',
    'a name of thirty-two characters.     20   9 s    8',
  ]);
});

test('without room, columns go in their order until words keep 24 characters, and then words are cut in the middle', () => {
  // 24 + 2 + 5 + 2 + 3: time goes, max stays.
  assert.deepEqual(fittedTable(columns, rows, 36), {
    lines: ['name                      value  max', 'a                             1    7', 'a name of th…characters.     20    8'],
    omitted: ['time'],
  });
  const narrow = fittedTable(columns, rows, 13);
  assert.deepEqual(narrow.omitted, ['time', 'max']);
  assert.deepEqual(narrow.lines, ['name    value', 'a           1', 'a n…s.     20']);
  // Not even this much room: what may not be cut stays whole.
  assert.equal(fittedTable(columns, rows, 3).lines[1], 'a           1');
});

test('a cut keeps beginning and end', () => {
  assert.deepEqual(
    [4, 3, 2, 1, 0].map((width) => cut('abcdef', width)),
    ['ab…f', 'a…f', 'a…', '…', ''],
  );
});
