/** The reader of MAT-files, on files that are put together here byte by byte. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { readMatFile } from '../../scripts/chorales/matFile.ts';

/** An element with a tag of eight bytes, filled up to a multiple of eight. */
function element(type: number, data: Buffer): Buffer {
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(type, 0);
  tag.writeUInt32LE(data.length, 4);
  return Buffer.concat([tag, data, Buffer.alloc((8 - (data.length % 8)) % 8)]);
}

/** An element of at most four bytes, in eight. */
function smallElement(type: number, data: Buffer): Buffer {
  const whole = Buffer.alloc(8);
  whole.writeUInt32LE((data.length << 16) | type, 0);
  data.copy(whole, 4);
  return whole;
}

const bytesOf = (array: ArrayBufferView) => Buffer.from(array.buffer);
const flagged = (kind: number) => element(6, bytesOf(Uint32Array.of(kind, 0)));
const named = (name: string) => (name.length <= 4 && name !== '' ? smallElement(1, Buffer.from(name)) : element(1, Buffer.from(name)));

function matrix(kind: number, name: string, rows: number, columns: number, content: Buffer): Buffer {
  return element(14, Buffer.concat([flagged(kind), element(5, bytesOf(Int32Array.of(rows, columns))), named(name), content]));
}

function file(...elements: Buffer[]): Buffer {
  const header = Buffer.alloc(128, ' ');
  header.write('MATLAB 5.0 MAT-file');
  header.writeUInt16LE(0x0100, 124);
  header.write('IM', 126);
  return Buffer.concat([header, ...elements]);
}

function compressed(whole: Buffer): Buffer {
  const data = deflateSync(whole);
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(15, 0);
  tag.writeUInt32LE(data.length, 4);
  return Buffer.concat([tag, data]);
}

test('numbers of any width, column by column, compressed or not, and cells of them', () => {
  const doubles = matrix(6, 'a', 2, 2, element(9, bytesOf(Float64Array.of(1, 2, 0.5, -4))));
  const small = matrix(6, 'long name', 1, 3, smallElement(2, Buffer.from([7, 0, 255])));
  const cells = matrix(
    1,
    'c',
    1,
    2,
    Buffer.concat([
      matrix(9, '', 3, 1, element(3, bytesOf(Int16Array.of(-1, 300, 5)))),
      matrix(6, '', 1, 1, smallElement(1, Buffer.from([0xff]))),
    ]),
  );
  const read = readMatFile(file(doubles, compressed(small), compressed(cells)));
  assert.deepEqual([...read.keys()], ['a', 'long name', 'c']);
  assert.deepEqual(read.get('a'), { kind: 'numbers', rows: 2, columns: 2, values: Float64Array.of(1, 2, 0.5, -4) });
  assert.deepEqual(read.get('long name'), { kind: 'numbers', rows: 1, columns: 3, values: Float64Array.of(7, 0, 255) });
  assert.deepEqual(read.get('c'), {
    ...{ kind: 'cells', rows: 1, columns: 2 },
    cells: [
      { kind: 'numbers', rows: 3, columns: 1, values: Float64Array.of(-1, 300, 5) },
      { kind: 'numbers', rows: 1, columns: 1, values: Float64Array.of(-1) },
    ],
  });
});

test('what is not such a file is refused', () => {
  const numbers = matrix(6, 'a', 1, 2, element(9, bytesOf(Float64Array.of(1, 2))));
  assert.throws(() => readMatFile(Buffer.from('{}')), /no MAT-file/);
  assert.throws(() => readMatFile(file(numbers).subarray(0, -8)), /not whole/);
  assert.throws(() => readMatFile(file(matrix(4, 's', 1, 1, smallElement(4, Buffer.from('x\0'))))), /class 4/);
  assert.throws(() => readMatFile(file(element(9, bytesOf(Float64Array.of(1))))), /type 9/);
});
