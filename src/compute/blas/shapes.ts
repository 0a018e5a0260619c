import type { NativeProducts } from './nativeProducts.ts';

/** A product that is measured, and the kind of product that it decides about. */
export interface Shape {
  readonly kind: 'step' | 'whole' | 'gradient';
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Numbers in a row of A, if they are more than the product takes. */
  readonly row?: number;
}

/** Bytes from one row of the right-hand matrix to the next, as it lies in training. */
export interface Placed extends Shape {
  readonly bStride: number;
}

/**
 * One step forward and backward of 128, 256 and 512 units, all steps at once, and weight gradients: a share of the columns of A, which has the
 * four gates of an LSTM in a row.
 */
export const shapes: readonly Shape[] = [
  { kind: 'step', M: 16, K: 128, N: 512 },
  { kind: 'step', M: 16, K: 512, N: 128 },
  { kind: 'step', M: 32, K: 256, N: 1024 },
  { kind: 'step', M: 32, K: 1024, N: 256 },
  { kind: 'step', M: 32, K: 512, N: 2048 },
  { kind: 'whole', M: 800, K: 64, N: 512 },
  { kind: 'gradient', M: 128, N: 128, K: 1600, row: 512 },
  { kind: 'gradient', M: 128, N: 256, K: 1600, row: 1024 },
  { kind: 'gradient', M: 256, N: 512, K: 1600, row: 2048 },
];

/**
 * GFLOP/s at each shape: the best of some rounds, since what disturbs a measurement only makes it slower, and an engine
 * compiles what it has not run often more slowly. The first 28 MiB of the memory are written to. This function is turned into text and started elsewhere, so it uses nothing from outside itself.
 */
export function measureShapes(
  shapes: readonly Placed[],
  { product, transposed }: Pick<NativeProducts, 'product' | 'transposed'>,
): number[] {
  const [A, B, C] = [65536, 65536 + (14 << 20), 65536 + (21 << 20)];
  return shapes.map(({ kind, M, N, K, bStride, row }) => {
    const once = () => {
      if (kind === 'gradient') transposed(A, 4 * (row ?? M), B, 4 * N, M, N, K, C, 4 * N);
      else product(A, 4 * K, M, K, N, B, bStride, 0, C, 4 * N, 0);
    };
    const operations = 2 * M * N * K;
    const times = Math.max(1, Math.round(1e7 / operations));
    let best = Number.POSITIVE_INFINITY;
    const end = performance.now() + 40;
    for (let round = 0; round < 8 || performance.now() < end; round++) {
      const began = performance.now();
      for (let i = 0; i < times; i++) once();
      best = Math.min(best, (performance.now() - began) / times);
    }
    return operations / best / 1e6;
  });
}
