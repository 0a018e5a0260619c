/**
 * The temporal-order task of Pascanu, Mikolov & Bengio 2013 in a size for a processor: plain gradient descent against the same with clipping.
 * Writes docs/measured/temporalOrder.json and .md. `npm run measure:temporal-order`, about five minutes.
 */

import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { makeTask } from '../../src/data/task/tasks.ts';
import { initialize, Network } from '../../src/network/network.ts';
import type { ClipOption } from '../../src/training/clip/clip.ts';
import { Evaluator } from '../../src/training/evaluator.ts';
import { trainingDefaults } from '../../src/training/options.ts';
import { Trainer } from '../../src/training/trainer.ts';
import { writeMeasured } from '../writeMeasured.ts';

const seeds = [1, 2, 3, 4, 5];
const updates = 10_000;
const every = 250;
/** Solved: fewer errors than this on sequences that it has not seen. */
const errors = 0.01;
const model = { cell: 'rnn', hiddenSize: 100, recurrentInit: { gaussian: 1 } } as const;
const training = { ...trainingDefaults, optimizer: 'sgd', learningRate: 0.01, batchSize: 20, updates } as const;
const clips: readonly [string, ClipOption][] = [
  ['SGD', 'none'],
  ['SGD, clipped at 1', { globalNorm: 1 }],
];

const data = makeTask({ kind: 'task', name: 'temporalOrder', length: [20, 50], trainSequences: 20_000, validationSequences: 1000 });
const backend = await wasmBackend();

function run(clip: ClipOption, seed: number) {
  const mark = backend.mark();
  const network = new Network(backend, model, data.train.input, data.train.target.size);
  initialize(network, model, seed);
  const trainer = new Trainer(network, data.train, { ...training, clip, seed });
  const evaluator = new Evaluator(network, data.validation, 100);
  let solvedAt: number | null = null;
  let accuracy = 0;
  let exploding: number | null = null;
  let best = 0;
  while (!trainer.done && solvedAt === null) {
    const { update } = trainer.step();
    exploding ??= trainer.takeEvents().find(({ kind }) => kind !== 'spike' && kind !== 'plateau')?.update ?? null;
    if (update % every !== 0) continue;
    accuracy = evaluator.evaluate().metric.value;
    best = Math.max(best, accuracy);
    if (accuracy > 1 - errors) solvedAt = update;
  }
  backend.release(mark);
  return { seed, solvedAt, accuracy, best, exploding };
}

const results = clips.map(([name, clip]) => {
  const runs = seeds.map((seed) => {
    const result = run(clip, seed);
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
