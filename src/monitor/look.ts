import { Random, seedFor } from '../compute/random.ts';
import type { Dataset } from '../data/dataset.ts';
import { allocateBatch, type Batch } from '../network/batch.ts';
import type { Loss } from '../network/loss/loss.ts';
import { losses } from '../network/loss/losses.ts';
import type { Network } from '../network/network.ts';
import { Unrolled } from '../network/unroll/unrolled.ts';

/** What monitors look at: some sequences, run forward from a state of zeros, without dropout. */
export interface Look {
  readonly batch: Batch;
  readonly loss: Loss;
  /** At most so many probe steps of a sequence. */
  readonly probes: number;
  /** The unrolled network, which has run the batch forward with all its targets. */
  forward(): Unrolled;
  /** To be called by whoever writes over the memory of the forward pass, or takes targets out of the batch. */
  consume(): void;
}

export interface LookOptions {
  /** How many sequences, drawn for each look; 16 by default. */
  readonly sequences: number;
  /** The newest steps of them; 1024 by default. */
  readonly steps: number;
  /** Probe steps of a sequence: its last counted one and others evenly before it; 4 by default. */
  readonly probes: number;
  readonly seed: number;
}

export const lookDefaults = { sequences: 16, steps: 1024, probes: 4, seed: 0 } as const satisfies LookOptions;

/** Numbers that the gates of a look may fill (128 MiB of float32): beyond it there are fewer sequences, 4 at least, and then fewer steps. */
const mostNumbers = 2 ** 25;

/** T and B of the looks at a data set: what was asked for, as far as it is there and fits. */
export function lookShape(network: Network, dataset: Dataset, { sequences, steps, probes }: LookOptions) {
  const perStep = network.L * network.cell.gates * network.H;
  let longest = 0;
  for (let i = 0; i < dataset.count; i++) longest = Math.max(longest, dataset.length(i));
  let T = Math.min(longest, steps);
  const B = Math.max(Math.min(4, sequences, dataset.count), Math.min(sequences, dataset.count, Math.floor(mostNumbers / (T * perStep))));
  T = Math.max(1, Math.min(T, Math.floor(mostNumbers / (B * perStep))));
  return { network, T, B, probes };
}

/**
 * Looks at sequences of a data set. Which ones depends on the seed and on `update` alone. All that is needed is allocated for the look and
 * given back after it: the network, and a training that goes on, are as before.
 *
 * @param update number of the updates made so far.
 */
export function lookAt<Answer>(
  network: Network,
  dataset: Dataset,
  update: number,
  options: LookOptions,
  use: (look: Look) => Answer,
): Answer {
  const { backend } = network;
  const { T, B } = lookShape(network, dataset, options);
  const sequences = draw(dataset.count, B, new Random(seedFor(options.seed, 'look', update)));
  let longest = 0;
  for (const sequence of sequences) longest = Math.max(longest, dataset.length(sequence));
  const window = { sequences, begin: Math.max(0, longest - T), end: longest, countFrom: 0 };
  const mark = backend.mark();
  try {
    const unrolled = new Unrolled(network, T, B);
    const batch = allocateBatch(backend, dataset.input, dataset.target, T, B);
    let fresh = false;
    const forward = () => {
      if (fresh) return unrolled;
      dataset.copy(window, batch);
      unrolled.reset();
      unrolled.forward(batch);
      fresh = true;
      return unrolled;
    };
    forward();
    const consume = () => {
      fresh = false;
    };
    return use({ batch, loss: losses[dataset.loss], probes: options.probes, forward, consume });
  } finally {
    backend.release(mark);
  }
}

/** `size` different numbers below `count`, ascending (Floyd's method; Bentley & Floyd 1987). */
function draw(count: number, size: number, random: Random): Int32Array {
  const drawn = new Set<number>();
  for (let last = count - size; last < count; last++) {
    const candidate = random.below(last + 1);
    drawn.add(drawn.has(candidate) ? last : candidate);
  }
  return Int32Array.from(drawn).sort();
}
