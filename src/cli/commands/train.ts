import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import { Random, seedFor } from '../../compute/random.ts';
import type { DataDescription } from '../../data/dataset.ts';
import { ThroughtimeError } from '../../errors.ts';
import type { Network } from '../../network/network.ts';
import { generate } from '../../network/unroll/generate.ts';
import { readExperiment, withPlace } from '../../run/experiment.ts';
import { reading } from '../../run/files.ts';
import { toJson } from '../../run/json.ts';
import { RunDirectory } from '../../run/runDirectory.ts';
import { type TrainRequest, type TrainResult, trainRun } from '../../run/trainRun.ts';
import { duration, short } from '../numbers.ts';
import { openBackend } from '../openBackend.ts';
import { options } from '../options.ts';
import { Progress } from '../progress.ts';

interface TrainFlags {
  set: string[];
  json?: boolean;
  seed?: number;
  budget?: number;
  backend: 'wasm' | 'scalar';
  threads: number;
  run?: string;
  checkpointEvery?: number;
}

export function trainCommand(): Command {
  return new Command('train')
    .description('train an experiment and write a run directory, or go on with the run of a directory')
    .argument('<experiment or run>', 'an experiment file (JSON), or a run directory to go on with')
    .addOption(options.set())
    .addOption(options.seed())
    .addOption(options.budget())
    .addOption(options.backend())
    .addOption(options.threads())
    .option('--run <directory>', 'where to write the run; by default runs/<name of the experiment>')
    .addOption(options.checkpointEvery())
    .addOption(options.json())
    .addHelpText(
      'after',
      '\nExamples:\n  throughtime train adding.json --set model.cell=gru --set training.updates=500\n  throughtime train runs/adding',
    )
    .action(train);
}

async function train(source: string, flags: TrainFlags, command: Command): Promise<void> {
  const began = performance.now();
  const request = await requestFor(source, flags);
  const { backend, reason } = await openBackend(flags, command);
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  let progress: Progress | undefined;
  try {
    const { result, network, data } = await withPlace(source, flags.set, () =>
      trainRun({
        source: request,
        backend,
        reason,
        signal: stop.signal,
        deadline: flags.budget === undefined ? undefined : began + flags.budget * 1000,
        checkpointEvery: flags.checkpointEvery,
        watcher: {
          begun({ path: run, experiment, resumedAt, network: { parameters, L, H, cell } }) {
            progress = new Progress(experiment.training.updates, resumedAt);
            if (resumedAt >= experiment.training.updates) {
              progress.say(`The run in ${run} is finished: all its ${resumedAt} updates were made before.`);
              return;
            }
            const from = resumedAt > 0 ? `, going on from update ${resumedAt}` : '';
            progress.say(
              `Training ${experiment.name} (${L} x ${H} ${cell.name}, ${parameters.length} parameters) into ${run}${from}. Backend ${backend.name}, ${backend.threads} thread${backend.threads === 1 ? '' : 's'}, ${reason}.`,
            );
          },
          updated: (line, sequences) => progress?.updated(line, sequences),
          noted: (sentence) => (progress ? progress.say(sentence) : process.stderr.write(`${sentence}\n`)),
        },
      }),
    );
    progress?.end();
    const sample = Number.isFinite(result.loss.validation) ? sampleOf(network, data.description, network.parameters.length) : undefined;
    if (flags.json) process.stdout.write(`${toJson({ ...result, ...(sample === undefined ? {} : { sample }) })}\n`);
    else process.stdout.write(summary(result, sample));
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function requestFor(source: string, flags: TrainFlags): Promise<TrainRequest['source']> {
  const overrides = flags.seed === undefined ? flags.set : [...flags.set, `training.seed=${flags.seed}`];
  if (existsSync(source) && statSync(source).isDirectory()) {
    if (overrides.length > 0 || flags.run !== undefined) {
      const given = flags.run !== undefined ? '--run' : flags.set.length > 0 ? '--set' : '--seed';
      throw new ThroughtimeError(
        'OPTION_INVALID',
        `${given} does not go with a run directory, whose experiment is fixed; train the experiment file instead`,
        { file: source },
      );
    }
    RunDirectory.open(source);
    return { run: source };
  }
  const content = await reading(source, () => readFile(source, 'utf8'));
  return { experiment: readExperiment(content, source, overrides), folder: path.dirname(source), runPath: flags.run };
}

/** What a text model says after its training; undefined for other data. */
function sampleOf(network: Network, description: DataDescription, seed: number): string | undefined {
  if (description.kind !== 'text') return undefined;
  const alphabet = [...description.alphabet];
  const prompt = Math.max(0, alphabet.indexOf('\n'));
  const codes = generate(network, [prompt], 400, 0.8, new Random(seedFor(seed, 'sample')));
  return Array.from(codes, (code) => alphabet[code]).join('');
}

function summary(result: TrainResult, sample: string | undefined): string {
  const { loss, metric, gradientNorm: norm } = result;
  const rows: [string, string][] = [
    ['updates', `${result.updates} in ${duration(result.seconds)} (${short(result.stepsPerSecond)} a second)`],
    ['training loss', `${short(loss.train)} (mean of the last tenth)`],
    ['validation loss', `${short(loss.validation)} (best constant ${short(loss.constant)})`],
    [metric.name, short(metric.value)],
    ...result.baselines.map(({ name, loss: naive }): [string, string] => [`naive ${name}`, `${short(naive)} on the validation part`]),
    ...(result.test ? [['test loss', short(result.test.loss)] as [string, string]] : []),
    ['gradient norm', `median ${short(norm.p50)}, 90% ${short(norm.p90)}, 99% ${short(norm.p99)}, largest ${short(norm.max)}`],
    ['clipped', `${(100 * result.clippedFraction).toFixed(1)}% of the updates`],
  ];
  if (result.firstNonFinite) {
    const { update, what } = result.firstNonFinite;
    rows.push(['not finite', `${result.nonFiniteUpdates} updates skipped; the first was ${update}: ${what}`]);
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
  const ended =
    result.stopped === null
      ? ''
      : `\nStopped ${result.stopped === 'signal' ? 'as asked' : 'because the budget was used up'}; go on with: throughtime train ${result.run}\n`;
  const spoken = sample === undefined ? '' : `\nA sample of what it writes:\n\n${sample.replace(/^/gm, '  | ')}\n`;
  return `\n${table}\n${spoken}${ended}\nEverything about this run is in ${result.run}\n`;
}
