/**
 * How well explosions are detected: runs with known truth, beside two rules in common use on the same runs. Writes
 * docs/measured/explosionDetection.json and .md. `npm run measure:detection`, some minutes. With `--try SEED COUNT` it measures other runs,
 * so many set-ups of each truth drawn with that seed, and writes nothing.
 */

import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { writeMeasured } from '../writeMeasured.ts';
import { drawRuns } from './drawnRuns.ts';
import { doubledAt, judging, type SetUp, type Truth, type Watched, watch } from './runs.ts';

/** The set-ups that judge: so many of each truth, drawn with this seed, which had not been used before. */
const drawSeed = 20261125;
const drawCount = 4;
const seeds = [201, 202, 203];
/** A run explodes where a value is not finite, or the held-out loss passes so many times its beginning; it does not where it stays below the other. */
const wrecked = 10;
const whole = 1.5;
/** "Hundreds of updates": a late explosion has not wrecked anything before this one. */
const late = 100;

interface Run {
  readonly setUp: string;
  readonly truth: Truth;
  readonly seed: number;
  readonly updates: number;
  /** Whether what happened is what the set-up was made for. */
  readonly asMeant: boolean;
  /** First update of each, or null. */
  readonly detected: number | null;
  readonly by: string | null;
  readonly nonFinite: number | null;
  readonly above100: number | null;
  readonly doubled: number | null;
  /** Spikes, divergences and plateaus of the loss that were said. */
  readonly unstable: number;
}

const first = <T>(list: readonly T[], is: (each: T) => boolean): number | null => {
  const index = list.findIndex(is);
  return index < 0 ? null : index + 1;
};

const explodes = (truth: Truth) => truth === 'explodes at once' || truth === 'explodes late';

function runOf({ name, truth }: SetUp, seed: number, { losses, norms, heldOut, nonFinite, events }: Watched): Run {
  const lost = first(heldOut, (loss) => !(loss <= wrecked * heldOut[0]));
  const firstNonFinite = first(nonFinite, (each) => each);
  const end = Math.min(lost ?? Infinity, firstNonFinite ?? Infinity);
  const asMeant = explodes(truth)
    ? end < Infinity && (truth === 'explodes at once' ? end < late : end >= late)
    : end === Infinity && heldOut.every((loss) => loss <= whole * heldOut[0]) && heldOut[heldOut.length - 1] <= heldOut[0];
  const sign = events.find(({ kind }) => kind === 'nonFinite' || kind === 'overshoot' || kind === 'throughTime' || kind === 'divergence');
  return {
    ...{ setUp: name, truth, seed, updates: losses.length, asMeant },
    ...{ detected: sign?.update ?? null, by: sign?.kind ?? null, nonFinite: firstNonFinite, above100: first(norms, (norm) => norm > 100) },
    doubled: end < Infinity ? doubledAt(heldOut, end) : null,
    unstable: events.filter(({ kind }) => kind === 'spike' || kind === 'divergence' || kind === 'plateau').length,
  };
}

const rules = [
  ['the detector', ({ detected }: Run) => detected],
  ['any NaN', ({ nonFinite }: Run) => nonFinite],
  ['norm > 100', ({ above100 }: Run) => above100],
] as const;

const backend = await wasmBackend();
const say = (line: string) => process.stderr.write(`${line}\n`);

/** What all the runs of some set-ups came to. */
async function measure(setUps: readonly SetUp[]) {
  const runs: Run[] = [];
  for (const setUp of setUps) {
    for (const seed of seeds) {
      const run = runOf(setUp, seed, await watch(backend, setUp, seed));
      runs.push(run);
      say(JSON.stringify(run));
    }
  }
  const counted = runs.filter(({ asMeant }) => asMeant);
  const of = (exploding: boolean) => counted.filter(({ truth }) => explodes(truth) === exploding);
  const confusion = rules.map(([rule, at]) => {
    const leads = of(true).flatMap((run) => (at(run) !== null && run.doubled !== null ? [run.doubled - (at(run) as number)] : []));
    leads.sort((a, b) => a - b);
    return {
      rule,
      exploding: of(true).length,
      missed: of(true).filter((run) => at(run) === null).length,
      harmless: of(false).length,
      falseAlarms: of(false).filter((run) => at(run) !== null).length,
      /** Updates from the alarm to the loss's doubling: above 0 where the alarm comes first. */
      medianLead: leads[leads.length >> 1] ?? null,
      before: leads.filter((lead) => lead > 0).length,
      compared: leads.length,
    };
  });
  const quiet = {
    updates: of(false).reduce((sum, run) => sum + run.updates, 0),
    unstable: of(false).reduce((sum, run) => sum + run.unstable, 0),
  };
  return { runs, confusion, quiet };
}

type Measured = Awaited<ReturnType<typeof measure>>;

const table = (rows: readonly (readonly string[])[]) => rows.map((row) => `| ${row.join(' | ')} |`).join('\n');

function section({ runs, confusion, quiet }: Measured): string {
  const counted = runs.filter(({ asMeant }) => asMeant);
  const byTruth = [...new Set(runs.map(({ truth }) => truth))].map((truth) => {
    const all = counted.filter((run) => run.truth === truth);
    return [truth, String(all.length), ...rules.map(([, at]) => String(all.filter((run) => at(run) !== null).length))];
  });
  const { length } = runs;
  return `${runs.length} runs, of which ${length - counted.length} did not do what their set-up was made for and are left out. How many of the others each rule gives an alarm in:

${table([['truth', 'runs', ...rules.map(([rule]) => rule)], ['---', '---', ...rules.map(() => '---')], ...byTruth])}

| rule | missed | false alarms | median updates from the alarm to the doubling of the loss | alarm before the doubling |
|---|---|---|---|---|
${table(confusion.map((each) => [each.rule, `${each.missed} of ${each.exploding}`, `${each.falseAlarms} of ${each.harmless}`, String(each.medianLead ?? 'none'), `${each.before} of ${each.compared}`]))}

Signs of an unstable learning curve (spike, divergence, plateau) in the runs that do not explode: ${quiet.unstable} in ${quiet.updates} updates, ${((1000 * quiet.unstable) / quiet.updates).toFixed(2)} in 1000.`;
}

const [option, trySeed, tryCount] = process.argv.slice(2);
if (option === '--try') {
  process.stdout.write(`${section(await measure(await drawRuns(backend, Number(trySeed), Number(tryCount), say)))}\n`);
} else {
  const drawn = await measure(await drawRuns(backend, drawSeed, drawCount, say));
  const seen = await measure(judging);
  writeMeasured(
    'explosionDetection',
    { drawSeed, drawCount, seeds, drawn, seen },
    `# Detection of explosions, measured

Runs with known truth, ${seeds.length} seeds for each set-up, all without a clip. The truth does not come from the detector: a run explodes where a value
is not finite or the loss of a held-out batch passes ${wrecked} times what it was in the beginning, late where that is after update ${late}; it does not where
that loss never passes ${whole} times its beginning and ends below it. The doubling is that of the held-out loss against the median of its last 30 values,
from which it does not come back before all is lost. An alarm at update u is given before that update is applied; one with 0 updates to the
doubling comes as the doubled loss is first seen.

## Runs that nobody had seen

${drawCount} set-ups of each truth, drawn by a rule (\`scripts/explosion/drawnRuns.ts\`) with a seed that was fixed, with the rule and the detector, before any of
them had been run.

${section(drawn)}

## Runs that had been seen

${judging.length} set-ups made by hand (\`scripts/explosion/runs.ts\`). They replaced an earlier set that gave two false alarms and then served to choose constants;
after their own first measurement two denominators of the detector were changed for other reasons, so they are not untouched.

${section(seen)}

Every run is in [explosionDetection.json](explosionDetection.json). Made by \`npm run measure:detection\`.
`,
  );
}
