import { Random } from '../../src/compute/random.ts';
import { type SequenceShape, SequencesBuilder, StoredSequences } from '../../src/data/storedSequences.ts';

/** Data of known truth: what was drawn, and the losses that the best predictors have, known from how it was drawn. */
export interface Made {
  readonly train: StoredSequences;
  readonly validation: StoredSequences;
  /** Mean losses: of the best constant, of the best predictor that does not see the far inputs, and of the best that sees all. */
  readonly constant: number;
  readonly near: number;
  readonly best: number;
}

/** One sequence: its inputs, and its targets by step. */
export interface Drawn {
  readonly symbols?: readonly number[];
  readonly vectors?: readonly (readonly number[])[];
  readonly targets: readonly { readonly step: number; readonly value: number }[];
}

/** Draws training and validation sequences from streams of their own; one for one. */
export function made(
  shape: SequenceShape,
  { sequences, seed }: { sequences: number; seed: number },
  losses: { constant: number; near: number; best: number },
  draw: (random: Random) => Drawn,
): Made {
  const part = (count: number, stream: number) => {
    const random = new Random(3 * seed + stream);
    const builder = new SequencesBuilder();
    for (let n = 0; n < count; n++) {
      const { symbols = [], vectors = [], targets } = draw(random);
      for (const symbol of symbols) builder.symbols.push(symbol);
      for (const vector of vectors) for (const each of vector) builder.vectors.push(each);
      for (const { step, value } of targets) {
        builder.targetSteps.push(step);
        if (shape.target.kind === 'classes') builder.classes.push(value);
        else builder.values.push(value);
      }
      builder.end(symbols.length + vectors.length);
    }
    return new StoredSequences(shape, builder.take());
  };
  return { train: part(sequences, 0), validation: part(sequences === 1 ? 1 : Math.max(200, Math.round(sequences / 4)), 1), ...losses };
}

export const classesOf = (symbols: number, classes: number): SequenceShape => ({
  input: { kind: 'symbols', size: symbols },
  target: { kind: 'classes', size: classes },
  loss: 'crossEntropy',
});

export const numbersOf = (inputs: number): SequenceShape => ({
  input: { kind: 'vectors', size: inputs },
  target: { kind: 'values', size: 1 },
  loss: 'mse',
});

/** Entropy of a distribution, in nats. */
export const entropy = (...shares: number[]): number => shares.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);

/** A target that is right with probability 1 - noise, and else any of the classes. */
export const noisyEntropy = (classes: number, noise: number): number => {
  const wrong = noise / classes;
  return entropy(1 - noise + wrong, ...Array.from({ length: classes - 1 }, () => wrong));
};
