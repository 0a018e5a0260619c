/** Every judge keeps its contract on examinations of every kind, and together they give each its verdict. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { read } from '../../src/diagnosis/verdict/reading.ts';
import { judge, judges } from '../../src/diagnosis/verdict/verdicts.ts';
import { readExperiment } from '../../src/run/experiment.ts';
import { examinations } from './examinations.ts';

const folder = new URL('../../src/diagnosis/verdict', import.meta.url).pathname;
/** The contract, the list, and what several judges need. */
const others = ['cures', 'reading', 'thresholds', 'verdict', 'verdicts', 'words'];

test('every file of the folder is a judge that is listed, or one of the others', () => {
  const files = readdirSync(folder).map((file) => file.replace('.ts', ''));
  const names = judges.map(({ kind }) => kind.replace('no-long-range-dependency', 'noLongRange').replace('hard-task', 'hardTask'));
  assert.deepEqual(files.sort(), [...names, ...others].sort());
});

for (const each of judges) {
  describe(each.kind, () => {
    for (const [name, , examination] of examinations) {
      test(`${name}: an opinion of its own kind, in a sentence, with evidence`, () => {
        const reading = read(examination);
        const opinion = each.judge(deepFreeze(examination), deepFreeze(reading));
        assert.deepEqual(each.judge(examination, reading), opinion);
        if (!opinion) return;
        const { kind, because, evidence, prescription } = opinion.finding;
        assert.equal(kind, each.kind);
        assert.match(because, /^[A-Z].*\.$/s);
        assert.doesNotMatch(because, /undefined|NaN|null|\[object/);
        for (const value of Object.values(evidence)) assert.ok(value === null || ['number', 'string'].includes(typeof value));
        for (const { set, why } of prescription) {
          assert.ok(Object.keys(set).length > 0);
          assert.ok(why.length > 10);
        }
      });
    }
  });
}

describe('the verdict', () => {
  for (const [name, wanted, examination] of examinations) {
    test(`${name}: ${wanted}`, () => {
      const { verdict, findings, sick } = judge(examination);
      assert.equal(verdict, wanted);
      assert.equal(findings[0].kind, wanted);
      assert.equal(sick, !['healthy', 'no-long-range-dependency'].includes(wanted));
    });
  }

  test('what it prescribes first can be set in an experiment', () => {
    for (const [name, , examination] of examinations) {
      const { model, training } = examination.subject;
      const data = { kind: 'task', name: 'recall', lag: 20, length: 30 };
      const experiment = JSON.stringify({ name: 'prescribed', data, model, training });
      const [first] = judge(examination).findings[0].prescription;
      if (!first) continue;
      const set = Object.entries(first.set).map(([field, value]) => `${field}=${JSON.stringify(value)}`);
      assert.doesNotThrow(() => readExperiment(experiment, name, set), name);
    }
  });
});

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const each of Object.values(value)) deepFreeze(each);
  }
  return value;
}
