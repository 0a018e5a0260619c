/** Files that lie are refused with a sentence, and nothing is made of what they claim to be. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { after, test } from 'node:test';
import { errorCodes } from '../../src/errors.ts';
import { workplace } from '../endToEnd/commandLine.ts';

const place = workplace();
after(() => place[Symbol.dispose]());

interface Answer {
  readonly reader: string;
  readonly what: string;
  readonly code: string | null | undefined;
  readonly message?: string;
  readonly stack?: string;
}

/** Half of this is the program itself and the files that it makes; the smallest lie is of gigabytes. */
const mostMegabytes = 400;

const program = path.join(import.meta.dirname, 'hostileFiles.ts');
const { status, stdout, stderr } = spawnSync(process.execPath, ['--max-old-space-size=256', program, place.folder], {
  encoding: 'utf8',
  maxBuffer: 2 ** 26,
});
assert.equal(status, 0, stderr);
const { answers, megabytes } = JSON.parse(stdout) as { answers: Answer[]; megabytes: number };

for (const [reader, files] of Object.entries(Object.groupBy(answers, (each) => each.reader))) {
  test(`${reader}: ${files!.length} files are refused`, () => {
    assert.ok(files!.length >= 10);
    for (const { what, code, message = '', stack } of files!) {
      assert.ok(code !== null, `${reader}, ${what}: was taken`);
      assert.ok(Object.hasOwn(errorCodes, code ?? ''), `${reader}, ${what}: ${stack}`);
      assert.match(message, /; |: /, `${reader}, ${what}`);
      assert.ok(!/undefined|\[object/.test(message), `${reader}, ${what}: ${message}`);
    }
  });
}

test('all of them together take less memory than the smallest lie', () => {
  assert.ok(megabytes < mostMegabytes, `${megabytes} MB`);
});
