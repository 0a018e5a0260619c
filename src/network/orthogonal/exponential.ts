import type { Reals } from '../../compute/backend.ts';
import type { OrthogonalMap } from './orthogonal.ts';

/** A polynomial in blocks of `width` powers, the products that it takes, and the largest norm up to which it is exact to rounding. */
interface Scheme {
  readonly degree: number;
  readonly width: number;
  readonly products: number;
  readonly largest: number;
}

const shapes = [
  [2, 2],
  [4, 2],
  [6, 3],
  [9, 3],
  [12, 4],
  [16, 4],
] as const;

/** The first term that is left out, x^(d+1) / (d+1)!, is a rounding at the largest norm. */
function schemesFor(roundoff: number): Scheme[] {
  return shapes.map(([degree, width]) => {
    let factorial = 1;
    for (let k = 2; k <= degree + 1; k++) factorial *= k;
    const largest = (roundoff * factorial) ** (1 / (degree + 1));
    return { degree, width, products: width - 1 + (degree / width - 1), largest };
  });
}

const schemes: ReadonlyMap<number, readonly Scheme[]> = new Map([2 ** -24, 2 ** -53].map((roundoff) => [roundoff, schemesFor(roundoff)]));

/** 1 / k!. */
const coefficients = Float64Array.from({ length: 17 }, (_, k) => {
  let product = 1;
  for (let i = 2; i <= k; i++) product /= i;
  return product;
});

/**
 * The matrix exponential, exp(A) = sum of A^k / k!: the geodesic that leaves W along A. By Taylor polynomials evaluated in blocks
 * (Paterson & Stockmeyer 1973), of the degree that costs the fewest products for the norm at hand, with scaling and squaring beyond
 * (Higham 2008, "Functions of matrices", section 10.3). What is computed is exp(A) - I, so that a small A keeps its digits.
 */
export const exponential: OrthogonalMap = {
  name: 'exponential',
  move(squares, W, A, bound, to) {
    const { H, scratch, roundoff } = squares;
    const { scheme, halvings } = cheapest(schemes.get(roundoff) as readonly Scheme[], bound);
    const { degree, width } = scheme;
    const factor = 2 ** -halvings;
    for (let i = 0; i < H * H; i++) A[i] *= factor;
    const powers: Reals[] = [A, ...scratch.slice(0, width - 1)];
    for (let k = 1; k < width; k++) squares.product(powers[k - 1], A, powers[k]);
    let [sum, next] = [scratch[4], scratch[5]];
    combine(powers, degree - width, width, H, sum, false);
    for (let first = degree - 2 * width; first >= 0; first -= width) {
      squares.product(sum, powers[width - 1], next);
      combine(powers, first, width - 1, H, next, true);
      [sum, next] = [next, sum];
    }
    // exp(2A) - I = (E + I)² - I = E² + 2E.
    for (let k = 0; k < halvings; k++) {
      for (let i = 0; i < H * H; i++) next[i] = 2 * sum[i];
      squares.product(sum, sum, next, true);
      [sum, next] = [next, sum];
    }
    squares.moved(W, sum, to);
    squares.orthonormalize(to);
  },
};

function cheapest(list: readonly Scheme[], bound: number): { scheme: Scheme; halvings: number } {
  let best = { scheme: list[0], halvings: halvingsFor(list[0], bound) };
  for (const scheme of list) {
    const halvings = halvingsFor(scheme, bound);
    if (scheme.products + halvings < best.scheme.products + best.halvings) best = { scheme, halvings };
  }
  return best;
}

const halvingsFor = ({ largest }: Scheme, bound: number) => Math.max(0, Math.ceil(Math.log2(bound / largest)));

/** Writes, or adds, the sum over i from 0 to `terms` of A^i / (first + i)!, without the term I / 0!. */
function combine(powers: readonly Reals[], first: number, terms: number, H: number, to: Reals, add: boolean): void {
  if (!add) to.fill(0);
  for (let i = 1; i <= terms; i++) {
    const c = coefficients[first + i];
    const power = powers[i - 1];
    for (let k = 0; k < H * H; k++) to[k] += c * power[k];
  }
  if (first > 0) for (let j = 0; j < H; j++) to[j * H + j] += coefficients[first];
}
