import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { bytesOf } from '../../compute/bytes.ts';
import { ThroughtimeError } from '../../errors.ts';
import { makeFolder } from '../../run/files.ts';
import { openServer } from '../../sweep/queue/connection.ts';
import { serve } from '../../sweep/queue/serve.ts';
import { defaultMemory } from '../memory.ts';
import { options, pathText } from '../options.ts';
import { stopping } from '../stopping.ts';

const { version } = createRequire(import.meta.url)('throughtime/package.json') as { version: string };

interface WorkerFlags {
  redis?: string;
  jobs: number;
  memory?: string;
  shared?: string;
  data?: string;
  folder?: string;
  lock: number;
}

export function workerCommand(): Command {
  return new Command('worker')
    .description('train the trials of sweeps that are submitted to a queue, on this machine')
    .addOption(options.redis())
    .addOption(options.jobs())
    .addOption(options.memory('what all trials at once may take together, such as 8GB; by default 80% of what this machine has'))
    .option(
      '--shared <directory>',
      'the folder that holds the sweep directories, if it is shared; without it runs are sent through the queue',
      pathText,
    )
    .option(
      '--data <directory>',
      'a folder with the data; without it they are taken from where the sweep has them, or from the queue',
      pathText,
    )
    .option('--folder <directory>', 'where runs and data are kept meanwhile; by default a temporary one', pathText)
    .addOption(options.lock())
    .addHelpText(
      'after',
      '\nCtrl-C finishes the updates at hand and puts the trials back into the queue.' +
        '\n\nExamples:\n  throughtime worker --redis redis://queue.example:6379\n  throughtime worker --redis rediss://queue.example:6379 --shared /mnt/sweeps --jobs 16',
    )
    .action(work);
}

async function work({ redis, ...flags }: WorkerFlags): Promise<void> {
  if (redis === undefined) throw new ThroughtimeError('OPTION_INVALID', 'a worker takes its trials from a queue; name it with --redis');
  const told = (sentence: string) => void process.stderr.write(`${sentence}\n`);
  const server = await openServer(redis, told);
  const folder = flags.folder ?? mkdtempSync(path.join(os.tmpdir(), 'throughtime-worker-'));
  const stop = new AbortController();
  const onSignal = stopping(stop);
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    makeFolder(folder);
    const { jobs, shared, data, lock: lockSeconds, memory } = flags;
    told(`Worker of the queue at ${server.name}, ${jobs} trial${jobs === 1 ? '' : 's'} at once, version ${version}.`);
    await serve({
      ...{ server, program: version, jobs, folder, shared, data, lockSeconds, signal: stop.signal, told },
      memory: memory === undefined ? defaultMemory() : bytesOf(memory),
    });
    told('The worker has ended as asked; its trials are back in the queue.');
  } finally {
    if (flags.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}
