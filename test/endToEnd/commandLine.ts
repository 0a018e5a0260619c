import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const main = path.resolve(import.meta.dirname, '../../src/cli/main.ts');

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the command line as a process of its own, without a BLAS library unless `env` says otherwise.
 *
 * @param options.when what it has come to when it is killed; asked again and again, with what it has said on stderr so far.
 * @param options.killAfter milliseconds after which it is killed with SIGKILL (or `signal`), counted from its start or, with
 *   `once`, from the moment when stderr has matched; with `twice`, once more soon after.
 */
export function throughtime(
  args: readonly string[],
  options: {
    cwd?: string;
    env?: NodeJS.ProcessEnv;
    when?: (said: string) => boolean;
    killAfter?: number;
    signal?: NodeJS.Signals;
    twice?: boolean;
    once?: RegExp;
  } = {},
): Promise<Finished> {
  const env = { ...process.env, THROUGHTIME_BLAS: 'none', ...options.env };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let timer: NodeJS.Timeout | undefined;
    let watch: NodeJS.Timeout | undefined;
    let stdout = '';
    let stderr = '';
    const kill = () => {
      clearInterval(watch);
      child.kill(options.signal ?? 'SIGKILL');
      if (options.twice) setTimeout(() => child.kill(options.signal), 5);
    };
    const startTimer = () => {
      if (options.killAfter === undefined || timer) return;
      timer = setTimeout(kill, options.killAfter);
    };
    if (!options.once) startTimer();
    if (options.when) watch = setInterval(() => options.when?.(stderr) && kill(), 2);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (options.once?.test(stderr)) startTimer();
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      clearInterval(watch);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/**
 * Whether a run has made so many updates more than when it was asked first, as its metrics say; those of the file alone count that have
 * been written to it.
 */
export function updatesMade(run: string, count: number): () => boolean {
  const made = () => (existsSync(`${run}/metrics.jsonl`) ? readFileSync(`${run}/metrics.jsonl`, 'latin1').split('\n').length - 1 : 0);
  const before = made();
  return () => made() >= before + count;
}

/** A folder of the test's own, removed at its end, and a way to write files into it. */
export function workplace() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'throughtime-test-'));
  return {
    folder,
    write(name: string, content: string | object): string {
      const file = path.join(folder, name);
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
      return file;
    },
    path: (name: string) => path.join(folder, name),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
