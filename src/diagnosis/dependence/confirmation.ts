import { Random, seedFor } from '../../compute/random.ts';
import { exchangeTest } from './exchange.ts';
import type { FarPrediction } from './farLearners.ts';
import { type Kernel, kernelRidge, linearKernel, type Points, radialKernel } from './kernelRidge.ts';
import { Factor, fit, gram, subtractFit } from './linear.ts';
import { ObliviousTrees } from './obliviousTrees.ts';
import type { Past } from './past.ts';
import type { NearModel, Split } from './split.ts';

/** Newest inputs that are compared as a whole, and numbers in them at most. */
const comparedLags = [1, 4];
const mostCompared = 64;
/** Numbers of near inputs in inner products, at most. */
const mostLinear = 200;

/**
 * The test of one far prediction once more, with near models that can bend in any way: kernel ridge regressions and boosted trees, fitted on the
 * training side to what the near model leaves of the targets *and* of the far prediction, are regressed out on the test side as well.
 *
 * Where old inputs are like the newest ones, whatever a near model misses of the targets an old input can stand in for. What remains
 * of that is the product of two errors: of the targets' regression on the near inputs, and of the far prediction's.
 *
 * Source: Shah & Peters 2020, "The hardness of conditional independence testing and the generalised covariance measure", section 3.
 *
 * @returns the p-value, for this one prediction.
 */
export function confirm(split: Split, near: NearModel, far: FarPrediction, exchanges: number): number {
  const { train, test, O } = split;
  const n = train.rows.count;
  const m = test.rows.count;
  const told = far.on(train);
  subtractFit(near.columns, near.d, fit(near.columns, near.d, told, O, n, near.factor), told, O, n);
  const targets = new Float64Array(2 * O * n);
  targets.set(near.residual);
  targets.set(told, O * n);
  const partial = split.partial(near);
  const residual = partial.residual();
  const values = far.values.slice();
  partial.far(values);
  const bent = bentPredictions(split, near, targets, 2 * O);
  partial.far(bent);
  const d = bent.length / m;
  const factor = new Factor(gram(bent, d, m), d);
  subtractFit(bent, d, fit(bent, d, residual, O, m, factor), residual, O, m);
  subtractFit(bent, d, fit(bent, d, values, O, m, factor), values, O, m);
  const random = new Random(seedFor(split.seed, 'confirmation', near.window));
  return exchangeTest(residual, [values], O, test.rows.units, test.rows.perUnit, exchanges, random).pValue;
}

/** [methods * e, m] predictions at the test side of e targets [e, n] of the training side, from near inputs alone. */
function bentPredictions(split: Split, near: NearModel, targets: Float64Array, e: number): Float64Array {
  const { train, test } = split;
  const [n, m] = [train.rows.count, test.rows.count];
  const there = split.testColumns(near);
  const found = [new ObliviousTrees(near.columns, near.d, n).predict(targets, e, there, m)];
  const byKernel = (kernel: (scale: Points) => Kernel, told: Points, asked: Points) =>
    found.push(kernelRidge(kernel(told), told, targets, e, asked));
  byKernel(linearKernel, linearPoints(near.columns, train.past, near), linearPoints(there, test.past, near));
  const possible = Math.min(near.window, Math.max(1, Math.floor(mostCompared / width(train.past))));
  for (const lags of new Set(comparedLags.map((most) => Math.min(most, possible)))) {
    if (lags > 0) byKernel(radialKernel, newest(train.past, lags), newest(test.past, lags));
  }
  const out = new Float64Array(found.length * e * m);
  found.forEach((each, i) => {
    out.set(each, i * e * m);
  });
  return out;
}

/** Channels that are the inputs themselves. */
const width = ({ channels }: Past) => (channels.symbols ? channels.tables.length : channels.plain);

function newest(past: Past, lags: number): Points {
  const { n } = past;
  const W = width(past);
  const columns = new Float64Array(lags * W * n);
  for (let lag = 0; lag < lags; lag++) for (let c = 0; c < W; c++) past.addLag(c, lag, columns, (lag * W + c) * n);
  return transposed(columns, n);
}

/** The near model's columns, but for the constant, and the newest inputs as far as there is room. */
function linearPoints(columns: Float64Array, past: Past, { d, window }: NearModel): Points {
  const lags = Math.min(window, Math.floor(Math.max(0, mostLinear - d) / Math.max(1, width(past))));
  const { values, n, dimensions } = newest(past, lags);
  const features = transposed(columns.subarray(n), n);
  const D = dimensions + features.dimensions;
  const out = new Float64Array(n * D);
  for (let r = 0; r < n; r++) {
    out.set(features.values.subarray(r * features.dimensions, (r + 1) * features.dimensions), r * D);
    out.set(values.subarray(r * dimensions, (r + 1) * dimensions), r * D + features.dimensions);
  }
  return { values: out, n, dimensions: D };
}

/** Columns [d, n] as n points. */
function transposed(columns: Float64Array, n: number): Points {
  const D = columns.length / n;
  const values = new Float64Array(n * D);
  for (let j = 0; j < D; j++) for (let r = 0; r < n; r++) values[r * D + j] = columns[j * n + r];
  return { values, n, dimensions: D };
}
