/**
 * The temporal-order task of Pascanu, Mikolov & Bengio 2013 in a size for a processor: gradient descent, clipped, with and without Ω, from recurrent
 * weights of spectral radius near 1, and near a half, whose gradient vanishes. Writes docs/measured/omega.json and .md after each seed.
 * `npm run measure:omega`, about ten minutes; `--seeds N` takes fewer or more than 3.
 */

import { parseArgs } from 'node:util';
import { every, modelOf, type TemporalOrderRun, training, trainTemporalOrder, updates } from '../temporalOrderRun.ts';
import { writeMeasured } from '../writeMeasured.ts';

const { values: flags } = parseArgs({ options: { seeds: { type: 'string', default: '3' } } });
const clip = { globalNorm: 1 } as const;
const weight = 0.5;
const results = [1, 0.5].flatMap((gain) => [undefined, { weight }].map((omega) => ({ gain, omega, runs: [] as TemporalOrderRun[] })));

for (let seed = 1; seed <= Number(flags.seeds); seed++) {
  for (const { gain, omega, runs } of results) {
    const run = trainTemporalOrder(modelOf(gain), { clip, omega, seed });
    process.stderr.write(`gain ${gain}${omega ? ', omega' : ''} ${JSON.stringify(run)}\n`);
    runs.push(run);
  }
  const rows = results.map(({ gain, omega, runs }) => {
    const solved = runs.filter(({ solvedAt }) => solvedAt !== null).length;
    const at = runs.map(({ solvedAt }) => solvedAt ?? 'not').join(', ');
    const best = runs.map((each) => each.best.toFixed(3)).join(', ');
    return `| ${gain} | ${omega ? weight : 'none'} | ${solved} of ${runs.length} | ${at} | ${best} |`;
  });
  writeMeasured(
    'omega',
    { seeds: seed, updates, training: { ...training, clip }, results },
    `# Temporal order: Ω beside a clip

The task of Pascanu, Mikolov & Bengio 2013, section 4.1, in a size for a processor: 100 tanh units, sequences of 20 to 50 steps, batches of 20, gradient
descent at 0.01, clipped at 1, at most ${updates} updates, ${seed} seed${seed === 1 ? '' : 's'}. Gain: the spectral radius that the recurrent weights start from, about. Solved: fewer than 1%
errors on 1000 sequences that it has not seen, looked at every ${every} updates.

| gain | weight of Ω | solved | at the update, seed by seed | best accuracy, seed by seed |
|---|---|---|---|---|
${rows.join('\n')}

Every run is in [omega.json](omega.json). Made by \`npm run measure:omega -- --seeds ${seed}\`.
`,
    seed === Number(flags.seeds),
  );
}
