/**
 * The temporal-order task of Pascanu, Mikolov & Bengio 2013 in a size for a processor: gradient descent, clipped, with and without Ω, from recurrent
 * weights of spectral radius near 1, and near a half, whose gradient vanishes. Writes docs/measured/omega.json and .md after each training; those
 * that are in the file already are not made again. `npm run measure:omega`, about fifteen minutes; `--seeds N` takes fewer or more than 3, and `--gains`
 * and `--weights` (0 for none; with commas) some of the rows.
 */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { every, modelOf, type TemporalOrderRun, training, trainTemporalOrder, updates } from '../temporalOrderRun.ts';
import { writeMeasured } from '../writeMeasured.ts';

const gains = [1, 0.5];
/** Of Ω; 0 is none. The paper's weight of 4 counts squared norms: near Ω = 0, where norms are kept, it is 16 of these. */
const weights = [0, 0.5, 4, 16];

interface Row {
  readonly gain: number;
  readonly weight: number;
  readonly runs: readonly TemporalOrderRun[];
}

const { values: flags } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3' },
    gains: { type: 'string', default: gains.join() },
    weights: { type: 'string', default: weights.join() },
  },
});
const numbers = (list: string) => list.split(',').map(Number);
const clip = { globalNorm: 1 } as const;
const file = path.join(import.meta.dirname, '../../docs/measured/omega.json');
let results: Row[] = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { results: Row[] }).results : [];

const runsOf = (gain: number, weight: number) => results.find((row) => row.gain === gain && row.weight === weight)?.runs ?? [];

for (let seed = 1; seed <= Number(flags.seeds); seed++) {
  for (const gain of numbers(flags.gains)) {
    for (const weight of numbers(flags.weights)) {
      if (runsOf(gain, weight).some((run) => run.seed === seed)) continue;
      const run = trainTemporalOrder(modelOf(gain), { clip, omega: weight > 0 ? { weight } : undefined, seed });
      process.stderr.write(`gain ${gain}, weight ${weight} ${JSON.stringify(run)}\n`);
      const runs = [...runsOf(gain, weight), run].sort((a, b) => a.seed - b.seed);
      results = gains.flatMap((g) => weights.map((w) => ({ gain: g, weight: w, runs: g === gain && w === weight ? runs : runsOf(g, w) })));
      write();
    }
  }
}
process.stdout.write(page());
write();

function write(): void {
  writeMeasured('omega', { updates, training: { ...training, clip }, results }, page(), false);
}

function page(): string {
  const rows = results.map(({ gain, weight, runs }) => {
    const solved = runs.filter(({ solvedAt }) => solvedAt !== null).length;
    const at = runs.map(({ solvedAt }) => solvedAt ?? 'not').join(', ');
    const best = runs.map((each) => each.best.toFixed(3)).join(', ');
    return `| ${gain} | ${weight || 'none'} | ${runs.length === 0 ? 'not run |  | ' : `${solved} of ${runs.length} | ${at} | ${best}`} |`;
  });
  return `# Temporal order: Ω beside a clip

The task of Pascanu, Mikolov & Bengio 2013, section 4.1, in a size for a processor: 100 tanh units, sequences of 20 to 50 steps, batches of 20, gradient
descent at 0.01, clipped at 1, at most ${updates} updates. Gain: the spectral radius that the recurrent weights start from, about. Solved: fewer than 1%
errors on 1000 sequences that it has not seen, looked at every ${every} updates. Seeds from 1 on.

| gain | weight of Ω | solved | at the update, seed by seed | best accuracy, seed by seed |
|---|---|---|---|---|
${rows.join('\n')}

Every run is in [omega.json](omega.json). Made by \`npm run measure:omega\`.
`;
}
