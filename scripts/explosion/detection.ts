/**
 * How well explosions are detected: runs with known truth, beside two rules in common use on the same runs. Writes
 * docs/measured/explosionDetection.json and .md. `npm run measure:detection`, some minutes. With `--only PART ...` it measures those parts of
 * the page alone (drawn, ones, byHand; none: the page is written anew) and takes the others from the file; with `--try SEED COUNT` other runs, so many set-ups of each
 * kind drawn with that seed, and writes nothing.
 */

import { readFileSync } from 'node:fs';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { isExplosion } from '../../src/training/guard/explosion.ts';
import { writeMeasured } from '../writeMeasured.ts';
import { drawRuns } from './drawnRuns.ts';
import { doubledAt, judging, type SetUp, type Truth, type Watched, type WatchOptions, watch } from './runs.ts';
import { explodes, type Outcome, outcomeOf } from './truth.ts';

/** The set-ups that judge: so many of each kind, drawn with this seed, which had not been used before. */
const drawSeed = 20261213;
const drawCount = 6;
const seeds = [201, 202, 203];
/** Sequences that are held out. */
const held = 32;
/** An alarm so many updates after all was lost is none any more. */
const tooLate = 100;

interface Run {
  readonly setUp: string;
  /** What the set-up was made for; what became of it is the truth. */
  readonly made: Truth;
  readonly seed: number;
  readonly updates: number;
  readonly outcome: Outcome;
  readonly wreck: number | null;
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

function runOf({ name, truth }: SetUp, seed: number, watched: Watched): Run {
  const { losses, norms, heldOut, nonFinite, events } = watched;
  const { outcome, wreck } = outcomeOf(watched);
  const sign = events.find(({ kind }) => isExplosion(kind));
  return {
    ...{ setUp: name, made: truth, seed, updates: losses.length, outcome, wreck },
    ...{ detected: sign?.update ?? null, by: sign?.kind ?? null },
    ...{ nonFinite: first(nonFinite, (each) => each), above100: first(norms, (norm) => norm > 100) },
    doubled: wreck === null ? null : doubledAt(heldOut, wreck),
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

async function runsOf(setUps: readonly SetUp[], from: readonly number[], { held, batchSize }: WatchOptions = {}): Promise<Run[]> {
  const runs: Run[] = [];
  for (const setUp of setUps) {
    for (const seed of from) {
      const run = runOf(setUp, seed, await watch(backend, setUp, seed, { held, batchSize }));
      runs.push(run);
      say(JSON.stringify(run));
    }
  }
  return runs;
}

/** What all the runs came to. */
function measured(runs: readonly Run[]) {
  const bySetUp = Map.groupBy(runs, ({ setUp }) => setUp);
  // A set-up at the edge, whose seeds disagree, has no truth.
  const counted = runs.filter(({ setUp, outcome }) => {
    const all = (bySetUp.get(setUp) as Run[]).map((run) => run.outcome);
    return outcome !== 'neither' && (explodes(outcome) ? all.every(explodes) : all.every((each) => each === outcome));
  });
  const of = (exploding: boolean) => counted.filter(({ outcome }) => explodes(outcome) === exploding);
  const alarm = (run: Run, at: number | null) => at !== null && (run.wreck === null || at <= run.wreck + tooLate);
  const confusion = rules.map(([rule, at]) => {
    const leads = of(true).flatMap((run) => (alarm(run, at(run)) && run.doubled !== null ? [run.doubled - (at(run) as number)] : []));
    leads.sort((a, b) => a - b);
    return {
      rule,
      exploding: of(true).length,
      missed: of(true).filter((run) => !alarm(run, at(run))).length,
      harmless: of(false).length,
      falseAlarms: of(false).filter((run) => alarm(run, at(run))).length,
      /** Updates from the alarm to the loss's doubling: above 0 where the alarm comes first. */
      medianLead: leads[leads.length >> 1] ?? null,
      before: leads.filter((lead) => lead > 0).length,
      compared: leads.length,
    };
  });
  const label = ({ outcome, made }: Run) =>
    explodes(outcome) ? outcome : made.startsWith('explodes') ? 'made to explode, and did not' : made;
  const labels = ['explodes at once', 'explodes late', 'large norms', 'heavy tails', 'healthy', 'made to explode, and did not'];
  const rows = labels.flatMap((truth) => {
    const all = counted.filter((run) => label(run) === truth);
    return all.length === 0
      ? []
      : [{ truth, runs: all.length, alarms: rules.map(([, at]) => all.filter((run) => alarm(run, at(run))).length) }];
  });
  const wrong = [...Map.groupBy(counted, ({ setUp }) => setUp)].flatMap(([setUp, all]) => {
    const missed = all.filter((run) => explodes(run.outcome) && !alarm(run, run.detected)).length;
    const alarms = all.filter((run) => !explodes(run.outcome) && run.detected !== null);
    const by = [...new Set(alarms.map((run) => run.by))].join(', ');
    return [
      ...(missed > 0 ? [`${setUp}: ${missed} missed`] : []),
      ...(alarms.length > 0
        ? [`${setUp}: ${alarms.length} false alarms (${by}, from update ${Math.min(...alarms.map((run) => run.detected ?? 0))})`]
        : []),
    ];
  });
  const left = runs.filter((run) => !counted.includes(run));
  const out = { runs: left.length, alarms: rules.map(([, at]) => left.filter((run) => at(run) !== null).length) };
  const updates = of(false).reduce((sum, run) => sum + run.updates, 0);
  const unstable = of(false).reduce((sum, run) => sum + run.unstable, 0);
  return { runs, rows, out, confusion, wrong, quiet: { updates, unstable } };
}

type Measured = ReturnType<typeof measured>;

const table = (rows: readonly (readonly (string | number)[])[]) => rows.map((row) => `| ${row.join(' | ')} |`).join('\n');

function section({ runs, rows, out, confusion, wrong, quiet }: Measured): string {
  const head = [
    ['truth', 'runs', ...rules.map(([rule]) => rule)],
    ['---', '---', ...rules.map(() => '---')],
  ];
  const body = rows.map(({ truth, runs, alarms }) => [truth, runs, ...alarms]);
  return `${runs.length} runs, ${runs.length - out.runs} of known truth. How many of them each rule gives an alarm in:

${table([...head, ...body, ['left out', out.runs, ...out.alarms]])}

| rule | missed | false alarms | median updates from the alarm to the doubling of the loss | alarm before the doubling |
|---|---|---|---|---|
${table(confusion.map((each) => [each.rule, `${each.missed} of ${each.exploding}`, `${each.falseAlarms} of ${each.harmless}`, each.medianLead ?? 'none', `${each.before} of ${each.compared}`]))}

Where the detector is wrong: ${wrong.length === 0 ? 'nowhere' : wrong.join('; ')}.

Signs of an unstable learning curve (spike, divergence, plateau) in the runs that do not explode: ${quiet.unstable} in ${quiet.updates} updates, ${((1000 * quiet.unstable) / quiet.updates).toFixed(2)} in 1000.`;
}

interface Parts {
  readonly drawn: readonly Run[];
  readonly ones?: readonly Run[];
  readonly byHand?: readonly Run[];
}

/** The parts of the page, each measured by itself. */
const parts: Readonly<Record<keyof Parts, () => Promise<Run[]>>> = {
  drawn: async () => runsOf(await drawRuns(backend, drawSeed, drawCount, say), seeds, { held }),
  // The same set-ups that are not to explode, with one sequence a batch: a loss is then a matter of luck.
  ones: async () => {
    const setUps = await drawRuns(backend, drawSeed, drawCount, say);
    const harmless = setUps.filter(({ truth }) => !truth.startsWith('explodes'));
    return runsOf(harmless, seeds.slice(0, 1), { held, batchSize: 1 });
  },
  byHand: () => runsOf(judging, seeds, { held }),
};

const [option, ...values] = process.argv.slice(2);
if (option === '--try') {
  const setUps = await drawRuns(backend, Number(values[0]), Number(values[1]), say);
  process.stdout.write(`${section(measured(await runsOf(setUps, seeds, { held })))}\n`);
} else {
  const file = new URL('../../docs/measured/explosionDetection.json', import.meta.url);
  const kept = option === '--only' ? JSON.parse(readFileSync(file, 'utf8')) : {};
  for (const name of option === '--only' ? values : Object.keys(parts)) {
    kept[name] = await parts[name as keyof typeof parts]();
    say(section(measured(kept[name])));
  }
  write(kept);
}

function write({ drawn, ones, byHand }: Parts): void {
  writeMeasured(
    'explosionDetection',
    { drawSeed, drawCount, seeds, drawn, ones, byHand },
    `# Detection of explosions, measured

Runs of known truth, ${seeds.length} seeds for each set-up, all without a clip, 16 sequences a batch. The truth is what became of a run, and does not come
from the detector (\`scripts/explosion/truth.ts\`, written before the runs that judge were drawn). It explodes if a value is not finite or the loss
of a held-out batch stays above 10 times what it was in the beginning for 20 updates on end, or to the end; late, if from update 100 on or later. It does
not if that loss never passes 1.5 times its beginning, ends below it, and keeps at least half of what it had learned. What is in between, and a
set-up whose seeds disagree, has no truth and is left out; what the rules say of those is in the table all the same.

An alarm at update u is given before that update is applied. One that comes more than ${tooLate} updates after all was lost counts as missed. The doubling
is that of the held-out loss against the median of its last 30 values, from which it does not come back before all is lost; an alarm with 0
updates to it comes as the doubled loss is first seen.

## Runs that nobody had seen

${drawCount} set-ups of each kind, drawn by a rule (\`scripts/explosion/drawnRuns.ts\`) with a seed that was fixed, with the rule, the truth and the detector,
before any of them had been run. It is the fifth draw; each of the others was looked at, and the detector changed for it:

- seed 20261125, with another rule and another truth: 4 of 17 missed, Adam at far too large a rate, thrown up by its first step. The rule for the
  first step and the one for the first losses were made for them.
- seed 20261129: 0 of 30 missed, but 6 of 30 false alarms, all with momentum and heavy tails, whose step had been taken for 1 / (1 - β) times as long as
  that of gradient descent. It is measured now. No set-up with large norms was of known truth, and their learning rates follow another rule now.
- seed 20261130: 6 of 39 missed, Adam with a rate that rises until the loss creeps up with it, to tens and hundreds of times its beginning: a level that
  is a median of the last hundred creeps with it. Losses are held against the first ones as well now. 3 of 30 false alarms, a gradient that grows
  ten-thousandfold through time at the first step of an Adam which learns all the same: that is said, and counts as an explosion no more.
- seed 20261131: 0 of 30 missed, 3 of 33 false alarms, all of gradient descent on two layers of tanh of gain 2, whose recurrent weights overshoot up to a
  thousandfold while the read-out hardly moves, and which learns all the same. Where the state is bounded, that is a leap, and no explosion by itself.

${section(measured(drawn))}

${ones ? `The set-ups among these that were not made to explode, once more, with one seed and one sequence a batch:\n\n${section(measured(ones))}\n\n` : ''}${
  byHand
    ? `## Runs that the detector was made with\n\nThey say little about how good it is: ${judging.length} set-ups made by hand (\`scripts/explosion/runs.ts\`):\n\n${section(measured(byHand))}\n\n`
    : ''
}Every run is in [explosionDetection.json](explosionDetection.json). Made by \`npm run measure:detection\`.
`,
  );
}
