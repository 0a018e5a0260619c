import type { Backend } from '../compute/backend.ts';
import { bytesOf } from '../compute/bytes.ts';
import type { LossName } from '../data/dataset.ts';
import type { MissingOption } from '../data/missing.ts';
import { sequencesInputs } from '../data/sequences.ts';
import type { Reading } from '../data/sequencesRules.ts';
import type { Moments } from '../data/standardization.ts';
import { ForecastBuilder } from '../data/tableForecast.ts';
import { ThroughtimeError } from '../errors.ts';
import { predictions } from '../training/predictions.ts';
import { FileSource } from './fileSource.ts';
import { openLines, piecesOf } from './openData.ts';
import { eachTableRow } from './tableFile.ts';
import { smallTask, trainedNetwork } from './trainedNetwork.ts';

/** What a run's network predicts, of which data. */
export interface PredictRequest {
  readonly run: string;
  /** A table with the run's columns, or a sequences file of which `x` alone is read. */
  readonly data: string;
  readonly backend: Backend;
  /** Of a table: a forecast from every row, not from the newest alone. */
  readonly every?: boolean;
  /** Of sequences: at which steps; by default where the run's training data had targets. */
  readonly targets?: Reading;
}

/** One value of a forecast, in the unit of the file. */
export interface ForecastValue {
  /** The newest row that was read, by its timestamp, or counted from 1. */
  readonly origin: string | number;
  /** The row that is forecast, likewise. */
  readonly time: string | number;
  /** How many rows it is after the origin, from 1. */
  readonly ahead: number;
  readonly forecast: number;
}

/** What is predicted for one sequence: of numbers, `y` alone; of classes, the likeliest and the probability of each. */
export interface SequenceAnswer {
  /** In the form of a sequences file: at the last step, or an array with one element for every step. */
  readonly y: unknown;
  readonly p?: unknown;
}

/** Predictions, made one after the other as they are asked for. */
export type PredictionAnswer = { readonly weights: 'best' | 'last' } & (
  | { readonly kind: 'table'; readonly values: Iterable<ForecastValue> }
  | { readonly kind: 'sequences'; readonly values: Iterable<SequenceAnswer> }
);

/**
 * Predicts with the network of a run. The data that it was trained on are not needed.
 *
 * @throws OPTION_INVALID for a run on text, and for an option that has no meaning for the run's data; what reading the data throws.
 */
export async function predictRun(request: PredictRequest): Promise<PredictionAnswer> {
  const { run, data, backend } = request;
  const { directory, network, weights } = await trainedNetwork(run, backend);
  const { experiment, data: description } = directory.record;
  const { unpacked: given } = experiment.data as { unpacked?: number | string };
  const unpacked = given === undefined ? undefined : bytesOf(given);
  if (description.kind === 'text') {
    throw new ThroughtimeError('OPTION_INVALID', `continues a text; use: throughtime generate ${run}`, { file: run });
  }
  if (description.kind === 'table') {
    if (request.targets !== undefined) throw meaningless('--targets', 'a run on a table, whose forecasts are read at the last step', run);
    const { inputs, calendar = [], horizon } = description;
    if (!Array.isArray(inputs) || network.input.size !== inputs.length + 2 * calendar.length || network.O !== horizon) {
      throw new ThroughtimeError('RUN_INVALID', 'has weights that do not fit what run.json says of its data; restore the file', {
        file: run,
      });
    }
    const { time, missing = 'refuse' } = experiment.data as { time?: string; missing?: MissingOption };
    const builder = new ForecastBuilder(description, data, time, missing);
    const source = FileSource.open(data);
    try {
      const columns = { numbers: description.inputs, texts: time === undefined ? [] : [time], missing: missing !== 'refuse' };
      const pieces = () => piecesOf(source, undefined, { unpacked });
      await eachTableRow({ source, pieces, unpacked }, { file: data, ...columns }, (values, texts, line) =>
        builder.add(values, line, texts[0]),
      );
    } finally {
      source.close();
    }
    const { dataset, base, row, time: timeOf } = builder.finish(request.every ?? false);
    const { means, deviations, target } = description;
    const values = forecasts(predictions(network, dataset), (sequence, ahead, output) => ({
      origin: timeOf(sequence, 0) ?? row(sequence),
      time: timeOf(sequence, ahead) ?? row(sequence) + ahead,
      ahead,
      forecast: (output + base(sequence)) * deviations[target] + means[target],
    }));
    return { kind: 'table', weights, values };
  }
  if (request.every) throw meaningless('--every', 'a run on sequences, all of which are predicted', run);
  const { loss, targets } = shapeOf(experiment.data as TaskOrSequences, description);
  const reading = request.targets ?? targets;
  if (reading === undefined) {
    throw new ThroughtimeError('OPTION_INVALID', 'does not say at which steps it was trained; give --targets last or every', { file: run });
  }
  const { means, deviations, targetMeans, targetDeviations } = description.kind === 'sequences' ? description : ({} as Partial<Scales>);
  const moments: Moments | undefined = means && deviations ? { means, deviations } : undefined;
  const expected = { input: network.input, outputSize: network.O };
  const dataset = await sequencesInputs(openLines(data, undefined, { unpacked }), { loss, targets: reading, expected, moments });
  const scale = (output: number, o: number) => (targetMeans && targetDeviations ? output * targetDeviations[o] + targetMeans[o] : output);
  return { kind: 'sequences', weights, values: answers(predictions(network, dataset), loss, reading, scale) };
}

type Scales = { means: number[]; deviations: number[]; targetMeans: number[]; targetDeviations: number[] };
type TaskOrSequences = Parameters<typeof smallTask>[0] | { readonly kind: 'sequences'; readonly loss: LossName };

function shapeOf(data: TaskOrSequences, description: { readonly kind: string; readonly targets?: Reading }) {
  if (data.kind === 'sequences') return { loss: data.loss, targets: description.targets };
  const { loss, arrays } = smallTask(data);
  return { loss, targets: arrays.targetSteps.length > 1 ? ('every' as const) : ('last' as const) };
}

function* forecasts(
  found: ReturnType<typeof predictions>,
  value: (sequence: number, ahead: number, output: number) => ForecastValue,
): Generator<ForecastValue, void> {
  for (const { sequence, outputs } of found) {
    for (const [o, output] of outputs[0].entries()) yield value(sequence, o + 1, output);
  }
}

function* answers(
  found: ReturnType<typeof predictions>,
  loss: LossName,
  reading: Reading,
  scale: (output: number, o: number) => number,
): Generator<SequenceAnswer, void> {
  for (const { outputs } of found) {
    const steps = outputs.map((row) => answer(row, loss, scale));
    const whole = <T>(of: (step: (typeof steps)[number]) => T) => (reading === 'last' ? of(steps[0]) : steps.map(of));
    yield loss === 'crossEntropy' ? { y: whole(({ y }) => y), p: whole(({ p }) => p) } : { y: whole(({ y }) => y) };
  }
}

/** One output in the unit of the data: numbers, or the likeliest class and all probabilities, or the probabilities of binary ones. */
function answer(output: Float64Array, loss: LossName, scale: (output: number, o: number) => number): { y: unknown; p?: number[] } {
  const single = (numbers: number[]) => (numbers.length === 1 ? numbers[0] : numbers);
  if (loss === 'mse') return { y: single(Array.from(output, scale)) };
  if (loss === 'binaryCrossEntropy') return { y: single(Array.from(output, (value) => 1 / (1 + Math.exp(-value)))) };
  const largest = output.reduce((most, value) => Math.max(most, value), -Infinity);
  const weights = Array.from(output, (value) => Math.exp(value - largest));
  const sum = weights.reduce((total, value) => total + value, 0);
  return { y: output.indexOf(largest), p: weights.map((value) => value / sum) };
}

const meaningless = (option: string, what: string, run: string) =>
  new ThroughtimeError('OPTION_INVALID', `${option} has no meaning for ${what}; leave it out`, { file: run });
