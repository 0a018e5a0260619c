import type { Network } from '../network.ts';

/** The rows that a weight gradient is computed from at a time (assembly/gradient.ts): whole pieces of them are fastest. */
const gradientRows = 256;
/** Of the activations of a piece, where that is more rows: about what a second-level cache holds. */
const cacheBytes = 2 ** 20;

/**
 * Steps that a layer runs at a time, forward and back, so that what one operation has written is still in the processor's caches when
 * the next one reads it: the cost of a step does not depend on how many there are. A piece is at least four times as large as the
 * recurrent weights, which each of its products reads anew.
 */
export function pieceSteps({ H, cell, backend }: Network, B: number): number {
  const perNumber = backend.precision === 'float32' ? 4 : 8;
  const row = (cell.gates + cell.apart + cell.states.length) * H * perNumber;
  const weights = cell.gates * H * H * perNumber;
  const rows = gradientRows * Math.max(1, Math.floor(Math.max(cacheBytes, 4 * weights) / row / gradientRows));
  return Math.max(1, Math.floor(rows / B));
}
