/** Every method has its page in docs/math, and the pages name files that exist. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

const root = new URL('../..', import.meta.url).pathname;
const pages = path.join(root, 'docs/math');

/** Folders of methods; those whose methods are one line each share a page. */
const folders: readonly { readonly folder: string; readonly page?: string; readonly others: readonly string[] }[] = [
  // The contract and the registry; the logistic function that several cells use.
  { folder: 'src/network/cell', others: ['cell', 'cells', 'sigmoid'] },
  { folder: 'src/network/loss', others: ['loss', 'losses'] },
  { folder: 'src/network/skip', others: ['skip', 'skips'] },
  { folder: 'src/network/init', page: 'inits', others: ['init', 'inits', 'rotations'] },
  { folder: 'src/network/orthogonal', page: 'orthogonal', others: ['orthogonal', 'orthogonals'] },
  { folder: 'src/network/unroll/plan', page: 'checkpointed', others: ['plan', 'plans'] },
  // The contracts, what they look at, and what several of them are made of.
  { folder: 'src/monitor', others: ['look', 'monitor', 'monitors', 'quantile', 'singularValues', 'stepJacobian', 'carriedState'] },
  { folder: 'src/training/optimizer', others: ['optimizer', 'optimizers'] },
  { folder: 'src/training/clip', others: ['clip', 'clips'] },
  // The contract, the list, and what several judges need.
  { folder: 'src/diagnosis/verdict', page: 'verdicts', others: ['cures', 'reading', 'thresholds', 'verdict', 'verdicts', 'words'] },
  { folder: 'src/sweep/search', page: 'searches', others: ['search', 'searches'] },
  { folder: 'src/training/schedule', page: 'schedules', others: ['schedule', 'schedules'] },
];

const read = (page: string) => readFileSync(path.join(pages, `${page}.md`), 'utf8');

for (const { folder, page, others } of folders) {
  describe(folder, () => {
    const files = readdirSync(path.join(root, folder))
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => file.replace('.ts', ''));

    for (const file of files.filter((each) => !others.includes(each))) {
      test(`${file} has its page, which names it`, () => {
        const name = page ?? file;
        assert.ok(existsSync(path.join(pages, `${name}.md`)), `write docs/math/${name}.md: equations, source, file, how to check it`);
        assert.ok(read(name).includes(`\`${folder}/${file}.ts\``), `docs/math/${name}.md does not name ${folder}/${file}.ts`);
      });
    }

    test('the list of others holds no file that is gone', () => {
      for (const other of others) assert.ok(files.includes(other), other);
    });
  });
}

describe('docs/math', () => {
  for (const page of readdirSync(pages).map((file) => file.replace('.md', ''))) {
    test(`${page}: a title, equations, a source, its file, a check; 10 to 40 lines; every path exists`, () => {
      const text = read(page);
      const lines = text.trimEnd().split('\n');
      assert.match(lines[0], /^# \S/);
      assert.ok(lines.length >= 10 && lines.length <= 40, `${lines.length} lines`);
      for (const line of lines) assert.ok(line.length <= 140, line);
      assert.ok(
        lines.some((line) => line.startsWith('    ')),
        'no equation',
      );
      for (const label of [/^Source: /m, /^Files?: /m, /^Check: /m]) assert.match(text, label);
      const paths = [...text.matchAll(/`((?:src|test|assembly|docs|bench)\/[^`]+)`/g)].map((match) => match[1]);
      assert.ok(paths.length >= 2);
      for (const each of paths) assert.ok(existsSync(path.join(root, each)), each);
    });
  }
});
