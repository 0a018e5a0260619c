import type { Random } from '../../compute/random.ts';

export interface Exchanged {
  /** Of the largest statistic over the learners. */
  readonly pValue: number;
  /** The largest statistic, and whose it is. */
  readonly statistic: number;
  readonly learner: number;
  readonly exchanges: number;
}

/** A test that is clearly not significant ends when so many exchanges were at least as extreme. */
const enough = 20;

/**
 * Whether far predictions go with residuals more than those of other units would: the test by exchange.
 *
 * With r the residual and f the far prediction of a learner, G_uv = sum of r over the rows of unit u times f over the same rows of unit v. The
 * statistic is S = sum_u G_uu / sqrt(sum_u G_uu²), the largest over the learners; for an exchange pi of the far pasts between units, G_u,pi(u)
 * takes the place of G_uu. The p-value is the share of exchanges, the identity among them, whose S is at least as large. It is exact where
 * far pasts may be exchanged given what is near (independent inputs), whatever the learners are and however heavy the tails;
 * because S is divided by its own scale, it holds in the limit also where the spread of r and f goes together.
 *
 * Source: Chung & Romano 2013, "Exact and asymptotically robust permutation tests", section 2 (studentised statistic);
 * Westfall & Young 1993, section 2.3 (the largest of several).
 *
 * @param residual [O, n] with the rows of unit u at u * perUnit.
 * @param far [O, n] for each learner.
 * @param exchanges how many at most.
 */
export function exchangeTest(
  residual: Float64Array,
  far: readonly Float64Array[],
  O: number,
  units: number,
  perUnit: number,
  exchanges: number,
  random: Random,
): Exchanged {
  const matrices = far.map((each) => unitProducts(residual, each, O, units, perUnit));
  const order = Int32Array.from({ length: units }, (_, u) => u);
  const scores = matrices.map((matrix) => score(matrix, order, units));
  const statistic = Math.max(...scores);
  const learner = scores.indexOf(statistic);
  if (!(statistic > 0)) return { pValue: 1, statistic: 0, learner, exchanges: 0 };
  let extreme = 0;
  let done = 0;
  const bound = statistic * (1 - 1e-12);
  while (done < exchanges && extreme < enough) {
    random.shuffle(order);
    done++;
    if (matrices.some((matrix) => score(matrix, order, units) >= bound)) extreme++;
  }
  return { pValue: (1 + extreme) / (1 + done), statistic, learner, exchanges: done };
}

function unitProducts(residual: Float64Array, far: Float64Array, O: number, units: number, perUnit: number): Float64Array {
  const n = units * perUnit;
  const out = new Float64Array(units * units);
  for (let u = 0; u < units; u++) {
    for (let v = 0; v < units; v++) {
      let sum = 0;
      for (let o = 0; o < O; o++) {
        const a = o * n + u * perUnit;
        const b = o * n + v * perUnit;
        for (let j = 0; j < perUnit; j++) sum += residual[a + j] * far[b + j];
      }
      out[u * units + v] = sum;
    }
  }
  return out;
}

function score(matrix: Float64Array, order: Int32Array, units: number): number {
  let sum = 0;
  let squares = 0;
  for (let u = 0; u < units; u++) {
    const value = matrix[u * units + order[u]];
    sum += value;
    squares += value * value;
  }
  return squares > 0 ? sum / Math.sqrt(squares) : 0;
}
