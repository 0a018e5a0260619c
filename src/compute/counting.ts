import type { Backend, Reals } from './backend.ts';
import { partialGradientBytes } from './wasm/partialGradients.ts';

/** Arrays begin at cache lines, so that each may take this many bytes more than its numbers. */
const ALIGNMENT = 64;

/**
 * A backend that allocates nothing and counts what another one would: whatever is constructed on it tells how much memory it
 * takes, without taking it. It computes nothing; its arrays are empty.
 */
export interface CountingBackend extends Backend {
  /** Bytes so far. */
  readonly bytes: number;
}

/** @param like whose arrays are counted. */
export function countingBackend(like: Backend): CountingBackend {
  const perReal = like.precision === 'float32' ? 4 : 8;
  let bytes = 0;
  const count = (length: number, each: number) => {
    bytes += length * each + ALIGNMENT;
  };
  const reals = (length: number): Reals => {
    count(length, perReal);
    return like.precision === 'float32' ? new Float32Array(0) : new Float64Array(0);
  };
  return {
    ...like,
    get bytes() {
      return bytes;
    },
    allocate: reals,
    allocateIndices(length) {
      count(length, 4);
      return new Int32Array(0);
    },
    // In whole panels, as assembly/layout.ts lays them out.
    allocatePacked: (K, N) => ({ K, N, data: reals(K * Math.ceil(N / 8) * 8) }),
    // The words and the scratch of wasm/sweep.ts.
    sweep({ B, H, shortcuts }) {
      count(47 + 6 * shortcuts.length, 4);
      count(B * (H + 2), perReal);
      return undefined;
    },
    partialGradients(arrays) {
      if (like.partialGradients) count(partialGradientBytes(arrays), 1);
      return undefined;
    },
    // The arrays of wasm/pullBack.ts, with the scratch of each thread.
    pullBack({ H, S, G, B, P, width }) {
      const panels = (N: number) => Math.ceil(N / 8) * 8;
      for (const length of [B * P * S * H, B * P * width, G * H * panels(H), G * H * panels(width)]) count(length, perReal);
      count(like.threads * (S * H * panels(Math.max(H, width)) + P * S * H + 1), perReal);
      count(2 * B * P + B + 32, 4);
      count(B * P, 8);
      const rows = reals(0);
      const integers = new Int32Array(0);
      const squares = new Float64Array(0);
      return { rows, exponents: integers, squares, input: rows, inputExponents: integers, pack() {}, step() {} };
    },
    mark: () => 0,
    release: () => {},
  };
}
