/**
 * Measures sweeps, and leaves what it found in docs/measured/sweep.json: what the queue costs a trial, what a sweep of 100,000 simulated trials takes, and what
 * two cores give. It starts a server of its own (redis-server or valkey-server has to be installed).
 *
 * `npm run measure:sweep [-- part ...]`, of the parts `overhead`, `long`, `cores`; all of them by default, and what is not measured is kept. `load` is that of the
 * machine in the minute before: seconds mean something on a machine that does nothing else. Seconds of the processor, of all processes but the server, are there beside
 * them (on Linux); they do not depend on what else runs as much.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { serverProgram, startServer } from '../../test/endToEnd/redisServer.ts';

const { version } = createRequire(import.meta.url)('throughtime/package.json') as { version: string };
const root = path.resolve(import.meta.dirname, '../..');
const page = path.join(root, 'docs/measured/sweep.json');
const main = path.join(root, 'src/cli/main.ts');
const parts = process.argv.slice(2);
const wanted = (part: string) => parts.length === 0 || parts.includes(part);
const folder = mkdtempSync(path.join(os.tmpdir(), 'measure-sweep-'));
const measured: Record<string, unknown> = existsSync(page) ? JSON.parse(readFileSync(page, 'utf8')) : {};
const about = () => ({
  ...{ load: round(os.loadavg()[0]), cpu: os.cpus()[0]?.model, cores: os.availableParallelism(), node: process.version },
  date: new Date().toISOString().slice(0, 10),
});
const round = (value: number) => Number(value.toPrecision(4));
const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);

/** Seconds that the processor has spent on processes of this one that have ended; 0 where the system does not tell. */
function processorSeconds(): number {
  if (!existsSync('/proc/self/stat')) return 0;
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // cutime and cstime, fields 16 and 17, in hundredths.
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** Runs a sweep by the command line; the seconds that it says. */
function sweep(file: string, out: string, args: readonly string[]): number {
  const text = execFileSync(process.execPath, [main, 'sweep', file, '--out', path.join(folder, out), '--json', ...args], {
    encoding: 'utf8',
    maxBuffer: 1e9,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { seconds, trials } = JSON.parse(text) as { seconds: number; trials: { count: number; done: number } };
  if (trials.done !== trials.count) throw new Error(`${trials.done} of ${trials.count} trials are done`);
  return seconds;
}

function sweepFile(name: string, updates: number, length: number, trials: number): string {
  const file = path.join(folder, `${name}.json`);
  const base = {
    name,
    data: { kind: 'task', name: 'adding', length, trainSequences: 200, validationSequences: 100 },
    model: { cell: 'gru', hiddenSize: 32 },
    training: { updates, batchSize: 32, monitors: [] },
  };
  writeFileSync(file, JSON.stringify({ name, verdicts: false, base, axes: { 'training.seed': { seeds: trials } } }));
  return file;
}

/** A process with a program of this folder, or the worker of the command line. */
function start(args: readonly string[]) {
  return spawn(process.execPath, args, { stdio: 'ignore' });
}

if (wanted('overhead') || wanted('long')) {
  if (serverProgram === undefined) throw new Error('there is no redis-server; install it');
  const server = await startServer(folder);
  const redis = `redis://127.0.0.1:${server.port}`;
  try {
    if (wanted('overhead')) {
      const conditions = about();
      const trials = Number(process.env.TRIALS ?? 1000);
      const file = sweepFile('short', 2, 10, trials);
      say('1,000 short trials, embedded, then over the queue with runs sent, then with a shared folder');
      let spent = processorSeconds();
      const embedded = sweep(file, 'short-embedded', ['--jobs', '1']);
      const results: Record<string, number> = {};
      const processor: Record<string, number> = { embedded: processorSeconds() - spent };
      for (const [name, args] of [
        ['sent', []],
        ['shared', ['--shared', folder]],
      ] as const) {
        spent = processorSeconds();
        const worker = start([main, 'worker', '--redis', redis, '--jobs', '1', ...args]);
        results[name] = sweep(file, `short-${name}`, ['--redis', redis]);
        worker.kill('SIGINT');
        await new Promise((resolve) => worker.once('exit', resolve));
        processor[name] = processorSeconds() - spent;
      }
      const perTrial = (seconds: number) => round((1000 * (seconds - embedded)) / trials);
      measured.overhead = {
        ...{ conditions, trials, embeddedSeconds: round(embedded), sentSeconds: round(results.sent), sharedSeconds: round(results.shared) },
        millisecondsPerTrial: { runsSent: perTrial(results.sent), folderShared: perTrial(results.shared) },
        processorMillisecondsPerTrial: {
          embedded: round((1000 * processor.embedded) / trials),
          runsSent: round((1000 * (processor.sent - processor.embedded)) / trials),
          folderShared: round((1000 * (processor.shared - processor.embedded)) / trials),
        },
      };
    }
    if (wanted('long')) {
      const conditions = about();
      const worker = start([path.join(import.meta.dirname, 'simulatedWorker.ts'), redis, folder, version, '16']);
      const rows = [];
      for (const trials of [1000, 10_000, 100_000]) {
        say(`${trials} simulated trials`);
        const load = round(os.loadavg()[0]);
        const args = [path.join(import.meta.dirname, 'simulatedSweep.ts'), redis, folder, version, String(trials)];
        const { checkSeconds, seconds, before, largest } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
        rows.push({
          ...{
            trials,
            load,
            checkSeconds: round(checkSeconds),
            seconds: round(seconds),
            millisecondsPerTrial: round((1000 * seconds) / trials),
          },
          ...{ megabytesBefore: round(before / 1e6), megabytesAtMost: round(largest / 1e6) },
        });
      }
      worker.kill('SIGTERM');
      await new Promise((resolve) => worker.once('exit', resolve));
      measured.simulated = { conditions, rows };
    }
  } finally {
    await server.stop();
  }
}

if (wanted('cores')) {
  const conditions = about();
  const trials = 16;
  const file = sweepFile('equal', 800, 60, trials);
  const rows = [];
  for (let turn = 1; turn <= 3; turn++) {
    say(`16 equal trials with one core and with two, turn ${turn} of 3`);
    const began = processorSeconds();
    const one = sweep(file, `one-${turn}`, ['--jobs', '1']);
    const between = processorSeconds();
    const two = sweep(file, `two-${turn}`, ['--jobs', '2']);
    const processor = { one: round(between - began), two: round(processorSeconds() - between) };
    rows.push({ one: round(one), two: round(two), gain: round(one / two), processor });
  }
  const gains = rows.map(({ gain }) => gain).sort((a, b) => a - b);
  measured.cores = { conditions, trials, rows, gain: gains[1] };
}

writeFileSync(page, `${JSON.stringify(measured, null, 2)}\n`);
rmSync(folder, { recursive: true, force: true });
