import { createRequire } from 'node:module';
import path from 'node:path';
import { Command } from 'commander';
import { bytesOf } from '../../compute/bytes.ts';
import { ThroughtimeError } from '../../errors.ts';
import { toJson } from '../../run/json.ts';
import { QueueHands } from '../../sweep/hands/queueHands.ts';
import { ThreadHands } from '../../sweep/hands/threadHands.ts';
import { openServer } from '../../sweep/queue/connection.ts';
import { withdraw } from '../../sweep/queue/withdraw.ts';
import { type HandsParts, reportFor, runSweep } from '../../sweep/runSweep.ts';
import type { Standing } from '../../sweep/standing.ts';
import { SweepDirectory } from '../../sweep/sweepDirectory.ts';
import { readSweep } from '../../sweep/sweepFile.ts';
import { defaultMemory } from '../memory.ts';
import { duration } from '../numbers.ts';
import { options, pathText } from '../options.ts';
import { stopping } from '../stopping.ts';
import { SweepProgress } from '../sweepProgress.ts';
import { sweepScreen } from '../sweepScreen.ts';

const { version } = createRequire(import.meta.url)('throughtime/package.json') as { version: string };

interface SweepFlags {
  out?: string;
  jobs: number;
  memory?: string;
  redis?: string;
  withdraw?: boolean;
  json?: boolean;
}

export function sweepCommand(): Command {
  return new Command('sweep')
    .description('train an experiment with many settings and seeds, and say in one table what came of each')
    .argument('<sweep>', 'a sweep file (JSON)', pathText)
    .option(
      '--out <directory>',
      'the sweep directory, which is gone on with if it is there; by default sweeps/<name of the sweep>',
      pathText,
    )
    .addOption(options.jobs())
    .addOption(options.memory('what all trials at once may take together, such as 8GB; by default 80% of what this machine has'))
    .addOption(options.redis())
    .option('--withdraw', 'take the sweep back from the queue of --redis, where workers would go on with it')
    .addOption(options.json())
    .addHelpText(
      'after',
      '\nCtrl-C finishes the updates at hand and keeps everything; the same command goes on.' +
        '\n\nExamples:\n  throughtime sweep sweep.json\n  throughtime sweep sweep.json --out results/first --jobs 4' +
        '\n  throughtime sweep sweep.json --redis redis://queue.example:6379',
    )
    .action(sweep);
}

async function sweep(file: string, flags: SweepFlags, command: Command): Promise<void> {
  const read = readSweep(file);
  const out = flags.out ?? path.join('sweeps', read.sweep.name);
  for (const option of ['jobs', 'memory'] as const) {
    if (flags.redis === undefined || command.getOptionValueSource(option) !== 'cli') continue;
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `--${option} has no meaning beside --redis, where workers train; give it to throughtime worker`,
    );
  }
  if (flags.withdraw) return takeBack(out, flags);
  const stop = new AbortController();
  const onSignal = stopping(stop);
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let progress: SweepProgress | undefined;
  let standing: Standing | undefined;
  const say = (sentence: string) => (progress ? progress.say(sentence) : void process.stderr.write(`${sentence}\n`));
  try {
    const result = await runSweep({
      ...{ read, out, program: version, signal: stop.signal },
      hands: async (parts) =>
        flags.redis === undefined ? threadHands(parts, flags) : new QueueHands(parts, await openServer(flags.redis, say)),
      watcher: {
        begun({ directory, standing: here, hands, resumed }) {
          standing = here;
          progress = new SweepProgress(here);
          const { trials, settings, seeds } = directory.record;
          const ended = here.counts.done + here.counts.failed + here.counts['left-out'];
          const before = resumed ? `, of which ${ended} have come to their end before` : '';
          const each = seeds > 1 ? ` (${settings} settings, ${seeds} seeds)` : '';
          say(`Sweep ${read.sweep.name}: ${trials} trials${each}${before}, into ${out}, by ${hands}.`);
        },
        changed: (left) => progress?.changed(left),
        noted: say,
      },
    });
    progress?.end();
    process.stdout.write(flags.json ? `${toJson(result)}\n` : sweepScreen(result, standing as Standing));
    if (result.trials.done === 0 && result.trials.failed > 0) process.exitCode = 1;
    if (result.stopped) process.stderr.write(`Stopped as asked after ${duration(result.seconds)}; the same command goes on.\n`);
  } finally {
    progress?.end();
    // After one signal the process is about to end, and the same one handed on late must not end it another way.
    if (!stop.signal.aborted) process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** Takes a sweep out of the queue. */
async function takeBack(out: string, { redis: address }: SweepFlags): Promise<void> {
  if (address === undefined)
    throw new ThroughtimeError('OPTION_INVALID', '--withdraw takes a sweep back from a queue; name it with --redis');
  const { id, files } = SweepDirectory.open(out).record;
  const connection = (await openServer(address, () => {})).connect();
  try {
    await withdraw(connection, id, files);
  } finally {
    connection.disconnect();
  }
  process.stderr.write(
    `The sweep in ${out} is no longer in the queue; what was done is kept, and the same command without --withdraw goes on.\n`,
  );
}

function threadHands(parts: HandsParts, { jobs, memory }: SweepFlags): ThreadHands {
  const { read, directory } = parts;
  return new ThreadHands({
    ...{ trials: read.trials, directory: directory.path, folder: directory.record.folder, jobs, reportOf: reportFor(parts) },
    memory: memory === undefined ? defaultMemory() : bytesOf(memory),
  });
}
