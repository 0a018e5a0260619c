/** One eigenvector of a symmetric matrix, of length 1. */
export interface Eigenvector {
  readonly value: number;
  readonly vector: Float64Array;
}

/** Rotations of all pairs, at most so often: a handful is enough. */
const mostSweeps = 30;

/**
 * All eigenvalues and eigenvectors of a symmetric matrix [d, d], the largest magnitude first. Rotations in the plane of two axes bring the elements off
 * the diagonal to 0 in turn, which in the end they are together (Jacobi 1846; Golub & Van Loan 2013, section 8.5).
 */
export function eigenvectors(matrix: Float64Array, d: number): Eigenvector[] {
  const a = matrix.slice();
  // A row is an eigenvector in the end.
  const rows = new Float64Array(d * d);
  for (let i = 0; i < d; i++) rows[i * d + i] = 1;
  const size = a.reduce((sum, value) => sum + value * value, 0);
  for (let sweep = 0; sweep < mostSweeps; sweep++) {
    let off = 0;
    for (let p = 0; p < d; p++) for (let q = 0; q < p; q++) off += 2 * a[p * d + q] ** 2;
    if (off <= 1e-20 * size) break;
    for (let p = 1; p < d; p++) {
      for (let q = 0; q < p; q++) {
        const beside = a[p * d + q];
        if (beside * beside <= (1e-24 * size) / (d * d)) continue;
        const theta = (a[q * d + q] - a[p * d + p]) / (2 * beside);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        rotate(a, rows, d, p, q, c, t * c);
      }
    }
  }
  return Array.from({ length: d }, (_, i) => ({ value: a[i * d + i], vector: rows.slice(i * d, (i + 1) * d) })).sort(
    (x, y) => Math.abs(y.value) - Math.abs(x.value),
  );
}

/** a becomes J a Jᵀ and rows J rows, with J the rotation of axes p and q. */
function rotate(a: Float64Array, rows: Float64Array, d: number, p: number, q: number, c: number, s: number): void {
  for (let k = 0; k < d; k++) {
    const x = a[p * d + k];
    const y = a[q * d + k];
    a[p * d + k] = c * x - s * y;
    a[q * d + k] = s * x + c * y;
    const v = rows[p * d + k];
    const w = rows[q * d + k];
    rows[p * d + k] = c * v - s * w;
    rows[q * d + k] = s * v + c * w;
  }
  for (let k = 0; k < d; k++) {
    const x = a[k * d + p];
    const y = a[k * d + q];
    a[k * d + p] = c * x - s * y;
    a[k * d + q] = s * x + c * y;
  }
}
