import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { readExperiment } from '../../src/run/experiment.ts';
import { readSweep } from '../../src/sweep/sweepFile.ts';
import { workplace } from './commandLine.ts';

const root = path.resolve(import.meta.dirname, '../..');
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root });

/** The code blocks of a page in one language. */
function blocks(page: string, language: string): string[] {
  const text = readFileSync(path.join(root, page), 'utf8');
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].filter((match) => match[1] === language).map((match) => match[2]);
}

/** Runs a piece of TypeScript that imports the package, on the sources. */
function run(code: string): { status: number | null; stderr: string } {
  using place = workplace();
  const source = (name: string) => pathToFileURL(path.join(root, 'src', name)).href;
  const runnable = code.replaceAll(`'throughtime/node'`, `'${source('node.ts')}'`).replaceAll(`'throughtime'`, `'${source('index.ts')}'`);
  const file = place.write('example.ts', runnable);
  writeFileSync(place.path('package.json'), '{"type":"module"}');
  return spawnSync(process.execPath, [file], { cwd: place.folder, encoding: 'utf8' });
}

for (const page of pages) {
  for (const [index, code] of blocks(page, 'ts').entries()) {
    test(`${page}: TypeScript example ${index + 1} runs`, () => {
      const { status, stderr } = run(code);
      assert.equal(status, 0, stderr);
    });
  }
  for (const [index, text] of blocks(page, 'json').entries()) {
    if (!text.includes('"model"')) continue;
    test(`${page}: experiment ${index + 1} is accepted`, () => {
      readExperiment(text, page);
    });
  }
  test(`${page}: what it links to exists`, () => {
    const text = readFileSync(path.join(root, page), 'utf8');
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
      const found = globSync(path.relative(root, path.resolve(root, path.dirname(page), target)), { cwd: root });
      assert.equal(found.length, 1, `${page} links to ${target}`);
    }
  });
}

for (const example of globSync('examples/*.json', { cwd: root })) {
  test(`${example} is accepted`, () => {
    if (example.endsWith('-sweep.json')) readSweep(path.join(root, example));
    else readExperiment(readFileSync(path.join(root, example), 'utf8'), example);
  });
}

for (const example of globSync('examples/*.ts', { cwd: root })) {
  test(`${example} runs`, () => {
    const { status, stderr } = run(readFileSync(path.join(root, example), 'utf8'));
    assert.equal(status, 0, stderr);
  });
}
