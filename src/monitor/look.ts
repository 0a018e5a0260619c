import { Random, seedFor } from '../compute/random.ts';
import type { Dataset } from '../data/dataset.ts';
import { allocateBatch, type Batch } from '../network/batch.ts';
import type { Loss } from '../network/loss/loss.ts';
import { losses } from '../network/loss/losses.ts';
import type { Network } from '../network/network.ts';
import { passMemory } from '../network/unroll/passMemory.ts';
import { Unrolled } from '../network/unroll/unrolled.ts';
import type { LookSize, Monitor } from './monitor.ts';

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

/** What a look is of. */
export interface LookOptions {
  /** How many sequences, drawn for each look; 16 by default. */
  readonly sequences?: number;
  /** The newest steps of them; 1024 by default. */
  readonly steps?: number;
  /** Probe steps of a sequence: its last counted one and others evenly before it; 4 by default. */
  readonly probes?: number;
  /** Bytes of the backend's memory that a look may take: beyond it there are fewer sequences and steps, 1 at least; 256 MiB by default. */
  readonly bytes?: number;
}

export interface LookShape extends LookSize {
  readonly dataset: Dataset;
  /** That a look takes. */
  readonly bytes: number;
}

/** Where memory lacks, sequences are given up down to so many, then steps, and only then the last of both. */
const fewSequences = 4;
const fewSteps = 64;

/** T and B of the looks at a data set with these monitors: what was asked for, as far as it is there and fits. */
export function lookShape(network: Network, dataset: Dataset, chosen: readonly Monitor[], options: LookOptions = {}): LookShape {
  const { sequences = 16, steps = 1024, probes = 4, bytes: most = 2 ** 28 } = options;
  let T = Math.max(1, Math.min(steps, longestOf(dataset)));
  let B = Math.min(sequences, dataset.count);
  for (;;) {
    const pass = passMemory(network, dataset.target, B);
    const beside = chosen.map((monitor) => monitor.bytes?.({ network, T, B, probes }) ?? 0);
    const bytes = pass.fixed + pass.perStep * T + Math.max(0, ...beside);
    if (bytes <= most || (B === 1 && T === 1)) return { network, dataset, T, B, probes, bytes };
    if (B > fewSequences) B = Math.ceil(B / 2);
    else if (T > fewSteps || B === 1) T = Math.ceil(T / 2);
    else B = Math.ceil(B / 2);
  }
}

/**
 * Looks at sequences of a data set. Which ones depends on `seed` and `update` alone. All that is needed is allocated for the look and
 * given back after it: the network, and a training that goes on, are as before.
 *
 * @param drawn `update`: number of the updates made so far.
 */
export function lookAt<Answer>(
  { network, dataset, T, B, probes }: LookShape,
  { seed, update }: { readonly seed: number; readonly update: number },
  use: (look: Look) => Answer,
): Answer {
  const { backend } = network;
  const sequences = draw(dataset.count, B, new Random(seedFor(seed, 'look', update)));
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
    return use({ batch, loss: losses[dataset.loss], probes, forward, consume });
  } finally {
    backend.release(mark);
  }
}

function longestOf(dataset: Dataset): number {
  let longest = 0;
  for (let i = 0; i < dataset.count; i++) longest = Math.max(longest, dataset.length(i));
  return longest;
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
