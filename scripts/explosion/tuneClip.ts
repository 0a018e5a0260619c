/**
 * `tune-clip` and `clip: "auto"` on six trainings that explode: is the threshold that is found stable with seeds it has not seen, is four
 * times as much not, and does `auto` train without a number set by hand? Writes docs/measured/clipThreshold.json and .md.
 * `npm run measure:tune-clip`, a few minutes.
 */

import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { type TuneClipAnswer, tuneClipPieces } from '../../src/diagnosis/threshold/tuneClip.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { longestOf } from '../../src/training/batchOrder.ts';
import type { ClipOption } from '../../src/training/clip/clip.ts';
import { trainingDefaults } from '../../src/training/options.ts';
import { writeMeasured } from '../writeMeasured.ts';
import { type SetUp, tuning, type Watched, watch } from './runs.ts';

/** None of these is a seed that `tune-clip` trains with. */
const newSeeds = [301, 302, 303, 304, 305];
const updates = 500;
/** A training is judged against one with so much lower a threshold: it has to learn this share of what that learns. */
const lower = 16;
const learned = 0.5;

const backend = await wasmBackend();

/** What `tune-clip` says with the seed 0. */
async function tune({ data, model, training }: SetUp) {
  const { train } = await data();
  const mark = backend.mark();
  const network = new Network(backend, model, train.input, train.target.size);
  const longest = longestOf(train);
  const options = { ...trainingDefaults, batchSize: 16, ...training, updates };
  const pieces = tuneClipPieces({ network, dataset: train, options, initialize: (seed) => initialize(network, model, seed, longest) });
  for (;;) {
    const { done, value } = pieces.next();
    if (!done) continue;
    backend.release(mark);
    return value;
  }
}

interface Judged {
  readonly seed: number;
  readonly without: boolean;
  readonly own: boolean;
  readonly fourTimes: boolean;
  readonly auto: boolean;
  /** The threshold that `auto` chose. */
  readonly chosen: number | null;
  /** Held-out losses at the end: with the far lower threshold, without, with the threshold, with four times that, with auto. */
  readonly endings: readonly number[];
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
const ending = ({ heldOut }: Watched) => median(heldOut.slice(Math.floor(0.75 * heldOut.length)));

/**
 * Whether a training of all updates is stable, by the held-out loss alone: every value is finite, none of its second half is above the
 * beginning, and it learns at least half of what a far lower threshold learns.
 */
function stable(run: Watched, reference: Watched): boolean {
  const { heldOut, nonFinite } = run;
  if (heldOut.length < updates || nonFinite.some((each) => each)) return false;
  if (!heldOut.slice(updates / 2).every((loss) => loss <= heldOut[0])) return false;
  return heldOut[0] - ending(run) >= learned * (heldOut[0] - ending(reference));
}

const results: { setUp: string; answer: Omit<TuneClipAnswer, 'curve'>; runs: Judged[] }[] = [];
for (const setUp of tuning) {
  const answer = await tune(setUp);
  const threshold = answer.threshold;
  process.stderr.write(`${setUp.name}: ${threshold}\n`);
  if (threshold === null) throw new Error(`tune-clip found no threshold for ${setUp.name}`);
  const runs: Judged[] = [];
  for (const seed of newSeeds) {
    const at = (clip: ClipOption) => watch(backend, { ...setUp, updates }, seed, clip);
    const reference = await at({ globalNorm: threshold / lower });
    const [without, own, fourTimes, auto] = [
      await at('none'),
      await at({ globalNorm: threshold }),
      await at({ globalNorm: 4 * threshold }),
      await at('auto'),
    ];
    const chosen = auto.events.flatMap((event) => event.threshold ?? [])[0] ?? null;
    const judged: Pick<Judged, 'without' | 'own' | 'fourTimes' | 'auto'> = {
      without: stable(without, reference),
      own: stable(own, reference),
      fourTimes: stable(fourTimes, reference),
      auto: stable(auto, reference),
    };
    const endings = [reference, without, own, fourTimes, auto].map(ending);
    runs.push({ seed, ...judged, chosen, endings });
    process.stderr.write(`  ${JSON.stringify(runs.at(-1))}\n`);
  }
  const { curve, ...said } = answer;
  results.push({ setUp: setUp.name, answer: said, runs });
}

const of = (runs: (typeof results)[number]['runs'], which: 'without' | 'own' | 'fourTimes' | 'auto') =>
  `${runs.filter((run) => run[which]).length} of ${runs.length}`;
const short = (value: number) => String(Number(value.toPrecision(3)));
const rows = results.map(({ setUp, answer, runs }) => {
  const chosen = runs.flatMap((run) => run.chosen ?? []).sort((a, b) => a - b);
  const range = chosen.length === 0 ? 'none needed' : `${short(chosen[0])} to ${short(chosen[chosen.length - 1])}`;
  const ratio = answer.againstAverage ? short(answer.againstAverage.ratio) : '';
  const cells = [
    setUp,
    short(answer.threshold as number),
    ratio,
    of(runs, 'without'),
    of(runs, 'own'),
    of(runs, 'fourTimes'),
    of(runs, 'auto'),
    range,
  ];
  return `| ${cells.join(' | ')} |`;
});

writeMeasured(
  'clipThreshold',
  { newSeeds, updates, results },
  `# Thresholds found by tune-clip, measured

Six trainings that explode (\`scripts/explosion/runs.ts\`), ${updates} updates each. \`tune-clip\` looks for a threshold with the seed 0; the table says how many of five
trainings with new seeds (other weights, another order of the sequences) are stable without a clip, with the threshold that it found, with four
times that, and with \`clip: "auto"\`, which finds its own. Stable: every value is finite, the held-out loss of the second half never passes its beginning,
and by its median over the last quarter it falls at least ${learned} times as far as with the same seed and a sixteenth of the threshold.

| training | threshold | times the average norm | stable without | with it | with 4 times it | with auto | thresholds that auto chose |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}

Every run, and everything that \`tune-clip\` said, is in [clipThreshold.json](clipThreshold.json). Made by \`npm run measure:tune-clip\`.
`,
);
