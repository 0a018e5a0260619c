/**
 * How often the data horizon is too long where the truth is known, and what it finds: docs/measured/dataHorizon.{json,md}. Everything is drawn from
 * fixed seeds. Arguments name the parts that are measured anew, `nulls`, `loose`, `others`, `power` (all of them, if none is named);
 * a number runs that share of the data sets only, and writes nothing.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Random, seedFor } from '../../src/compute/random.ts';
import { dependence } from '../../src/index.ts';
import { writeMeasured } from '../writeMeasured.ts';
import { clopperPearson } from './clopperPearson.ts';
import { type Family, nullFamilies, otherNulls, powerFamilies } from './families.ts';

const alpha = 0.01;
const looser = 0.1;
const asked = process.argv.slice(2);
const share = Number(asked.find((argument) => Number(argument) > 0) ?? 1);
const parts = asked.filter((argument) => !(Number(argument) > 0));
const file = path.join(import.meta.dirname, '../../docs/measured/dataHorizon.json');
const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};

/** One part of the results: measured now, or the one that is there. */
const part = <T>(name: string, measure: () => T[]): T[] => (parts.length === 0 || parts.includes(name) ? measure() : (before[name] ?? []));

interface Alarms {
  readonly name: string;
  readonly truth: number;
  readonly alpha: number;
  readonly dataSets: number;
  readonly longer: number;
  /** Horizons that were too long. */
  readonly wrong: number[];
  /** How often the horizon was the truth. */
  readonly exact: number;
}

function alarms({ name, truth, make }: Family, level: number, dataSets: number, purpose: string): Alarms {
  const wrong: number[] = [];
  let exact = 0;
  for (let i = 0; i < dataSets; i++) {
    const dataset = make(new Random(seedFor(i, `${purpose} ${name}`)));
    const { horizon } = dependence(dataset, { alpha: level, seed: i, power: false });
    if (horizon > truth) wrong.push(horizon);
    if (horizon === truth) exact++;
  }
  process.stderr.write(`${name}: ${wrong.length} of ${dataSets} too long, ${exact} exact\n`);
  return { name, truth, alpha: level, dataSets, longer: wrong.length, wrong, exact };
}

function found({ name, truth, make }: Family) {
  const horizons: number[] = [];
  const intervals: (readonly [number, number])[] = [];
  const began = process.cpuUsage();
  let loss: number | null = null;
  let constant: number | null = null;
  for (let i = 0; i < runs; i++) {
    const report = dependence(make(new Random(seedFor(i, `found ${name}`))), { alpha, seed: i });
    horizons.push(report.horizon);
    intervals.push(report.interval);
    ({ loss, constant } = report.reference);
  }
  const { user, system } = process.cpuUsage(began);
  const seconds = (user + system) / 1e6 / runs;
  process.stderr.write(`${name}: ${horizons.join(', ')} of ${truth}, ${seconds.toFixed(1)} s\n`);
  return { name, truth, horizons, intervals, reference: { loss, constant }, processorSeconds: Number(seconds.toFixed(2)) };
}

const runs = 1;
const of = (count: number) => Math.max(1, Math.round(share * count));
const nulls = part('nulls', () => nullFamilies.map((family) => alarms(family, alpha, of(250), 'null')));
const loose = part('loose', () => nullFamilies.map((family) => alarms(family, looser, of(50), 'loose')));
const others = part('others', () => otherNulls.map((family) => alarms(family, alpha, of(20), 'other')));
const power = part('power', () => powerFamilies.map(found));

const total = (each: readonly Alarms[]) => ({
  dataSets: each.reduce((sum, { dataSets }) => sum + dataSets, 0),
  longer: each.reduce((sum, { longer }) => sum + longer, 0),
});
const interval = ({ dataSets, longer }: { dataSets: number; longer: number }) => clopperPearson(longer, dataSets, 0.95);
const percent = (value: number) => `${(100 * value).toFixed(2)}%`;
const rateOf = (each: { dataSets: number; longer: number }) => {
  const [low, high] = interval(each);
  return `${each.longer} of ${each.dataSets} (95% interval ${percent(low)} to ${percent(high)})`;
};
const table = (each: readonly Alarms[]) => [
  '| data | truth | data sets | horizon too long | exactly the truth |',
  '|---|---|---|---|---|',
  ...each.map(({ name, truth, dataSets, longer, exact }) => `| ${name} | ${truth} | ${dataSets} | ${longer} | ${exact} |`),
];
const page = [
  '# The data horizon, measured',
  '',
  'Made by `npm run calibrate:horizon`. What the families are is in `scripts/horizon/families.ts`.',
  '',
  '## False alarms',
  '',
  `A horizon above the truth, at alpha = ${alpha}: **${rateOf(total(nulls))}**. Between 80 and 300 sequences of 12 to 48 steps, with a target at each step or at`,
  'the last one, drawn anew for every data set.',
  '',
  ...table(nulls),
  '',
  `The same at alpha = ${looser}: ${rateOf(total(loose))}.`,
  '',
  `What could fool such a test, at alpha = ${alpha}: ${rateOf(total(others))}.`,
  '',
  ...table(others),
  '',
  '## What is found',
  '',
  `3,000 sequences, alpha = ${alpha}, one data set each. Seconds are of one processor (two cores, shared with other work), planted dependences included.`,
  '',
  '| data | truth | horizon | interval | reference loss | constant | seconds |',
  '|---|---|---|---|---|---|---|',
  ...power.map(
    ({ name, truth, horizons, intervals, reference: { loss, constant }, processorSeconds }) =>
      `| ${name} | ${truth} | ${horizons.join(', ')} | ${intervals.map(([low, high]) => (low === high ? low : `${low}-${high}`)).join(', ')} | ${loss?.toPrecision(3)} | ${constant?.toPrecision(3)} | ${processorSeconds.toFixed(1)} |`,
  ),
  '',
].join('\n');
if (share < 1) process.stdout.write(page);
else writeMeasured('dataHorizon', { alpha, looser, nulls, loose, others, power }, page);
