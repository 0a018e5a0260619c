/**
 * Measures `throughtime compare` over many simulated runs, and leaves what it found in docs/measured/compare.json: for 1,000, 10,000 and 100,000 run directories, grouped by all
 * fields in which they differ (a group for each 5 seeds) and by the cell alone, the seconds, those of the processor, which do not depend on what else runs as much, and the
 * most memory of the process.
 *
 * `npm run measure:compare [-- runs ...]`. The run directories are those that a training leaves, without weights: each has its run.json, a metrics.jsonl of 3 updates
 * and a verdict. They are made in the system's folder for temporary files (some 500 MB for 100,000), and taken away at the end. It reads /proc, so it runs on Linux.
 */
import { spawn } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Random } from '../../src/compute/random.ts';
import { writeTrial } from '../../test/run/trials.ts';

const root = path.resolve(import.meta.dirname, '../..');
const page = path.join(root, 'docs/measured/compare.json');
const main = path.join(root, 'src/cli/main.ts');
const given = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [1000, 10_000, 100_000];
const cells = ['rnn', 'lstm', 'gru', 'mingru'];
const seeds = 5;
const folder = mkdtempSync(path.join(os.tmpdir(), 'measure-compare-'));
const round = (value: number) => Number(value.toPrecision(4));
const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);

/** Run directories [from, to): settings of a cell and a learning rate, with 5 seeds each; the loss depends on all three. */
function makeRuns(from: number, to: number): void {
  const patterns = cells.map((cell) => {
    const pattern = path.join(folder, `.pattern-${cell}`);
    if (!existsSync(pattern)) writeTrial(pattern, { set: [`model.cell=${cell}`], verdict: 'healthy' });
    return { pattern, record: readFileSync(path.join(pattern, 'run.json'), 'utf8') };
  });
  const random = new Random(from);
  for (let run = from; run < to; run++) {
    const setting = Math.floor(run / seeds);
    const which = setting % cells.length;
    const { pattern, record } = patterns[which];
    const changed = JSON.parse(record);
    changed.seed = changed.experiment.training.seed = run % seeds;
    changed.experiment.training.learningRate = 1e-5 * (1 + Math.floor(setting / cells.length));
    changed.result.loss.validation = which + 0.1 * random.normal();
    const own = path.join(folder, 'runs', String(run));
    mkdirSync(own, { recursive: true });
    writeFileSync(path.join(own, 'run.json'), JSON.stringify(changed));
    for (const file of ['metrics.jsonl', 'verdict.json']) linkSync(path.join(pattern, file), path.join(own, file));
  }
}

/** What one `compare` took: seconds, those of the processor, and the most memory of the process, in MB. */
interface Taken {
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly megabytes: number;
  readonly groups: number;
}

async function compare(args: readonly string[]): Promise<Taken> {
  const began = performance.now();
  const child = spawn(process.execPath, [main, 'compare', path.join(folder, 'runs'), '--json', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let [megabytes, processorSeconds] = [0, 0];
  const look = setInterval(() => {
    const read = (name: string) => readFileSync(`/proc/${child.pid}/${name}`, 'utf8');
    if (!existsSync(`/proc/${child.pid}/stat`)) return;
    megabytes = Math.max(megabytes, Number(/VmHWM:\s+(\d+) kB/.exec(read('status'))?.[1] ?? 0) / 1024);
    // utime and stime, fields 14 and 15, in hundredths.
    const fields = read('stat').split(') ')[1].split(' ');
    processorSeconds = (Number(fields[11]) + Number(fields[12])) / 100;
  }, 50);
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(look);
  if (code !== 0) throw new Error(`compare has ended with code ${code}`);
  const { groups } = JSON.parse(Buffer.concat(pieces).toString()) as { groups: unknown[] };
  const seconds = round((performance.now() - began) / 1000);
  return { seconds, processorSeconds, megabytes: round(megabytes), groups: groups.length };
}

const rows: object[] = [];

/** What is known so far. */
function write(): void {
  const conditions = {
    ...{ load: round(os.loadavg()[0]), cpu: os.cpus()[0]?.model, cores: os.availableParallelism(), node: process.version },
    date: new Date().toISOString().slice(0, 10),
  };
  writeFileSync(page, `${JSON.stringify({ conditions, rows }, null, 2)}\n`);
}

try {
  let made = 0;
  for (const runs of sizes.toSorted((a, b) => a - b)) {
    say(`${runs} runs are made`);
    makeRuns(made, runs);
    made = runs;
    for (const by of [[], ['--by', 'model.cell']]) {
      const row = { runs, by: by[1] ?? 'all', ...(await compare(by)) };
      say(JSON.stringify(row));
      rows.push(row);
      write();
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
