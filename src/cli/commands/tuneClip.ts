import path from 'node:path';
import { Command } from 'commander';
import type { DataParts } from '../../data/dataset.ts';
import type { Tried } from '../../diagnosis/threshold/threshold.ts';
import { nothing, type TuneClipAnswer, tuneClipPieces } from '../../diagnosis/threshold/tuneClip.ts';
import { type Experiment, withPlace } from '../../run/experiment.ts';
import { writeWhole } from '../../run/files.ts';
import { toJson } from '../../run/json.ts';
import { openTraining } from '../../run/openTraining.ts';
import { Pace, type Stop } from '../../run/pace.ts';
import { normPlot } from '../normPlot.ts';
import { duration, short } from '../numbers.ts';
import { type BackendName, openBackend } from '../openBackend.ts';
import { options, pathText } from '../options.ts';
import { overridesOf } from '../overrides.ts';
import { experimentOf, isRun } from '../source.ts';

interface TuneClipFlags {
  set: string[];
  json?: boolean;
  seed?: number;
  budget?: number;
  seeds?: number;
  backend: BackendName;
  threads: number;
}

/** What `tune-clip` answers. */
interface Answer extends TuneClipAnswer {
  readonly seconds: number;
  /** What cut the search short; null where it came to its end. */
  readonly stopped: Stop | null;
}

export function tuneClipCommand(): Command {
  return new Command('tune-clip')
    .description('find the highest threshold of the gradient norm that overcomes the explosion of a training')
    .argument('<experiment or run>', 'an experiment file (JSON), or a run directory, whose experiment is taken', pathText)
    .addOption(options.set())
    .addOption(options.seed())
    .addOption(options.seeds())
    .addOption(options.budget())
    .addOption(options.backend())
    .addOption(options.threads())
    .addOption(options.json())
    .addHelpText(
      'after',
      '\nThe training is begun without a clip, whatever training.clip says. The answer is also left in tuneClip.json of a run directory.' +
        '\n\nExamples:\n  throughtime tune-clip adding.json\n  throughtime tune-clip runs/adding --budget 60 --json',
    )
    .action(tuneClip);
}

async function tuneClip(source: string, flags: TuneClipFlags, command: Command): Promise<void> {
  const began = performance.now();
  const { experiment, folder } = await experimentOf(source, overridesOf(flags));
  const { backend } = await openBackend(flags, command);
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  let data: DataParts | undefined;
  try {
    const opened = await withPlace(source, flags.set, () => openTraining(experiment, folder, backend));
    const { network, draw } = opened;
    data = opened.data;
    const pieces = tuneClipPieces({
      ...{ network, dataset: data.train, options: experiment.training, initialize: draw, seeds: flags.seeds },
      told: (sentence, tried) => process.stderr.write(`${tried ? line(tried) : `${sentence[0].toUpperCase()}${sentence.slice(1)}.`}\n`),
    });
    const pace = new Pace(stop.signal, flags.budget === undefined ? undefined : began + flags.budget * 1000);
    const { stopped, value } = await pace.through(pieces);
    const answer: Answer = { ...(value ?? nothing), seconds: (performance.now() - began) / 1000, stopped };
    if (isRun(source)) writeWhole(path.join(source, 'tuneClip.json'), `${toJson(answer)}\n`);
    process.stdout.write(flags.json ? `${toJson(answer)}\n` : screen(answer, source, experiment));
  } finally {
    data?.close?.();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function line({ threshold, fresh, stable, why, clippedFraction }: Tried): string {
  const name = threshold === null ? 'none' : short(threshold);
  const often = threshold === null ? '' : `, clips ${(100 * clippedFraction).toFixed(0)}% of the updates`;
  return `  ${name.padStart(9)}  ${stable ? 'stable    ' : 'not stable'}  ${fresh ? 'from new weights: ' : ''}${why}${often}`;
}

function screen(answer: Answer, source: string, { training }: Experiment): string {
  const { threshold, explosion, explodesWithout, gradientNorm, curve, againstAverage, price, confidence, separates, transition } = answer;
  const { stopped, seconds } = answer;
  const cut = stopped
    ? ` The search was cut short ${stopped === 'signal' ? 'as asked' : 'by the budget'}; this is what is known so far.`
    : '';
  const took = `  Took ${duration(seconds)}.${cut}\n`;
  const plot =
    curve.length > 0
      ? `\n  Gradient norm at each update${threshold === null ? '' : ', the threshold dotted'}:\n${normPlot(curve, threshold)}\n`
      : '';
  if (!explosion) {
    const looked = stopped ? `the first ${curve.length}` : `all ${training.updates}`;
    return `\n  No threshold is needed: without a clip, nothing explodes in ${looked} updates.\n${plot}\n${took}`;
  }
  if (!explodesWithout)
    return `\n  No threshold is needed: the replays from before the first sign of an explosion come through without a clip.\n${plot}\n${took}`;
  if (threshold === null) return `\n  No threshold that was tried is known to be stable; a lower learning rate may be.\n${plot}\n${took}`;
  const rows: [string, string][] = [
    ['threshold', `${short(threshold)}, of the global norm`],
    ['without', `explodes at update ${explosion.update}: ${explosion.because}`],
  ];
  if (confidence !== null)
    rows.push(['confidence', `${(100 * confidence).toFixed(1)}% that a training from new weights is stable with it`]);
  const above = transition.at(-1);
  if (above && separates) rows.push(['four times it', `${above.unstable} of ${above.trainings} trainings from new weights are not stable`]);
  else if (above && separates === false) {
    const seen = transition.filter((tally) => tally.threshold >= threshold);
    const counts = seen.map(({ threshold, trainings, unstable }) => `${unstable} of ${trainings} at ${short(threshold)}`).join(', ');
    rows.push(['no threshold separates', `${counts} are not stable; this is the safe end`]);
  }
  if (gradientNorm)
    rows.push(['gradient norm', `mean ${short(gradientNorm.mean)}, median ${short(gradientNorm.p50)}, 99% ${short(gradientNorm.p99)}`]);
  if (againstAverage) {
    const where = againstAverage.within ? 'within' : 'outside';
    rows.push(['rule of thumb', `${short(againstAverage.ratio)} times the average norm, ${where} Pascanu's half to ten times`]);
  }
  for (const { threshold: lower, ratio } of price)
    rows.push([`at ${short(lower)}`, `the loss of the replays ends ${short(ratio)} times as high`]);
  const longest = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `  ${name.padEnd(longest)}  ${value}`).join('\n');
  const ofRun = isRun(source);
  const next = `throughtime train ${source}${ofRun ? ' --rewind' : ''} --set training.clip.globalNorm=${Number(threshold.toPrecision(3))}`;
  return `\n${table}\n${plot}\n${took}  Train with it: ${next}\n`;
}
