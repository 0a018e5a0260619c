/** docs/performance.md says what bench/results holds, and says it in the same words every time. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { storedResult } from '../../bench/answer.ts';
import { performancePage } from '../../bench/page.ts';
import { questions } from '../../bench/questions.ts';
import type { Recorded } from '../../bench/sides.ts';
import { type TrainingStepAnswer, trainingStep } from '../../bench/trainingStep.ts';

const root = new URL('../..', import.meta.url).pathname;

describe('docs/performance.md', () => {
  test('is what bench/results gives: `npm run bench -- --page` makes it anew', () => {
    const page = performancePage(questions.map((question) => ({ question, result: storedResult(question.name) })));
    assert.equal(readFileSync(path.join(root, 'docs/performance.md'), 'utf8'), page);
  });

  test('every question is a file of its name, and every result belongs to a question', () => {
    const names = questions.map(({ name }) => name);
    for (const name of names) assert.ok(existsSync(path.join(root, 'bench', `${name}.ts`)), name);
    for (const file of readdirSync(path.join(root, 'bench/results'))) assert.ok(names.includes(file.replace('.json', '')), file);
  });

  test('a question without a result is named, with the command that measures it', () => {
    const page = performancePage([{ question: trainingStep, result: undefined }]);
    assert.match(page, /Not measured yet: `npm run bench -- trainingStep --write`/);
  });
});

describe('the section on the training step', () => {
  // rnn: 30 and 40 against 10, so 3 times (the faster PyTorch counts); lstm: 10 against 20, so 0.5; their geometric mean is 1.22.
  const answer: TrainingStepAnswer = {
    missing: [{ who: 'TensorFlow.js', why: 'not installed' }],
    cases: [
      {
        workload: { cell: 'rnn', B: 32, T: 100, I: 64, H: 128, loss: 'last' },
        sides: [side('ours', 10), side('ours', 12, 2), side('PyTorch', 40), side('PyTorch', 30, 2), side('simd', 10)],
        trials: [],
      },
      {
        workload: { cell: 'lstm', B: 64, T: 50, I: 256, H: 512, loss: 'last' },
        sides: [side('ours', 20), side('PyTorch', 10), { who: 'jax-js', setting: { threads: 1 }, failed: 'out of memory' }],
        trials: [],
      },
    ],
  };
  const text = trainingStep.section(answer);

  test('says where ours is ahead, where behind, and the geometric mean', () => {
    assert.match(
      text,
      /\*\*PyTorch\*\*: ahead in 1 of 2 cases, geometric mean 1\.22; behind in lstm 64, 50, 256, 512 \(0\.500\)\. By the fastest/,
    );
  });

  test('names what is missing and what failed', () => {
    assert.match(text, /Not measured: TensorFlow\.js \(not installed\)/);
    assert.match(text, /No figure for jax-js: out of memory\. \(lstm 64, 50, 256, 512\)/);
  });

  test('counts 2·B·T·G·H·(2I + 3H) operations', () => {
    // 2 * 32 * 100 * 128 * (2 * 64 + 3 * 128) = 419,430,400 in 10 ms are 41.9 GFLOP/s; the ceiling of the same 10 ms is 4e6 * 96 operations.
    assert.match(text, /\| rnn 32, 100, 64, 128 \| 41\.9 \(109%\)/);
  });

  test('the same numbers give the same text', () => {
    assert.equal(trainingStep.section(structuredClone(answer)), text);
  });
});

test("the peers' versions are exact, and their lock file says nothing of where they come from", () => {
  const read = (file: string) => readFileSync(path.join(root, 'bench/peers', file), 'utf8');
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  for (const version of Object.values(dependencies)) assert.match(version, /^\d+\.\d+\.\d+$/);
  assert.doesNotMatch(read('package-lock.json'), /"resolved"/);
});

function side(who: Recorded['who'], milliseconds: number, threads = 1): Recorded {
  const timing = {
    rounds: [0, 1],
    turns: [milliseconds, milliseconds],
    steps: 4,
    min: milliseconds,
    max: milliseconds,
    median: milliseconds,
    cores: threads,
  };
  return { who, setting: who === 'ours' ? { backend: 'wasm', threads } : { threads, core: 'Zen', build: 'openmp', flush: false }, timing };
}
