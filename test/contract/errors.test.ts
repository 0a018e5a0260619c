import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { errorCodes, ThroughtimeError } from '../../src/errors.ts';

const root = path.resolve(import.meta.dirname, '../..');

test('docs/errors.md lists exactly the codes there are, with the same kind and meaning', () => {
  const page = readFileSync(path.join(root, 'docs/errors.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `([A-Z_]+)` \| (\w+) \| (.*) \|$/gm)].map(([, code, kind, means]) => [code, { kind, means }]);
  assert.deepEqual(Object.fromEntries(listed), errorCodes);
  assert.equal(listed.length, Object.keys(errorCodes).length);
});

test('every code is raised somewhere', () => {
  const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'errors.ts')
    .map((file) => readFileSync(path.join(root, 'src', file), 'utf8'))
    .join('\n');
  for (const code of Object.keys(errorCodes)) assert.ok(sources.includes(`'${code}'`), code);
});

test('a message begins with the place, as far as it is known', () => {
  const message = (place: object) => new ThroughtimeError('DATA_INVALID', 'is wrong; correct it', place).message;
  assert.equal(message({}), 'is wrong; correct it');
  assert.equal(message({ file: 'a.csv' }), 'a.csv: is wrong; correct it');
  assert.equal(message({ file: 'a.csv', line: 3 }), 'a.csv:3: is wrong; correct it');
  assert.equal(message({ file: 'a.csv', line: 3, field: 'b' }), 'a.csv:3: b: is wrong; correct it');
  assert.equal(message({ line: 3 }), 'line 3: is wrong; correct it');
  assert.equal(new ThroughtimeError('GRADIENT_WRONG', 'x').kind, 'work');
});
