import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { LineTail } from './lineTail.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'lineTail-'));
after(() => rmSync(folder, { recursive: true }));

function following(name: string) {
  const file = path.join(folder, name);
  const lines: string[] = [];
  const tail = new LineTail(file);
  const reader = {
    restart: () => {
      lines.length = 0;
    },
    take: (text: string, line: number) => {
      lines.push(text);
      assert.equal(line, lines.length);
    },
  };
  return { file, lines, read: () => tail.read(reader) };
}

test('a missing file has no lines; a torn last line waits until it is whole', async () => {
  const { file, lines, read } = following('torn');
  assert.deepEqual(await read(), { restarted: false, lines: 0 });
  writeFileSync(file, 'one\ntw');
  await read();
  assert.deepEqual(lines, ['one']);
  appendFileSync(file, 'o\nthrée\n');
  assert.deepEqual(await read(), { restarted: false, lines: 2 });
  assert.deepEqual(lines, ['one', 'two', 'thrée']);
  assert.deepEqual(await read(), { restarted: false, lines: 0 });
});

test('a file that was cut back is read anew, also when it has grown beyond the place reached meanwhile', async () => {
  const { file, lines, read } = following('cut');
  writeFileSync(file, '1\n2\n3\n');
  await read();
  truncateSync(file, 2);
  assert.equal((await read()).restarted, true);
  assert.deepEqual(lines, ['1']);
  appendFileSync(file, '2\n3\n4\n');
  await read();
  truncateSync(file, 4);
  appendFileSync(file, 'drei\nvier\n');
  assert.equal((await read()).restarted, true);
  assert.deepEqual(lines, ['1', '2', 'drei', 'vier']);
});

test('another file under the same name, and one that is gone, begin anew', async () => {
  const { file, lines, read } = following('other');
  writeFileSync(file, 'a\nb\n');
  await read();
  writeFileSync(`${file}.new`, 'a\nb\nc\n');
  renameSync(`${file}.new`, file);
  assert.equal((await read()).restarted, true);
  assert.deepEqual(lines, ['a', 'b', 'c']);
  rmSync(file);
  assert.equal((await read()).restarted, true);
  assert.deepEqual(lines, []);
});

test('lines longer than what is read at a time come whole', async () => {
  const { file, lines, read } = following('long');
  const long = 'é'.repeat(1_200_000);
  writeFileSync(file, `${long}\nend\n`);
  await read();
  assert.equal(lines.length, 2);
  assert.ok(lines[0] === long);
});
