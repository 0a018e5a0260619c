/**
 * The temporal-order task of Pascanu, Mikolov & Bengio 2013 in a size for a processor: plain gradient descent against the same with clipping.
 * Writes docs/measured/temporalOrder.json and .md. `npm run measure:temporal-order`, about five minutes.
 */

import type { ClipOption } from '../../src/training/clip/clip.ts';
import { every, modelOf, training, trainTemporalOrder, updates } from '../temporalOrderRun.ts';
import { writeMeasured } from '../writeMeasured.ts';

const seeds = [1, 2, 3, 4, 5];
const model = modelOf(1);
const clips: readonly [string, ClipOption][] = [
  ['SGD', 'none'],
  ['SGD, clipped at 1', { globalNorm: 1 }],
];

const results = clips.map(([name, clip]) => {
  const runs = seeds.map((seed) => {
    const result = trainTemporalOrder(model, { clip, seed });
    process.stderr.write(`${name} ${JSON.stringify(result)}\n`);
    return result;
  });
  return { name, clip, runs };
});

const rows = results.map(({ name, runs }) => {
  const solved = runs.flatMap(({ solvedAt }) => solvedAt ?? []).sort((a, b) => a - b);
  const median = solved.length === 0 ? 'none' : String(solved[solved.length >> 1]);
  const best = runs.map(({ best }) => best.toFixed(3)).join(', ');
  const exploding = runs.filter((each) => each.exploding !== null).length;
  return `| ${name} | ${solved.length} of ${runs.length} | ${median} | ${best} | ${exploding} of ${runs.length} |`;
});

writeMeasured(
  'temporalOrder',
  { seeds, updates, model, training: { ...training, clip: undefined }, results },
  `# Temporal order: gradient descent with and without clipping

The task of Pascanu, Mikolov & Bengio 2013, section 4.1, in a size for a processor: 100 tanh units, recurrent weights of deviation 0.1, sequences of 20 to 50
steps, batches of 20, learning rate 0.01, at most ${updates} updates, ${seeds.length} seeds. Solved: fewer than 1% errors on 1000 sequences that it has not seen, looked at every
${every} updates.

| | solved | median updates to that | best accuracy, seed by seed | an explosion was detected |
|---|---|---|---|---|
${rows.join('\n')}

Every run is in [temporalOrder.json](temporalOrder.json). Made by \`npm run measure:temporal-order\`.
`,
);
