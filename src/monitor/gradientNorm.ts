import type { Backend, Reals } from '../compute/backend.ts';
import { RecentQuantiles } from './recentQuantiles.ts';

/** Norms that the running quantiles are of. */
const window = 1000;

/** What one gradient measures. */
export interface GradientNorms {
  /** ‖g‖₂ over all parameters. */
  readonly total: number;
  /** ‖g_p‖₂ of each parameter p, in their order; the array is the monitor's own and changes with the next gradient. */
  readonly parameters: Float64Array;
}

/**
 * The norm of a gradient, of all of it and of each parameter's part: squares and sums in float64, so that gradients whose squares
 * float32 cannot hold have a norm all the same. Running quantiles are those of the last 1000 finite norms: an outlier moves them by
 * one rank at most, a NaN not at all.
 */
export class GradientNorm {
  readonly #parameters: Float64Array;
  readonly #recent = new RecentQuantiles(window);

  /** @param count parameters of a gradient. */
  constructor(count: number) {
    this.#parameters = new Float64Array(count);
  }

  /** Measures a gradient whose parameters lie at `parts` of one array. */
  measure(backend: Pick<Backend, 'sumSquares'>, gradient: Reals, parts: readonly { at: number; length: number }[]): GradientNorms {
    let total = 0;
    for (const [index, { at, length }] of parts.entries()) total += this.#square(index, backend.sumSquares(gradient, at, length));
    return this.#norms(total);
  }

  /** Measures a gradient whose parameters are arrays of their own. */
  measureEach(backend: Pick<Backend, 'sumSquares'>, gradients: readonly Reals[]): GradientNorms {
    let total = 0;
    for (const [index, each] of gradients.entries()) total += this.#square(index, backend.sumSquares(each, 0, each.length));
    return this.#norms(total);
  }

  #square(index: number, squares: number): number {
    this.#parameters[index] = Math.sqrt(squares);
    return squares;
  }

  #norms(squares: number): GradientNorms {
    const total = Math.sqrt(squares);
    this.#recent.add(total);
    return { total, parameters: this.#parameters };
  }

  /** The smallest recent norm with a share of at least q at or below it; NaN before the first finite one. */
  quantile(q: number): number {
    return this.#recent.quantile(q);
  }
}
