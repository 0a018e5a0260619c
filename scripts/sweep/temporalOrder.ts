/**
 * The literature's sweep of learning rate and clip on temporal order: trains examples/temporal-order-sweep.json, or goes on with it in the
 * directory that is named (sweeps/temporal-order by default), and writes docs/measured/temporalOrderSweep.json, .md and .svg, the picture
 * being the dashboard's grid. `npm run measure:temporal-order-sweep [-- directory]`; it needs Chromium.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { type Comparison, compareRuns, readRuns, sayField } from '../../src/run/compare/compareRuns.ts';
import type { Group } from '../../src/run/compare/groups.ts';
import { serveDashboard } from '../../src/server/dashboardServer.ts';
import { buildPages } from '../pages.ts';
import { writeMeasured } from '../writeMeasured.ts';

const root = path.resolve(import.meta.dirname, '../..');
const name = 'temporalOrderSweep';
const [rate, clip] = ['training.learningRate', 'training.clip'];
const out = process.argv[2] ?? 'sweeps/temporal-order';

const { status } = spawnSync(
  process.execPath,
  [path.join(root, 'src/cli/main.ts'), 'sweep', path.join(root, 'examples/temporal-order-sweep.json'), '--out', out],
  {
    stdio: ['ignore', 'inherit', 'inherit'],
  },
);
if (status !== 0) process.exit(status ?? 1);

const runs = readRuns([path.join(out, 'trials')]);
const accuracy = compareRuns(runs, { by: [rate, clip], metric: 'metric.value' });
const clips = compareRuns(runs, { by: [clip], metric: 'metric.value', against: { [clip]: 'none' } });
await draw(path.join(root, `docs/measured/${name}.svg`));

/** Saves the grid of the dashboard as it is on the page. */
async function draw(file: string): Promise<void> {
  const pages = path.join(root, 'dist/pages');
  await buildPages(pages);
  const dashboard = await serveDashboard({ folder: out, pages });
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1140, height: 800 } });
    const fields = new URLSearchParams({ view: 'many', metric: 'metric.value', x: rate, y: clip, panel: 'grid', theme: 'light' });
    await page.goto(`${dashboard.address}?${fields}`);
    await page.locator('#grid .plot svg').waitFor();
    const coming = page.waitForEvent('download');
    await page.getByLabel('Save Grid: accuracy as SVG').click();
    writeFileSync(file, readFileSync(await (await coming).path()));
  } finally {
    await browser.close();
    await dashboard.close();
  }
}

const unique = (field: string) => [...new Set(accuracy.groups.map(({ fields }) => sayField(fields[field])))];
const rates = unique(rate).sort((a, b) => Number(a) - Number(b));
const bounds = ['none', 'globalNorm 10', 'globalNorm 1', 'globalNorm 0.1'];
const at = (r: string, c: string) => accuracy.groups.find(({ fields }) => sayField(fields[rate]) === r && sayField(fields[clip]) === c);

const cell = (group: Group | undefined) => {
  if (!group || group.mean === null) return group ? `${group.failed} of ${group.n} failed` : '';
  const spread = group.deviation === null ? '' : ` ± ${group.deviation.toFixed(3)}`;
  return `${group.mean.toFixed(3)}${spread}${group.failed > 0 ? `, ${group.failed} of ${group.n} failed` : ''}`;
};

const difference = ({ groups, differences }: Comparison) =>
  differences.map(({ group, pairs, mean, interval, betterIn }) => {
    const within = interval ? `${interval[0].toFixed(3)} to ${interval[1].toFixed(3)}` : 'none';
    return `| ${sayField(groups[group].fields[clip])} | ${pairs} | ${mean === null ? 'none' : mean.toFixed(3)} | ${within} | ${betterIn} of ${pairs} |`;
  });

const updates = Math.max(...accuracy.groups.map((group) => group.updates ?? 0));

writeMeasured(
  name,
  { by: accuracy.by, groups: accuracy.groups.map(({ runs: _, ...group }) => group), clips: clips.differences, leftOut: accuracy.leftOut },
  `# Temporal order: learning rate and clip

The task of Pascanu, Mikolov & Bengio 2013, section 4.1, trained by plain gradient descent with ${rates.length} learning rates, ${bounds.length} bounds of the gradient's norm and
${accuracy.runs / accuracy.groups.length} seeds each: [temporal-order-sweep.json](../../examples/temporal-order-sweep.json), ${accuracy.runs} trainings of ${updates} updates. The paper's choice is a rate of 0.01 and a bound of 1,
on sequences of 50 to 200 steps; these have 20 to 50. Accuracy on 1000 sequences that were not seen, mean and standard deviation over the seeds; 0.25 is chance.

| learning rate | ${bounds.map((each) => (each === 'none' ? 'no clip' : each)).join(' | ')} |
|---|${bounds.map(() => '---|').join('')}
${rates.map((r) => `| ${r} | ${bounds.map((c) => cell(at(r, c))).join(' | ')} |`).join('\n')}

![The same as a grid](${name}.svg)

Each bound against none, over pairs with the same rate and seed (\`throughtime compare --by training.clip --against training.clip=none\`):

| clip | pairs | difference in accuracy | 95% interval | better in |
|---|---|---|---|---|
${difference(clips).join('\n')}

Every group is in [${name}.json](${name}.json). Made by \`npm run measure:temporal-order-sweep\`; the picture is the dashboard's grid, as *svg* saves it.
`,
);
