import { columnsOf, type Feature, farForm, nameOf, newestOf, type Scaled, scaled } from './features.ts';
import { addScaled, dot, Factor, gram, products } from './linear.ts';
import { bendsOf, nearestFeatures, neighboursOf, poolsOf, scoreOf, varianceOf } from './nearFeatures.ts';
import type { LagScan, Past } from './past.ts';
import { type NearModel, type Side, type Split, strongestLags } from './split.ts';

/** What old inputs add to a near model: a prediction of its residual, fitted on one side and applied to the other. */
export interface FarPrediction {
  readonly name: string;
  /** [O, n] on the test side. */
  readonly values: Float64Array;
  /** The same on either side. */
  on(side: Side): Float64Array;
}

export interface FarLearned {
  readonly predictions: readonly FarPrediction[];
  /** Features that stand out on the training side, the strongest first. */
  readonly found: readonly { readonly feature: Feature; readonly score: number }[];
}

const mostColumns = 80;
const nextLags = 6;
const scannedLags = 10;
const mostPools = 20;
const mostProducts = 8;
const mostNeighbours = 8;
/** Sums that are multiplied with each other. */
const mostMultiplied = 12;
const mostNeighboursMultiplied = 4;
const mostNewest = 30;
const stepSizes = [1, 4, 12];

/**
 * Fits learners of several kinds on what is older than the near model's window: the strongest few features one after the other (sparse),
 * and all lags at once (dense), those above a threshold or all.
 */
export function learnFar(split: Split, near: NearModel, W: number): FarLearned {
  const { train, test, O } = split;
  const scan = train.past.scan(near.residual, O, near.window, W);
  const candidates = candidatesOf(split, near, scan, W);
  const { sizes, found } = forwardSelection(split, near, candidates);
  const predictions: FarPrediction[] = [];
  const learn = (name: string, on: (side: Side) => Float64Array) => predictions.push({ name, values: on(test), on });
  for (const { size, terms } of sizes) {
    learn(size === 1 ? 'the strongest feature' : `the ${size} strongest features`, ({ past, rows: { count: n } }) => {
      const values = new Float64Array(O * n);
      const columns = columnsOf(
        terms.map(({ scaled: each }) => each),
        past,
      );
      terms.forEach(({ coefficients }, j) => {
        for (let o = 0; o < O; o++) addScaled(coefficients[o], columns, j * n, values, o * n, n);
      });
      return values;
    });
  }
  for (const [name, least] of [
    ['all lags', Number.NEGATIVE_INFINITY],
    ['lags above chance', 2.5],
  ] as const) {
    learn(name, ({ past, rows }) => {
      const values = new Float64Array(O * rows.count);
      past.apply(scan, O, (lag) => (scan.strength[lag - scan.from] > least ? 1 : 0), values);
      return values;
    });
  }
  for (const order of contextsBeyond(split, near.window)) {
    learn(`contexts of ${order} symbols`, (side) => longerContext(split, side, near.window, order));
  }
  return { predictions, found };
}

/** Contexts that reach beyond the window: the next longer one, and the longest. */
function contextsBeyond({ tables: { order } }: Split, window: number): number[] {
  return order <= window ? [] : [...new Set([window + 1, order])];
}

/** What the symbols just beyond the window say together with it: the mean after a longer context, less that after the window's own. */
function longerContext(split: Split, { past, rows }: Side, window: number, order: number): Float64Array {
  const own = rows === split.train.rows ? { targets: rows.targets, values: split.trainTargets } : undefined;
  const values = split.tables.predict(past, order, own);
  const shorter = split.tables.predict(past, window, own);
  for (let i = 0; i < values.length; i++) values[i] -= shorter[i];
  return values;
}

/** Features that need inputs older than the window, chosen by how they go with the residual. */
function candidatesOf(split: Split, near: NearModel, scan: LagScan, W: number): Scaled[] {
  const { train, O } = split;
  const { past } = train;
  const window = near.window;
  const chosen = new Map<string, Scaled>();
  const take = (wanted: Feature) => {
    const feature = farForm(wanted, window);
    if (feature === undefined) return;
    const name = nameOf(feature);
    if (chosen.size >= mostColumns || chosen.has(name)) return;
    const found = scaled(feature, past);
    if (found) chosen.set(name, found);
  };
  for (const { feature } of split.interactions) take(feature);
  const pools = poolsOf(past, window, W, near.residual, O, mostPools);
  const lags = [...Array.from({ length: nextLags }, (_, i) => window + i).filter((lag) => lag < W), ...strongestLags(scan, scannedLags)];
  for (const feature of split.known.values()) take(feature);
  for (const feature of pools) take(feature);
  const neighbours = neighboursOf(past, window, W, near.residual, O, mostNeighbours);
  for (const feature of neighbours) take(feature);
  const sums = [...pools.slice(0, mostMultiplied), ...neighbours.slice(0, mostNeighboursMultiplied)];
  for (const feature of productsOf(past, window, sums, near.residual, O)) take(feature);
  const bends =
    window === 0 ? nearestFeatures(past, Math.min(2, W), mostNewest, split.seed) : bendsOf(past, window, Math.min(window + 2, W));
  for (const feature of bends) take(feature);
  const perLag = Math.max(3, Math.floor((mostColumns - chosen.size) / lags.length));
  for (const lag of lags) for (const channel of channelsAt(past, scan, lag, O, perLag)) take({ kind: 'lag', channel, lag });
  return [...chosen.values()];
}

/** The channels of one lag that go with the residual most. */
function channelsAt(past: Past, { effects, from }: LagScan, lag: number, O: number, most: number): number[] {
  const { count, tables, symbols } = past.channels;
  const all = Array.from({ length: count }, (_, c) => c);
  if (count <= most) return all;
  const at = (lag - from) * past.width * O;
  const size = (c: number) => {
    if (symbols === undefined) return dot(effects, at + c * O, effects, at + c * O, O);
    // The effect of a symbol counts by how often it comes: the inverse of its deviation from the others.
    const symbol = tables[c].indexOf(Math.max(...tables[c]));
    return dot(effects, at + symbol * O, effects, at + symbol * O, O) / (1 + tables[c][symbol] ** 2);
  };
  return all.sort((a, b) => size(b) - size(a)).slice(0, most);
}

/** Products of two sums, of which at least one is old: what two cues at random places decide together. */
function productsOf(past: Past, window: number, sums: readonly Feature[], residual: Float64Array, O: number): Feature[] {
  const { n, channels } = past;
  const parts: Feature[] = [...sums];
  if (window >= 2) {
    for (let channel = 0; channel < Math.min(channels.count, 6); channel++) parts.push({ kind: 'pool', channel, from: 0, past: window });
  }
  const columns: { feature: Feature; column: Float64Array }[] = [];
  for (const feature of parts) {
    const column = new Float64Array(n);
    if (scaled(feature, past, column)) columns.push({ feature, column });
  }
  const variance = varianceOf(residual, O, n);
  const product = new Float64Array(n);
  const scored: { feature: Feature; score: number }[] = [];
  columns.forEach((a, i) => {
    if (newestOf(a.feature) < window) return;
    for (const b of columns.slice(i)) {
      for (let r = 0; r < n; r++) product[r] = a.column[r] * b.column[r];
      scored.push({ feature: { kind: 'product', of: [a.feature, b.feature] }, score: scoreOf(product, residual, O, variance, n) });
    }
  });
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, mostProducts)
    .map(({ feature }) => feature);
}

interface Term {
  readonly scaled: Scaled;
  /** [O] */
  readonly coefficients: Float64Array;
}

/**
 * Orthogonal matching pursuit, on columns from which everything near has been taken: each step takes the column that explains most
 * of what is left, for all outputs together.
 */
function forwardSelection(
  { train, O }: Split,
  near: NearModel,
  candidates: readonly Scaled[],
): { sizes: { size: number; terms: Term[] }[]; found: { feature: Feature; score: number }[] } {
  const n = train.rows.count;
  const F = candidates.length;
  if (F === 0) return { sizes: [], found: [] };
  const columns = columnsOf(candidates, train.past);
  const between = gram(columns, F, n);
  const alone = Float64Array.from({ length: F }, (_, f) => between[f * F + f]);
  takeNear(near, columns, F, n, between);
  const residual = near.residual;
  const variance = varianceOf(residual, O, n);
  const along = new Float64Array(F * O);
  for (let f = 0; f < F; f++) for (let o = 0; o < O; o++) along[f * O + o] = dot(columns, f * n, residual, o * n, n);
  const first = along.slice();
  const chosen: number[] = [];
  const sizes: { size: number; terms: Term[] }[] = [];
  const found: { feature: Feature; score: number }[] = [];
  const basis: Float64Array[] = [];
  const squares = Float64Array.from({ length: F }, (_, f) => between[f * F + f]);
  const last = Math.min(stepSizes[stepSizes.length - 1], F, Math.floor(n / 20));
  while (chosen.length < last) {
    let best = -1;
    let bestScore = 0;
    for (let f = 0; f < F; f++) {
      // What is near explains it, or what has been taken.
      if (squares[f] < 1e-4 * alone[f]) continue;
      let score = 0;
      for (let o = 0; o < O; o++) score += along[f * O + o] ** 2 / (squares[f] * variance[o]);
      if (score > bestScore) {
        bestScore = score;
        best = f;
      }
    }
    if (best < 0) break;
    found.push({ feature: candidates[best].feature, score: (bestScore - O) / Math.sqrt(2 * O) });
    chosen.push(best);
    // One Gram-Schmidt step, in products alone.
    const direction = new Float64Array(F);
    for (let f = 0; f < F; f++) {
      let value = between[best * F + f];
      for (const earlier of basis) value -= earlier[best] * earlier[f];
      direction[f] = value;
    }
    const size = Math.sqrt(direction[best]);
    for (let f = 0; f < F; f++) direction[f] /= size;
    basis.push(direction);
    const gains = Float64Array.from({ length: O }, (_, o) => along[best * O + o] / size);
    for (let f = 0; f < F; f++) {
      squares[f] -= direction[f] ** 2;
      for (let o = 0; o < O; o++) along[f * O + o] -= direction[f] * gains[o];
    }
    if (stepSizes.includes(chosen.length) || chosen.length === last) {
      sizes.push({ size: chosen.length, terms: solveChosen(candidates, chosen, between, first, F, O) });
    }
  }
  return { sizes, found };
}

/** From the products of F columns, those of their parts that the near columns explain: what is left after a regression on them. */
function takeNear(near: NearModel, columns: Float64Array, F: number, n: number, between: Float64Array): void {
  const { d } = near;
  const explained = products(columns, F, near.columns, d, n);
  for (let f = 0; f < F; f++) near.factor.forward(explained, f * d);
  for (let f = 0; f < F; f++) {
    for (let g = 0; g <= f; g++) {
      const value = between[f * F + g] - dot(explained, f * d, explained, g * d, d);
      between[f * F + g] = value;
      between[g * F + f] = value;
    }
  }
}

/** Least squares on the chosen columns, slightly held back. */
function solveChosen(
  candidates: readonly Scaled[],
  chosen: readonly number[],
  between: Float64Array,
  along: Float64Array,
  F: number,
  O: number,
): Term[] {
  const d = chosen.length;
  const matrix = new Float64Array(d * d);
  for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) matrix[i * d + j] = between[chosen[i] * F + chosen[j]];
  for (let i = 0; i < d; i++) matrix[i * d + i] *= 1.001;
  const factor = new Factor(matrix, d);
  const solutions = Array.from({ length: O }, (_, o) => {
    const b = Float64Array.from(chosen, (f) => along[f * O + o]);
    factor.solve(b);
    return b;
  });
  return chosen.map((f, j) => ({ scaled: candidates[f], coefficients: Float64Array.from({ length: O }, (_, o) => solutions[o][j]) }));
}
