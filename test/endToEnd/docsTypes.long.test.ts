/** Every TypeScript example of the pages and the docstrings, by the compiler. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { docstringExamples, pageExamples, root } from './codeBlocks.ts';
import { workplace } from './commandLine.ts';

test('types check in every example', () => {
  using place = workplace();
  const examples = [...pageExamples(), ...docstringExamples()];
  assert.ok(examples.length > 10);
  for (const [index, { file, line, code }] of examples.entries())
    place.write(`example${index}.ts`, `// ${file}:${line}\n${code}\nexport {};\n`);
  symlinkSync(path.join(root, 'node_modules'), place.path('node_modules'), 'dir');
  place.write('package.json', { type: 'module' });
  const paths = Object.fromEntries(
    ['index', 'node', 'tfjs'].map((entry) => [
      entry === 'index' ? 'throughtime' : `throughtime/${entry}`,
      [path.join(root, `src/${entry}.ts`)],
    ]),
  );
  const compilerOptions = { paths, typeRoots: [path.join(root, 'node_modules/@types')], rootDir: '/', noUnusedLocals: false };
  place.write('tsconfig.json', { extends: path.join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'] });
  const { status, stdout } = spawnSync(path.join(root, 'node_modules/.bin/tsc'), ['--noEmit', '--project', 'tsconfig.json'], {
    cwd: place.folder,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
});
