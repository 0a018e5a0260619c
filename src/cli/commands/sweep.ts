import { createRequire } from 'node:module';
import { totalmem } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { bytesOf } from '../../compute/bytes.ts';
import { toJson } from '../../run/json.ts';
import { ThreadHands } from '../../sweep/hands/threadHands.ts';
import { type HandsParts, reportFor, runSweep } from '../../sweep/runSweep.ts';
import type { Standing } from '../../sweep/standing.ts';
import { readSweep } from '../../sweep/sweepFile.ts';
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
    .addOption(options.json())
    .addHelpText(
      'after',
      '\nCtrl-C finishes the updates at hand and keeps everything; the same command goes on.' +
        '\n\nExamples:\n  throughtime sweep sweep.json\n  throughtime sweep sweep.json --out results/first --jobs 4',
    )
    .action(sweep);
}

async function sweep(file: string, flags: SweepFlags): Promise<void> {
  const read = readSweep(file);
  const out = flags.out ?? path.join('sweeps', read.sweep.name);
  const stop = new AbortController();
  const onSignal = stopping(stop);
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let progress: SweepProgress | undefined;
  let standing: Standing | undefined;
  const say = (sentence: string) => (progress ? progress.say(sentence) : void process.stderr.write(`${sentence}\n`));
  try {
    const result = await runSweep({
      ...{ read, out, program: version, signal: stop.signal },
      hands: (parts) => threadHands(parts, flags),
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
    if (result.stopped) process.stderr.write(`Stopped as asked after ${duration(result.seconds)}; the same command goes on.\n`);
  } finally {
    progress?.end();
    // After one signal the process is about to end, and the same one handed on late must not end it another way.
    if (!stop.signal.aborted) process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function threadHands(parts: HandsParts, { jobs, memory }: SweepFlags): ThreadHands {
  const { read, directory } = parts;
  return new ThreadHands({
    ...{ trials: read.trials, directory: directory.path, folder: directory.record.folder, jobs, reportOf: reportFor(parts) },
    memory: memory === undefined ? defaultMemory() : bytesOf(memory),
  });
}

/** Of what the machine, or the container that this process is in, has: so much may be taken where nothing is said. */
const shareOfMemory = 0.8;

/** Bytes that trials may take where nothing is said. */
export function defaultMemory(): number {
  const constrained = process.constrainedMemory();
  return shareOfMemory * (constrained > 0 && constrained < totalmem() ? constrained : totalmem());
}
