import { scalarBackend } from '../../compute/scalar/scalar.ts';
import type { Dataset } from '../../data/dataset.ts';
import { type SequenceArrays, type SequenceShape, SequencesBuilder, StoredSequences } from '../../data/storedSequences.ts';
import { ThroughtimeError } from '../../errors.ts';
import { allocateBatch, type Batch } from '../../network/batch.ts';

/** Sequences in flat arrays, and how far back a target may look. */
export interface Samples extends SequenceShape, SequenceArrays {
  readonly count: number;
  /** How many steps of the longest sequence, or of a window where sequences were windows of one stream. */
  readonly longest: number;
  /** Whether the sequences were overlapping windows of one stream, which has been put together again. */
  readonly windows: boolean;
}

/** Steps in all that are read; what lies beyond is not looked at. */
const mostSteps = 2 ** 23;
const mostNumbers = 2 ** 26;

/**
 * Reads a data set, or the beginning of a very large one, into flat arrays. Where each sequence is the one before moved on by a step or
 * a few (windows of a table), the stream that they are windows of is put together again, because such sequences are no independent cases.
 *
 * @throws DATA_INVALID where an input or target is not finite, naming sequence and step.
 */
export function* samplesOf(dataset: Dataset): Generator<void, Samples> {
  const { input, target, loss } = dataset;
  const T = dataset.count > 0 ? dataset.length(0) : 0;
  const step = yield* stepOfWindows(dataset, T);
  if (step === 0 && dataset instanceof StoredSequences && dataset.arrays.starts[dataset.count] <= mostSteps) {
    const arrays = dataset.arrays;
    checkFinite(arrays, input.size, target.size);
    yield;
    return { input, target, loss, ...arrays, count: dataset.count, longest: longestOf(arrays.starts), windows: false };
  }
  const windows = step > 0;
  const arrays = windows ? yield* readWindows(dataset, T, step) : yield* readSequences(dataset);
  checkFinite(arrays, input.size, target.size);
  return { input, target, loss, ...arrays, count: arrays.starts.length - 1, longest: windows ? T : longestOf(arrays.starts), windows };
}

function longestOf(starts: Float64Array): number {
  let longest = 0;
  for (let n = 0; n + 1 < starts.length; n++) longest = Math.max(longest, starts[n + 1] - starts[n]);
  return longest;
}

function checkFinite({ starts, vectors, values, targetStarts, targetSteps }: SequenceArrays, I: number, O: number): void {
  const at = vectors.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) {
    const row = Math.floor(at / I);
    const sequence = starts.findLastIndex((start) => start <= row);
    throw notFinite(`input ${at % I} of step ${row - starts[sequence]} of sequence ${sequence}`, vectors[at]);
  }
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return;
  const row = Math.floor(wrong / O);
  const sequence = targetStarts.findLastIndex((start) => start <= row);
  throw notFinite(`target ${wrong % O} at step ${targetSteps[row]} of sequence ${sequence}`, values[wrong]);
}

/** @throws DATA_INVALID where there is no target, or all are the same: there is nothing to predict. */
export function checkTargets({ target, classes, values, targetSteps }: Samples): void {
  const M = targetSteps.length;
  if (M === 0) {
    throw new ThroughtimeError('DATA_INVALID', 'no sequence has a counted target, so there is nothing to predict; give targets');
  }
  const O = target.kind === 'classes' ? 1 : target.size;
  const told = target.kind === 'classes' ? classes : values;
  for (let i = O; i < M * O; i++) if (told[i] !== told[i % O]) return;
  const same = target.kind === 'classes' ? `of class ${told[0]}` : Array.from({ length: O }, (_, o) => told[o]).join(', ');
  throw new ThroughtimeError(
    'DATA_INVALID',
    `all ${M} counted targets are ${same}, so there is nothing that an input could help to predict; give targets that differ`,
  );
}

function notFinite(what: string, value: number): ThroughtimeError {
  return new ThroughtimeError(
    'DATA_INVALID',
    `${what} is ${value}, and a test of the data needs finite numbers; correct or remove the sequence`,
  );
}

/** Steps read at a time. */
const pieceSteps = 2 ** 16;

/**
 * By how many steps each sequence is the one before moved on, at most half its length; 0 where it is not. Looks at 64 pairs of neighbours, spread
 * over the data set: by chance, none would agree.
 */
function* stepOfWindows(dataset: Dataset, T: number): Generator<void, number> {
  if (dataset.count < 3 || T < 2) return 0;
  const pair = allocateBatch(scalarBackend(), dataset.input, dataset.target, T, 2);
  const stride = Math.max(1, Math.floor((dataset.count - 1) / 64));
  let possible = Array.from({ length: Math.floor(T / 2) }, (_, i) => i + 1);
  let varied = false;
  for (let n = 0; n + 1 < dataset.count && possible.length > 0; n += stride) {
    if (dataset.length(n) !== T || dataset.length(n + 1) !== T) return 0;
    dataset.copy({ sequences: [n, n + 1], begin: 0, end: T, countFrom: 0 }, pair);
    possible = possible.filter((step) => {
      for (let t = 0; t + step < T; t++) if (!sameInput(pair, 2 * (t + step), 2 * t + 1)) return false;
      return true;
    });
    for (let t = 0; t < T && !varied; t++) varied = !sameInput(pair, 2 * t, 2 * t + 1);
    if (n % 16 === 0) yield;
  }
  return varied && possible.length > 0 ? possible[0] : 0;
}

/** Whether two places of a batch, t * B + b each, hold the same input. */
function sameInput({ input, vectors, symbols }: Batch, one: number, other: number): boolean {
  if (input.kind === 'symbols') return symbols[one] === symbols[other];
  for (let i = 0; i < input.size; i++) if (vectors[one * input.size + i] !== vectors[other * input.size + i]) return false;
  return true;
}

function* readWindows(dataset: Dataset, T: number, step: number): Generator<void, SequenceArrays> {
  const builder = new SequencesBuilder();
  const count = Math.min(dataset.count, Math.floor((Math.floor(mostNumbers / dataset.input.size) - T) / step));
  const B = Math.max(1, Math.floor(pieceSteps / T));
  const batch = allocateBatch(scalarBackend(), dataset.input, dataset.target, T, B);
  for (let first = 0; first < count; first += B) {
    const sequences = Array.from({ length: Math.min(B, count - first) }, (_, b) => first + b);
    dataset.copy({ sequences, begin: 0, end: T, countFrom: 0 }, batch);
    if (first === 0) for (let t = 0; t + step < T; t++) appendInput(batch, t * batch.B, builder);
    for (let b = 0; b < batch.B; b++) {
      for (let t = T - step; t < T; t++) appendInput(batch, t * batch.B + b, builder);
    }
    // What is older than a window's newest steps is in the window before; in the order of the stream.
    const counted: { r: number; at: number }[] = [];
    for (let r = 0; r < batch.counted; r++) {
      const t = Math.floor(batch.rows[r] / batch.B);
      if (t >= T - step) counted.push({ r, at: (first + (batch.rows[r] % batch.B)) * step + t });
    }
    for (const { r, at } of counted.sort((a, b) => a.at - b.at)) appendTarget(batch, r, at, builder);
    yield;
  }
  builder.end((count - 1) * step + T);
  return builder.take();
}

function* readSequences(dataset: Dataset): Generator<void, SequenceArrays> {
  const builder = new SequencesBuilder();
  const wide = dataset.input.kind === 'vectors' ? dataset.input.size : 1;
  const most = Math.min(mostSteps, Math.floor(mostNumbers / wide));
  const share = Math.floor(most / Math.max(1, Math.min(dataset.count, 64)));
  let batch: Batch | undefined;
  for (let n = 0; n < dataset.count && builder.steps < most; n++) {
    // Of a few very long streams, each is read as far as its share goes.
    const T = Math.min(dataset.length(n), Math.max(share, most - builder.steps > dataset.length(n) ? dataset.length(n) : share));
    for (let begin = 0; begin < T; begin += pieceSteps) {
      const end = Math.min(T, begin + pieceSteps);
      if (batch === undefined || batch.capacity < end - begin) {
        batch = allocateBatch(scalarBackend(), dataset.input, dataset.target, end - begin, 1);
      }
      dataset.copy({ sequences: [n], begin, end, countFrom: begin }, batch);
      for (let t = 0; t < end - begin; t++) appendInput(batch, t, builder);
      for (let r = 0; r < batch.counted; r++) appendTarget(batch, r, begin + batch.rows[r], builder);
    }
    builder.end(T);
    if (n % 64 === 0) yield;
  }
  return builder.take();
}

function appendInput({ input, vectors, symbols }: Batch, at: number, builder: SequencesBuilder): void {
  if (input.kind === 'symbols') builder.symbols.push(symbols[at]);
  else for (let i = 0; i < input.size; i++) builder.vectors.push(vectors[at * input.size + i]);
}

function appendTarget({ target, classes, values }: Batch, r: number, step: number, builder: SequencesBuilder): void {
  builder.targetSteps.push(step);
  if (target.kind === 'classes') builder.classes.push(classes[r]);
  else for (let o = 0; o < target.size; o++) builder.values.push(values[r * target.size + o]);
}
