import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { readExperiment } from '../../src/run/experiment.ts';
import { readSweep } from '../../src/sweep/sweepFile.ts';
import { blocks, docstringExamples, onSources, pages, root } from './codeBlocks.ts';
import { workplace } from './commandLine.ts';

/** Runs a piece of TypeScript that imports the package, on the sources. */
function run(code: string): { status: number | null; stderr: string } {
  using place = workplace();
  const file = place.write('example.ts', onSources(code));
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

describe('in docstrings', () => {
  for (const { file, line, code } of docstringExamples()) {
    test(`${file}:${line}: the example runs, and prints what it says`, async (context) => {
      using place = workplace();
      const printed: string[] = [];
      context.mock.method(console, 'log', (...all: unknown[]) => {
        printed.push(all.map((each) => (typeof each === 'string' ? each : inspect(each))).join(' '));
      });
      writeFileSync(place.path('package.json'), '{"type":"module"}');
      await import(place.write('example.ts', onSources(code)));
      const said = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map((match) => match[1]);
      for (const each of said) assert.ok(printed.includes(each), `${each} is not among ${printed.join(' | ')}`);
      assert.ok(printed.length > 0, 'it shows nothing');
    });
  }
});
