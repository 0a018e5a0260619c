import type { Samples } from './samples.ts';

/** Shorter sequences, on average, are often alike by chance. */
const leastSteps = 8;
/** Share of the pairs that begin alike, in their first half, which are alike to their end: by chance it is small. */
const leastShare = 0.75;

/**
 * The sequences without those that merely repeat another one, inputs and targets: a case that is there twice is no second case.
 *
 * Sequences of few steps or symbols are alike by chance, and all stay: where there are equal inputs with different targets, or where sequences
 * that begin alike often do not end alike.
 */
export function withoutCopies(samples: Samples, sequences: readonly number[]): readonly number[] {
  const steps = sequences.reduce((sum, n) => sum + samples.starts[n + 1] - samples.starts[n], 0);
  if (steps < leastSteps * sequences.length) return sequences;
  const first = new Map<string, string>();
  const beginnings = new Map<string, number>();
  const kept: number[] = [];
  let halfPairs = 0;
  let pairs = 0;
  const sizes = new Map<string, number>();
  for (const n of sequences) {
    const from = samples.starts[n];
    const past = samples.starts[n + 1];
    const half = inputsKey(samples, from, Math.ceil((from + past) / 2)) + (past - from);
    const alike = beginnings.get(half) ?? 0;
    beginnings.set(half, alike + 1);
    halfPairs += alike;
    const whole = inputsKey(samples, from, past) + (past - from);
    const targets = targetsKey(samples, n);
    const known = first.get(whole);
    if (known === undefined) {
      first.set(whole, targets);
      kept.push(n);
    } else if (known !== targets) return sequences;
    const same = sizes.get(whole) ?? 0;
    sizes.set(whole, same + 1);
    pairs += same;
  }
  return pairs > leastShare * halfPairs ? kept : sequences;
}

/** 64 bits of a list of numbers. */
class Hash {
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;
  readonly #number = new Float64Array(1);
  readonly #bits = new Int32Array(this.#number.buffer);

  add(value: number): void {
    this.#number[0] = value;
    for (const word of this.#bits) {
      this.#low = Math.imul(this.#low ^ word ^ (word >>> 15), 0x01000193);
      this.#high = Math.imul(this.#high ^ word ^ (this.#low >>> 13), 0x85ebca6b);
    }
  }

  get key(): string {
    return `${this.#low} ${this.#high} `;
  }
}

function inputsKey({ input, vectors, symbols }: Samples, from: number, past: number): string {
  const hash = new Hash();
  if (input.kind === 'symbols') for (let s = from; s < past; s++) hash.add(symbols[s]);
  else for (let i = from * input.size; i < past * input.size; i++) hash.add(vectors[i]);
  return hash.key;
}

function targetsKey({ target, classes, values, targetStarts, targetSteps, starts }: Samples, n: number): string {
  const hash = new Hash();
  for (let t = targetStarts[n]; t < targetStarts[n + 1]; t++) {
    hash.add(targetSteps[t]);
    if (target.kind === 'classes') hash.add(classes[t]);
    else for (let o = 0; o < target.size; o++) hash.add(values[t * target.size + o]);
  }
  return hash.key + (starts[n + 1] - starts[n]);
}
