/**
 * Which cure reaches how far: every row on every task, with three seeds, two trainings at a time. Writes docs/measured/cures.json after each
 * training, and the table in docs/measured/cures.md at the end; trainings that are in the file already are not made again, so that it may be stopped
 * and gone on with. `npm run measure:cures`, within two hours on two cores.
 *
 * `--rows`, `--tasks` (names or parts of them, with semicolons), `--seeds` and `--at-once` choose; a training is bounded by its updates, and only one that
 * hangs by its `--seconds` of processor time;
 * `--anew` makes the chosen trainings again; `--page` writes the page alone.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { writeMeasured } from '../writeMeasured.ts';
import { page } from './page.ts';
import { rows, updatesOf } from './rows.ts';
import type { CureRun } from './run.ts';
import { tasks } from './tasks.ts';

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '' },
    tasks: { type: 'string', default: '' },
    seeds: { type: 'string', default: '1,2,3' },
    seconds: { type: 'string', default: '600' },
    'at-once': { type: 'string', default: '2' },
    anew: { type: 'boolean', default: false },
    page: { type: 'boolean', default: false },
  },
});

interface Job {
  readonly row: string;
  readonly task: string;
  readonly seed: number;
  readonly seconds: number;
}

const file = path.join(import.meta.dirname, '../../docs/measured/cures.json');
/** Those whose whole name is asked for, or else those that have it in theirs. */
function chosen<Named extends { readonly name: string }>(all: readonly Named[], asked: string): Named[] {
  const parts = asked.split(';').map((each) => each.trim());
  return all.filter(({ name }) => parts.some((part) => (all.some((other) => other.name === part) ? name === part : name.includes(part))));
}
const isSame = (a: Pick<Job, 'row' | 'task' | 'seed'>, b: Pick<Job, 'row' | 'task' | 'seed'>) =>
  a.row === b.row && a.task === b.task && a.seed === b.seed;

/** What a training of a row on a task is, but for its seed. */
interface Setting {
  readonly row: string;
  readonly task: string;
}
const settings: Setting[] = rows.flatMap((row) =>
  tasks.map((task) => ({
    row: row.name,
    task: task.name,
    model: row.model(task.units),
    training: row.training,
    updates: updatesOf(row, task),
  })),
);
const settingOf = (among: readonly Setting[], { row, task }: Setting) =>
  JSON.stringify(among.find((each) => each.row === row && each.task === task));

/** What the file holds, without the trainings whose settings are no longer the same. */
function kept(): CureRun[] {
  if (!existsSync(file)) return [];
  const before = JSON.parse(readFileSync(file, 'utf8')) as { settings?: Setting[]; runs: CureRun[] };
  return before.runs.filter((each) => settingOf(settings, each) === settingOf(before.settings ?? [], each));
}
let runs = kept();

/** The most telling first: whether the copy task tells the rows apart that it is claimed to, then task by task, seed by seed. */
const turns = ['adding 200', 'recall 100', 'temporal order 100', 'adding 100', 'copy 100'];
const claimed = ['tanh, orthogonal throughout', 'tanh', 'LSTM'];
const turn = ({ row, task }: Job) => (task === 'copy 100' && claimed.includes(row) ? -1 : turns.indexOf(task));
const jobs: Job[] = [];
for (const seed of flags.seeds.split(',').map(Number)) {
  for (const { name: task } of chosen(tasks, flags.tasks)) {
    for (const { name: row } of chosen(rows, flags.rows)) jobs.push({ row, task, seed, seconds: Number(flags.seconds) });
  }
}
jobs.sort((a, b) => turn(a) - turn(b));
const open = flags.page ? [] : jobs.filter((job) => flags.anew || !runs.some((run) => isSame(job, run)));
const keep = () => writeMeasured('cures', { settings, tasks, runs }, page(runs), false);

function work(child: ChildProcess): void {
  // What another process has made in the meantime is not made again.
  while (!flags.anew && open.length > 0 && kept().some((run) => isSame(open[0], run))) open.shift();
  const job = open.shift();
  if (job) child.send(job);
  else child.disconnect();
}

for (let i = 0; i < Math.min(open.length, Number(flags['at-once'])); i++) {
  const child = fork(path.join(import.meta.dirname, 'worker.ts'));
  child.on('message', (run: CureRun) => {
    // What another process has added in the meantime stays.
    runs = [...kept().filter((other) => !isSame(other, run)), run];
    process.stderr.write(`${JSON.stringify(run)}\n`);
    keep();
    work(child);
  });
  work(child);
}
process.on('exit', () => process.stdout.write(page(runs)));
if (flags.page) keep();
