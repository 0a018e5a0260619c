import { rows } from './rows.ts';
import type { CureRun } from './run.ts';
import { tasks } from './tasks.ts';

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
const short = (value: number) => (Number.isFinite(value) ? Number(value.toPrecision(2)).toString() : String(value));

/** Seeds of a cell that is whole. */
const wanted = 3;

/** One cell of the table: how many seeds solved it and after how many updates, or how far the best one came. */
function cell(runs: readonly CureRun[]): string {
  if (runs.length === 0) return 'not run';
  const solved = runs.flatMap(({ solvedAt }) => solvedAt ?? []);
  const horizons = runs.map(({ horizon }) => horizon);
  const [least, most] = [Math.min(...horizons), Math.max(...horizons)];
  const reach = most < 0 ? 'no reach' : least === most ? `reach ${most}` : `reach ${Math.max(0, least)} to ${most}`;
  const how =
    solved.length > 0
      ? `${median(solved)} updates`
      : `best ${short(Math.min(...runs.map(({ best }) => best)))} in ${Math.min(...runs.map(({ updates }) => updates))}`;
  return `${solved.length}/${runs.length}, ${how}, ${reach}`;
}

/** The page of what has been measured so far. */
export function page(runs: readonly CureRun[]): string {
  const lines = rows.map(({ name }) => {
    const cells = tasks.map((task) => cell(runs.filter((run) => run.row === name && run.task === task.name)));
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  const what = tasks.map(
    ({ name, solved, units, batchSize, updates, needs }) => `| ${name} | ${needs} | ${solved} | ${units} | ${batchSize} | ${updates} |`,
  );
  const cells = rows.flatMap(({ name }) => tasks.map((task) => runs.filter((run) => run.row === name && run.task === task.name).length));
  const whole = cells.filter((count) => count >= wanted).length;
  const part = cells.filter((count) => count > 0 && count < wanted).length;
  const coverage =
    whole === cells.length
      ? ''
      : ` Of ${cells.length} cells, ${whole} have ${wanted} seeds, ${part} fewer, and ${cells.length - whole - part} have not been run.`;
  const spent = runs.reduce((sum, { seconds }) => sum + seconds, 0);
  const cut = runs.filter(({ ended }) => ended === 'time').length;
  return `# Cures, and how far they reach

How many seeds solved a task on sequences that they had not seen, after how many updates in the median, or else the lowest validation loss of any seed in
how many updates; and the
[gradient horizon](../math/gradientHorizon.md) of the trainings: the largest lag that the gradient could have learned from, smallest and largest of the seeds.

| | ${tasks.map(({ name }) => name).join(' | ')} |
|---|${tasks.map(() => '---|').join('')}
${lines.join('\n')}

| task | steps back that it needs | solved is | units of a plain network | sequences in an update | updates at most |
|---|---|---|---|---|---|
${what.join('\n')}

${coverage.trim()}

Models and trainings are those of \`scripts/cures/rows.ts\`, the same for every task but for the number of units; a training ends when its task is solved,
or after the updates below. Looked at every 200 updates. The settings of ReLU, GRU, LSTM with chrono, LRU
and minGRU were tried with seed 11 on adding 200 beforehand, those of orthogonal throughout with seeds 11 and 1 on copy 100 (rates, clip and updates); the weight of
Omega with seed 1 on [a shorter temporal order](omega.md). The others stand as they were first written down, so that what they did not solve says little against them. ${runs.length} trainings, ${Math.round(spent / 60)} minutes of processor
time in all; ${cut} of them were ended by their time. Every one is in [cures.json](cures.json). Made by \`npm run measure:cures\`.
`;
}
