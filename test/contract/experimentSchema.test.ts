/** The published JSON Schema of an experiment file, by a validator of another make, and what editors show of it. */

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { experimentJsonSchema } from '../../src/run/experimentSchema.ts';
import { fieldsOf } from '../../src/run/schemaFields.ts';
import { sweepJsonSchema } from '../../src/sweep/sweepSchema.ts';

const root = path.resolve(import.meta.dirname, '../..');
const schema = experimentJsonSchema();
const validator = (of: object): ((file: unknown) => boolean) =>
  new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false }).compile(of);
const validate = validator(schema);
const validateSweep = validator(sweepJsonSchema());
const examples = globSync('examples/*.json', { cwd: root });
const read = (file: string) => JSON.parse(readFileSync(path.join(root, file), 'utf8'));

describe('by the schema', () => {
  for (const file of examples) {
    test(`${file} is valid, and names the schema for editors`, () => {
      const content = read(file);
      const kind = 'base' in content ? 'sweep' : 'experiment';
      assert.ok((kind === 'sweep' ? validateSweep : validate)(content));
      const { exports } = read('package.json');
      assert.equal(path.join('examples', content.$schema), path.normalize(exports[`./${kind}.schema.json`]));
    });
  }

  const good = read('examples/adding.json');
  for (const [what, change] of [
    ['an unknown field', { extra: 1 }],
    ['a field in the wrong place', { learningRate: 0.1 }],
    ['an unknown field of the model', { model: { ...good.model, hidenSize: 3 } }],
    ['an unknown cell', { model: { ...good.model, cell: 'lstn' } }],
    ['a size that is no whole number', { model: { ...good.model, hiddenSize: 1.5 } }],
    ['an unknown task', { data: { ...good.data, name: 'adding2' } }],
    ['a field of another task', { data: { ...good.data, lag: 3 } }],
    ['a field of another kind of data', { data: { ...good.data, path: 'text.txt' } }],
    ['a rate of 0', { training: { learningRate: 0 } }],
    ['two clips at once', { training: { clip: { globalNorm: 1, value: 1 } } }],
    ['an unknown monitor', { training: { monitors: ['none'] } }],
    ['a name that is no file name', { name: '../adding' }],
  ] as const) {
    test(`${what} is not`, () => {
      assert.ok(validate(good));
      assert.equal(validate({ ...good, ...change }), false);
    });
  }
});

describe('editors', () => {
  const fields = fieldsOf(schema);

  test('show what every field means, and what it is where it is left out', () => {
    assert.ok(fields.length > 80);
    assert.deepEqual(
      fields.filter(({ description }) => !/\w.*\.$/.test(description)).map((field) => field.path),
      [],
      'without a sentence',
    );
    const silent = fields.filter((field) => !field.required && field.byDefault === undefined && !/\bdefault\b/i.test(field.description));
    assert.deepEqual(
      silent.map((field) => field.path),
      [],
      'without a default',
    );
  });

  test('find the fields of the documentation, and no others', () => {
    const documented = readFileSync(path.join(root, 'docs/experiment.md'), 'utf8');
    for (const name of fields.filter((field) => /^(model|training)\.\w+$/.test(field.path)).map((field) => field.path.split('.')[1])) {
      assert.ok(documented.includes(`\`${name}\``), name);
    }
  });
});
