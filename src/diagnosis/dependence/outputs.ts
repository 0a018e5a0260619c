import { Random, seedFor } from '../../compute/random.ts';
import type { LossName } from '../../network/loss/loss.ts';
import type { Rows } from './rows.ts';
import type { Samples } from './samples.ts';

/** Targets as columns. A class becomes one column for each class, 1 where it is this one. */
export interface Outputs {
  readonly loss: LossName;
  readonly classes: boolean;
  /** O columns, as many as the network has outputs. */
  readonly size: number;
  /** [O, n] */
  readonly full: Float64Array;
  /** [n] of classes, else empty. */
  readonly labels: Int32Array;
}

/** How O columns become the few that are tested. */
export interface Projection {
  /** How many columns are tested. */
  readonly size: number;
  /** [size, O]; null where the columns are tested as they are. */
  readonly matrix: Float64Array | null;
}

/** More columns than this are not tested one by one. */
const mostTested = 12;

export function outputsOf({ target, loss, classes, values }: Samples, { count: n, targets }: Rows): Outputs {
  const O = target.size;
  const full = new Float64Array(O * n);
  const labels = new Int32Array(target.kind === 'classes' ? n : 0);
  for (let r = 0; r < n; r++) {
    if (target.kind === 'classes') {
      labels[r] = classes[targets[r]];
      full[labels[r] * n + r] = 1;
    } else for (let o = 0; o < O; o++) full[o * n + r] = values[targets[r] * O + o];
  }
  return { loss, classes: target.kind === 'classes', size: O, full, labels };
}

/**
 * The tested columns: all where they are few (of two classes, one says it all); else those that vary most and random sums of all, with
 * weights -1 and 1.
 */
export function projectionOf({ full, size: O, classes }: Outputs, n: number, seed: number): Projection {
  if (classes && O === 2) return { size: 1, matrix: Float64Array.of(0, 1) };
  if (O <= mostTested) return { size: O, matrix: null };
  const random = new Random(seedFor(seed, 'outputs'));
  const matrix = new Float64Array(mostTested * O);
  const variance = Float64Array.from({ length: O }, (_, o) => {
    let sum = 0;
    let squares = 0;
    for (let r = 0; r < n; r++) {
      sum += full[o * n + r];
      squares += full[o * n + r] ** 2;
    }
    return squares / n - (sum / n) ** 2;
  });
  const order = Array.from({ length: O }, (_, o) => o).sort((a, b) => variance[b] - variance[a]);
  for (let j = 0; j < mostTested; j++) {
    if (j < mostTested / 2) matrix[j * O + order[j]] = 1;
    else for (let o = 0; o < O; o++) matrix[j * O + o] = (random.below(2) * 2 - 1) / Math.sqrt(O);
  }
  return { size: mostTested, matrix };
}

/** [size, n] of [O, n]; a copy. */
export function project({ size, matrix }: Projection, columns: Float64Array, n: number): Float64Array {
  if (matrix === null) return columns.slice();
  const O = columns.length / n;
  const out = new Float64Array(size * n);
  for (let j = 0; j < size; j++) {
    for (let o = 0; o < O; o++) {
      const weight = matrix[j * O + o];
      if (weight !== 0) for (let r = 0; r < n; r++) out[j * n + r] += weight * columns[o * n + r];
    }
  }
  return out;
}
