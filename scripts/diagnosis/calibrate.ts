/**
 * Calibrates the diagnosis: trains networks on tasks of known truth, has each training judged, and writes how often the verdict is
 * right into docs/calibration/diagnosis.json and docs/diagnosis.md, beside two known rules on the same trainings. An hour of one core.
 *
 *   npm run calibrate                    the families that nothing was chosen on (heldOut.ts)
 *   npm run calibrate -- --continue      the same, without those whose results are there
 *   npm run calibrate -- --choose        the families that the thresholds were chosen on (families.ts); prints, writes nothing
 *   npm run calibrate -- --check --seeds 55   the same families on other seeds; prints, writes nothing
 *   npm run calibrate -- --page          only the page, from the results that are there
 *   --seeds 1,2                          others than 51 to 54 (choosing: 1 to 5);   --family window    some families alone, with --choose
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { choosing } from './families.ts';
import { heldOut } from './heldOut.ts';
import { type Calibrated, section } from './page.ts';
import { type Outcome, run, type Trial } from './trial.ts';

const root = path.join(import.meta.dirname, '../..');
const results = path.join(root, 'docs/calibration/diagnosis.json');
const page = path.join(root, 'docs/diagnosis.md');

const { values } = parseArgs({
  options: {
    continue: { type: 'boolean' },
    choose: { type: 'boolean' },
    check: { type: 'boolean' },
    page: { type: 'boolean' },
    seeds: { type: 'string' },
    family: { type: 'string' },
  },
});

function kept({ diagnosis, measured, looks, ...outcome }: Outcome): Calibrated {
  const { gradientHorizon, dataHorizon, dataOutcome, loss, findings } = diagnosis;
  return { ...outcome, gradientHorizon, dataHorizon, dataOutcome, loss, evidence: findings[0].evidence };
}

function say({ truth, verdict, family, seed, cell, lag, why, because, seconds }: Calibrated): void {
  const mark = truth === null ? 'open ' : truth === verdict ? 'right' : 'WRONG';
  process.stderr.write(
    `${mark} ${family}, ${cell}, lag ${lag}, seed ${seed}: ${verdict} (truth ${truth}: ${why}) ${seconds.toFixed(1)} s\n`,
  );
  if (mark === 'WRONG') process.stderr.write(`      ${because}\n`);
}

const seeds = values.seeds?.split(',').map(Number);
if (values.choose) {
  const backend = await wasmBackend();
  for (const trial of choosing(seeds ?? [1, 2, 3, 4, 5])) {
    if (values.family === undefined || trial.family.includes(values.family)) say(kept(run(backend, trial)));
  }
} else if (values.check) {
  const backend = await wasmBackend();
  for (const trial of heldOut(seeds ?? [55])) say(kept(run(backend, trial)));
} else {
  if (!values.page) {
    const backend = await wasmBackend();
    const outcomes: Calibrated[] = values.continue && existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : [];
    mkdirSync(path.dirname(results), { recursive: true });
    // Seed by seed, so that what is there at any time is of all families.
    const ofSeed = ({ place: { seed } }: Trial) => Math.floor(seed / 100);
    for (const trial of heldOut(seeds ?? [51, 52, 53, 54]).sort((a, b) => ofSeed(a) - ofSeed(b))) {
      const { family, place } = trial;
      if (outcomes.some((each) => each.family === family && each.seed === place.seed && each.lag === place.lag)) continue;
      outcomes.push(kept(run(backend, trial)));
      say(outcomes[outcomes.length - 1]);
      writeFileSync(results, `[\n${outcomes.map((each) => JSON.stringify(each)).join(',\n')}\n]\n`);
    }
  }
  if (existsSync(results)) {
    const outcomes = JSON.parse(readFileSync(results, 'utf8')) as Calibrated[];
    const text = readFileSync(page, 'utf8');
    const between = /(<!-- calibration: begin -->\n)[\s\S]*(<!-- calibration: end -->)/;
    writeFileSync(
      page,
      text.replace(between, (_, begin, end) => `${begin}${section(outcomes)}${end}`),
    );
  }
}
