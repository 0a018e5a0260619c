import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import type { DataParts, Dataset } from '../../data/dataset.ts';
import { type DependenceReport, dependencePieces } from '../../diagnosis/dependence/dependence.ts';
import { ThroughtimeError } from '../../errors.ts';
import { type Experiment, readExperiment, withPlace } from '../../run/experiment.ts';
import { reading } from '../../run/files.ts';
import { toJson } from '../../run/json.ts';
import { checkUnchanged, describeFiles, openData } from '../../run/openData.ts';
import { Pace } from '../../run/pace.ts';
import { RunDirectory } from '../../run/runDirectory.ts';
import { ladderPlot } from '../ladderPlot.ts';
import { duration, short } from '../numbers.ts';
import { options, pathText } from '../options.ts';
import { overridesOf } from '../overrides.ts';
import { isRun } from '../source.ts';
import { StageProgress } from '../stageProgress.ts';

interface HorizonFlags {
  set: string[];
  seed?: number;
  alpha: number;
  longest?: number;
  budget?: number;
  json?: boolean;
}

export function horizonCommand(): Command {
  return new Command('horizon')
    .description('test the data alone: how many of the newest inputs does a prediction need?')
    .argument('<experiment or run>', 'an experiment file (JSON), or a run directory', pathText)
    .addOption(options.set())
    .addOption(options.seed())
    .option('--alpha <chance>', 'the chance, at most, of a horizon that is longer than the truth', chance, 0.01)
    .option('--longest <steps>', 'the longest window to look at; by default the longest sequence, and 256 steps of a stream', steps)
    .addOption(options.budget())
    .addOption(options.json())
    .addHelpText(
      'after',
      '\nNo network is trained. The training part of the data is looked at, and nothing is written.' +
        '\n\nExamples:\n  throughtime horizon adding.json\n  throughtime horizon adding.json --set data.length=400 --json\n  throughtime horizon runs/adding --alpha 0.05',
    )
    .action(horizon);
}

function chance(text: string): number {
  const value = Number(text);
  if (!(value >= 1e-4 && value <= 0.5)) throw new InvalidArgumentError('It must be a number from 0.0001 to 0.5.');
  return value;
}

function steps(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
  return value;
}

async function horizon(source: string, flags: HorizonFlags): Promise<void> {
  const began = performance.now();
  const { experiment, data } = await withPlace(source, flags.set, () => dataOf(source, flags));
  const dataset = data.train;
  const spent = (performance.now() - began) / 1000;
  const left = flags.budget === undefined ? undefined : Math.max(1e-3, flags.budget - spent);
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const progress = new StageProgress();
  const pace = new Pace(stop.signal);
  const pieces = dependencePieces(dataset, {
    alpha: flags.alpha,
    seconds: left,
    seed: experiment.training.seed,
    longest: flags.longest,
  });
  try {
    const { stopped, value } = await pace.through(watched(pieces, ({ stage, done }) => progress.at(stage, done)));
    progress.end();
    if (stopped !== null) {
      process.stderr.write('Stopped as asked, before there was an answer.\n');
      process.exitCode = 1;
      return;
    }
    process.stdout.write(flags.json ? `${toJson(value)}\n` : screen(experiment, dataset, value));
  } finally {
    data.close?.();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** Passes pieces on, and shows each to a watcher. */
function* watched<Piece, Whole>(pieces: Generator<Piece, Whole>, watch: (piece: Piece) => void): Generator<Piece, Whole> {
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
    watch(value);
    yield value;
  }
}

async function dataOf(source: string, flags: HorizonFlags): Promise<{ experiment: Experiment; data: DataParts }> {
  const overrides = overridesOf(flags);
  if (isRun(source)) {
    if (flags.set.length > 0) {
      throw new ThroughtimeError(
        'OPTION_INVALID',
        '--set does not go with a run directory, whose experiment is fixed; test the experiment file instead',
        { file: source },
      );
    }
    const { experiment, folder, files } = RunDirectory.open(source).record;
    checkUnchanged(source, files, await describeFiles(experiment, folder));
    const seeded = flags.seed === undefined ? experiment : { ...experiment, training: { ...experiment.training, seed: flags.seed } };
    return { experiment: seeded, data: await openData(experiment, folder) };
  }
  const content = await reading(source, () => readFile(source, 'utf8'));
  const experiment = readExperiment(content, source, overrides);
  return { experiment, data: await openData(experiment, path.dirname(source)) };
}

function screen({ name }: Experiment, { loss }: Dataset, report: DependenceReport): string {
  const { data, seconds, spent, cutShort } = report;
  const units = data.unit === 'block' ? `${data.units} blocks of ${data.unitSize} steps` : plural(data.sequences, 'sequence');
  const parts = Object.entries(spent)
    .filter(([, part]) => part >= 0.05 * seconds)
    .map(([stage, part]) => `${stage} ${duration(part)}`);
  return [
    '',
    `  ${name}: the training part, ${plural(data.rows, 'target')} of ${units}, windows up to ${plural(data.longest, 'step')}.`,
    `  Held-out loss (${loss}) of the best predictor found, by how many of the newest inputs it is given:`,
    '',
    ladderPlot(report),
    '',
    ...wrapped(conclusion(report)),
    ...wrapped(powerSentence(report)),
    ...(data.copies > 0
      ? wrapped(
          `${plural(data.copies, 'sequence')} that ${data.copies === 1 ? 'repeats' : 'repeat'} another one, inputs and targets, left out.`,
        )
      : []),
    ...(cutShort.length > 0 ? wrapped(`The budget cut short: ${cutShort.join(', ')}. What was not tested is not shown to be absent.`) : []),
    '',
    `  ${duration(seconds)}: ${parts.join(', ')}.`,
    '',
  ].join('\n');
}

/** One plain sentence. */
function conclusion({
  horizon,
  interval: [low, high],
  alpha,
  outcome,
  reference,
  largestNotExcluded,
  needed,
  data,
  strength,
  power,
  ladder,
}: DependenceReport): string {
  const sure = `a longer one than the truth has a chance of at most ${alpha}`;
  if (outcome === 'dependence') {
    const range = low === high ? '' : ` (${low} to ${high})`;
    const gain =
      reference.loss === null || reference.constant === null
        ? ''
        : `; the best held-out loss is ${short(reference.loss)}, that of a constant ${short(reference.constant)}`;
    const by = ladder.find(({ window }) => window === horizon - 1)?.learner;
    const finder = by ? ` The oldest was found by ${by}.` : '';
    return `The data depend on the newest ${plural(horizon, 'input')}${range}; ${sure}${gain}.${finder}`;
  }
  if (outcome === 'none-larger-than' && power.length === 0) {
    return 'No input helps, and none could: the inputs do not vary, or the targets are known without them.';
  }
  if (outcome === 'none-larger-than') {
    return `No input helps: a dependence on a single lag that sets ${percent(largestNotExcluded as number)} of the target or more would have been found at every lag tried.`;
  }
  const want =
    needed === null
      ? ''
      : `; it would take about ${needed} ${data.unit === 'block' ? 'steps' : 'sequences'} to find one of ${percent(strength)} at every lag`;
  return `Nothing was found, and these data are too few to rule it out${want}.`;
}

function powerSentence({ power }: DependenceReport): string {
  if (power.length === 0) return '';
  const lags = [...new Set(power.map(({ lag }) => lag))];
  const each = lags.map((lag) => {
    const found = power.find((point) => point.lag === lag && point.detected);
    return found ? `${percent(found.strength)} at lag ${lag}` : `none at lag ${lag}`;
  });
  return `Planted into these data, the weakest dependence that was found: ${each.join(', ')}.`;
}

const percent = (share: number) => `${Number((100 * share).toPrecision(2))}%`;
const plural = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Lines of at most 100 characters, indented. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > 98 && line !== '') {
      lines.push(`  ${line}`);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, `  ${line}`];
}
