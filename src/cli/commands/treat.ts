import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import { ThroughtimeError } from '../../errors.ts';
import { changedContent, type Experiment, withPlace } from '../../run/experiment.ts';
import { writeError, writeWhole } from '../../run/files.ts';
import { toJson } from '../../run/json.ts';
import { defaultSeconds, type ExperimentTreatment, treat } from '../../run/treatRun.ts';
import { options, pathText } from '../options.ts';
import { overridesOf } from '../overrides.ts';
import { experimentOf, isRun } from '../source.ts';
import { StageProgress } from '../stageProgress.ts';
import { treatmentScreen } from '../treatmentScreen.ts';

interface TreatFlags {
  set: string[];
  seed?: number;
  budget: number;
  threads: number;
  out?: string;
  runs?: string;
  json?: boolean;
}

export function treatCommand(): Command {
  return new Command('treat')
    .description('try on the same data what should cure an experiment, and write the experiment that was seen to work')
    .argument('<experiment or run>', 'an experiment file (JSON), or a run directory, whose experiment is taken', pathText)
    .addOption(options.set())
    .addOption(options.seed())
    .addOption(options.budget().default(defaultSeconds))
    .addOption(options.threads())
    .option('--out <file>', 'where to write the experiment that works; by default <name of the file>.treated.json beside it', pathText)
    .option('--runs <directory>', 'keep the run directories of all trials there; by default they are removed', pathText)
    .addOption(options.json())
    .addHelpText(
      'after',
      '\nEvery training has one thread; as many as --threads says run side by side. A file that is there is not written over.' +
        '\n\nExamples:\n  throughtime treat adding.json\n  throughtime treat adding.json --budget 120 --out cured.json --json',
    )
    .action(run);
}

/** What is to be treated. */
interface Source {
  readonly experiment: Experiment;
  readonly folder: string;
  /** Its text, and what the command line changes in it. */
  readonly content: string;
  readonly overrides: readonly string[];
  /** Where the answer goes unless said. */
  readonly out: string;
}

async function run(source: string, flags: TreatFlags): Promise<void> {
  const given = await sourceOf(source, flags);
  const out = flags.out ?? given.out;
  if (existsSync(out))
    throw new ThroughtimeError('OPTION_INVALID', 'is there already; move it away, or name another file with --out', { file: out });
  if (!existsSync(path.dirname(out))) {
    throw new ThroughtimeError(
      'OPTION_INVALID',
      'cannot be written, because there is no such folder; make it, or name another file with --out',
      {
        file: out,
      },
    );
  }
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const progress = new StageProgress();
  try {
    const treatment = await withPlace(source, flags.set, () =>
      treat(given.experiment, {
        ...{ folder: given.folder, seconds: flags.budget, threads: flags.threads, runs: flags.runs, signal: stop.signal },
        told: (sentence) => {
          progress.end();
          process.stderr.write(`${sentence}\n`);
        },
        watch: ({ stage, done }) => progress.at(stage, done),
      }),
    );
    progress.end();
    if (treatment.best) await write(out, treatment, given);
    const written = treatment.best ? out : null;
    const answer = `${toJson({ ...treatment, experiment: written, budget: flags.budget })}\n`;
    if (isRun(source)) writeWhole(path.join(source, 'treat.json'), answer);
    process.stdout.write(flags.json ? answer : treatmentScreen(treatment, source, written, flags.budget));
  } finally {
    progress.end();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function sourceOf(source: string, flags: TreatFlags): Promise<Source> {
  const overrides = overridesOf(flags);
  const out = isRun(source)
    ? `${source.replace(/[/\\]+$/, '')}.treated.json`
    : path.join(path.dirname(source), `${path.basename(source).replace(/\.jsonc?$/, '')}.treated.json`);
  return { ...(await experimentOf(source, overrides)), overrides, out };
}

/** Fields of `data` that name files. */
const named = ['path', 'train', 'validation', 'test'];

async function write(out: string, { best }: ExperimentTreatment, { content, overrides, folder }: Source): Promise<void> {
  const changes = Object.entries(best?.change ?? {}).map(([field, value]) => `${field}=${JSON.stringify(value)}`);
  const text = changedContent(content, [...overrides, ...changes], (raw) => {
    raw.name = `${raw.name}-treated`;
    const data = raw.data as Record<string, unknown>;
    for (const field of named) {
      const file = data[field];
      if (typeof file !== 'string' || path.isAbsolute(file)) continue;
      data[field] = path.relative(path.dirname(out), path.resolve(folder, file)).replaceAll(path.sep, '/');
    }
  });
  try {
    await writeFile(out, text, { flag: 'wx' });
  } catch (cause) {
    throw writeError(out, cause);
  }
}
