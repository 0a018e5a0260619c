import type { Random } from '../../src/compute/random.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { SequencesBuilder, StoredSequences } from '../../src/data/storedSequences.ts';

/** One sequence: inputs (numbers, vectors or symbols), and targets at some of its steps. */
export interface MadeSequence {
  readonly x: readonly (number | readonly number[])[];
  readonly y: readonly (number | readonly number[])[];
  /** Steps of the targets, ascending. */
  readonly steps: readonly number[];
}

export interface MadeShape {
  /** Symbols, or numbers per step. */
  readonly symbols?: number;
  readonly inputs?: number;
  /** Classes, or numbers per target (of `mse`, or 0 and 1 of `binaryCrossEntropy`). */
  readonly classes?: number;
  readonly outputs?: number;
  readonly binary?: boolean;
}

/** A data set of made sequences. */
export function made(count: number, shape: MadeShape, make: (n: number) => MadeSequence): Dataset {
  const builder = new SequencesBuilder();
  for (let n = 0; n < count; n++) {
    const { x, y, steps } = make(n);
    for (const step of x) for (const value of [step].flat()) (shape.symbols ? builder.symbols : builder.vectors).push(value);
    y.forEach((target, i) => {
      builder.targetSteps.push(steps[i]);
      for (const value of [target].flat()) (shape.classes ? builder.classes : builder.values).push(value);
    });
    builder.end(x.length);
  }
  return new StoredSequences(
    {
      input: shape.symbols ? { kind: 'symbols', size: shape.symbols } : { kind: 'vectors', size: shape.inputs ?? 1 },
      target: shape.classes ? { kind: 'classes', size: shape.classes } : { kind: 'values', size: shape.outputs ?? 1 },
      loss: shape.classes ? 'crossEntropy' : shape.binary ? 'binaryCrossEntropy' : 'mse',
    },
    builder.take(),
  );
}

/** The whole numbers below n. */
export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Next-step prediction of a process, at every step or at the last one. */
export function nextStep(count: number, T: number, every: boolean, process: (length: number) => number[], shape: MadeShape = {}): Dataset {
  return made(count, shape, () => {
    const z = process(T + 1);
    const steps = every ? upTo(T) : [T - 1];
    return { x: z.slice(0, T), y: steps.map((t) => z[t + 1]), steps };
  });
}

/** The last values of z_t = next(z), after a beginning that is thrown away. */
export function settled(length: number, first: readonly number[], next: (z: readonly number[]) => number): number[] {
  const z = [...first];
  for (let t = 0; t < length + 400; t++) z.push(next(z));
  return z.slice(-length);
}

/** An autoregression with coefficients of the newest values first. */
export const autoregression = (random: Random, coefficients: readonly number[]) => (length: number) =>
  settled(
    length,
    coefficients.map(() => 0),
    (z) => coefficients.reduce((sum, c, i) => sum + c * z[z.length - 1 - i], random.normal()),
  );

/** A chain of symbols whose next one depends on the newest `order`, with probabilities drawn at random. */
export function chain(random: Random, order: number, symbols: number): (length: number) => number[] {
  const table = upTo(symbols ** order).map(() => {
    const weights = upTo(symbols).map(() => Math.log(1 - random.uniform()) ** 2);
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((weight) => weight / sum);
  });
  return (length) =>
    settled(
      length,
      upTo(order).map(() => random.below(symbols)),
      (z) => {
        let row = 0;
        for (let k = 1; k <= order; k++) row = row * symbols + z[z.length - k];
        let left = random.uniform();
        let symbol = 0;
        while (symbol < symbols - 1 && left >= table[row][symbol]) left -= table[row][symbol++];
        return symbol;
      },
    );
}
