import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { throughtime, workplace } from './commandLine.ts';

/** A module that exports h_t = factor * pre_t, with some of its text replaced. */
function cellModule(replace: readonly (readonly [string, string])[] = []): string {
  let text = `export const scaled = {
  name: 'scaled',
  gates: 1,
  apart: 0,
  states: ['h'],
  forward({ B, H, pre, preAt, states: [h], nextAt }) {
    for (let i = 0; i < B * H; i++) h[nextAt + i] = 0.5 * pre[preAt + i];
  },
  backward({ B, H, pre, preAt, dStates: [dh] }) {
    for (let i = 0; i < B * H; i++) {
      pre[preAt + i] = 0.5 * dh[i];
      dh[i] = 0;
    }
  },
};
export default scaled;
`;
  for (const [from, to] of replace) {
    assert.ok(text.includes(from));
    text = text.replace(from, to);
  }
  return text;
}

describe('a module that cannot be checked is refused in one line that names it', { concurrency: 2 }, () => {
  const cases: Record<string, [string, RegExp]> = {
    'a syntax error': [
      cellModule([['gates: 1,', 'gates: 1;']]),
      /cell\.mjs: cannot be loaded: SyntaxError: .*; node --check cell\.mjs shows where$/,
    ],
    'a module that throws': ["\nthrow new Error('not today\\nreally');\n", /cell\.mjs:2: cannot be loaded: Error: not today; correct it$/],
    'a module that throws a word': ["throw 'no';\n", /cell\.mjs: cannot be loaded: it threw "no"/],
    'an import that is not there': ["import './nothing.mjs';\n", /cell\.mjs: cannot be loaded: Error: Cannot find module/],
    'no cell': ['export const cell = 7;\n', /cell\.mjs: exports no cell, an object with name, gates, /],
    'a forward that throws': [
      cellModule([['forward({ B,', 'forward({ B, nothing: { x },']]),
      /cell\.mjs:6: the cell scaled fails: TypeError: .*; correct its forward or backward$/,
    ],
    'a backward that throws': [
      cellModule([['dh[i] = 0;', "throw new RangeError('far');"]]),
      /cell\.mjs:12: the cell scaled fails: RangeError: far; correct its forward or backward$/,
    ],
    'no gates': [
      cellModule([['gates: 1,', '']]),
      /cell\.mjs: gates of the exported \w+ must be a whole number from 1 to 64, got nothing; correct it$/,
    ],
    'more apart than gates': [
      cellModule([['apart: 0', 'apart: 2']]),
      /apart of the exported \w+ must be a whole number from 0 to gates, which is 1, got 2/,
    ],
    'gates that are a word': [cellModule([['gates: 1', "gates: '1'"]]), /gates of the exported \w+ must be .*, got "1"/],
    'states that are a word': [cellModule([["['h']", "'h'"]]), /states of the exported \w+ must be an array of at least one name, got "h"/],
    'a state that stands twice': [cellModule([["['h']", "['h', 'h']"]]), /states of the exported \w+ must be an array of different names/],
    'no backward': [cellModule([['  backward(', '  backwards(']]), /backward of the exported \w+ must be a function/],
    'no name': [cellModule([["name: 'scaled'", "name: ''"]]), /name of the exported \w+ must be a word, got ""/],
    'a forget gate beyond the gates': [
      cellModule([['apart: 0', 'apart: 0, forgetGate: 1']]),
      /forgetGate of the exported \w+ must be a whole number from 0 to gates - 1, which is 0, got 1/,
    ],
  };
  for (const [what, [text, answer]] of Object.entries(cases)) {
    test(what, async () => {
      using place = workplace();
      place.write('cell.mjs', text);
      const { code, stdout, stderr } = await throughtime(['gradcheck', 'cell.mjs'], { cwd: place.folder });
      assert.match(stderr, /^throughtime: cell\.mjs:[^\n]+\n$/);
      assert.match(stderr.trimEnd(), answer);
      assert.deepEqual([code, stdout], [2, '']);
    });
  }

  test('a directory', async () => {
    using place = workplace();
    const { code, stderr } = await throughtime(['gradcheck', place.folder]);
    assert.match(stderr, /^throughtime: \S+: is a directory, not a module; name the file that exports the cell\n$/);
    assert.equal(code, 2);
  });
});

describe('a module that exports a cell', () => {
  test('is checked once, also where it exports it twice', async () => {
    using place = workplace();
    const { code, stdout, stderr } = await throughtime(['gradcheck', place.write('cell.mjs', cellModule()), '--json']);
    assert.equal(code, 0, stderr);
    const { ok, cells } = JSON.parse(stdout) as { ok: boolean; cells: { cell: string }[] };
    assert.deepEqual([ok, cells.map(({ cell }) => cell)], [true, ['scaled']]);
  });

  test('whose backward is wrong: exit code 1, and a number that is not finite is written as a string', async () => {
    using place = workplace();
    const file = place.write('cell.mjs', cellModule([['= 0.5 * dh[i]', '= NaN']]));
    const { code, stdout, stderr } = await throughtime(['gradcheck', file, '--json']);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^throughtime: the backward step of scaled disagrees with its forward step; correct its backward\n$/);
    assert.match(stdout, /"analytic":"NaN"/);
    const screen = await throughtime(['gradcheck', file]);
    assert.equal(screen.code, 1);
    assert.match(screen.stdout, /^✗ scaled: .*\n[\s\S]*backward says NaN/);
  });
});
