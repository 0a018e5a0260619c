/**
 * `examples/chorales.json` with three seeds: negative log-likelihood a step on the test part, with the weights that did best on the validation
 * part. `npm run chorales -- JSB_Chorales.mat` makes its data first. Writes docs/measured/chorales.json and .md. `npm run measure:chorales`, a few
 * minutes on an idle core; seeds that were measured with the same experiment are not measured again, and `--seeds 1,2` asks for others.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { readExperiment } from '../../src/run/experiment.ts';
import { trainRun } from '../../src/run/trainRun.ts';
import { writeMeasured } from '../writeMeasured.ts';

const { values: flags } = parseArgs({
  options: { seeds: { type: 'string', default: '1,2,3' }, threads: { type: 'string', default: '1' } },
});
const file = path.join(import.meta.dirname, '../../examples/chorales.json');
const text = readFileSync(file, 'utf8');
const { model, training } = readExperiment(text, file);

interface Run {
  readonly seed: number;
  /** Of the weights that were kept. */
  readonly update: number;
  /** Nats a step: with these weights on both parts, and with the last ones on the validation part. */
  readonly validation: number;
  readonly test: number;
  readonly last: number;
  readonly seconds: number;
}

const before = path.join(import.meta.dirname, '../../docs/measured/chorales.json');
const measured = existsSync(before) ? JSON.parse(readFileSync(before, 'utf8')) : undefined;
const same = measured !== undefined && JSON.stringify([measured.model, measured.training]) === JSON.stringify([model, training]);
const runs: Run[] = same ? measured.runs : [];

for (const seed of flags.seeds.split(',').map(Number)) {
  if (runs.some((run) => run.seed === seed)) continue;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'throughtime-chorales-'));
  const experiment = readExperiment(text, file, [`training.seed=${seed}`]);
  const source = { experiment, folder: path.dirname(file), runPath: path.join(folder, 'run') };
  const { result, network, data } = await trainRun({
    ...{ source, backend: await wasmBackend({ threads: Number(flags.threads) }), reason: 'measured' },
    watcher: {
      evaluated(update, { metric }) {
        if (update % 250 === 0) process.stderr.write(`seed ${seed}: ${update} updates, validation ${metric.value.toFixed(3)}\n`);
      },
    },
  });
  data.close?.();
  rmSync(folder, { recursive: true });
  const { best, test, metric, seconds } = result;
  if (!best || !test || !metric) throw new Error('nothing was measured');
  const keys = network.O;
  runs.push({ seed, update: best.update, validation: best.validation * keys, test: test.metric.value, last: metric.value, seconds });
  process.stderr.write(`${JSON.stringify(runs.at(-1))}\n`);
}

runs.sort((a, b) => a.seed - b.seed);
const rows = runs.map(
  ({ seed, update, validation, test, last }) =>
    `| ${seed} | ${update} | ${validation.toFixed(3)} | ${test.toFixed(3)} | ${last.toFixed(3)} |`,
);
const mean = runs.reduce((sum, { test }) => sum + test, 0) / runs.length;
writeMeasured(
  'chorales',
  { model, training, runs },
  `# Chorales of Bach

Which keys sound next, of 88, in the chorales of Boulanger-Lewandowski, Bengio & Vincent 2012 (229 to train, 76 to validate, 77 to test), as a negative
log-likelihood a step: binary cross-entropy summed over the keys, in nats, averaged over all steps of the part. The weights are those with the lowest loss on the
validation part, looked at every ${training.validateEvery} updates; the settings, too, were chosen on that part. Bai, Kolter & Koltun 2018 (arXiv 1803.01271, table 1) report
8.45 for an LSTM, 8.43 for a GRU, 8.91 for a plain network and 8.10 for a convolutional one.

| seed | best update | validation | test | validation after the last update |
|---|---|---|---|---|
${rows.join('\n')}

Mean on the test part: **${mean.toFixed(3)}**. The experiment is [examples/chorales.json](../../examples/chorales.json): the cell ${model.cell}, ${model.layers ?? 1} layer${(model.layers ?? 1) > 1 ? 's' : ''} of ${model.hiddenSize} units,
${training.updates} updates of ${training.batchSize} chorales.

Every run is in [chorales.json](chorales.json). Made by \`npm run chorales -- JSB_Chorales.mat\`, then \`npm run measure:chorales\`.
`,
);
