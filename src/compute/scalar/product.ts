import type { Backend } from '../backend.ts';

/** Matrix products as triple loops, each in the order that walks its arrays row by row. */

export const pack: Backend['pack'] = (source, sourceAt, strideK, strideN, packed) => {
  const { K, N, data } = packed;
  for (let k = 0; k < K; k++) {
    for (let n = 0; n < N; n++) data[k * N + n] = source[sourceAt + k * strideK + n * strideN];
  }
};

export const multiply: Backend['multiply'] = (a, aAt, aRowStride, M, packed, c, cAt, cRowStride, accumulate) => {
  const { K, N, data } = packed;
  for (let m = 0; m < M; m++) {
    const row = cAt + m * cRowStride;
    if (!accumulate) c.fill(0, row, row + N);
    for (let k = 0; k < K; k++) {
      const factor = a[aAt + m * aRowStride + k];
      const from = k * N;
      for (let n = 0; n < N; n++) c[row + n] += factor * data[from + n];
    }
  }
};

export const multiplyBias: Backend['multiplyBias'] = (a, aAt, aRowStride, M, packed, bias, biasAt, c, cAt, cRowStride) => {
  for (let m = 0; m < M; m++) {
    const row = cAt + m * cRowStride;
    for (let n = 0; n < packed.N; n++) c[row + n] = bias[biasAt + n];
  }
  multiply(a, aAt, aRowStride, M, packed, c, cAt, cRowStride, true);
};

export const multiplyTransposed: Backend['multiplyTransposed'] = (a, aAt, aRowStride, b, bAt, bRowStride, M, N, K, c, cAt, cRowStride) => {
  for (let k = 0; k < K; k++) {
    const from = bAt + k * bRowStride;
    for (let m = 0; m < M; m++) {
      const factor = a[aAt + k * aRowStride + m];
      const row = cAt + m * cRowStride;
      for (let n = 0; n < N; n++) c[row + n] += factor * b[from + n];
    }
  }
};
