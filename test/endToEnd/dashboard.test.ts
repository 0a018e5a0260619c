/** `throughtime dashboard` and `train --dashboard` as a user starts them. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { throughtime, workplace } from './commandLine.ts';

const built = existsSync(path.resolve(import.meta.dirname, '../../dist/pages/dashboard/index.html'));

test('mistakes are said in one line', async () => {
  using place = workplace();
  const { folder } = place;
  const mistakes: [string[], RegExp][] = [
    [['nowhere'], /nowhere: is not a directory; name a folder of run directories/],
    [[folder, '--token', 'x'], /--token goes with a --host beyond this machine/],
    [[folder, '--port', '70000'], /It must be a whole number from 0 to 65535/],
  ];
  for (const [args, expected] of mistakes) {
    const { code, stderr } = await throughtime(['dashboard', ...args], { cwd: folder });
    assert.equal(code, 2, stderr);
    assert.match(stderr, expected);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  }
});

test('says its address, and ends with Ctrl-C', { skip: built ? false : 'the pages have not been built; run npm run pages' }, async () => {
  using place = workplace();
  const said = /are shown at http:\/\/127\.0\.0\.1:\d+\/ until Ctrl-C/;
  const { code, stderr } = await throughtime(['dashboard', place.folder, '--port', '0'], {
    signal: 'SIGINT',
    when: (text) => said.test(text),
  });
  assert.equal(code, 0, stderr);
  assert.match(stderr, said);
});

test('beyond this machine, the address holds a token', {
  skip: built ? false : 'the pages have not been built; run npm run pages',
}, async () => {
  using place = workplace();
  const said = /are shown at http:\/\/0\.0\.0\.0:\d+\/\?token=[\w-]{24} until/;
  const { code, stderr } = await throughtime(['dashboard', place.folder, '--port', '0', '--host', '0.0.0.0'], {
    signal: 'SIGINT',
    when: (text) => said.test(text),
  });
  assert.equal(code, 0, stderr);
  assert.match(stderr, said);
});

test('a training can be shown, and takes its dashboard with it', {
  skip: built ? false : 'the pages have not been built; run npm run pages',
}, async () => {
  using place = workplace();
  const experiment = place.write('small.json', {
    name: 'small',
    data: { kind: 'task', name: 'recall', lag: 3, trainSequences: 50, validationSequences: 20 },
    model: { cell: 'rnn', hiddenSize: 4 },
    training: { updates: 5, monitors: [] },
  });
  const { code, stdout, stderr } = await throughtime(['train', experiment, '--dashboard', '--json', '--threads', '1'], {
    cwd: place.folder,
  });
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).updates, 5);
});
