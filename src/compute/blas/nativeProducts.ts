/** Matrix products by a library of the machine, on a WebAssembly memory. Addresses and strides are in bytes, sizes in elements. */
export interface NativeProducts {
  /**
   * C[M, N] = A[M, K] · B[K, N], added to what C holds if `accumulate`. Rows beyond the last multiple of 16 are always a product of
   * their own, and so are `rows` rows after the other, a multiple of 16, if that is not 0; unless `rows` is M itself: then it is one product.
   */
  product(
    a: number,
    aStride: number,
    M: number,
    K: number,
    N: number,
    b: number,
    bStride: number,
    accumulate: number,
    c: number,
    cStride: number,
    rows: number,
  ): void;
  /** C[M, N] += Aᵀ · B for A[K, M], B[K, N]. */
  transposed(a: number, aStride: number, b: number, bStride: number, M: number, N: number, K: number, c: number, cStride: number): void;
}

/** What it takes to open the library, in this thread or another. */
export interface NativeSetup {
  /** Path of the `koffi` package's entry file. */
  readonly koffi: string;
  /** Path or name of the library. */
  readonly library: string;
  /** Environment that the library reads when it is loaded. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Opens the library's single-precision product (`cblas_sgemm` of the reference BLAS, row-major).
 *
 * This function is turned into text and started elsewhere, so it uses nothing from outside itself.
 *
 * @param koffi the loaded package.
 */
export function openNativeProducts(
  koffi: {
    load(path: string): { func(name: string, result: string, parameters: string[]): (...values: number[]) => unknown };
    address(value: unknown): bigint;
  },
  { library, environment }: NativeSetup,
  memory: WebAssembly.Memory,
): NativeProducts {
  const rowBlock = 16;
  const rowMajor = 101;
  const plain = 111;
  const transpose = 112;
  const before = Object.keys(environment).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, environment);
  const int = 'int';
  const sgemm = koffi
    .load(library)
    .func('cblas_sgemm', 'void', [...[int, int, int, int, int, int, 'float', 'void *', int, 'void *', int, 'float', 'void *', int]]);
  // The library has read them; processes started from here on should not.
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  // A shared memory never moves. WebAssembly hands over addresses as signed numbers.
  const base = Number(koffi.address(new Uint8Array(memory.buffer, 0, 8)));
  return {
    product(a, aStride, M, K, N, b, bStride, accumulate, c, cStride, rows) {
      const from = base + (a >>> 0);
      const to = base + (c >>> 0);
      const right = base + (b >>> 0);
      const lda = Math.max(aStride >>> 2, K);
      const ldb = Math.max(bStride >>> 2, N);
      const ldc = Math.max(cStride >>> 2, N);
      const whole = rows === M ? M : M - (M % rowBlock);
      const most = rows || whole;
      for (let m = 0; m < whole; m += most) {
        const taken = Math.min(most, whole - m);
        sgemm(rowMajor, plain, plain, taken, N, K, 1, from + m * aStride, lda, right, ldb, accumulate, to + m * cStride, ldc);
      }
      if (whole < M) {
        sgemm(rowMajor, plain, plain, M - whole, N, K, 1, from + whole * aStride, lda, right, ldb, accumulate, to + whole * cStride, ldc);
      }
    },
    transposed(a, aStride, b, bStride, M, N, K, c, cStride) {
      const lda = Math.max(aStride >>> 2, M);
      const ldb = Math.max(bStride >>> 2, N);
      const ldc = Math.max(cStride >>> 2, N);
      sgemm(rowMajor, transpose, plain, M, N, K, 1, base + (a >>> 0), lda, base + (b >>> 0), ldb, 1, base + (c >>> 0), ldc);
    },
  };
}
