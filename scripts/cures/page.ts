import { rows } from './rows.ts';
import type { CureRun } from './run.ts';
import { tasks } from './tasks.ts';

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
const short = (value: number) => (Number.isFinite(value) ? Number(value.toPrecision(2)).toString() : String(value));

/** One cell of the table: how many seeds solved it and after how many updates, or how far the best one came. */
function cell(runs: readonly CureRun[]): string {
  if (runs.length === 0) return '';
  const solved = runs.flatMap(({ solvedAt }) => solvedAt ?? []);
  const horizons = runs.map(({ horizon }) => horizon);
  const reach = `reach ${Math.min(...horizons)} to ${Math.max(...horizons)}`;
  const how = solved.length > 0 ? `${median(solved)} updates` : `best ${short(Math.min(...runs.map(({ best }) => best)))}`;
  return `${solved.length}/${runs.length}, ${how}, ${reach}`;
}

/** The page of what has been measured so far. */
export function page(runs: readonly CureRun[]): string {
  const there = tasks.filter(({ name }) => runs.some(({ task }) => task === name));
  const lines = rows.map(({ name }) => {
    const cells = there.map((task) => cell(runs.filter((run) => run.row === name && run.task === task.name)));
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  const what = there.map(({ name, solved, batchSize, updates, needs }) => `| ${name} | ${needs} | ${solved} | ${batchSize} | ${updates} |`);
  const spent = runs.reduce((sum, { seconds }) => sum + seconds, 0);
  const cut = runs.filter(({ ended }) => ended === 'time').length;
  return `# Cures, and how far they reach

How many seeds solved a task on sequences that they had not seen, after how many updates in the median, or else the lowest validation loss of any seed; and the
[gradient horizon](../math/gradientHorizon.md) of the trainings: the largest lag that the gradient could have learned from, smallest and largest of the seeds.

| | ${there.map(({ name }) => name).join(' | ')} |
|---|${there.map(() => '---|').join('')}
${lines.join('\n')}

| task | steps back that it needs | solved is | sequences in an update | updates at most |
|---|---|---|---|---|
${what.join('\n')}

Models and trainings are those of \`scripts/cures/rows.ts\`, the same for every task; looked at every 200 updates. ${runs.length} trainings, ${Math.round(spent / 60)} minutes of processor
time in all; ${cut} of them were ended by their time. Every one is in [cures.json](cures.json). Made by \`npm run measure:cures\`.
`;
}
