import { rows } from './rows.ts';
import type { CureRun } from './run.ts';
import { tasks } from './tasks.ts';

const short = (value: number) => (Number.isFinite(value) ? Number(value.toPrecision(2)).toString() : String(value));

/** Seeds of a cell that is whole. */
const wanted = 3;

/** One cell of the table: how many seeds solved it and at which update each, or how far the best one came within the updates that it had. */
function cell(runs: readonly CureRun[]): string {
  if (runs.length === 0) return 'not run';
  const inOrder = [...runs].sort((a, b) => a.seed - b.seed);
  const solved = inOrder.flatMap(({ solvedAt }) => solvedAt ?? []);
  const horizons = runs.map(({ horizon }) => horizon);
  const [least, most] = [Math.min(...horizons), Math.max(...horizons)];
  const reach = most < 0 ? 'no reach' : least === most ? `reach ${most}` : `reach ${Math.max(0, least)} to ${most}`;
  const bound = `within ${Math.min(...runs.map(({ updates, ended, atMost }) => (ended === 'time' ? updates : atMost)))} updates`;
  const best = short(Math.min(...runs.map((run) => run.best)));
  const how =
    solved.length === 0
      ? `not ${bound}, best ${best}`
      : solved.length < runs.length
        ? `at ${solved.join(', ')}, else not ${bound}`
        : `at ${solved.join(', ')}`;
  return `${solved.length}/${runs.length} ${how}; ${reach}`;
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
      : `Of ${cells.length} cells, ${whole} have ${wanted} seeds, ${part} fewer, and ${cells.length - whole - part} have not been run.\n\n`;
  const hours = runs.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  const late = runs.filter(({ ended }) => ended === 'time').length;
  const others = new Map<string, string[]>();
  for (const { name, updates = {} } of rows) {
    for (const [task, most] of Object.entries(updates)) {
      const what = `on ${task} at most ${most} for`;
      others.set(what, [...(others.get(what) ?? []), name]);
    }
  }
  return `# Cures, and how far they reach

How many seeds solved a task on sequences that they had not seen, and after how many updates each; where one did not, within how many updates it did not, and
where none did the lowest validation loss of any. Reach is the [gradient horizon](../math/gradientHorizon.md) of the trainings at the updates they might have made: the
largest lag that the gradient could have learned from, smallest and largest of the seeds.

| | ${tasks.map(({ name }) => name).join(' | ')} |
|---|${tasks.map(() => '---|').join('')}
${lines.join('\n')}

| task | steps back that it needs | solved is | units of a plain network | sequences in an update | updates at most |
|---|---|---|---|---|---|
${what.join('\n')}

${coverage}Models and trainings are those of \`scripts/cures/rows.ts\`, the same for every task but for the number of units; a network with gates, and the stack, has half
as many in a layer. A training ends when its task is solved, looked at every 200 updates, or after the updates at most. Other updates than
the table says:
${[...others].map(([what, names]) => `${what} ${names.join('; ')}`).join('. And ')}.

${remarks}

${runs.length} trainings, ${hours.toFixed(2)} hours of processor time in all, on a machine that others worked on as well${late > 0 ? `; ${late} of them were ended by their time` : ''}. Every one is in
[cures.json](cures.json). Made by \`npm run measure:cures\`, two trainings at a time.
`;
}

/** What was chosen how, and what the numbers cannot say by themselves. */
const remarks = `How the settings came about. Those of ReLU with the identity, of GRU, LSTM with chrono, LRU and minGRU were tried with seed 11 on adding 200; so was that weighted
and dilated skips and the stack learn it with ReLU units sooner than with tanh units, at 0.002. The weight of Omega was tried with seed 1 on [a shorter temporal order](omega.md). The rates and the clip of
orthogonal throughout were tried on copy 100 with the seeds 11 and 1; its updates and the end of its schedule were chosen last, after the seeds 1, 2 and 3 had come to 0.00099, 0.00107 and
0.00091 in 8000 updates at most, and seed 2 to 0.00113 in 10000, so that they are no untouched evidence there; the seeds 4, 5 and 6 are, which were run once after that. Everything else stands as it was first written down: what was not solved says little against a row.

What the numbers do not say by themselves:

- A skip that adds brings the gradient back unchanged in leaps of 16 (see its reach), but puts the inputs into sixteen sums, of which the last step reads one; the others
  come through up to 15 steps of the plain network. That is enough to recall a cue, and not to add two.
- A reach that is shorter than what a solved task needs: the monitors looked after 0, 200, 400, 600, 800, 1000, 2000, ... updates, and networks that learn within a few dozen have
  by then put the answer where no gradient passes any more ([why](../math/gradientHorizon.md)).
- The copy task without any memory costs 0.173. An LSTM leaves that slowly, and is far from solving it after 10000 updates; orthogonal throughout has solved it by
  then, or 400 later. The 2000 updates of most other rows are too few to say that they would not.`;
