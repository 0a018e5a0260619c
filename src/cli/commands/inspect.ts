import { Command, Option } from 'commander';
import type { Backend } from '../../compute/backend.ts';
import { bytesOf } from '../../compute/bytes.ts';
import type { Dataset, LossName } from '../../data/dataset.ts';
import { sequencesDataset } from '../../data/sequences.ts';
import { ThroughtimeError } from '../../errors.ts';
import { describeLocation } from '../../monitor/nonFinite.ts';
import { losses } from '../../network/loss/losses.ts';
import type { Network } from '../../network/network.ts';
import { replayFailure } from '../../run/failure.ts';
import { toJson } from '../../run/json.ts';
import { openLines, openUnchanged } from '../../run/openData.ts';
import { openWeights } from '../../run/openWeights.ts';
import { RunDirectory } from '../../run/runDirectory.ts';
import { longestOf } from '../../training/batchOrder.ts';
import { describeMemory, type MemoryUse, planWithin, tooSmall } from '../../training/trainingMemory.ts';
import { besideBytes, inspectNetwork } from '../inspection.ts';
import { extent, inspectionScreen } from '../inspectionScreen.ts';
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
  const inspection = inspectNetwork(network, dataset, use.pass);
  process.stdout.write(flags.json ? `${toJson(inspection)}\n` : inspectionScreen(inspection, network));
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
  const needs = { T, B, likeParameters: 1, states: 0, beside: besideBytes(network, B) };
  const use = planWithin(network, dataset, needs, limit);
  if (!use) throw tooSmall(network, dataset, needs, limit, '--memory');
  return use;
}
