import type { Reals } from '../compute/backend.ts';
import type { Batch } from '../network/batch.ts';
import { Linearization, linearizationBytes } from '../network/unroll/linearization.ts';
import type { Unrolled } from '../network/unroll/unrolled.ts';
import { type Monitor, plain } from './monitor.ts';
import { quantile } from './quantile.ts';

/** How long the units of one state of one layer hold what is in them by themselves, in steps. */
export interface HalfLife {
  readonly layer: number;
  /** `c` of an LSTM, `h` of a GRU. */
  readonly state: string;
  /** 10th, 50th and 90th percentile over units, and the longest. */
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
  readonly longest: number;
}

/**
 * Half-lives of what a unit keeps around the recurrent matrix: with the factor f_t = ds_t[j]/ds_{t-1}[j] of unit j (the forget gate of an
 * LSTM, the update gate z of a GRU),
 *
 *     half-life = ln 2 / -mean(ln |f_t|)
 *
 * (for the two states of an LRU, which turn into each other, f_t = |lambda|), the mean over steps and sequences; 0 where a factor is 0,
 * infinite from a mean of 0 on. A gate at sigmoid(b) for all time has ln 2 / ln(1 + e^-b): 2.2 steps at b = 1, 103 at b = 5. In a dilated layer,
 * whose cell reads the states of lag steps before, it is lag times that. States without such a factor (h of a plain network and of an LSTM) are
 * not listed.
 *
 * Steps beyond a sequence's end do not count. Costs S backward steps of the cell for each step, and no product.
 */
export function halfLives(unrolled: Unrolled, batch: Batch): HalfLife[] {
  const { network, layers } = unrolled;
  const { backend, cell, H } = network;
  const { T, B, lengths } = batch;
  const S = cell.states.length;
  const mark = backend.mark();
  const linearization = new Linearization(network, B);
  const found: HalfLife[] = [];
  for (const [layer, recurrent] of layers.entries()) {
    const sums = cell.states.map(() => new Float64Array(H));
    const any = cell.states.map(() => false);
    let count = 0;
    for (let t = 0; t < T; t++) {
      linearization.take(recurrent, t);
      for (let b = 0; b < B; b++) {
        if (t >= lengths[b]) continue;
        count++;
        for (const [a, sum] of sums.entries()) {
          for (let j = 0; j < H; j++) {
            const factor = factorOf(linearization.direct, S, a, B * H, b * H + j);
            if (factor !== 0) any[a] = true;
            sum[j] += Math.log(factor);
          }
        }
      }
    }
    for (const [a, state] of cell.states.entries()) {
      if (!any[a]) continue;
      const lives = Array.from(sums[a], (sum) =>
        sum < 0 ? (recurrent.recurrentLag * Math.LN2 * count) / -sum : Number.isNaN(sum) ? sum : Infinity,
      );
      lives.sort((x, y) => x - y);
      const [p10, p50, p90] = [0.1, 0.5, 0.9].map((q) => quantile(lives, q));
      found.push({ layer, state, p10, p50, p90, longest: lives[lives.length - 1] });
    }
  }
  backend.release(mark);
  return found;
}

/** What a state of one unit is multiplied by; a pair of states that turn into each other has sqrt|det| of their block, the modulus of its eigenvalues. */
function factorOf(direct: Reals, S: number, a: number, size: number, unit: number): number {
  const by = (from: number, to: number) => direct[(from * S + to) * size + unit];
  for (let c = 0; c < S; c++) {
    const turning = c === a ? 0 : by(a, c) * by(c, a);
    if (turning !== 0) return Math.sqrt(Math.abs(by(a, a) * by(c, c) - turning));
  }
  return Math.abs(by(a, a));
}

export const halfLifeMonitor: Monitor<HalfLife[]> = {
  name: 'half-life',
  measures: 'steps in which what a unit keeps by itself falls to a half',
  work: ({ network: { L, H, cell }, T, B }) => plain * L * T * B * H * cell.states.length * (cell.gates + 2),
  bytes: ({ network, B }) => linearizationBytes(network, B),
  measure: (look) => halfLives(look.forward(), look.batch),
};
