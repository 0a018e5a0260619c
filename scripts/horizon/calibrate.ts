/**
 * How often the data horizon is too long where the truth is known, and what it finds: docs/measured/dataHorizon.ndjson, a line for each data set as
 * soon as it is done, and the page dataHorizon.md made of them. Everything is drawn from fixed seeds. What has a line is not
 * measured again: a run that was stopped is gone on with, and to measure anew is to remove lines. Arguments name the parts to go on
 * with, `nulls`, `others`, `power` (`page`: none, only the page); a number, the minutes after which to stop; anything else, a piece of the names of
 * the families to go on with.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Random, seedFor } from '../../src/compute/random.ts';
import { dependence, ThroughtimeError } from '../../src/index.ts';
import { calibrationPage, type Measured, type Refused } from './calibrationPage.ts';
import { type Family, nullFamilies, otherNulls, powerFamilies } from './families.ts';

const alpha = 0.01;
/** The first data set of each family: none that was looked at while the test was made. */
const first = 1000;
const parts: Record<string, { families: readonly Family[]; dataSets: number; power: boolean }> = {
  nulls: { families: nullFamilies, dataSets: 250, power: false },
  power: { families: powerFamilies, dataSets: 1, power: true },
  others: { families: otherNulls, dataSets: 20, power: false },
};

const folder = path.join(import.meta.dirname, '../../docs/measured');
const file = path.join(folder, 'dataHorizon.ndjson');
const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
const done: (Measured | Refused)[] = lines.map((line) => JSON.parse(line));
const asked = process.argv.slice(2);
const words = asked.filter((argument) => !(Number(argument) > 0));
const named = words.filter((word) => word in parts || word === 'page');
const pieces = words.filter((word) => !named.includes(word));
const minutes = Number(asked.find((argument) => Number(argument) > 0) ?? Number.POSITIVE_INFINITY);
const late = () => performance.now() > 60_000 * minutes;

for (const [part, { families, dataSets, power }] of Object.entries(parts)) {
  if (named.length > 0 && !named.includes(part)) continue;
  for (let i = first; i < first + dataSets; i++) {
    for (const family of families) {
      if (pieces.length > 0 && !pieces.some((piece) => family.name.includes(piece))) continue;
      if (late() || done.some((each) => each.part === part && each.name === family.name && each.i === i)) continue;
      const measured = measure(part, family, i, power);
      done.push(measured);
      appendFileSync(file, `${JSON.stringify(measured)}\n`);
      const { truth } = family;
      if ('refused' in measured) {
        process.stderr.write(`${part} ${i}, ${family.name}: refused, ${measured.refused}\n`);
        continue;
      }
      const { horizon, processorSeconds } = measured;
      process.stderr.write(
        `${part} ${i}, ${family.name}: ${horizon} (${truth}), ${processorSeconds} s${horizon > truth ? ' TOO LONG' : ''}\n`,
      );
    }
  }
}

const page = calibrationPage(done, alpha);
writeFileSync(path.join(folder, 'dataHorizon.md'), page);
process.stdout.write(page);

function measure(part: string, { name, truth, make }: Family, i: number, power: boolean): Measured | Refused {
  const dataset = make(new Random(seedFor(i, `${part} ${name}`)));
  const began = process.cpuUsage();
  try {
    const { horizon, interval, outcome, reference, data } = dependence(dataset, { alpha, seed: i, power });
    const { user, system } = process.cpuUsage(began);
    const processorSeconds = Number(((user + system) / 1e6).toFixed(2));
    const { sequences, rows, longest } = data;
    const { loss, constant } = reference;
    return { part, name, i, truth, horizon, interval, outcome, loss, constant, sequences, rows, longest, processorSeconds };
  } catch (error) {
    if (!(error instanceof ThroughtimeError && error.code.startsWith('DATA_'))) throw error;
    return { part, name, i, truth, refused: error.message };
  }
}
