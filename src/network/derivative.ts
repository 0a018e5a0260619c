/** A derivative by differences, compared with one by formula. */
export interface DerivativeCheck {
  /** What the formula says. */
  readonly analytic: number;
  /** Central difference, extrapolated; at a kink the one-sided slope that is nearer to `analytic`. */
  readonly numeric: number;
  /** |analytic - numeric|. */
  readonly absolute: number;
  /** `absolute` over the larger of the two magnitudes, where rounding lets so small a derivative be seen at all; see `noise`. */
  readonly relative: number;
  /** `kink`: the function has two slopes here, and the formula gives one of them or a number between. */
  readonly outcome: 'agrees' | 'kink' | 'differs';
}

/** Steps relative to max(1, |x|); a smaller one is taken only where the function is not smooth over the larger one. */
const steps = [1e-3, 1e-4, 1e-5, 1e-6];

/** How many roundings of the function's value a difference may be off by. */
const roundings = 64;

/** How many times the allowed difference the two one-sided slopes may be apart where a function counts as smooth. */
const slack = 4;

/**
 * Compares `analytic` with the slope of a function at `x` by central differences with steps h and h/2 and Richardson's
 * extrapolation (4 D(h/2) - D(h)) / 3, whose error is of order h^4 (Richardson 1911; Press et al. 2007, section 5.7).
 *
 * The one-sided slopes over h and h/2, extrapolated to h = 0, differ by O(h^3) where the function is smooth, and by a
 * constant at a kink (a ReLU at 0), which a central difference alone would pass over in silence: it gives the mean of the
 * two slopes. A kink near x but not at it is left behind as the step shrinks.
 *
 * @param at the function's value at x + offset, in float64.
 * @param tolerance relative difference up to which the two agree.
 */
export function checkDerivative(at: (offset: number) => number, x: number, analytic: number, tolerance: number): DerivativeCheck {
  const middle = at(0);
  let result: DerivativeCheck | undefined;
  for (const relativeStep of steps) {
    // A power of two: x + h and x - h are then as far from x as h says, but for the last bits of x itself.
    const h = 2 ** Math.round(Math.log2(relativeStep * Math.max(1, Math.abs(x))));
    const wide = [at(h), at(-h)];
    const narrow = [at(h / 2), at(-h / 2)];
    const largest = Math.max(Math.abs(middle), ...wide.map(Math.abs), ...narrow.map(Math.abs));
    const noise = (roundings * Number.EPSILON * largest) / h;
    const rough = (wide[0] - wide[1]) / (2 * h);
    const fine = (narrow[0] - narrow[1]) / h;
    const slope = (4 * fine - rough) / 3;
    const right = extrapolated(narrow[0] - middle, wide[0] - middle, h);
    const left = -extrapolated(narrow[1] - middle, wide[1] - middle, h);
    const allowed = tolerance * Math.max(Math.abs(analytic), Math.abs(slope)) + noise;
    const smooth = Math.abs(right - left) <= slack * allowed;
    if (smooth) {
      result = compared(analytic, slope, noise, tolerance);
      // Steps that disagree with each other by as much as the formula with them prove nothing yet.
      if (result.outcome === 'agrees' || Math.abs(fine - rough) <= result.absolute / 4) return result;
    } else {
      const nearest = Math.max(Math.min(left, right), Math.min(Math.max(left, right), analytic));
      result = compared(analytic, nearest, noise, tolerance);
      if (result.outcome === 'agrees') result = { ...result, outcome: 'kink' };
    }
    if (!Number.isFinite(slope)) return result;
  }
  return result as DerivativeCheck;
}

/** Slope at one side from the rises over h/2 and h: the error of first order in h cancels. */
function extrapolated(overHalf: number, overAll: number, h: number): number {
  return (4 * overHalf - overAll) / h;
}

function compared(analytic: number, numeric: number, noise: number, tolerance: number): DerivativeCheck {
  const absolute = Math.abs(analytic - numeric);
  const scale = Math.max(Math.abs(analytic), Math.abs(numeric)) + noise / tolerance;
  const relative = absolute === 0 ? 0 : absolute / scale;
  return { analytic, numeric, absolute, relative, outcome: relative <= tolerance ? 'agrees' : 'differs' };
}
