/** The largest and the smallest singular value of a square matrix. */
export interface SingularRange {
  readonly largest: number;
  readonly smallest: number;
}

/**
 * The largest and the smallest singular value of a matrix [n, n], which is overwritten. Householder reflections from both sides make it
 * bidiagonal (Golub & Kahan 1965, "Calculating the singular values and pseudo-inverse of a matrix"); the values of that are found by
 * bisection on the number of eigenvalues below x of the tridiagonal matrix with zeros on its diagonal and the bidiagonal elements
 * in turn beside it (Demmel & Kahan 1990). Errors are some roundings of the largest value. Costs 8/3 n³ operations.
 *
 * Where an element is not finite, both are NaN.
 */
export function singularRange(matrix: Float64Array, n: number): SingularRange {
  if (n === 0) return { largest: 0, smallest: 0 };
  let top = 0;
  for (const value of matrix) {
    if (!Number.isFinite(value)) return { largest: Number.NaN, smallest: Number.NaN };
    top = Math.max(top, Math.abs(value));
  }
  if (top === 0) return { largest: 0, smallest: 0 };
  // By a power of two, so that squares neither overflow nor vanish.
  const scale = 2 ** Math.max(-1000, Math.min(1000, Math.floor(Math.log2(top))));
  for (let i = 0; i < matrix.length; i++) matrix[i] /= scale;
  const beside = bidiagonalize(matrix, n);
  let bound = 0;
  for (let i = 0; i < beside.length; i++) bound = Math.max(bound, Math.abs(beside[i]) + Math.abs(beside[i + 1] ?? 0));
  // The eigenvalues are plus and minus the singular values: n of them lie below 0, and n + m below the m-th smallest value and a bit.
  const largest = bisect(beside, 2 * n - 1, bound);
  const smallest = bisect(beside, n, bound);
  return { largest: largest * scale, smallest: smallest * scale };
}

/** Where the number of eigenvalues below x first exceeds `count`, for x from 0 to `bound`. */
function bisect(beside: Float64Array, count: number, bound: number): number {
  let low = 0;
  let high = bound;
  for (let round = 0; round < 200 && high - low > 2 ** -52 * high; round++) {
    const middle = low > 0 ? (low + high) / 2 : high > 2 ** -60 * bound ? high / 2 ** 4 : 0;
    if (middle === low) return low;
    if (eigenvaluesBelow(beside, middle) > count) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

/** Sturm's count for a symmetric tridiagonal matrix with a zero diagonal. */
function eigenvaluesBelow(beside: Float64Array, x: number): number {
  let count = 0;
  let pivot = -x;
  if (pivot < 0) count++;
  for (let i = 0; i < beside.length; i++) {
    // A pivot of 0 stands for a tiny one: the count is then that of a matrix a rounding away.
    pivot = -x - (beside[i] * beside[i]) / (pivot === 0 ? 2 ** -1000 : pivot);
    if (pivot < 0) count++;
  }
  return count;
}

/** @returns d_1, e_1, d_2, e_2, ... d_n of the bidiagonal matrix. */
function bidiagonalize(a: Float64Array, n: number): Float64Array {
  const beside = new Float64Array(2 * n - 1);
  const v = new Float64Array(n);
  const w = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    // From the left: column k below its diagonal becomes 0.
    for (let i = k; i < n; i++) v[i] = a[i * n + k];
    beside[2 * k] = reflector(v, k, n);
    w.fill(0, k + 1);
    for (let i = k; i < n; i++) for (let j = k + 1; j < n; j++) w[j] += v[i] * a[i * n + j];
    for (let i = k; i < n; i++) for (let j = k + 1; j < n; j++) a[i * n + j] -= v[i] * w[j];
    if (k + 1 === n) break;
    // From the right: row k beyond its superdiagonal becomes 0.
    for (let j = k + 1; j < n; j++) v[j] = a[k * n + j];
    beside[2 * k + 1] = reflector(v, k + 1, n);
    for (let i = k + 1; i < n; i++) {
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += a[i * n + j] * v[j];
      for (let j = k + 1; j < n; j++) a[i * n + j] -= sum * v[j];
    }
  }
  return beside;
}

/** v[from ...] becomes the vector of norm sqrt(2) of the reflection that takes it to its first axis; returns where to. */
function reflector(v: Float64Array, from: number, n: number): number {
  let square = 0;
  for (let i = from; i < n; i++) square += v[i] * v[i];
  const norm = Math.sqrt(square);
  if (norm === 0) return 0;
  const to = v[from] > 0 ? -norm : norm;
  v[from] -= to;
  // ‖v - to e‖² = 2 (norm² - to v_from).
  const factor = Math.sqrt(2) / Math.sqrt(square - 2 * to * (v[from] + to) + to * to);
  for (let i = from; i < n; i++) v[i] *= factor;
  return to;
}
