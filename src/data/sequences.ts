import type { ByteSize } from '../compute/bytes.ts';
import type { InputShape } from '../network/batch.ts';
import type { DataParts, Dataset, LossName } from './dataset.ts';
import { optionError, refuseOtherFields, switchOption, wholeOption, wordOption } from './options.ts';
import { parseSequences } from './sequencesFile.ts';
import type { Expectation, ParsedSequences, Reading } from './sequencesRules.ts';
import { columnMoments, type Moments, standardize } from './standardization.ts';
import type { StoredSequences } from './storedSequences.ts';

/** A `data` entry of kind `sequences`. */
export interface SequencesOptions {
  readonly kind: 'sequences';
  /** Paths, for whoever opens the files. */
  readonly train?: string;
  readonly validation?: string;
  readonly test?: string;
  readonly loss: LossName;
  /** How arrays of numbers in `y` are read, where their lengths leave it open. */
  readonly targets?: Reading;
  /** O for `crossEntropy`; default: the largest class of the training file, plus 1. */
  readonly classes?: number;
  /** I for symbols; default: the largest symbol of the training file, plus 1. */
  readonly symbols?: number;
  /** Default false. */
  readonly standardize?: boolean;
  /** The most bytes that a compressed file may unpack to, for whoever opens it. */
  readonly unpacked?: ByteSize;
}

/** A sequences file: its name in errors, and its lines. */
export interface SequencesFile {
  readonly file: string;
  readonly lines: AsyncIterable<string> | Iterable<string>;
}

const lossNames: readonly LossName[] = ['crossEntropy', 'mse', 'binaryCrossEntropy'];
const fields = ['kind', 'train', 'validation', 'test', 'loss', 'targets', 'classes', 'symbols', 'standardize', 'unpacked'];

/**
 * Reads the files of a `sequences` entry. The training file alone tells I, O, how `y` is read, which symbols and classes there are, and
 * the means and deviations of a standardisation; the others have to agree with it.
 *
 * @throws EXPERIMENT_INVALID for an option, DATA_INVALID with file, line and field for what a file holds, DATA_TOO_SHORT for an empty one.
 */
export async function sequencesData(sources: {
  readonly train: SequencesFile;
  readonly validation: SequencesFile;
  readonly test?: SequencesFile;
  readonly options: SequencesOptions;
}): Promise<DataParts> {
  const options = checkedOptions(sources.options);
  const { loss, targets, classes, symbols } = options;
  const train = await parseSequences(sources.train.lines, { file: sources.train.file, loss, targets, classes, symbols });
  const kind = train.sequences.input.kind;
  if (symbols !== undefined && kind === 'vectors') {
    throw optionError('symbols', `has no meaning where x holds vectors, as in ${sources.train.file}, got ${symbols}; remove it`);
  }
  const expected = expectationOf(train, sources.train.file, options);
  const others: [SequencesFile, StoredSequences][] = [];
  for (const source of [sources.validation, sources.test]) {
    if (source === undefined) continue;
    const parsed = await parseSequences(source.lines, { file: source.file, loss, classes, symbols, expected });
    others.push([source, parsed.sequences]);
  }
  const moments = options.standardize ? standardizeAll([[sources.train, train.sequences], ...others]) : {};
  return {
    train: train.sequences,
    validation: others[0][1],
    ...(others.length > 1 ? { test: others[1][1] } : {}),
    description: {
      kind: 'sequences',
      targets: train.reading,
      ...(kind === 'symbols' ? { symbols: train.sequences.input.size } : {}),
      ...(loss === 'crossEntropy' ? { classes: train.sequences.target.size } : {}),
      ...moments,
    },
    baselines: [],
  };
}

/**
 * Reads one file for a network that is given: nothing is counted or standardised, everything has to fit.
 *
 * @param options.expected the network's I and O, and who says so, for errors (`the weights have`).
 * @throws SHAPE_MISMATCH where the file does not fit, else as `sequencesData`, with file, line and field.
 */
export async function sequencesDataset(
  source: SequencesFile,
  options: {
    readonly loss: LossName;
    readonly targets?: Reading;
    readonly expected: { readonly inputSize: number; readonly outputSize: number; readonly by?: string };
  },
): Promise<Dataset> {
  const loss = wordOption('loss', options.loss, undefined, lossNames);
  const targets = checkedReading(options.targets);
  const { inputSize, outputSize, by = 'the weights have' } = options.expected;
  const expected: Expectation = { by, code: 'SHAPE_MISMATCH', inputSize, outputSize };
  const parsed = await parseSequences(source.lines, { file: source.file, loss, targets, expected });
  return parsed.sequences;
}

/**
 * Reads the inputs of one file for a network that is given; `y` may stand in it or not, and is not looked at.
 *
 * @param options.targets at which steps outputs are wanted: a target of zeros is counted there.
 * @param options.moments by which inputs are standardised, where the network was trained on such.
 * @throws as `sequencesDataset`.
 */
export async function sequencesInputs(
  source: SequencesFile,
  options: {
    readonly loss: LossName;
    readonly targets: Reading;
    readonly expected: { readonly input: InputShape; readonly outputSize: number };
    readonly moments?: Moments;
  },
): Promise<Dataset> {
  const { loss, targets, moments } = options;
  const { input, outputSize } = options.expected;
  const expected: Expectation = { by: 'the network has', code: 'SHAPE_MISMATCH', inputKind: input.kind, inputSize: input.size, outputSize };
  const { sequences } = await parseSequences(source.lines, { file: source.file, loss, targets, inputsOnly: true, expected });
  const { vectors, starts } = sequences.arrays;
  if (moments && input.kind === 'vectors') standardizeRows(vectors, moments, starts, source.file, 'x');
  return sequences;
}

function checkedOptions(options: SequencesOptions) {
  refuseOtherFields(options, fields, 'data of kind "sequences"');
  const loss = wordOption('loss', options.loss, undefined, lossNames);
  if (options.classes !== undefined && loss !== 'crossEntropy') {
    throw optionError(
      'classes',
      `has no meaning with the loss "${loss}", got ${options.classes}; remove it or set data.loss to "crossEntropy"`,
    );
  }
  return {
    loss,
    targets: checkedReading(options.targets),
    classes: options.classes === undefined ? undefined : wholeOption('classes', options.classes, undefined, 1, 2 ** 24),
    symbols: options.symbols === undefined ? undefined : wholeOption('symbols', options.symbols, undefined, 1, 2 ** 24),
    standardize: switchOption('standardize', options.standardize, false),
  };
}

function checkedReading(targets: Reading | undefined): Reading | undefined {
  return targets === undefined ? undefined : wordOption<Reading>('targets', targets, undefined, ['last', 'every']);
}

function expectationOf(train: ParsedSequences, file: string, options: { classes?: number; symbols?: number }): Expectation {
  const { input, target } = train.sequences;
  return {
    by: `in the training file ${file}`,
    code: 'DATA_INVALID',
    inputKind: input.kind,
    inputSize: input.size,
    outputSize: target.size,
    reading: train.reading,
    symbols: input.kind === 'symbols' && options.symbols === undefined ? train.symbols : undefined,
    classes: target.kind === 'classes' && options.classes === undefined ? train.classes : undefined,
  };
}

/** Standardises inputs, and targets of the loss `mse`, by the first part's means and deviations. */
function standardizeAll(parts: readonly [SequencesFile, StoredSequences][]): {
  means?: number[];
  deviations?: number[];
  targetMeans?: number[];
  targetDeviations?: number[];
} {
  const [, train] = parts[0];
  const inputs = train.input.kind === 'vectors' ? columnMoments(train.arrays.vectors, train.input.size) : undefined;
  const targets = train.loss === 'mse' ? columnMoments(train.arrays.values, train.target.size) : undefined;
  if (inputs === undefined && targets === undefined) {
    throw optionError('standardize', `has no meaning where x holds symbols and the loss is "${train.loss}", got true; remove it`);
  }
  for (const [{ file }, { arrays }] of parts) {
    if (inputs !== undefined) standardizeRows(arrays.vectors, inputs, arrays.starts, file, 'x');
    if (targets !== undefined) standardizeRows(arrays.values, targets, arrays.targetStarts, file, 'y');
  }
  return {
    ...(inputs === undefined ? {} : { means: inputs.means, deviations: inputs.deviations }),
    ...(targets === undefined ? {} : { targetMeans: targets.means, targetDeviations: targets.deviations }),
  };
}

function standardizeRows(values: Float64Array, moments: Moments, starts: Float64Array, file: string, field: 'x' | 'y'): void {
  standardize(values, moments, field === 'x' ? 'input' : 'target', (row) => ({
    file,
    line: starts.findLastIndex((start) => start <= row) + 1,
    field,
  }));
}
