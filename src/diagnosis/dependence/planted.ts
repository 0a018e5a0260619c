import { Random, seedFor } from '../../compute/random.ts';
import { exchangeTest } from './exchange.ts';
import { dot, fit, subtractFit } from './linear.ts';
import { project } from './outputs.ts';
import { type NearModel, type Partial, type Side, type Split, strongestLags } from './split.ts';

/** Numbers depend on it by so much, or so many targets are set by it. */
const strengths = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

/** Plants a dependence on the input at one lag into the targets of both sides, and tests whether it is found given all newer inputs. */
export class Planting {
  readonly #split: Split;
  readonly #near: NearModel;
  readonly #partial: Partial;
  readonly #lag: number;
  readonly #exchanges: number;

  constructor(split: Split, lag: number, exchanges: number) {
    this.#split = split;
    this.#near = split.near(lag);
    this.#partial = split.partial(this.#near);
    this.#lag = lag;
    this.#exchanges = exchanges;
  }

  /** The p-value of the test for a planted dependence. */
  pValue(strength: number): number {
    const { train, test, projection, O, seed } = this.#split;
    const near = this.#near;
    const n = train.rows.count;
    const trained = this.#plant(train, strength, 0);
    const tested = this.#plant(test, strength, 1);
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
  #plant({ past, outputs, rows }: Side, strength: number, side: number): Float64Array {
    const { size: O, loss } = outputs;
    const n = rows.count;
    const cause = this.#cause(past);
    const planted = outputs.full.slice();
    if (loss === 'mse') {
      const residual = this.#near.residual;
      const level = Math.sqrt(dot(residual, 0, residual, 0, residual.length) / residual.length);
      const factor = Math.sqrt(strength / (1 - strength)) * level;
      for (let o = 0; o < O; o++) for (let r = 0; r < n; r++) planted[o * n + r] += factor * cause[r];
      return planted;
    }
    const random = new Random(seedFor(this.#split.seed, 'planted', 2 * this.#lag + side));
    for (let r = 0; r < n; r++) {
      if (cause[r] === 0 || random.uniform() >= strength) continue;
      for (let o = 0; o < O; o++) {
        const high = loss === 'crossEntropy' ? o === (cause[r] > 0 ? 1 : 0) % O : cause[r] > 0 === (o % 2 === 0);
        planted[o * n + r] = high ? 1 : 0;
      }
    }
    return planted;
  }

  /** What the target is made to depend on: which half of its values the input at the lag is in, or its first varying number. */
  #cause(past: Side['past']): Float64Array {
    const column = new Float64Array(past.n);
    if (past.codes > 0) {
      column.fill(1);
      past.multiplySign(0, this.#lag, column);
      return column;
    }
    past.addLag(0, this.#lag, column);
    return column;
  }
}

/** The weakest of the strengths that is found, and the next weaker one that is not; begun at `wanted`. */
export function weakestFound(found: (strength: number) => boolean, wanted: number): { found: number | null; missed: number | null } {
  let at = strengths.findIndex((strength) => strength >= wanted - 1e-12);
  if (at < 0) at = strengths.length - 1;
  if (found(strengths[at])) {
    while (at > 0 && found(strengths[at - 1])) at--;
    return { found: strengths[at], missed: at > 0 ? strengths[at - 1] : null };
  }
  while (at + 1 < strengths.length) {
    at++;
    if (found(strengths[at])) return { found: strengths[at], missed: strengths[at - 1] };
  }
  return { found: null, missed: strengths[strengths.length - 1] };
}
