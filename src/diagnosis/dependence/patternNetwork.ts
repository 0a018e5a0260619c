import { adam } from '../../training/optimizer/adam.ts';
import { eigenvectors } from './eigenvectors.ts';
import { addScaled, dot, Factor, fit, gram, products, subtractFit } from './linear.ts';
import type { Past } from './past.ts';
import { type Patterns, patternsOf } from './patterns.ts';

/** Directions in which units begin, of all outputs together; there are two units to each. */
const mostDirections = 8;
const directionsPerOutput = 4;
/** Every so many-th row goes together. */
const batches = 3;
const steps = 60;
const learningRate = 0.01;
const decay = 1e-3;
/** Rows whose far past stands for that of all. */
const exchangedRows = 32;
/** [units, d] from a pattern to a unit, [units] beside it, [O, units] from a unit to an output, [O] beside it. */
export interface Weights {
  readonly into: Float64Array;
  readonly bias: Float64Array;
  readonly out: Float64Array;
  readonly offset: Float64Array;
}

/** What is to be learned of a training side. */
export interface Asked {
  /** [O, n] */
  readonly residual: Float64Array;
  readonly O: number;
  /** Near are lags [0, window), far [window, past). */
  readonly window: number;
  readonly past: number;
}

/** The training side's patterns [d, n], near and far, and the scales that other sides are brought to. */
interface Told extends Asked {
  readonly n: number;
  readonly columns: Float64Array;
  readonly d: number;
  readonly near: Patterns['scales'];
  readonly far: Patterns['scales'];
}

/**
 * A network of one hidden layer on the patterns of two stretches of the past, near lags [0, window) and far ones [window, past):
 *
 *     f(near, far) = sum_h v_h max(0, u_h · near + w_h · far + b_h)
 *
 * Sums over the stretches are all that lies between an input and the output, so the gradient is as large at any lag. Its units begin, two to each,
 * in the directions in which a second-order dependence of the residual is strongest (principal Hessian directions), and are then trained by gradient. From
 * its prediction goes what is expected of it given the near inputs, the mean over far pasts of other rows; so that it says nothing of near inputs alone.
 *
 * Source: Li 1992, "On principal Hessian directions for data visualization and dimension reduction", section 2.
 */
export class PatternNetwork {
  readonly #told: Told;
  readonly #weights: Weights;

  private constructor(told: Told, weights: Weights) {
    this.#told = told;
    this.#weights = weights;
  }

  /** Its units where they begin, with the best weights for them. */
  static begin(side: Past, asked: Asked): PatternNetwork {
    const { residual, O, window, past } = asked;
    const near = patternsOf(side, 0, window);
    const far = patternsOf(side, window, past);
    const d = near.d + far.d;
    const columns = new Float64Array(d * side.n);
    columns.set(near.columns);
    columns.set(far.columns, near.d * side.n);
    const told = { ...asked, n: side.n, near: near.scales, far: far.scales, columns, d };
    return new PatternNetwork(told, beginning(columns, near.d, d, residual, O, side.n));
  }

  /** The same, trained by gradient on the side that it begins with. */
  trained(): PatternNetwork {
    const { columns, d, residual, O, n } = this.#told;
    return new PatternNetwork(this.#told, train(columns, d, this.#weights, residual, O, n));
  }

  /** [O, n] of either side. */
  predict(side: Past): Float64Array {
    const n = side.n;
    const { O, d, window, past } = this.#told;
    const { into, bias, out } = this.#weights;
    const units = bias.length;
    const near = patternsOf(side, 0, window, this.#told.near);
    const far = patternsOf(side, window, past, this.#told.far);
    const part = (first: number, count: number) => {
      const weights = new Float64Array(units * count);
      for (let h = 0; h < units; h++) weights.set(into.subarray(h * d + first, h * d + first + count), h * count);
      return weights;
    };
    const fromNear = sums(near.columns, near.d, part(0, near.d), units, n);
    const fromFar = sums(far.columns, far.d, part(near.d, far.d), units, n);
    const count = window === 0 ? 0 : Math.min(exchangedRows, n);
    const others = Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * n) / count));
    const values = new Float64Array(O * n);
    for (let h = 0; h < units; h++) {
      const at = h * n;
      for (let r = 0; r < n; r++) {
        const sum = fromNear[at + r] + bias[h];
        let expected = 0;
        for (const other of others) expected += Math.max(0, sum + fromFar[at + other]) / count;
        const value = Math.max(0, sum + fromFar[at + r]) - expected;
        for (let o = 0; o < O; o++) values[o * n + r] += out[o * units + h] * value;
      }
    }
    return values;
  }
}

/** [units, n] = weights [units, d] times columns [d, n]. */
function sums(columns: Float64Array, d: number, weights: Float64Array, units: number, n: number): Float64Array {
  const out = new Float64Array(units * n);
  subtractFit(
    columns,
    d,
    weights.map((weight) => -weight),
    out,
    units,
    n,
  );
  return out;
}

/** [units, n] */
function hiddenOf(columns: Float64Array, d: number, { into, bias }: Weights, n: number): Float64Array {
  const hidden = sums(columns, d, into, bias.length, n);
  for (let h = 0; h < bias.length; h++) for (let r = 0; r < n; r++) hidden[h * n + r] = Math.max(0, hidden[h * n + r] + bias[h]);
  return hidden;
}

/** Two units along each direction, one either way, and the best weights for them: least squares, held back a little. */
function beginning(columns: Float64Array, near: number, d: number, residual: Float64Array, O: number, n: number): Weights {
  const directions = directionsOf(columns, near, d, residual, O, n);
  const units = 2 * directions.length;
  const weights: Weights = {
    into: new Float64Array(units * d),
    bias: new Float64Array(units),
    out: new Float64Array(O * units),
    offset: new Float64Array(O),
  };
  directions.forEach((direction, i) => {
    weights.into.set(direction, 2 * i * d);
    weights.into.set(
      direction.map((value) => -value),
      (2 * i + 1) * d,
    );
  });
  const hidden = hiddenOf(columns, d, weights, n);
  const means = Float64Array.from({ length: units }, (_, h) => sum(hidden, h * n, n) / n);
  for (let h = 0; h < units; h++) for (let r = 0; r < n; r++) hidden[h * n + r] -= means[h];
  weights.out.set(fit(hidden, units, residual, O, n, new Factor(gram(hidden, units, n), units, 0.01 * n)));
  for (let o = 0; o < O; o++) weights.offset[o] = -dot(weights.out, o * units, means, 0, units);
  return weights;
}

/** [d] directions of deviation 1 in which units begin. */
function directionsOf(columns: Float64Array, near: number, d: number, residual: Float64Array, O: number, n: number): Float64Array[] {
  if (d === near) return [];
  const weighted = new Float64Array(d * n);
  const found: { value: number; vector: Float64Array }[] = [];
  for (let o = 0; o < O; o++) {
    const level = Math.sqrt(dot(residual, o * n, residual, o * n, n) / n);
    if (!(level > 0)) continue;
    for (let j = 0; j < d; j++) for (let r = 0; r < n; r++) weighted[j * n + r] = (columns[j * n + r] * residual[o * n + r]) / level;
    const moment = products(weighted, d, columns, d, n);
    // Of near inputs alone nothing is asked.
    for (let i = 0; i < near; i++) moment.fill(0, i * d, i * d + near);
    found.push(...eigenvectors(moment, d).slice(0, directionsPerOutput));
  }
  return found
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, mostDirections)
    .map(({ vector }) => {
      const along = sums(columns, d, vector, 1, n);
      const deviation = Math.sqrt(dot(along, 0, along, 0, n) / n);
      return vector.map((value) => (deviation > 0 ? value / deviation : 0));
    });
}

/** Mean squared errors by Adam, on batches that are every third row. */
function train(columns: Float64Array, d: number, begun: Weights, residual: Float64Array, O: number, n: number): Weights {
  const level = Math.max(Math.sqrt(dot(residual, 0, residual, 0, O * n) / (O * n)), 1e-150);
  const weights: Weights = {
    into: begun.into.slice(),
    bias: begun.bias.slice(),
    out: begun.out.map((value) => value / level),
    offset: begun.offset.map((value) => value / level),
  };
  const parts = [weights.into, weights.bias, weights.out, weights.offset].map((values) => ({
    values,
    slots: [new Float64Array(values.length), new Float64Array(values.length)] as const,
  }));
  const each = Array.from({ length: batches }, (_, b) => {
    const rows = Math.ceil((n - b) / batches);
    const part = (values: Float64Array, count: number) => {
      const out = new Float64Array(count * rows);
      for (let j = 0; j < count; j++) for (let r = 0; r < rows; r++) out[j * rows + r] = values[j * n + r * batches + b];
      return out;
    };
    return { rows, columns: part(columns, d), residual: part(residual, O).map((value) => value / level) };
  });
  for (let step = 1; step <= steps; step++) {
    const batch = each[step % batches];
    const gradients = gradientsOf(batch.columns, d, weights, batch.residual, O, batch.rows);
    // Constant at first, then down to 0.
    const rate = learningRate * Math.min(1, (2 * (steps - step + 1)) / steps);
    gradients.forEach((gradient, i) => {
      const { values, slots } = parts[i];
      adam.update(values, gradient, slots, values.length, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, learningRate: rate, step });
    });
  }
  return { ...weights, out: weights.out.map((value) => value * level), offset: weights.offset.map((value) => value * level) };
}

/** Of the mean squared error, and a little of the squares of `into`. */
export function gradientsOf(
  columns: Float64Array,
  d: number,
  weights: Weights,
  target: Float64Array,
  O: number,
  n: number,
): Float64Array[] {
  const { into, out, offset } = weights;
  const units = weights.bias.length;
  const hidden = hiddenOf(columns, d, weights, n);
  const errors = sums(hidden, units, out, O, n);
  for (let o = 0; o < O; o++) {
    for (let r = 0; r < n; r++) errors[o * n + r] = (2 / n) * (errors[o * n + r] + offset[o] - target[o * n + r]);
  }
  const back = new Float64Array(units * n);
  for (let h = 0; h < units; h++) {
    for (let o = 0; o < O; o++) addScaled(out[o * units + h], errors, o * n, back, h * n, n);
    for (let r = 0; r < n; r++) if (hidden[h * n + r] === 0) back[h * n + r] = 0;
  }
  const byInto = products(back, units, columns, d, n);
  addScaled(decay, into, 0, byInto, 0, byInto.length);
  return [
    byInto,
    Float64Array.from({ length: units }, (_, h) => sum(back, h * n, n)),
    products(errors, O, hidden, units, n),
    Float64Array.from({ length: O }, (_, o) => sum(errors, o * n, n)),
  ];
}

function sum(values: Float64Array, at: number, n: number): number {
  let total = 0;
  for (let r = 0; r < n; r++) total += values[at + r];
  return total;
}
