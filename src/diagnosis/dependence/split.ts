import type { Channels } from './channels.ts';
import { ContextTables } from './contextTables.ts';
import {
  contextGroups,
  contextOrder,
  type FreeColumns,
  freeColumnsOf,
  freeCount,
  type Groups,
  stepGroups,
  withinGroups,
  writeFreeColumns,
} from './covariates.ts';
import { columnsOf, extentOf, type Feature, nameOf, type Scaled, scaled } from './features.ts';
import { dot, Factor, fit, gram, products, subtractFit } from './linear.ts';
import { nearestFeatures, neighboursOf, poolsOf } from './nearFeatures.ts';
import { type Outputs, outputsOf, type Projection, project, projectionOf } from './outputs.ts';
import { type LagScan, Past } from './past.ts';
import type { Rows } from './rows.ts';
import type { Samples } from './samples.ts';
import { type Interaction, scanSigns } from './signScan.ts';

/** One half of the data, as columns. */
export interface Side {
  readonly rows: Rows;
  readonly past: Past;
  readonly outputs: Outputs;
}

/** What the newest `window` inputs say, fitted on the training side. */
export interface NearModel {
  readonly window: number;
  readonly features: readonly Scaled[];
  /** How many of the newest symbols are contexts whose mean targets are columns. */
  readonly orders: readonly number[];
  /** [d, n] columns of the training side: free ones, means of contexts, features. */
  readonly columns: Float64Array;
  readonly d: number;
  /** [d, d] their products. */
  readonly matrix: Float64Array;
  /** Of the matrix with its ridge. */
  readonly factor: Factor;
  /** [size, n] of the tested outputs on the training side. */
  readonly residual: Float64Array;
}

/** Rows for each column of a model, at least. */
const rowsPerColumn = 8;
const mostFeatures = 80;
const scannedLags = 10;
/** Of these, so many come before sums over stretches. */
const firstLags = 3;
/** Of each row: what holds coefficients back. */
const ridge = 1e-3;
/** Share of the variance below which a residual is taken for rounding. */
const negligible = 1e-8;

/** One half to choose and fit on, the other to test on. */
export class Split {
  readonly train: Side;
  readonly test: Side;
  readonly projection: Projection;
  /** [size, n] */
  readonly trainTargets: Float64Array;
  readonly testTargets: Float64Array;
  readonly free: FreeColumns;
  readonly seed: number;
  /** Features that were found to matter at some window, for all longer ones. */
  readonly known = new Map<string, Feature>();
  interactions: readonly Interaction[] = [];

  /** Of the training side. */
  readonly tables: ContextTables;

  constructor(samples: Samples, train: Side, test: Side, seed: number) {
    this.train = train;
    this.test = test;
    this.seed = seed;
    this.projection = projectionOf(train.outputs, train.rows.count, seed);
    this.trainTargets = project(this.projection, train.outputs.full, train.rows.count);
    this.testTargets = project(this.projection, test.outputs.full, test.rows.count);
    this.free = freeColumnsOf(train.rows);
    this.tables = new ContextTables(samples, train.past.channels, train.rows, train.past.W, this.O, targetReader(samples, this.projection));
  }

  /** Tested outputs. */
  get O(): number {
    return this.projection.size;
  }

  /** Looks for interactions of two and three lags on the training side. */
  *findInteractions(): Generator<void, void> {
    const { residual } = this.near(0);
    yield* scanSigns(this.train.past, residual, this.O, (found) => {
      this.interactions = found;
    });
  }

  /** How many features a model of n rows may have beside its free columns. */
  #room(n: number): number {
    return Math.max(4, Math.min(mostFeatures, Math.floor(n / rowsPerColumn) - freeCount(this.free)));
  }

  /** Fits the targets on what the newest `window` inputs say. */
  near(window: number): NearModel {
    const { past, rows } = this.train;
    const room = this.#room(Math.min(rows.count, this.test.rows.count));
    const chosen = new Map<string, Scaled>();
    const take = (feature: Feature) => {
      const name = nameOf(feature);
      if (chosen.size >= room || chosen.has(name) || extentOf(feature) > window) return;
      const found = scaled(feature, past);
      if (found) chosen.set(name, found);
    };
    if (window > 0) {
      for (const feature of this.known.values()) take(feature);
      for (const { feature } of this.interactions) if (chosen.size < room / 2) take(feature);
      for (const feature of nearestFeatures(past, window, Math.floor(room / 2), this.seed)) take(feature);
    }
    const model = this.#fitNear(window, [...chosen.values()]);
    if (window < 2 || chosen.size >= room) return model;
    const before = chosen.size;
    const scan = past.scan(model.residual, this.O, 0, window);
    const lags = strongestLags(scan, scannedLags);
    const takeLag = (lag: number) => {
      for (let c = 0; c < past.channels.count; c++) take({ kind: 'lag', channel: c, lag });
    };
    lags.slice(0, firstLags).forEach(takeLag);
    for (const feature of poolsOf(past, 0, window, model.residual, this.O, Math.floor((room - chosen.size) / 2))) take(feature);
    for (const feature of neighboursOf(past, 0, window, model.residual, this.O, Math.floor((room - chosen.size) / 3))) take(feature);
    lags.slice(firstLags).forEach(takeLag);
    return chosen.size > before ? this.#fitNear(window, [...chosen.values()], model) : model;
  }

  /** A near model with more features. */
  extended(near: NearModel, features: readonly Feature[]): NearModel {
    const found = features.map((feature) => scaled(feature, this.train.past)).filter((each) => each !== undefined);
    return found.length === 0 ? near : this.#fitNear(near.window, [...near.features, ...found], near);
  }

  /** @param begun a model with the first of the features, whose columns and products are taken over. */
  #fitNear(window: number, features: readonly Scaled[], begun?: NearModel): NearModel {
    const { past, rows } = this.train;
    const n = rows.count;
    const free = freeCount(this.free);
    const orders = begun?.orders ?? contextOrders(Math.min(window, this.tables.order));
    const means = orders.length * this.O;
    const d = free + means + features.length;
    const columns = new Float64Array(d * n);
    const known = begun?.d ?? 0;
    if (begun) columns.set(begun.columns);
    else {
      writeFreeColumns(this.free, rows, columns);
      const own = { targets: rows.targets, values: this.trainTargets };
      orders.forEach((order, i) => {
        columns.set(this.tables.predict(past, order, own), (free + i * this.O) * n);
      });
      centre(columns, means, n, free);
    }
    const first = begun ? begun.features.length : 0;
    columns.set(columnsOf(features.slice(first), past), (free + means + first) * n);
    const matrix = grownGram(begun?.matrix, known, columns, d, n);
    const factor = new Factor(matrix, d, n * ridge, free);
    const residual = this.trainTargets.slice();
    subtractFit(columns, d, fit(columns, d, residual, this.O, n, factor), residual, this.O, n);
    return { window, features, orders, columns, d, matrix, factor, residual };
  }

  /** [d, n] a near model's columns on the test side. */
  testColumns(near: NearModel): Float64Array {
    const { past, rows } = this.test;
    const n = rows.count;
    const free = freeCount(this.free);
    const means = near.orders.length * this.O;
    const columns = columnsOf(near.features, past, free + means);
    writeFreeColumns(this.free, rows, columns);
    near.orders.forEach((order, i) => {
      columns.set(this.tables.predict(past, order), (free + i * this.O) * n);
    });
    centre(columns, means, n, free);
    return columns;
  }

  /** Prepares to take what is near from columns of the test side. */
  partial(near: NearModel): Partial {
    return new Partial(this, near);
  }
}

/**
 * What is left of the targets, and of far predictions, on the test side when everything near has had its say there: each is
 * regressed on the near columns of the test side itself, within groups of the same newest symbols and of the same step. So no error of a
 * near model fitted elsewhere can pass for a far effect, nor can where in its sequence a row stands.
 */
export class Partial {
  readonly #split: Split;
  readonly #groups: Groups[] = [];
  readonly #columns: Float64Array;
  readonly #d: number;
  readonly #factor: Factor;

  constructor(split: Split, near: NearModel) {
    const { past, rows } = split.test;
    this.#split = split;
    this.#columns = split.testColumns(near);
    this.#d = near.d;
    const order = contextOrder(past, near.window);
    if (order > 0) this.#groups.push(contextGroups(past, order));
    const steps = stepGroups(rows);
    if (steps) this.#groups.push(steps);
    withinGroups(this.#columns, this.#d, this.#groups, rows.count);
    this.#factor = new Factor(gram(this.#columns, this.#d, rows.count), this.#d);
  }

  /** [O, n] far predictions, in place. */
  far(columns: Float64Array): void {
    const { test } = this.#split;
    const n = test.rows.count;
    const O = columns.length / n;
    withinGroups(columns, O, this.#groups, n);
    subtractFit(this.#columns, this.#d, fit(this.#columns, this.#d, columns, O, n, this.#factor), columns, O, n);
  }

  /** [O, n] targets; a copy. What rounding leaves of a target that is fully explained is nothing. */
  residual(targets = this.#split.testTargets): Float64Array {
    const { O, test } = this.#split;
    const n = test.rows.count;
    const residual = targets.slice();
    centre(residual, O, n);
    const before = squaresOf(residual, O, n);
    this.far(residual);
    squaresOf(residual, O, n).forEach((squares, o) => {
      if (squares < negligible * before[o]) residual.fill(0, o * n, (o + 1) * n);
    });
    return residual;
  }
}

/** Products of d columns with each other, of which those of the first `known` are there. */
function grownGram(before: Float64Array | undefined, known: number, columns: Float64Array, d: number, n: number): Float64Array {
  if (before === undefined) return gram(columns, d, n);
  const out = new Float64Array(d * d);
  for (let i = 0; i < known; i++) out.set(before.subarray(i * known, (i + 1) * known), i * d);
  const added = d - known;
  const rest = columns.subarray(known * n);
  const across = products(rest, added, columns, known, n);
  const own = gram(rest, added, n);
  for (let i = 0; i < added; i++) {
    const row = (known + i) * d;
    for (let j = 0; j < known; j++) out[row + j] = out[j * d + known + i] = across[i * known + j];
    for (let j = 0; j < added; j++) out[row + known + j] = own[i * added + j];
  }
  return out;
}

/** Takes from each of so many columns of n, from one on, its mean. */
function centre(columns: Float64Array, count: number, n: number, from = 0): void {
  for (let j = from; j < from + count; j++) {
    const at = j * n;
    let mean = 0;
    for (let r = 0; r < n; r++) mean += columns[at + r] / n;
    for (let r = 0; r < n; r++) columns[at + r] -= mean;
  }
}

function squaresOf(columns: Float64Array, O: number, n: number): number[] {
  return Array.from({ length: O }, (_, o) => dot(columns, o * n, columns, o * n, n));
}

export function sideOf(samples: Samples, channels: Channels, rows: Rows, W: number): Side {
  return { rows, past: new Past(channels, rows, W), outputs: outputsOf(samples, rows) };
}

/** Lags whose strength is above chance, the strongest first. */
export function strongestLags({ from, strength }: LagScan, most: number): number[] {
  return Array.from(strength, (_, i) => i)
    .filter((i) => strength[i] > 2)
    .sort((a, b) => strength[b] - strength[a])
    .slice(0, most)
    .map((i) => from + i);
}

/** Contexts of one and of two symbols, and the longest. */
function contextOrders(longest: number): number[] {
  return [...new Set([1, 2, longest])].filter((order) => order >= 1 && order <= longest);
}

/** Writes a target's tested numbers. */
function targetReader({ target, classes, values }: Samples, { size, matrix }: Projection): (index: number, out: Float64Array) => void {
  const O = target.size;
  return (index, out) => {
    for (let j = 0; j < size; j++) {
      if (target.kind === 'classes') out[j] = matrix ? matrix[j * O + classes[index]] : classes[index] === j ? 1 : 0;
      else if (matrix === null) out[j] = values[index * O + j];
      else {
        out[j] = 0;
        for (let o = 0; o < O; o++) out[j] += matrix[j * O + o] * values[index * O + o];
      }
    }
  };
}
