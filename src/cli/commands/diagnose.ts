import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Command, Option } from 'commander';
import type { LossName } from '../../data/dataset.ts';
import { sequencesDataset } from '../../data/sequences.ts';
import { type Diagnosis, type DiagnosisProgress, diagnosePieces } from '../../diagnosis/diagnose.ts';
import { ThroughtimeError } from '../../errors.ts';
import { losses } from '../../network/loss/losses.ts';
import { diagnoseExperiment, diagnoseRun, through } from '../../run/diagnoseRun.ts';
import { readExperiment, withPlace } from '../../run/experiment.ts';
import { reading } from '../../run/files.ts';
import { toJson } from '../../run/json.ts';
import { openLines } from '../../run/openData.ts';
import { openWeights } from '../../run/openWeights.ts';
import { Pace } from '../../run/pace.ts';
import { RunDirectory } from '../../run/runDirectory.ts';
import { diagnosisScreen } from '../diagnosisScreen.ts';
import { sayEvent } from '../events.ts';
import { type BackendName, openBackend } from '../openBackend.ts';
import { options, pathText } from '../options.ts';
import { overridesOf } from '../overrides.ts';
import { isRun } from '../source.ts';
import { StageProgress } from '../stageProgress.ts';

interface DiagnoseFlags {
  set: string[];
  seed?: number;
  budget?: number;
  run?: string;
  weights?: string;
  data?: string;
  loss?: LossName;
  activation?: 'tanh' | 'relu';
  targets?: 'last' | 'every';
  backend: BackendName;
  threads: number;
  json?: boolean;
}

/** Seconds for the whole command where nothing is said. */
const defaultBudget = 60;

export function diagnoseCommand(): Command {
  return new Command('diagnose')
    .description('say whether the gradient explodes, vanishes, is cut off or not needed, or whether the task is hard, and what to do')
    .argument('[experiment or run]', 'an experiment file (JSON), which is trained, or a run directory', pathText)
    .addOption(options.set())
    .addOption(options.seed())
    .addOption(options.budget().default(defaultBudget))
    .option('--run <directory>', 'where to write the run of an experiment file; by default runs/<name of the experiment>', pathText)
    .option('--weights <file>', "judge weights as safetensors, with PyTorch's names", pathText)
    .option('--data <file>', 'for --weights: sequences as NDJSON, {"x": ..., "y": ...} a line', pathText)
    .addOption(new Option('--loss <name>', 'for --weights: loss of the targets in the data').choices(Object.keys(losses)))
    .addOption(new Option('--activation <name>', 'for --weights: of a plain recurrent network; tanh unless told').choices(['tanh', 'relu']))
    .addOption(new Option('--targets <where>', 'for --weights: how y is read where its length leaves it open').choices(['last', 'every']))
    .addOption(options.backend())
    .addOption(options.threads())
    .addOption(options.json())
    .addHelpText(
      'after',
      '\nThe budget bounds all of it: the test of the data, the training of an experiment, the looks. The answer is also left in verdict.json of the run.' +
        '\n\nExamples:\n  throughtime diagnose adding.json --budget 120\n  throughtime diagnose runs/adding --json' +
        '\n  throughtime diagnose --weights model.safetensors --data file.ndjson --loss mse',
    )
    .action(diagnose);
}

interface Given {
  /** Seconds of the budget that are left. */
  readonly left: () => number;
  readonly flags: DiagnoseFlags;
  readonly command: Command;
  readonly signal: AbortSignal;
  readonly watch: (progress: DiagnosisProgress) => void;
}

async function diagnose(source: string | undefined, flags: DiagnoseFlags, command: Command): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const progress = new StageProgress();
  const began = performance.now();
  const left = () => Math.max(1, (flags.budget ?? defaultBudget) - (performance.now() - began) / 1000);
  const given: Given = { left, flags, command, signal: stop.signal, watch: ({ stage, done }) => progress.at(stage, done) };
  try {
    const diagnosis = await diagnosisOf(source, given);
    progress.end();
    const experiment = source === undefined || isRun(source) ? null : source;
    process.stdout.write(flags.json ? `${toJson(diagnosis)}\n` : diagnosisScreen(diagnosis, experiment));
  } finally {
    progress.end();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function diagnosisOf(source: string | undefined, given: Given): Promise<Diagnosis> {
  if (source === undefined) return ofWeights(given);
  for (const name of ['weights', 'data', 'loss', 'activation', 'targets'] as const) {
    if (given.flags[name] !== undefined) {
      throw new ThroughtimeError('OPTION_INVALID', `--${name} does not go with ${source}, which has its own; leave one of them out`);
    }
  }
  return isRun(source) ? ofRun(source, given) : ofExperiment(source, given);
}

async function ofRun(run: string, { flags, command, signal, watch, left }: Given): Promise<Diagnosis> {
  for (const [name, isGiven] of [
    ['--set', flags.set.length > 0],
    ['--seed', flags.seed !== undefined],
    ['--run', flags.run !== undefined],
  ] as const) {
    if (!isGiven) continue;
    const sentence = `${name} does not go with a run directory, whose experiment is fixed; diagnose the experiment file instead`;
    throw new ThroughtimeError('OPTION_INVALID', sentence, { file: run });
  }
  const { backend } = await openBackend(flags, command, RunDirectory.open(run).record.backend);
  return diagnoseRun({ run, backend, seconds: left(), signal, watch });
}

async function ofExperiment(file: string, { flags, command, signal, watch, left }: Given): Promise<Diagnosis> {
  const experiment = readExperiment(await reading(file, () => readFile(file, 'utf8')), file, overridesOf(flags));
  const { backend, reason } = await openBackend(flags, command);
  const total = experiment.training.updates;
  return withPlace(file, flags.set, () =>
    diagnoseExperiment({
      ...{ experiment, folder: path.dirname(file), runPath: flags.run, backend, reason, signal, watch },
      seconds: left(),
      watcher: {
        updated: ({ update }) => watch({ stage: `training, update ${update} of ${total}`, done: 0.35 + (0.5 * update) / total }),
        happened: (event) => process.stderr.write(`${sayEvent(event)}\n`),
      },
    }),
  );
}

async function ofWeights({ flags, command, signal, watch, left }: Given): Promise<Diagnosis> {
  const { weights, data, loss, activation, targets } = flags;
  for (const [name, value] of Object.entries({ weights, data, loss })) {
    if (value !== undefined) continue;
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `--${name} is missing; give an experiment file, a run directory, or --weights, --data and --loss together`,
    );
  }
  const shape = await openWeights(weights as string, activation);
  const { inputSize, outputSize, model } = shape;
  const dataset = await sequencesDataset(openLines(data as string), {
    loss: loss as LossName,
    targets,
    expected: { inputSize, outputSize },
  });
  const { backend } = await openBackend(flags, command);
  const network = shape.open(backend, dataset.input);
  const pieces = diagnosePieces({
    ...{ network, train: dataset, validation: dataset, model, training: null },
    seconds: left(),
    // Nothing is known of an experiment but its model.
    accepts: (set) => Object.keys(set).every((field) => field.startsWith('model.')),
  });
  return through(pieces, new Pace(signal), watch);
}
