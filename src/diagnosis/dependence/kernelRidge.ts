import { dot, Factor } from './linear.ts';

/** Rows that are fitted, at most. */
const mostRows = 240;
const ridges = [1e-3, 0.03, 0.6];

/** Rows of points, [n, dimensions] row-major. */
export interface Points {
  readonly values: Float64Array;
  readonly n: number;
  readonly dimensions: number;
}

/** [a.n, b.n] of how alike two sets of points are; 1 on the diagonal, about. */
export type Kernel = (a: Points, b: Points) => Float64Array;

/** Inner products, in the unit of their mean square at `scale`. */
export function linearKernel(scale: Points): Kernel {
  let squares = 0;
  for (const value of scale.values) squares += value * value;
  const unit = Math.max(squares / scale.n, 1e-300);
  return (a, b) => pairs(a, b, (product) => product / unit);
}

/** exp(-|a - b|² / 2 l²), the mean over a length that is usual among the points of `scale` and a shorter one. */
export function radialKernel(scale: Points): Kernel {
  const { values, n, dimensions: D } = scale;
  const distances = Float64Array.from({ length: Math.max(1, Math.min(n - 1, 500)) }, (_, i) => {
    const other = (i * 7 + 3) % n;
    return squareDistance(
      dot(values, i * D, values, other * D, D),
      dot(values, i * D, values, i * D, D),
      dot(values, other * D, values, other * D, D),
    );
  }).sort();
  const usual = Math.max(distances[distances.length >> 1], 1e-12);
  return (a, b) =>
    pairs(a, b, (product, ofA, ofB) => {
      const distance = squareDistance(product, ofA, ofB) / usual;
      return 0.5 * (Math.exp(-0.7 * distance) + Math.exp(-12 * distance));
    });
}

const squareDistance = (product: number, ofA: number, ofB: number) => Math.max(0, ofA + ofB - 2 * product);

function pairs(a: Points, b: Points, value: (product: number, squaresOfA: number, squaresOfB: number) => number): Float64Array {
  const D = a.dimensions;
  const out = new Float64Array(a.n * b.n);
  const squares = (points: Points) => Float64Array.from({ length: points.n }, (_, i) => dot(points.values, i * D, points.values, i * D, D));
  const [ofA, ofB] = [squares(a), squares(b)];
  for (let i = 0; i < a.n; i++) {
    for (let j = 0; j < b.n; j++) out[i * b.n + j] = value(dot(a.values, i * D, b.values, j * D, D), ofA[i], ofB[j]);
  }
  return out;
}

/**
 * Kernel ridge regression on at most 240 of the rows; of three ridges, each target takes the one with the least squared error where every row is
 * left out once: e_i = (A⁻¹ y)_i / (A⁻¹)_ii with A = K + ridge.
 *
 * Source: Saunders, Gammerman & Vovk 1998; leaving one out in closed form: Allen 1974.
 *
 * @param targets [e, n]
 * @returns [e, asked.n]
 */
export function kernelRidge(kernel: Kernel, points: Points, targets: Float64Array, e: number, asked: Points): Float64Array {
  const { n, dimensions: D } = points;
  const stride = Math.ceil(n / mostRows);
  const rows = Int32Array.from({ length: Math.ceil(n / stride) }, (_, i) => i * stride);
  const m = rows.length;
  const kept: Points = { values: new Float64Array(m * D), n: m, dimensions: D };
  rows.forEach((r, i) => {
    kept.values.set(points.values.subarray(r * D, (r + 1) * D), i * D);
  });
  const matrix = kernel(kept, kept);
  const y = Float64Array.from({ length: e * m }, (_, i) => targets[Math.floor(i / m) * n + rows[i % m]]);
  const weights = new Float64Array(e * m);
  const least = new Float64Array(e).fill(Number.POSITIVE_INFINITY);
  const inverse = new Float64Array(m * m);
  const alpha = new Float64Array(m);
  for (const ridge of ridges) {
    const factor = new Factor(matrix, m, ridge);
    inverse.fill(0);
    for (let i = 0; i < m; i++) {
      inverse[i * m + i] = 1;
      factor.solve(inverse, i * m);
    }
    for (let o = 0; o < e; o++) {
      let errors = 0;
      for (let i = 0; i < m; i++) {
        alpha[i] = dot(inverse, i * m, y, o * m, m);
        errors += (alpha[i] / inverse[i * m + i]) ** 2;
      }
      if (errors < least[o]) {
        least[o] = errors;
        weights.set(alpha, o * m);
      }
    }
  }
  const across = kernel(asked, kept);
  const out = new Float64Array(e * asked.n);
  for (let o = 0; o < e; o++) for (let r = 0; r < asked.n; r++) out[o * asked.n + r] = dot(across, r * m, weights, o * m, m);
  return out;
}
