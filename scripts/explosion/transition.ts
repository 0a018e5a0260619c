/**
 * How steep the way is from thresholds with which every training is stable to those with which none is: trainings from new weights with thresholds a
 * factor of 2 apart, about the one that `tune-clip` finds. Writes docs/measured/clipTransition.json and .md, and takes up what the file
 * holds already. `npm run measure:clip-transition`, ten minutes.
 */

import { existsSync, readFileSync } from 'node:fs';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { writeMeasured } from '../writeMeasured.ts';
import { type SetUp, watch } from './runs.ts';
import { beginningOf, drawn, held, lower, median, stable, tune, unstable } from './stability.ts';
import { updates } from './tuning.ts';

/** These were looked at while the search was made. */
const draws = [20261201, 20261202];
const drawCount = 5;
const seeds = [401, 402, 403, 404, 405, 406, 407, 408];
/** Powers of two, beside the threshold that `tune-clip` finds. */
const powers = [-3, -2, -1, 0, 1, 2, 3, 4, 5];

interface Rung {
  readonly threshold: number;
  readonly unstable: number;
  /** Of these, trainings whose loss comes back to where it began, or is not finite; the others learn less than half of what they should. */
  readonly back: number;
  /** Median over the seeds of the largest held-out loss of the second half over the beginning; null where most are not finite. */
  readonly worst: number | null;
}

interface Transition {
  readonly draw: number;
  readonly setUp: string;
  readonly threshold: number;
  readonly rungs: readonly Rung[];
}

const backend = await wasmBackend();
const file = new URL('../../docs/measured/clipTransition.json', import.meta.url);
const transitions: Transition[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).transitions : [];

async function transitionOf(draw: number, setUp: SetUp): Promise<Transition | null> {
  const { threshold } = (await tune(backend, setUp)).answer;
  if (threshold === null) return null;
  const beginning = await beginningOf(backend, setUp, seeds);
  const at = (globalNorm: number, seed: number) => watch(backend, { ...setUp, updates }, seed, { clip: { globalNorm }, held });
  const references = new Map<number, Awaited<ReturnType<typeof at>>>();
  for (const seed of seeds) references.set(seed, await at(threshold / lower, seed));
  const rungs: Rung[] = [];
  for (const power of powers) {
    const runs = [];
    for (const seed of seeds) {
      const run = await at(threshold * 2 ** power, seed);
      const worst = Math.max(...run.heldOut.slice(updates / 2)) / Math.max(run.heldOut[0], beginning);
      runs.push({
        worst: Number.isFinite(worst) ? worst : Infinity,
        back: unstable(run, beginning),
        stable: stable(run, references.get(seed) as typeof run, beginning),
      });
    }
    const worst = median(runs.map((run) => run.worst));
    rungs.push({
      threshold: threshold * 2 ** power,
      unstable: runs.filter((run) => !run.stable).length,
      back: runs.filter((run) => run.back).length,
      worst: Number.isFinite(worst) ? worst : null,
    });
  }
  process.stderr.write(`${setUp.name}: ${rungs.map((rung) => `${rung.unstable} at ${short(rung.threshold)}`).join(', ')}\n`);
  return { draw, setUp: setUp.name, threshold, rungs };
}

const short = (value: number) => String(Number(value.toPrecision(3)));

for (const draw of draws) {
  if (transitions.filter((each) => each.draw === draw).length === drawCount) continue;
  for (const setUp of (await drawn(backend, draw, drawCount)).setUps) {
    if (transitions.some((each) => each.draw === draw && each.setUp === setUp.name)) continue;
    const found = await transitionOf(draw, setUp);
    if (found) transitions.push(found);
    write();
  }
}
write();

function write(): void {
  const head = ['training', 'threshold of `tune-clip`', ...powers.map((power) => `times 2^${power}`)];
  const rows = transitions.map(({ setUp, threshold, rungs }) => [
    setUp,
    short(threshold),
    ...rungs.map((rung) => `${rung.unstable}${rung.worst === null ? '' : ` (${short(rung.worst)})`}`),
  ]);
  const table = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
  const foots = transitions.map(({ rungs }) => {
    const first = rungs.findIndex((rung) => rung.unstable >= seeds.length / 2);
    return rungs.slice(0, first).findLastIndex((rung) => rung.unstable === 0) - first;
  });
  const within = (octaves: number) => foots.filter((foot) => -foot <= octaves).length;
  const again = transitions.filter(({ rungs }) => {
    const first = rungs.findIndex((rung) => rung.unstable >= seeds.length / 2);
    return first >= 0 && rungs.slice(first).some((rung) => rung.unstable < seeds.length / 2);
  }).length;
  writeMeasured(
    'clipTransition',
    { draws, seeds, updates, transitions },
    `# From stable to unstable thresholds, measured

How many of ${seeds.length} trainings of ${updates} updates from new weights are unstable (as in [clipThreshold.md](clipThreshold.md)) with thresholds a factor of 2
apart, about the one that \`tune-clip\` finds. In brackets the largest held-out loss of the second half over the beginning, the median of the
${seeds.length}: above 1 is unstable. ${transitions.length} trainings that explode without a clip, from the draws ${draws.join(' and ')}, on which the search was developed.

${table}

From the highest threshold with which none is unstable to the lowest with which half of them are, it is a factor of 2 in ${within(1)} of ${transitions.length}, at most 4
in ${within(2)}: the transition is steep at its foot, and a threshold can be both safe and within four times of one that is not. Farther up the number falls
again in ${again}: a network that the first steps have wrecked stays where it is, or a gated one jumps and comes back before the second half.
The search therefore comes from below, and takes what is far above for no evidence.

Every number is in [clipTransition.json](clipTransition.json). Made by \`npm run measure:clip-transition\`.
`,
    false,
  );
}
