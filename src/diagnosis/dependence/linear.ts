/**
 * Least squares on columns: [d, n] arrays, a column of n rows after the other, in float64.
 */

/** Sum of products of n numbers each. */
export function dot(a: ArrayLike<number>, at: number, b: ArrayLike<number>, bt: number, n: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < n; i += 4) {
    s0 += a[at + i] * b[bt + i];
    s1 += a[at + i + 1] * b[bt + i + 1];
    s2 += a[at + i + 2] * b[bt + i + 2];
    s3 += a[at + i + 3] * b[bt + i + 3];
  }
  for (; i < n; i++) s0 += a[at + i] * b[bt + i];
  return s0 + s1 + s2 + s3;
}

/** b += factor * a, n numbers. */
export function addScaled(factor: number, a: ArrayLike<number>, at: number, b: Float64Array, bt: number, n: number): void {
  for (let i = 0; i < n; i++) b[bt + i] += factor * a[at + i];
}

/** Rows that are taken at a time, so that they stay in the cache for all pairs of columns. */
const block = 256;

/** [d, e] of the products of each of d columns with each of e columns. */
export function products(a: Float64Array, d: number, b: Float64Array, e: number, n: number): Float64Array {
  const out = new Float64Array(d * e);
  accumulate(a, d, b, e, n, out, false);
  return out;
}

/** [d, d] of the products of d columns with each other. */
export function gram(a: Float64Array, d: number, n: number): Float64Array {
  const out = new Float64Array(d * d);
  accumulate(a, d, a, d, n, out, true);
  for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) out[j * d + i] = out[i * d + j];
  return out;
}

/** out += aᵀ b, in tiles of four by two; of a symmetric product only what is on and below the diagonal is right. */
function accumulate(a: Float64Array, d: number, b: Float64Array, e: number, n: number, out: Float64Array, symmetric: boolean): void {
  for (let begin = 0; begin < n; begin += block) {
    const end = Math.min(n, begin + block);
    for (let i = 0; i < d; i += 4) {
      const last = symmetric ? Math.min(e, i + 4) : e;
      for (let j = 0; j < last; j += 2) tile(a, d, i, b, e, j, n, begin, end, out);
    }
  }
}

function tile(
  a: Float64Array,
  d: number,
  i: number,
  b: Float64Array,
  e: number,
  j: number,
  n: number,
  begin: number,
  end: number,
  out: Float64Array,
): void {
  // A tile that reaches beyond the last column repeats it, and drops what comes of that.
  const i0 = i * n;
  const i1 = Math.min(i + 1, d - 1) * n;
  const i2 = Math.min(i + 2, d - 1) * n;
  const i3 = Math.min(i + 3, d - 1) * n;
  const j0 = j * n;
  const j1 = Math.min(j + 1, e - 1) * n;
  let s00 = 0;
  let s01 = 0;
  let s10 = 0;
  let s11 = 0;
  let s20 = 0;
  let s21 = 0;
  let s30 = 0;
  let s31 = 0;
  for (let r = begin; r < end; r++) {
    const y0 = b[j0 + r];
    const y1 = b[j1 + r];
    let x = a[i0 + r];
    s00 += x * y0;
    s01 += x * y1;
    x = a[i1 + r];
    s10 += x * y0;
    s11 += x * y1;
    x = a[i2 + r];
    s20 += x * y0;
    s21 += x * y1;
    x = a[i3 + r];
    s30 += x * y0;
    s31 += x * y1;
  }
  const second = j + 1 < e;
  out[i * e + j] += s00;
  if (second) out[i * e + j + 1] += s01;
  if (i + 1 < d) {
    out[(i + 1) * e + j] += s10;
    if (second) out[(i + 1) * e + j + 1] += s11;
  }
  if (i + 2 < d) {
    out[(i + 2) * e + j] += s20;
    if (second) out[(i + 2) * e + j + 1] += s21;
  }
  if (i + 3 < d) {
    out[(i + 3) * e + j] += s30;
    if (second) out[(i + 3) * e + j + 1] += s31;
  }
}

/**
 * Cholesky factor of a [d, d] matrix plus `ridge` on its diagonal from `from` on. A column that the ones before it span (its pivot below 1e-9 of its
 * own size) is left out: its row is 0, and with it its coefficient.
 */
export class Factor {
  readonly #d: number;
  readonly #lower: Float64Array;

  constructor(matrix: Float64Array, d: number, ridge = 0, from = 0) {
    const L = matrix.slice();
    for (let j = 0; j < d; j++) {
      const own = L[j * d + j] + (j < from ? 0 : ridge);
      let pivot = own;
      for (let k = 0; k < j; k++) pivot -= L[j * d + k] * L[j * d + k];
      const kept = pivot > 1e-9 * own && own > 0;
      const root = kept ? Math.sqrt(pivot) : 0;
      L[j * d + j] = root;
      for (let i = j + 1; i < d; i++) {
        L[i * d + j] = kept ? (L[i * d + j] - dot(L, i * d, L, j * d, j)) / root : 0;
      }
    }
    this.#d = d;
    this.#lower = L;
  }

  /** Solves for one right-hand side, in place. */
  solve(b: Float64Array, at = 0): void {
    const d = this.#d;
    const L = this.#lower;
    for (let i = 0; i < d; i++) {
      const root = L[i * d + i];
      b[at + i] = root === 0 ? 0 : (b[at + i] - dot(L, i * d, b, at, i)) / root;
    }
    for (let i = d - 1; i >= 0; i--) {
      const root = L[i * d + i];
      if (root === 0) {
        b[at + i] = 0;
        continue;
      }
      const value = b[at + i] / root;
      b[at + i] = value;
      for (let k = 0; k < i; k++) b[at + k] -= L[i * d + k] * value;
    }
  }

  /** Solves L x = b in place: the squares of x add up to bᵀ A⁻¹ b. */
  forward(b: Float64Array, at = 0): void {
    const d = this.#d;
    const L = this.#lower;
    for (let i = 0; i < d; i++) {
      const root = L[i * d + i];
      b[at + i] = root === 0 ? 0 : (b[at + i] - dot(L, i * d, b, at, i)) / root;
    }
  }
}

/** Coefficients [e, d] of e targets [e, n] on d columns [d, n]. */
export function fit(columns: Float64Array, d: number, targets: Float64Array, e: number, n: number, factor: Factor): Float64Array {
  const coefficients = products(targets, e, columns, d, n);
  for (let o = 0; o < e; o++) factor.solve(coefficients, o * d);
  return coefficients;
}

/** targets -= columns * coefficients, in place. */
export function subtractFit(
  columns: Float64Array,
  d: number,
  coefficients: Float64Array,
  targets: Float64Array,
  e: number,
  n: number,
): void {
  for (let begin = 0; begin < n; begin += block) {
    const end = Math.min(n, begin + block);
    for (let o = 0; o < e; o++) {
      const at = o * n;
      let j = 0;
      for (; j + 3 < d; j += 4) {
        const c = o * d + j;
        const [c0, c1, c2, c3] = [coefficients[c], coefficients[c + 1], coefficients[c + 2], coefficients[c + 3]];
        const a0 = j * n;
        for (let r = begin; r < end; r++) {
          targets[at + r] -= c0 * columns[a0 + r] + c1 * columns[a0 + n + r] + c2 * columns[a0 + 2 * n + r] + c3 * columns[a0 + 3 * n + r];
        }
      }
      for (; j < d; j++) {
        const c = coefficients[o * d + j];
        for (let r = begin; r < end; r++) targets[at + r] -= c * columns[j * n + r];
      }
    }
  }
}
