/**
 * `treat` on ten sick experiments, a healthy one and noise: does the experiment that it writes train to a verdict that is not sick, from scratch
 * and with a seed that it has not seen? Writes docs/measured/treat.json and .md. `npm run measure:treat`, about a minute for each on two idle cores; names
 * after `--` run those alone, and the others stay as they were measured; `-- page` writes the page anew from what was measured.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { sayChange } from '../../src/diagnosis/treat/findCure.ts';
import { diagnoseExperiment } from '../../src/run/diagnoseRun.ts';
import { readExperiment } from '../../src/run/experiment.ts';
import { treat } from '../../src/run/treatRun.ts';
import { writeMeasured } from '../writeMeasured.ts';
import { type Case, freshCases, healthyCase, noiseCase, noiseLines, sickCases } from './experiments.ts';

/** For `treat`, and for the training that judges what it wrote. */
const seconds = 1200;
const seed = 1001;

interface Result {
  readonly name: string;
  readonly ill: string;
  readonly expected: readonly string[];
  readonly before: { readonly verdict: string; readonly loss: number | null };
  readonly tried: number;
  readonly best: {
    readonly change: string;
    readonly cured: boolean;
    readonly verdict: string;
    readonly losses: readonly (number | null)[];
  } | null;
  readonly because: string;
  readonly stopped: string | null;
  readonly seconds: number;
  /** The experiment that was written, from scratch with a new seed. */
  readonly again: { readonly verdict: string; readonly sick: boolean; readonly loss: number | null } | null;
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'throughtime-measure-'));
writeFileSync(path.join(folder, 'train.ndjson'), noiseLines(2000, 1));
writeFileSync(path.join(folder, 'validation.ndjson'), noiseLines(500, 2));
const cases: readonly Case[] = [...sickCases, healthyCase, noiseCase('train.ndjson', 'validation.ndjson'), ...freshCases];

async function measure({ name, ill, expected, experiment }: Case): Promise<Result> {
  const read = readExperiment(JSON.stringify(experiment), name);
  const {
    before,
    tried,
    best,
    because,
    stopped,
    seconds: took,
    experiment: cured,
  } = await treat(read, {
    ...{ folder, seconds, threads: 2 },
    told: (sentence) => process.stderr.write(`${name}: ${sentence}\n`),
  });
  let again: Result['again'] = null;
  if (cured) {
    const backend = await wasmBackend();
    const anew = { ...cured, training: { ...cured.training, seed } };
    const { verdict, sick, loss } = await diagnoseExperiment({
      ...{ experiment: anew, folder, runPath: path.join(folder, `again-${name}`), backend, reason: 'one thread', seconds },
    });
    again = { verdict, sick, loss: loss.model };
  }
  return {
    ...{ name, ill, expected, because, stopped, again },
    before: { verdict: before.verdict as string, loss: before.loss },
    tried: tried.length,
    best: best && { change: sayChange(best), cured: best.cured, verdict: best.verdict, losses: best.gains.map(({ after }) => after) },
    seconds: Math.round(took),
  };
}

const file = path.join(import.meta.dirname, '../../docs/measured/treat.json');
const results = new Map<string, Result>();
if (existsSync(file)) for (const each of JSON.parse(readFileSync(file, 'utf8')).results as Result[]) results.set(each.name, each);
const asked = process.argv.slice(2);
try {
  const chosen = asked.length === 0 ? cases : asked.flatMap((name) => cases.find((each) => each.name === name) ?? []);
  for (const each of chosen) {
    results.set(each.name, await measure(each));
    publish();
  }
  if (asked.includes('page')) publish();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function publish(): void {
  const all = cases.flatMap(({ name }) => results.get(name) ?? []);
  writeMeasured('treat', { seconds, seed, results: all }, page(all));
}

function page(all: readonly Result[]): string {
  const number = (value: number | null | undefined) =>
    typeof value === 'number' && Number.isFinite(value) ? String(Number(value.toPrecision(3))) : 'not finite';
  const of = (some: readonly Case[]) => all.filter(({ name }) => some.some((each) => each.name === name));
  const well = (some: readonly Case[]) => {
    const ill = of(some);
    const found = ill.filter(({ before }) => !['healthy', 'no-long-range-dependency'].includes(before.verdict));
    return `**${ill.filter(({ again }) => again && !again.sick).length} of ${ill.length}** (${found.length} of them were found sick at first)`;
  };
  const rows = all.map(
    ({ name, ill: what, before, best, again, tried, seconds: took }) =>
      `| ${name}: ${what} | ${before.verdict}, ${number(before.loss)} | ${tried} | ${best ? `\`${best.change}\`` : 'none'} | ${
        best ? `${best.verdict}, ${best.losses.map(number).join(' and ')}` : ''
      } | ${again ? `${again.verdict}, ${number(again.loss)}` : ''} | ${took} |`,
  );
  const unmeasured = cases.filter(({ name }) => !all.some((each) => each.name === name)).map(({ name }) => name);
  return `# Experiments that were treated

\`npm run measure:treat\`. Each experiment was given to \`treat\` with a budget of ${seconds} seconds and two trainings side by side; what it recommends was
then trained from scratch with the seed ${seed}, and judged by \`diagnose\`. Losses are on held-out data; of the change, with both seeds that it was compared with.

The experiments (\`scripts/treat/experiments.ts\`) were written down before any of them had been treated, but not all of \`treat\` was: that Adam is prescribed in
place of plain steps and that there are six rounds came after *gain*; that what another seed does not bear out is gone on from, after *rate*; that tanh over an
orthogonal start is prescribed for other cells, after *closed* and *decay*. Those four rows of the table are therefore no evidence of how often it works elsewhere. The experiments
whose names begin with *fresh* were written down after the last of these changes. A row was measured once; those of *rate*, *small*, *window*,
*units* and *slow* before the last change.

Of the sick experiments, those that end in one which trains to a verdict that is not sick: ${well(sickCases)}; of the fresh ones ${well(freshCases)}.
${unmeasured.length > 0 ? `\nNot measured: ${unmeasured.join(', ')}.\n` : ''}
| experiment, and what is wrong | before | tried | change | then | with a new seed | seconds |
|---|---|---:|---|---|---|---:|
${rows.join('\n')}
`;
}
