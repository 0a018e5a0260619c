/**
 * Which cure reaches how far: every row on every task, with three seeds, two trainings at a time. Writes docs/measured/cures.json after each
 * training, and the table in docs/measured/cures.md at the end; trainings that are in the file already are not made again, so that it may be stopped
 * and gone on with. `npm run measure:cures`, within two hours on two cores.
 *
 * `--rows`, `--tasks` (names or parts of them, with semicolons), `--seeds`, `--seconds` (processor time of one training) and `--at-once` choose;
 * `--anew` makes the chosen trainings again; `--page` writes the page alone.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { writeMeasured } from '../writeMeasured.ts';
import { page } from './page.ts';
import { rows } from './rows.ts';
import type { CureRun } from './run.ts';
import { tasks } from './tasks.ts';

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '' },
    tasks: { type: 'string', default: '' },
    seeds: { type: 'string', default: '1,2,3' },
    seconds: { type: 'string', default: '75' },
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

const kept = (): CureRun[] => (existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { runs: CureRun[] }).runs : []);
let runs = kept();
const jobs: Job[] = [];
for (const seed of flags.seeds.split(',').map(Number)) {
  for (const { name: task } of chosen(tasks, flags.tasks)) {
    for (const { name: row } of chosen(rows, flags.rows)) jobs.push({ row, task, seed, seconds: Number(flags.seconds) });
  }
}
const open = flags.page ? [] : jobs.filter((job) => flags.anew || !runs.some((run) => isSame(job, run)));
const described = rows.map((row) => ({ ...row, models: tasks.map(({ name, units }) => ({ task: name, model: row.model(units) })) }));
const keep = () => writeMeasured('cures', { rows: described, tasks, runs }, page(runs), false);

function work(child: ChildProcess): void {
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
