import type { Batch } from '../../network/batch.ts';
import type { Loss } from '../../network/loss/loss.ts';
import type { Unrolled } from '../../network/unroll/unrolled.ts';
import type { Probes } from './probes.ts';
import { rowLosses } from './rowLosses.ts';

/** What a network loses when it is given wrong inputs beyond a window. */
export interface UsagePoint {
  /** Newest inputs that were left as they are. */
  readonly window: number;
  /** Mean over targets of the loss with the older inputs of another sequence, minus the loss with its own. */
  readonly gain: number;
  /** Standard error of that mean. */
  readonly error: number;
}

/** How much of its input a network uses: what it loses where older inputs are exchanged. */
export interface Usage {
  readonly points: readonly UsagePoint[];
  /** Mean loss over the targets with their own inputs, and its standard error. */
  readonly loss: number;
  readonly error: number;
  readonly targets: number;
  /** Inputs that a target has, at most. */
  readonly steps: number;
}

/** Rows between one that is exchanged and the one that its older inputs come from; a mean over these. */
const donors = [1, 7];

/**
 * Which inputs a network uses: for each window, how much the loss of single targets rises when everything older is exchanged between
 * sequences. Paired, so that it does not matter how well the network does. Above 0, the network draws on inputs beyond the
 * window; what it was not shown to lose, it does not use.
 *
 * One forward pass for each window and donor; once it is late, the windows that are left are left out. Windows of the longest row or more change nothing and are left out.
 */
export function* usagePieces(
  unrolled: Unrolled,
  probes: Probes,
  loss: Loss,
  windows: readonly number[],
  late: () => boolean = () => false,
): Generator<undefined, Usage> {
  const { batch } = probes;
  probes.restore();
  const own = lossesOf(unrolled, batch, loss);
  yield;
  const points: UsagePoint[] = [];
  for (const window of windows) {
    if (window >= batch.T) continue;
    if (late()) break;
    const differences = new Float64Array(own.length);
    for (const by of donors) {
      probes.exchange(window, by % Math.max(1, batch.B));
      const exchanged = lossesOf(unrolled, batch, loss);
      for (let r = 0; r < own.length; r++) differences[r] += (exchanged[r] - own[r]) / donors.length;
      yield;
    }
    const { mean, error } = momentsOf(differences);
    points.push({ window, gain: mean, error });
  }
  const { mean, error } = momentsOf(own);
  return { points, loss: mean, error, targets: own.length, steps: batch.T };
}

/** Each counted target's own loss, in a pass of its own. */
function lossesOf(unrolled: Unrolled, batch: Batch, loss: Loss): Float64Array {
  unrolled.reset();
  unrolled.forward(batch);
  return rowLosses(unrolled, batch, loss);
}

function momentsOf(values: Float64Array): { mean: number; error: number } {
  const n = values.length;
  let mean = 0;
  for (const value of values) mean += value / n;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return { mean, error: Math.sqrt(squares / Math.max(1, n - 1) / n) };
}
