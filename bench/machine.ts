import { readFileSync } from 'node:fs';
import os from 'node:os';

/** Where and on what a question was answered. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  /** GB of memory. */
  readonly memory: number;
  readonly system: string;
  readonly node: string;
  readonly throughtime: string;
  /** Processes that wanted to run in the minute before: above 0, somebody else was at work. */
  readonly load: number;
}

export function thisMachine(): Machine {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return {
    processor: os.cpus()[0].model.trim(),
    cores: os.availableParallelism(),
    memory: Math.round(os.totalmem() / 1e9),
    system: `${os.type()} ${os.arch()}`,
    node: process.version,
    throughtime: version,
    load: Math.round(os.loadavg()[0] * 100) / 100,
  };
}
