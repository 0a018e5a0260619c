/** The API pages: made of the docstrings, with a page for every export. */

import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root, run, temporary } from './packed.ts';

test('every public export has a docstring, and its page', async () => {
  const { folder, remove } = temporary();
  try {
    // Fails where one has none, or where a link leads nowhere.
    run(process.execPath, ['scripts/api/build.ts', folder], root);
    const pages = new Set(globSync('*/*.html', { cwd: folder }).map((file) => path.basename(file, '.html')));
    for (const entry of ['index', 'node', 'tfjs']) {
      const names = Object.keys(await import(path.join(root, `src/${entry}.ts`)));
      assert.ok(names.length > 3);
      assert.deepEqual(
        names.filter((name) => !pages.has(`${entry}.${name}`)),
        [],
      );
    }
  } finally {
    remove();
  }
});
