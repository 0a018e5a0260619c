import { Random, seedFor } from '../../compute/random.ts';
import { exchangeTest } from './exchange.ts';
import { dot, fit, subtractFit } from './linear.ts';
import { project } from './outputs.ts';
import type { Past } from './past.ts';
import { type NearModel, type Partial, type Side, type Split, strongestLags } from './split.ts';

/** Numbers depend on it by so much, or so many targets are set by it. */
const strengths = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

/**
 * Plants a dependence on the input at one lag into the targets of both sides, and tests whether it is found given all newer inputs.
 *
 * The cause is what newer inputs do not tell of the input at the lag (which half of its values it is in, or its first number): the
 * residual of a regression on the near columns, or its sign. A strength is a share of what the newest inputs leave open, over all
 * targets, in squares: numbers get so much of their variance from the cause, and a share of sqrt(strength) of the classes or binary targets is
 * set by it. Targets with no input at the lag are left alone.
 */
export class Planting {
  /** Share of the targets that have an input at the lag: no dependence can be stronger. */
  readonly share: number;
  readonly #split: Split;
  readonly #near: NearModel;
  readonly #partial: Partial;
  readonly #lag: number;
  readonly #exchanges: number;
  readonly #causes: readonly [Float64Array, Float64Array];

  constructor(split: Split, lag: number, exchanges: number) {
    const { train, test } = split;
    this.#split = split;
    this.#near = split.near(lag);
    this.#partial = split.partial(this.#near);
    this.#lag = lag;
    this.#exchanges = exchanges;
    const [there, here] = [causeOf(train.past, lag), causeOf(test.past, lag)];
    this.share = there.filter((value) => value !== 0).length / there.length;
    const { columns, d, factor } = this.#near;
    const left = there.slice();
    subtractFit(columns, d, fit(columns, d, left, 1, there.length, factor), left, 1, there.length);
    const tested = here.slice();
    this.#partial.far(tested);
    this.#causes = [standardized(left, there), standardized(tested, here)];
  }

  /** Whether there is something to depend on, and something that newer inputs leave open. */
  get possible(): boolean {
    const { residual } = this.#near;
    const targets = this.#split.trainTargets;
    const open = dot(residual, 0, residual, 0, residual.length) > 1e-12 * dot(targets, 0, targets, 0, targets.length);
    return open && this.#causes.every((cause) => cause.some((value) => value !== 0));
  }

  /** The p-value of the test for a planted dependence. */
  pValue(strength: number): number {
    const { train, test, projection, O, seed } = this.#split;
    const near = this.#near;
    const n = train.rows.count;
    const local = Math.min(0.95, strength / this.share);
    const trained = this.#plant(train, local, 0);
    const tested = this.#plant(test, local, 1);
    const residual = project(projection, trained, n);
    const coefficients = fit(near.columns, near.d, residual, O, n, near.factor);
    subtractFit(near.columns, near.d, coefficients, residual, O, n);
    const scan = train.past.scan(residual, O, this.#lag, train.past.W);
    const best = new Set(strongestLags(scan, 1));
    const single = new Float64Array(O * test.rows.count);
    const several = new Float64Array(O * test.rows.count);
    test.past.apply(scan, O, (lag) => (best.has(lag) ? 1 : 0), single);
    test.past.apply(scan, O, (lag) => (scan.strength[lag - scan.from] > 2.5 ? 1 : 0), several);
    const left = this.#partial.residual(project(projection, tested, test.rows.count));
    for (const far of [single, several]) this.#partial.far(far);
    const random = new Random(seedFor(seed, 'plantedExchange', this.#lag));
    return exchangeTest(left, [single, several], O, test.rows.units, test.rows.perUnit, this.#exchanges, random).pValue;
  }

  /** [O, n] targets that depend on the input of the lag. */
  #plant({ outputs, rows }: Side, local: number, side: 0 | 1): Float64Array {
    const { size: O, loss } = outputs;
    const n = rows.count;
    const cause = this.#causes[side];
    const planted = outputs.full.slice();
    if (loss === 'mse') {
      const residual = this.#near.residual;
      const level = Math.sqrt(dot(residual, 0, residual, 0, residual.length) / residual.length);
      const factor = Math.sqrt(local / (1 - local)) * level;
      for (let o = 0; o < O; o++) for (let r = 0; r < n; r++) planted[o * n + r] += factor * cause[r];
      return planted;
    }
    const random = new Random(seedFor(this.#split.seed, 'planted', 2 * this.#lag + side));
    const chance = Math.sqrt(local);
    for (let r = 0; r < n; r++) {
      if (cause[r] === 0 || random.uniform() >= chance) continue;
      for (let o = 0; o < O; o++) {
        const high = loss === 'crossEntropy' ? o === (cause[r] > 0 ? 1 : 0) % O : cause[r] > 0 === (o % 2 === 0);
        planted[o * n + r] = high ? 1 : 0;
      }
    }
    return planted;
  }
}

/** [n] which half of its values the input at the lag is in, or its first number; 0 where there is none. */
function causeOf(past: Past, lag: number): Float64Array {
  const column = new Float64Array(past.n);
  if (past.codes > 0) {
    column.fill(1);
    past.multiplySign(0, lag, column);
  } else past.addLag(0, lag, column);
  return column;
}

/** To deviation 1 over the rows that have a cause, and 0 elsewhere. */
function standardized(column: Float64Array, cause: Float64Array): Float64Array {
  let squares = 0;
  let there = 0;
  for (let r = 0; r < column.length; r++) {
    if (cause[r] === 0) continue;
    squares += column[r] ** 2;
    there++;
  }
  const scale = squares > 0 ? Math.sqrt(there / squares) : 0;
  return column.map((value, r) => (cause[r] === 0 ? 0 : value * scale));
}

/** The weakest of the strengths that is found, and the next weaker one that is not; begun at `wanted`, and none above `most`. */
export function weakestFound(
  found: (strength: number) => boolean,
  wanted: number,
  most: number,
): { found: number | null; missed: number | null } {
  const possible = [...new Set([...strengths.filter((strength) => strength < 0.9 * most), wanted])].sort((a, b) => a - b);
  let at = possible.indexOf(wanted);
  if (found(possible[at])) {
    while (at > 0 && found(possible[at - 1])) at--;
    return { found: possible[at], missed: at > 0 ? possible[at - 1] : null };
  }
  while (at + 1 < possible.length) {
    at++;
    if (found(possible[at])) return { found: possible[at], missed: possible[at - 1] };
  }
  return { found: null, missed: possible[possible.length - 1] };
}
