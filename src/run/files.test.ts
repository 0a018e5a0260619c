import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { hashOf, makeFolder, reading, writeWhole } from './files.ts';
import { toJson } from './json.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'throughtime-files-'));
const at = (name: string) => path.join(folder, name);
const content = (name: string) => readFileSync(at(name), 'utf8');
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
});
after(() => rmSync(folder, { recursive: true, force: true }));

describe('a file is written whole or not at all', () => {
  test('and the one before is kept under another name', () => {
    for (const text of ['one', 'two', 'three']) writeWhole(at('a'), text, at('b'));
    assert.deepEqual([content('a'), content('b')], ['three', 'two']);
    assert.deepEqual(readdirSync(folder).sort(), ['a', 'b']);
  });

  test('what is left of a write that was killed does no harm', () => {
    writeFileSync(at('a.writing'), 'ha');
    writeWhole(at('a'), new Uint8Array([0x61]));
    assert.equal(content('a'), 'a');
    assert.deepEqual(readdirSync(folder), ['a']);
  });

  test('where it fails, what was there stays and nothing is left', () => {
    mkdirSync(at('a'));
    writeFileSync(at('a/b'), 'kept');
    assert.throws(() => writeWhole(at('a'), 'lost'), {
      code: 'WRITE_FAILED',
      message: /a: cannot be written: .*make room or choose another place/,
    });
    assert.throws(() => writeWhole(at('nowhere/a'), 'lost'), { code: 'WRITE_FAILED' });
    assert.deepEqual(readdirSync(folder), ['a']);
    assert.equal(content('a/b'), 'kept');
  });
});

test('a folder is made with those above it; one that exists is not made again; where it fails, none is left', () => {
  assert.equal(makeFolder(at('a/b/c')), at('a'));
  assert.equal(makeFolder(at('a/b/d')), at('a/b/d'));
  assert.equal(makeFolder(at('a/b')), undefined);
  writeFileSync(at('file'), '');
  assert.equal(makeFolder(at('file')), undefined);
  assert.throws(() => makeFolder(at('file/a/b')), { code: 'WRITE_FAILED', message: /is not a directory/ });
  if (existsSync('/proc/self')) assert.throws(() => makeFolder('/proc/throughtime/a'), { code: 'WRITE_FAILED' });
});

test('reading: the reason in words, with the file', async () => {
  const read = (name: string) => reading(at(name), () => readFile(at(name)));
  mkdirSync(at('a'));
  writeFileSync(at('b'), '');
  await assert.rejects(read('nowhere'), { code: 'FILE_UNREADABLE', message: `${at('nowhere')}: does not exist; check the path` });
  await assert.rejects(read('a'), { code: 'FILE_UNREADABLE', message: /is a directory/ });
  await assert.rejects(read('b/c'), { code: 'FILE_UNREADABLE', message: /not a directory/ });
  await assert.rejects(
    reading('x', () => Promise.reject(new RangeError('other'))),
    RangeError,
  );
});

test('the SHA-256 of "abc" is that of FIPS 180', async () => {
  writeFileSync(at('abc'), 'abc');
  assert.equal(await hashOf(at('abc')), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test('numbers that JSON does not have are strings', () => {
  assert.equal(toJson({ a: [Number.NaN, 1], b: Number.NEGATIVE_INFINITY, c: null }), '{"a":["NaN",1],"b":"-Infinity","c":null}');
});
