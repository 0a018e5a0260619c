import type { Backend, Reals } from '../../compute/backend.ts';
import { Random, seedFor } from '../../compute/random.ts';
import { scalarBackend } from '../../compute/scalar/scalar.ts';
import type { Dataset } from '../../data/dataset.ts';
import { allocateBatch, type Batch } from '../../network/batch.ts';

/**
 * Single targets of a data set with the inputs before them, side by side in one batch: N rows, each with one counted target at its last
 * step. What is older than some window can be exchanged between the rows.
 */
export class Probes {
  readonly batch: Batch;
  readonly #own: { readonly vectors: Reals; readonly symbols: Int32Array };

  /** Memory is taken from the backend; `count` targets are drawn evenly over the sequences. */
  constructor(backend: Backend, dataset: Dataset, options: { readonly count: number; readonly steps: number; readonly seed: number }) {
    const drawn = drawProbes(dataset, options);
    const N = drawn.length;
    const T = Math.max(1, ...drawn.map(({ length }) => length));
    this.batch = allocateBatch(backend, dataset.input, dataset.target, T, Math.max(1, N));
    fill(this.batch, dataset, drawn);
    const { vectors, symbols } = this.batch;
    this.#own = { vectors: vectors.slice(), symbols: symbols.slice() };
  }

  /** How many there are. */
  get count(): number {
    return this.batch.counted;
  }

  /** Inputs as they are. */
  restore(): void {
    this.batch.vectors.set(this.#own.vectors);
    this.batch.symbols.set(this.#own.symbols);
  }

  /**
   * Every row keeps its newest `window` inputs; the older ones are those of another row, so many steps before that row's target as they were
   * before this one's. Rows are in the order of their lengths, so that the other one is of about the same length; where it is shorter,
   * its inputs come round again.
   *
   * @param by which other row: so many places on.
   */
  exchange(window: number, by: number): void {
    const { batch } = this;
    const { B, lengths, input } = batch;
    this.restore();
    for (let b = 0; b < B; b++) {
      const other = (b + by) % B;
      const theirs = lengths[other];
      for (let back = window; back < lengths[b]; back++) {
        const to = (lengths[b] - 1 - back) * B + b;
        const from = (theirs - 1 - (back % theirs)) * B + other;
        if (input.kind === 'symbols') batch.symbols[to] = this.#own.symbols[from];
        else for (let i = 0; i < input.size; i++) batch.vectors[to * input.size + i] = this.#own.vectors[from * input.size + i];
      }
    }
  }
}

interface Probe {
  readonly sequence: number;
  /** Steps [end - length, end) are read, and the target at the last of them is counted. */
  readonly end: number;
  readonly length: number;
}

/** Targets, one of each sequence where there are sequences enough, shorter ones first. */
function drawProbes(dataset: Dataset, { count, steps, seed }: { count: number; steps: number; seed: number }): Probe[] {
  const random = new Random(seedFor(seed, 'probes'));
  const perSequence = Math.ceil(count / dataset.count);
  const probes: Probe[] = [];
  for (let i = 0; i < Math.min(count, dataset.count); i++) {
    const sequence = Math.floor((i * dataset.count) / Math.min(count, dataset.count));
    const length = dataset.length(sequence);
    if (length === 0) continue;
    for (let each = 0; each < perSequence && probes.length < count; each++) {
      const end = lastTarget(dataset, sequence, each === 0 && perSequence === 1 ? length : 1 + random.below(length), steps);
      if (end > 0) probes.push({ sequence, end, length: Math.min(steps, end) });
    }
  }
  return probes.sort((a, b) => a.length - b.length);
}

/** One past the step of the last counted target before `end`; of the first one after it, where there is none; 0 where the sequence has none. */
function lastTarget(dataset: Dataset, sequence: number, end: number, steps: number): number {
  const find = (begin: number, past: number): number => {
    const batch = allocateBatch(scalarBackend(), dataset.input, dataset.target, past - begin, 1);
    dataset.copy({ sequences: [sequence], begin, end: past, countFrom: begin, targetsOnly: true }, batch);
    return batch.counted === 0 ? 0 : begin + batch.rows[batch.counted - 1] + 1;
  };
  for (let past = end; past > 0; past -= steps) {
    const found = find(Math.max(0, past - steps), past);
    if (found > 0) return found;
  }
  const length = dataset.length(sequence);
  for (let begin = end; begin < length; begin += steps) {
    const found = find(begin, Math.min(length, begin + steps));
    if (found > 0) return found;
  }
  return 0;
}

function fill(batch: Batch, dataset: Dataset, probes: readonly Probe[]): void {
  const { B, input, target } = batch;
  batch.lengths.fill(0);
  batch.counted = probes.length;
  probes.forEach(({ sequence, end, length }, b) => {
    const one = allocateBatch(scalarBackend(), dataset.input, dataset.target, length, 1);
    dataset.copy({ sequences: [sequence], begin: end - length, end, countFrom: end - 1 }, one);
    batch.lengths[b] = length;
    // Shorter rows come first, so that the rows of the batch ascend.
    batch.rows[b] = (length - 1) * B + b;
    if (target.kind === 'classes') batch.classes[b] = one.classes[0];
    else for (let o = 0; o < target.size; o++) batch.values[b * target.size + o] = one.values[o];
    for (let t = 0; t < length; t++) {
      if (input.kind === 'symbols') batch.symbols[t * B + b] = one.symbols[t];
      else for (let i = 0; i < input.size; i++) batch.vectors[(t * B + b) * input.size + i] = one.vectors[t * input.size + i];
    }
  });
}
