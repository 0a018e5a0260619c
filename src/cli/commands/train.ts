import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import { Random, seedFor } from '../../compute/random.ts';
import type { DataDescription } from '../../data/dataset.ts';
import { ThroughtimeError } from '../../errors.ts';
import type { Network } from '../../network/network.ts';
import { generate } from '../../network/unroll/generate.ts';
import type { Prepare } from '../../run/aheadBatches.ts';
import { type Experiment, readExperiment, withPlace } from '../../run/experiment.ts';
import { reading } from '../../run/files.ts';
import { toJson } from '../../run/json.ts';
import { rewound } from '../../run/rewind.ts';
import { RunDirectory } from '../../run/runDirectory.ts';
import { TensorboardFile } from '../../run/tensorboardFile.ts';
import { type TrainRequest, type TrainResult, trainRun } from '../../run/trainRun.ts';
import { describeMemory } from '../../training/trainingMemory.ts';
import { EventLines } from '../events.ts';
import { duration, short } from '../numbers.ts';
import { type BackendName, openBackend } from '../openBackend.ts';
import { openDashboard } from '../openDashboard.ts';
import { options, pathText } from '../options.ts';
import { overridesOf } from '../overrides.ts';
import { Progress } from '../progress.ts';
import { isRun } from '../source.ts';
import { stopping } from '../stopping.ts';

/** Characters of the sample that a text model writes: some lines, enough to see whether it has found words. */
const sampleLength = 400;
/** Of the sample: a little below 1, so that the likely is likelier and a half-trained model stays readable. */
const sampleTemperature = 0.8;

interface TrainFlags {
  set: string[];
  json?: boolean;
  monitor?: string[];
  seed?: number;
  memory?: string;
  budget?: number;
  backend: BackendName;
  threads: number;
  prepare: Prepare;
  run?: string;
  rewind?: boolean;
  checkpointEvery?: number;
  dashboard?: boolean;
  tensorboard?: boolean;
}

export function trainCommand(): Command {
  return new Command('train')
    .description('train an experiment and write a run directory, or go on with the run of a directory')
    .argument('<experiment or run>', 'an experiment file (JSON), or a run directory to go on with', pathText)
    .addOption(options.set())
    .addOption(options.monitor())
    .addOption(options.seed())
    .addOption(options.memory('set training.memory, such as 256MB: what the training may take'))
    .addOption(options.budget())
    .addOption(options.backend())
    .addOption(options.threads())
    .addOption(options.prepare())
    .option('--run <directory>', 'where to write the run; by default runs/<name of the experiment>', pathText)
    .option(
      '--rewind',
      'go on from before the explosion of a run, as a new run; --set may change clip, guard, learningRate, schedule, updates',
    )
    .addOption(options.checkpointEvery())
    .option('--dashboard', 'show the run in a browser while it is trained')
    .option('--tensorboard', 'write an event file for TensorBoard into the run directory, while it is trained')
    .addOption(options.json())
    .addHelpText(
      'after',
      '\nA path in the experiment, also one given by --set data.path=..., is relative to' +
        '\nthe experiment file; --run is relative to where you are. Ctrl-C finishes the' +
        '\nupdate at hand and keeps the run, which goes on when its directory is trained.' +
        '\n\nExamples:\n  throughtime train adding.json --set model.cell=gru --set training.updates=500\n  throughtime train runs/adding',
    )
    .action(train);
}

async function train(source: string, flags: TrainFlags, command: Command): Promise<void> {
  const began = performance.now();
  const request = await requestFor(source, flags);
  const { backend, reason } = await openBackend(
    flags,
    command,
    'run' in request ? RunDirectory.open(request.run).record.backend : undefined,
  );
  const stop = new AbortController();
  const onSignal = stopping(stop);
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let progress: Progress | undefined;
  const events = new EventLines();
  let closeDashboard: (() => void) | undefined;
  let board: { readonly file: TensorboardFile; readonly network: Network } | undefined;
  try {
    const { result, network, data, run } = await withPlace(source, overridesOf(flags), () =>
      trainRun({
        source: request,
        backend,
        reason,
        signal: stop.signal,
        deadline: flags.budget === undefined ? undefined : began + flags.budget * 1000,
        checkpointEvery: flags.checkpointEvery,
        prepare: flags.prepare,
        watcher: {
          begun({ path: run, experiment, memory, resumedAt, network }) {
            const { parameters, L, H, cell } = network;
            if (flags.dashboard) closeDashboard = openDashboard(path.dirname(path.resolve(run)));
            if (flags.tensorboard && resumedAt < experiment.training.updates) {
              board = { file: new TensorboardFile(run), network };
              board.file.weights(network, resumedAt);
            }
            progress = new Progress(experiment.training.updates, resumedAt);
            if (resumedAt >= experiment.training.updates) {
              progress.say(`The run in ${run} is finished: all its ${resumedAt} updates were made before.`);
              return;
            }
            const before = 'from' in request && request.from ? ` of ${request.from.run}, before its explosion` : '';
            const from = resumedAt > 0 || before ? `, going on from update ${resumedAt}${before}` : '';
            progress.say(
              `Training ${experiment.name} (${L} x ${H} ${cell.name}, ${parameters.length} parameters) into ${run}${from}. Backend ${backend.name}, ${backend.threads} thread${backend.threads === 1 ? '' : 's'}, ${reason}.`,
            );
            if (memory.limit !== null || memory.pass.plan !== 'plain') progress.say(describeMemory(memory));
          },
          updated(line, sequences) {
            progress?.updated(line, sequences);
            board?.file.update(line);
          },
          evaluated: (update) => board?.file.weights(board.network, update),
          profiled: (lines) => board?.file.profiled(lines),
          happened(event) {
            const line = events.line(event);
            if (line !== undefined) progress?.say(line);
          },
          noted: (sentence) => (progress ? progress.say(sentence) : process.stderr.write(`${sentence}\n`)),
        },
      }),
    );
    progress?.end();
    const { experiment } = run.record;
    const sample = Number.isFinite(result.loss.validation) ? sampleOf(network, data.description, experiment.training.seed) : undefined;
    data.close?.();
    if (flags.json) process.stdout.write(`${toJson({ ...result, ...(sample === undefined ? {} : { sample }) })}\n`);
    else process.stdout.write(summary(result, experiment, sample, data.description));
    if (result.stopped === 'explosion') {
      const cure = cureOf(experiment.training) ?? smallerRate(experiment.training);
      const again = `throughtime train ${argument(result.run)} --rewind --set ${cure}`;
      throw new ThroughtimeError(
        'TRAINING_EXPLODED',
        `the guard has stopped the run; go on from before the explosion, e.g. with: ${again}`,
        {
          file: result.run,
        },
      );
    }
    if (result.stopped !== null) {
      const why = result.stopped === 'signal' ? 'as asked' : 'because the budget was used up';
      process.stderr.write(`Stopped ${why}; go on with: throughtime train ${argument(result.run)}\n`);
    }
  } finally {
    closeDashboard?.();
    board?.file.close();
    // After one signal the process is about to end, and the same one handed on late must not end it another way.
    if (!stop.signal.aborted) process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function requestFor(source: string, flags: TrainFlags): Promise<TrainRequest['source']> {
  const overrides = overridesOf(flags);
  if (isRun(source)) {
    if (flags.rewind) return { ...(await rewound(source, overrides)), runPath: flags.run };
    if (overrides.length > 0 || flags.run !== undefined) {
      const option = flags.set.length > 0 ? 'set' : (['monitor', 'seed', 'memory'] as const).find((name) => flags[name] !== undefined);
      const given = `--${flags.run !== undefined ? 'run' : option}`;
      throw new ThroughtimeError(
        'OPTION_INVALID',
        `${given} does not go with a run directory, whose experiment is fixed; train the experiment file instead`,
        { file: source },
      );
    }
    RunDirectory.open(source);
    return { run: source };
  }
  if (flags.rewind) {
    throw new ThroughtimeError('OPTION_INVALID', '--rewind goes with a run directory, whose explosion it goes back before; name one', {
      file: source,
    });
  }
  const content = await reading(source, () => readFile(source, 'utf8'));
  return { experiment: readExperiment(content, source, overrides), folder: path.dirname(source), runPath: flags.run };
}

/** What a text model says after its training; undefined for other data. */
function sampleOf(network: Network, description: DataDescription, seed: number): string | undefined {
  if (description.kind !== 'text') return undefined;
  const alphabet = [...description.alphabet];
  const prompt = Math.max(0, alphabet.indexOf('\n'));
  const codes = generate(network, [prompt], sampleLength, sampleTemperature, new Random(seedFor(seed, 'sample')));
  return Array.from(codes, (code) => alphabet[code]).join('');
}

/** How often, and how hard, the clip bound. */
function clipped({ clippedFraction, clip }: TrainResult): string {
  const often = `${(100 * clippedFraction).toFixed(1)}% of the updates`;
  if (!clip) return often;
  const share = clip.share < 1 ? `, ${short(100 * clip.share)}% of what it bounds` : '';
  return `${often}${share}, by a factor of ${short(clip.factor.p50)} (at the hardest ${short(clip.factor.min)})`;
}

function tested(test: NonNullable<TrainResult['test']> | null): string {
  if (test === null) return 'not measured: stopped before';
  const { loss, metric, weights } = test;
  const of = weights === 'best' ? 'the weights with the lowest validation loss' : 'the last weights';
  return `${short(loss)}, ${metric.name} ${short(metric.value)}, with ${of}`;
}

/**
 * What is worth changing after an explosion. An optimizer that sets the length of its steps itself takes the same ones however its gradient
 * is bounded; undefined where a threshold has been looked for.
 */
function cureOf(training: Experiment['training']): string | undefined {
  if (training.optimizer !== 'sgd' && training.optimizer !== 'momentum') return smallerRate(training);
  return training.clip === 'auto' ? undefined : 'training.clip=auto';
}

const smallerRate = ({ learningRate }: Experiment['training']) => `training.learningRate=${Number((learningRate / 10).toPrecision(3))}`;

/** Whether the targets, and with them the losses, are in standard deviations. */
function isStandardized({ data }: Experiment, description: DataDescription): boolean {
  if (data.kind === 'table') return data.standardize !== false;
  return description.kind === 'sequences' && description.targetDeviations !== undefined;
}

/** A path as it is to be written in a shell. */
const argument = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** What was missing in a table and is filled. */
function filled(description: DataDescription): [string, string][] {
  if (description.kind !== 'table' || description.filled === undefined) return [];
  const { numbers, rows } = description.filled;
  const columns = Object.entries(numbers).map(([name, count]) => `${count} of ${name}`);
  return [
    [
      'filled',
      `${columns.join(', ')} were missing${rows > 0 ? `, among them those of ${rows} rows` : ''}; they are read and predicted like others`,
    ],
  ];
}

function summary(result: TrainResult, experiment: Experiment, sample: string | undefined, description: DataDescription): string {
  const { training } = experiment;
  const standardized = isStandardized(experiment, description);
  const { loss, metric, validated, gradientNorm: norm } = result;
  const share = validated && validated.share < 1 ? `, on ${short(100 * validated.share)}% of the validation part` : '';
  const earlier = validated && validated.update < result.updates ? `, after update ${validated.update}` : '';
  const validation = validated ? `${short(loss.validation)}${share}${earlier}` : 'not measured: stopped before';
  const rows: [string, string][] = [
    ['updates', `${result.updates} in ${duration(result.seconds)} (${short(result.stepsPerSecond)} a second)`],
    ['training loss', `${short(loss.train)} (mean of the last tenth)`],
    ['validation loss', `${validation} (best constant ${loss.constant === null ? 'not measured' : short(loss.constant)})`],
    ...(metric ? [[metric.name, short(metric.value)] as [string, string]] : []),
    ...result.baselines.map(({ name, loss: naive, test }): [string, string] => {
      const onTest = test === undefined ? '' : `, ${short(test)} on the test part`;
      return [`naive ${name}`, `${short(naive)} on the validation part${onTest}`];
    }),
    ...(result.test === undefined ? [] : [['test loss', tested(result.test)] as [string, string]]),
    ['gradient norm', `median ${short(norm.p50)}, 90% ${short(norm.p90)}, 99% ${short(norm.p99)}, largest ${short(norm.max)}`],
    ['clipped', clipped(result)],
    ...filled(description),
  ];
  if (result.explosion) {
    const { update, because, leftOut, rollbacks, rate } = result.explosion;
    rows.push(['exploding', `first seen at update ${update}: ${because}; all signs are in events.jsonl`]);
    if (leftOut > 0) rows.push(['guard', `${leftOut} updates left out, because of where their steps would have led`]);
    if (rollbacks > 0)
      rows.push(['guard', `${rollbacks} times back to before an explosion; the learning rate is ${short(rate)} times what it was`]);
    const cure = cureOf(training);
    if (cure) rows.push(['before it', `go on from there with: throughtime train ${argument(result.run)} --rewind --set ${cure}`]);
  }
  if (result.firstNonFinite) {
    const { update, what } = result.firstNonFinite;
    const none = result.appliedUpdates === 0 ? ', so that none changed the weights' : '';
    rows.push(['not finite', `${result.nonFiniteUpdates} updates skipped${none}; the first was ${update}: ${what}`]);
    if (result.replayable !== null)
      rows.push(['its pass', `is run again with: throughtime inspect ${argument(result.run)} --replay ${result.replayable}`]);
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
  const unit = standardized ? '  Losses and errors are of targets in standard deviations of the training part.\n' : '';
  const spoken = sample === undefined ? '' : `\nA sample of what it writes:\n\n${sample.replace(/^/gm, '  | ')}\n`;
  const next = result.stopped === null ? `Look at its gradient with: throughtime inspect ${argument(result.run)}\n` : '';
  return `\n${table}\n${unit}${spoken}\nEverything about this run is in ${result.run}\n${next}`;
}
