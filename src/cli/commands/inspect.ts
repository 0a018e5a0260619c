import { Command, Option } from 'commander';
import type { Backend } from '../../compute/backend.ts';
import { bytesOf } from '../../compute/bytes.ts';
import type { Dataset, LossName } from '../../data/dataset.ts';
import { sequencesDataset } from '../../data/sequences.ts';
import { ThroughtimeError } from '../../errors.ts';
import { type LagPoint, lagProfile, longLagGradients } from '../../monitor/lagProfile.ts';
import { type LyapunovSpectrum, lyapunovExponents } from '../../monitor/lyapunov.ts';
import { describeLocation } from '../../monitor/nonFinite.ts';
import { orthogonality } from '../../monitor/orthogonality.ts';
import type { Batch } from '../../network/batch.ts';
import { losses } from '../../network/loss/losses.ts';
import type { Network } from '../../network/network.ts';
import { Checkpointed } from '../../network/unroll/checkpointed.ts';
import type { MemoryPlan } from '../../network/unroll/memoryPlan.ts';
import { replayFailure } from '../../run/failure.ts';
import { toJson } from '../../run/json.ts';
import { openLines, openUnchanged } from '../../run/openData.ts';
import { openWeights } from '../../run/openWeights.ts';
import { RunDirectory } from '../../run/runDirectory.ts';
import { longestOf } from '../../training/batchOrder.ts';
import { describeMemory, type MemoryUse, planWithin, tooSmall } from '../../training/trainingMemory.ts';
import { lagPlot } from '../lagPlot.ts';
import { short } from '../numbers.ts';
import { type BackendName, openBackend } from '../openBackend.ts';
import { options, pathText } from '../options.ts';

interface InspectFlags {
  weights?: string;
  data?: string;
  loss?: LossName;
  activation?: 'tanh' | 'relu';
  targets?: 'last' | 'every';
  replay?: number;
  backend: BackendName;
  threads: number;
  memory?: string;
  json?: boolean;
}

/** What `inspect` answers. */
interface Inspection {
  /** Sequences that were looked at, and the steps of the longest. */
  readonly over: { readonly sequences: number; readonly steps: number };
  readonly loss: number;
  readonly gradientNorm: number;
  /** ‖dL/dp‖ of every parameter. */
  readonly parameters: Record<string, number>;
  readonly lagProfile: readonly LagPoint[];
  readonly lyapunov: readonly number[];
  /** What the exponents are means over: the last steps of the first sequences. */
  readonly lyapunovOver: { readonly sequences: number; readonly steps: number };
  readonly orthogonality: Record<string, number[]>;
}

/** More exponents than this are of no use to a reader, and cost. */
const mostExponents = 32;
/** Multiplications with additions for the exponents: about two seconds. */
const lyapunovWork = 2e9;
/** Sequences of a run's validation part that are looked at, and multiplications with additions of one pass over them. */
const mostSequences = 256;
const mostWork = 2e10;
/** Work from which a pass takes seconds, so that it is said beforehand what is being done. */
const longWork = 5e9;
/** Steps of a text's streams that are looked at. */
const mostSteps = 512;

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('look at one forward and one backward pass: of a run, or of weights from elsewhere on given data')
    .argument('[run]', 'a run directory, whose last checkpoint is looked at on its validation part', pathText)
    .option('--weights <file>', "weights as safetensors, with PyTorch's names", pathText)
    .option('--data <file>', 'sequences as NDJSON, {"x": ..., "y": ...} a line; the whole file is one batch', pathText)
    .addOption(new Option('--loss <name>', 'loss of the targets in the data').choices(Object.keys(losses)))
    .addOption(new Option('--activation <name>', 'of a plain recurrent network; tanh unless told').choices(['tanh', 'relu']))
    .addOption(new Option('--targets <where>', 'how y is read where its length leaves it open').choices(['last', 'every']))
    .addOption(options.replay())
    .addOption(options.backend())
    .addOption(options.threads())
    .addOption(options.memory('what the passes may take, such as 256MB; by default what the run was trained with'))
    .addOption(options.json())
    .addHelpText(
      'after',
      '\nExamples:\n  throughtime inspect runs/adding\n  throughtime inspect runs/adding --replay 57\n  throughtime inspect --weights model.safetensors --data file.ndjson --loss mse --json',
    )
    .action(inspect);
}

async function inspect(run: string | undefined, flags: InspectFlags, command: Command): Promise<void> {
  const { backend } = await openBackend(flags, command);
  if (flags.replay !== undefined) return replay(run, flags.replay, flags, backend);
  const { network, dataset, T, B, memory } = run === undefined ? await fromFiles(flags, backend) : await fromRun(run, flags, backend);
  const limit = flags.memory ?? memory;
  const use = planned(network, dataset, T, B, limit === undefined ? null : bytesOf(limit));
  if (use.limit !== null || use.pass.plan !== 'plain') process.stderr.write(`${describeMemory(use)}\n`);
  if (T * B * network.parameters.length > longWork) {
    process.stderr.write(`Looking at ${extent({ sequences: B, steps: T })}; this takes a while.\n`);
  }
  const inspection = look(network, dataset, use.pass);
  process.stdout.write(flags.json ? `${toJson(inspection)}\n` : screen(inspection, network));
}

/** Runs a pass that was not finite once more, and says where it stops being finite. */
async function replay(run: string | undefined, update: number, flags: InspectFlags, backend: Backend): Promise<void> {
  const other = (['weights', 'data', 'loss', 'activation', 'targets'] as const).find((name) => flags[name] !== undefined);
  if (other !== undefined)
    throw new ThroughtimeError('OPTION_INVALID', `--${other} does not go with --replay, whose pass has its own; leave it out`);
  if (run === undefined)
    throw new ThroughtimeError('OPTION_INVALID', '--replay needs the run directory that the pass was kept in; name it');
  const directory = RunDirectory.open(run);
  const { model, training } = directory.record.experiment;
  const answer = await replayFailure(directory.failuresFolder, update, { model, clip: training.clip }, backend);
  const { located, loss, gradientNorm, ...over } = answer;
  const said = located ? describeLocation(located) : 'everything is finite on this backend';
  const text = `\n  update ${update} again, over ${extent(over)}\n  loss           ${short(loss)}\n  gradient norm  ${short(gradientNorm)}\n  first          ${said}\n\n`;
  process.stdout.write(flags.json ? `${toJson(answer)}\n` : text);
}

async function fromFiles({ weights, data, loss, activation, targets }: InspectFlags, backend: Backend) {
  for (const [name, value] of Object.entries({ weights, data, loss })) {
    if (value === undefined)
      throw new ThroughtimeError('OPTION_INVALID', `--${name} is missing; give a run directory, or --weights, --data and --loss together`);
  }
  const shape = await openWeights(weights as string, activation);
  const { inputSize, outputSize } = shape;
  const dataset = await sequencesDataset(openLines(data as string), {
    loss: loss as LossName,
    targets,
    expected: { inputSize, outputSize },
  });
  return { network: shape.open(backend, dataset.input), dataset, T: longestOf(dataset), B: dataset.count, memory: undefined };
}

async function fromRun(run: string, flags: InspectFlags, backend: Backend) {
  for (const name of ['weights', 'data', 'loss', 'activation', 'targets'] as const) {
    if (flags[name] !== undefined)
      throw new ThroughtimeError('OPTION_INVALID', `--${name} does not go with a run directory, which has its own; leave one of them out`);
  }
  const directory = RunDirectory.open(run);
  const { experiment, folder } = directory.record;
  const shape = await openWeights(directory.checkpointFile, experiment.model.activation);
  const { data } = await openUnchanged(experiment, folder, { run, files: directory.record.files });
  const network = shape.open(backend, data.validation.input, experiment.model);
  const dataset = data.validation;
  const longest = longestOf(dataset);
  const T = experiment.data.kind === 'text' ? Math.min(longest, mostSteps) : longest;
  // Each weight meets each step of each sequence once.
  const affordable = Math.max(1, Math.floor(mostWork / (T * network.parameters.length)));
  return { network, dataset, T, B: Math.min(dataset.count, mostSequences, affordable), memory: experiment.training.memory };
}

/** How the passes are held in memory. */
function planned(network: Network, dataset: Dataset, T: number, B: number, limit: number | null): MemoryUse {
  const needs = { T, B, likeParameters: 1, states: 0, beside: 0 };
  const use = planWithin(network, dataset, needs, limit);
  if (!use) throw tooSmall(network, dataset, needs, limit, '--memory');
  return use;
}

/** One forward and one backward pass over the first T steps of the first B sequences, and one more for the lags. */
function look(network: Network, dataset: Dataset, plan: MemoryPlan): Inspection {
  const { backend, parameters } = network;
  const { T, B } = plan;
  const sequences = Array.from({ length: B }, (_, b) => b);
  const through = new Checkpointed(network, dataset.target, plan, false);
  const loss = losses[dataset.loss];
  const steps = {
    T,
    B,
    copy: (begin: number, end: number, batch: Batch) => dataset.copy({ sequences, begin, end, countFrom: begin }, batch),
  };
  let spectrum: LyapunovSpectrum | undefined;
  through.reset();
  const value = through.run({
    ...steps,
    loss,
    // The last steps are the first to be gone back through.
    beforeBackward() {
      spectrum ??= lyapunovExponents(through.unrolled, through.batch, { count: mostExponents, work: lyapunovWork });
    },
  });
  if (value === undefined || !spectrum) {
    throw new ThroughtimeError(
      'DATA_INVALID',
      `none of the first ${B} sequences has a counted target, so there is nothing to look at; give targets`,
    );
  }
  const norm = (at: number, length: number) => Math.sqrt(backend.sumSquares(parameters.gradient, at, length));
  const norms = Object.fromEntries(parameters.list.map(({ name, at, length }) => [name, norm(at, length)]));
  const gradientNorm = norm(0, parameters.length);
  const { exponents, ...lyapunovOver } = spectrum;
  return {
    loss: value,
    gradientNorm,
    parameters: norms,
    lagProfile: lagProfile(longLagGradients(through, steps, loss)),
    lyapunov: exponents,
    lyapunovOver,
    orthogonality: orthogonality(network),
    over: { sequences: B, steps: T },
  };
}

function screen(
  { loss, gradientNorm, parameters, lagProfile: profile, lyapunov, lyapunovOver, orthogonality: distances, over }: Inspection,
  network: Network,
): string {
  const width = Math.max(...Object.keys(parameters).map((name) => name.length), 'gradient norm'.length);
  const rows = Object.entries(parameters).map(([name, norm]) => `    ${name.padEnd(width)}  ${short(norm)}`);
  const blocks = Object.entries(distances).map(([name, each]) => `    ${name.padEnd(width)}  ${each.map(short).join('  ')}`);
  return [
    '',
    `  ${`${network.L} x ${network.H} ${network.cell.name}`.padEnd(width + 2)}  ${network.parameters.length} parameters, looked at over ${extent(over)}`,
    `  ${'loss'.padEnd(width + 2)}  ${short(loss)}`,
    `  ${'gradient norm'.padEnd(width + 2)}  ${short(gradientNorm)}, of each parameter:`,
    ...rows,
    '',
    '  The gradient through time: log10 of ‖dL_t/ds_{t-k}‖ against the lag k, mean over sequences',
    lagPlot(profile),
    `  Lyapunov exponents, nats per step, over ${extent(lyapunovOver)}:`,
    `    ${lyapunov.slice(0, 6).map(short).join('  ')}${lyapunov.length > 6 ? `  ... (${lyapunov.length})` : ''}`,
    '',
    '  Distance of each recurrent block from orthogonal, ‖WᵀW - I‖:',
    ...blocks,
    '',
  ].join('\n');
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
const extent = ({ sequences, steps }: { sequences: number; steps: number }) =>
  `${counted(steps, 'step')} of ${counted(sequences, 'sequence')}`;
