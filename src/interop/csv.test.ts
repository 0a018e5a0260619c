import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCsv } from './csv.ts';

const read = (text: string, delimiter?: string) => readCsv(text, { file: 'a.csv', numbers: ['b'], texts: ['a'], delimiter });

test('the wanted columns, with the line of each row', async () => {
  const table = await read('\ufeffa, c ,b\r\nx,1,2\r\n\r\n"y, z",, -3.5e2 \r\n');
  assert.deepEqual(table.names, ['a', 'c', 'b']);
  assert.deepEqual([...table.lines], [2, 4]);
  assert.deepEqual([...table.numbers.b], [2, -350]);
  assert.deepEqual(table.texts.a, ['x', 'y, z']);
  assert.deepEqual([...(await read('a;b\n1;2', ';')).numbers.b], [2]);
});

test('pieces may be cut anywhere', async () => {
  const bytes = new TextEncoder().encode('\ufeffa,b\r\nzwölf,12\r\n"x""y",3\n');
  for (let size = 1; size <= bytes.length; size++) {
    const pieces = (async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })();
    const table = await readCsv(pieces, { file: 'a.csv', numbers: ['b'], texts: ['a'] });
    assert.deepEqual(
      [table.texts.a, [...table.numbers.b]],
      [
        ['zwölf', 'x"y'],
        [12, 3],
      ],
    );
  }
});

test('what is not allowed is refused with file, line and column', async () => {
  const cases: [string, string, RegExp][] = [
    ['', 'DATA_TOO_SHORT', /^a.csv: has no rows/],
    ['a,b\n', 'DATA_TOO_SHORT', /^a.csv: has no rows/],
    ['a,b\n1,2\n3', 'DATA_INVALID', /^a.csv:3: a row must have 2 fields, as the first row has, got 1/],
    ['a,b\n1,2,3', 'DATA_INVALID', /^a.csv:2: .* got 3/],
    ['a,b,a\n1,2,3', 'DATA_INVALID', /^a.csv:1: the column name "a"/],
    ['a,c\n1,2', 'DATA_INVALID', /^a.csv:1: b: must be a column of the file, whose columns are "a", "c"/],
    ['a;b\n1;2', 'DATA_INVALID', /is the delimiter "," right\?/],
    ['a,b\n1,2\n1,', 'DATA_INVALID', /^a.csv:3: b: must be a number that is finite as a float32, got ""/],
    ...['NaN', 'Infinity', 'abc', '1e999', '1e39', '0x10', '1_000', '1 2', '--1', '.'].map((text): [string, string, RegExp] => [
      `a,b\n1,${text}`,
      'DATA_INVALID',
      /^a.csv:2: b: must be a number/,
    ]),
    ['a,b\n1,"2', 'DATA_INVALID', /^a.csv:2: must be CSV/],
    ['a,b\n1,2"3"', 'DATA_INVALID', /^a.csv:2: must be CSV/],
  ];
  for (const [text, code, message] of cases) await assert.rejects(read(text), { code, message }, text);
});

test('text that is not UTF-8 is refused', async () => {
  const latin1 = Buffer.from('a,b\nzw\xf6lf,12\n', 'latin1');
  const pieces = (async function* () {
    yield latin1;
  })();
  await assert.rejects(readCsv(pieces, { file: 'a.csv', numbers: ['b'] }), {
    code: 'DATA_INVALID',
    message: /^a\.csv: must be text in UTF-8/,
  });
});

test('an error of the source is passed on as it is', async () => {
  const broken = (async function* () {
    yield 'a,b\n';
    throw new Error('disk');
  })();
  await assert.rejects(readCsv(broken, { file: 'a.csv', numbers: ['b'] }), /disk/);
});
