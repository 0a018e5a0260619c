import { fit, subtractFit } from './linear.ts';
import type { NearModel, Side, Split } from './split.ts';

/** Classes, or numbers per target, beyond which no held-out loss is computed. */
export const mostScored = 512;
const mostNumbers = 400_000;

/**
 * The held-out loss of a near model: fitted on the training side by ridge regression, for classes and binary targets on indicators; on the
 * test side, scores become predictions by a few numbers (a slope, an offset for each output) that one half of its units tells for
 * the other. Mean over rows (and O), in the unit of the data set's loss.
 */
export function heldOutLoss(split: Split, near: NearModel): number {
  const { train, test } = split;
  const { full, size: O, loss } = train.outputs;
  const n = train.rows.count;
  const m = test.rows.count;
  const coefficients = fit(near.columns, near.d, full, O, n, near.factor).map((value) => -value);
  const scores = new Float64Array(O * m);
  subtractFit(split.testColumns(near), near.d, coefficients, scores, O, m);
  const { perUnit } = test.rows;
  // Of very many outputs, every second, third, ... row is enough.
  const stride = Math.ceil((m * O) / mostNumbers);
  const rows = Int32Array.from({ length: Math.ceil(m / stride) }, (_, i) => i * stride);
  const halves = [0, 1].map((side) => rows.filter((r) => Math.floor(r / perUnit) % 2 === side));
  let total = 0;
  for (const side of [0, 1]) {
    const [told, asked] = [halves[side], halves[1 - side]];
    if (loss === 'mse') total += squaredErrors(test, scores, told, asked);
    else if (loss === 'crossEntropy') total += crossEntropy(test, scores.slice(), told, asked);
    else total += binaryCrossEntropy(test, scores.slice(), told, asked);
  }
  return total / rows.length;
}

/** Of y ~ a + b score for each output. */
function squaredErrors(
  { outputs: { full, size: O }, rows: { count: m } }: Side,
  scores: Float64Array,
  told: Int32Array,
  asked: Int32Array,
): number {
  let total = 0;
  for (let o = 0; o < O; o++) {
    let meanScore = 0;
    let mean = 0;
    for (const r of told) {
      meanScore += scores[o * m + r] / told.length;
      mean += full[o * m + r] / told.length;
    }
    let products = 0;
    let squares = 0;
    for (const r of told) {
      products += (scores[o * m + r] - meanScore) * (full[o * m + r] - mean);
      squares += (scores[o * m + r] - meanScore) ** 2;
    }
    const slope = squares > 0 ? Math.min(Math.max(products / squares, 0), 1.5) : 0;
    for (const r of asked) total += (full[o * m + r] - mean - slope * (scores[o * m + r] - meanScore)) ** 2 / O;
  }
  return total;
}

/** Scores below are taken for this in logarithms. */
const floor = 0.003;
/** In the place of a class that was not seen. */
const half = 0.5;

/** Of logits a ln(score) + b score + c_o, fitted by maximum likelihood. */
function crossEntropy(
  { outputs: { labels, size: O }, rows: { count: m } }: Side,
  scores: Float64Array,
  told: Int32Array,
  asked: Int32Array,
): number {
  const N = told.length;
  const shares = new Float64Array(O).fill(half / (N + half * O));
  for (const r of told) shares[labels[r]] += 1 / (N + half * O);
  const offset = shares.map(Math.log);
  const slopes = [0, 0];
  const probability = new Float64Array(O);
  const logs = scores.map((score) => Math.log(Math.max(score, floor)));
  centre(logs, O, m, told);
  centre(scores, O, m, told);
  const softmax = (r: number) => {
    let largest = Number.NEGATIVE_INFINITY;
    for (let o = 0; o < O; o++) {
      probability[o] = slopes[0] * logs[o * m + r] + slopes[1] * scores[o * m + r] + offset[o];
      largest = Math.max(largest, probability[o]);
    }
    let sum = 0;
    for (let o = 0; o < O; o++) {
      probability[o] = Math.exp(probability[o] - largest);
      sum += probability[o];
    }
    for (let o = 0; o < O; o++) probability[o] /= sum;
  };
  const marginal = new Float64Array(O);
  const best = new BestFit(slopes, offset);
  for (let pass = 0; pass < 30; pass++) {
    marginal.fill(0);
    const newton = new Newton(N);
    let lossHere = 0;
    for (const r of told) {
      softmax(r);
      lossHere -= Math.log(Math.max(probability[labels[r]], 1e-12));
      const means = [0, 0];
      const squares = [0, 0, 0];
      for (let o = 0; o < O; o++) {
        const p = probability[o];
        const log = logs[o * m + r];
        const score = scores[o * m + r];
        marginal[o] += p;
        means[0] += p * log;
        means[1] += p * score;
        squares[0] += p * log * log;
        squares[1] += p * log * score;
        squares[2] += p * score * score;
      }
      const at = labels[r] * m + r;
      newton.add(logs[at] - means[0], scores[at] - means[1], [
        squares[0] - means[0] * means[0],
        squares[1] - means[0] * means[1],
        squares[2] - means[1] * means[1],
      ]);
    }
    if (!best.offer(lossHere, N)) break;
    newton.step(slopes);
    for (let o = 0; o < O; o++) offset[o] += bounded(0.7 * Math.log((shares[o] * N) / Math.max(marginal[o], 1e-9)), 1);
  }
  best.restore();
  let total = 0;
  for (const r of asked) {
    softmax(r);
    total -= Math.log(Math.max(probability[labels[r]], 1e-12));
  }
  return total;
}

/** Of logits a ln(score / (1 - score)) + b score + c, fitted by maximum likelihood; a and b are common to all outputs. */
function binaryCrossEntropy(
  { outputs: { full, size: O }, rows: { count: m } }: Side,
  scores: Float64Array,
  told: Int32Array,
  asked: Int32Array,
): number {
  const slopes = [0, 0];
  const logs = scores.map((score) => {
    const clipped = bounded(score, 1 - floor, floor);
    return Math.log(clipped / (1 - clipped));
  });
  centre(logs, O, m, told);
  centre(scores, O, m, told);
  const means = Float64Array.from({ length: O }, (_, o) => told.reduce((sum, r) => sum + full[o * m + r], half) / (told.length + 1));
  const offset = means.map((mean) => Math.log(mean / (1 - mean)));
  const logit = (at: number, o: number) => slopes[0] * logs[at] + slopes[1] * scores[at] + offset[o];
  const best = new BestFit(slopes, offset);
  for (let pass = 0; pass < 15; pass++) {
    const newton = new Newton(told.length);
    let lossHere = 0;
    const steps = new Float64Array(O);
    for (let o = 0; o < O; o++) {
      let slope = 0;
      let curvature = 1e-6;
      for (const r of told) {
        const at = o * m + r;
        const p = 1 / (1 + Math.exp(-logit(at, o)));
        const weight = p * (1 - p);
        newton.add((full[at] - p) * logs[at], (full[at] - p) * scores[at], [
          weight * logs[at] ** 2,
          weight * logs[at] * scores[at],
          weight * scores[at] ** 2,
        ]);
        lossHere += softplus(logit(at, o)) - logit(at, o) * full[at];
        slope += full[at] - p;
        curvature += weight;
      }
      steps[o] = bounded((0.7 * slope) / curvature, 1);
    }
    if (!best.offer(lossHere, told.length * O)) break;
    newton.step(slopes);
    for (let o = 0; o < O; o++) offset[o] += steps[o];
  }
  best.restore();
  let total = 0;
  for (let o = 0; o < O; o++) {
    for (const r of asked) {
      const z = logit(o * m + r, o);
      total += (softplus(z) - z * full[o * m + r]) / O;
    }
  }
  return total;
}

const softplus = (z: number) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/** Takes from each of O columns its mean over some rows. */
function centre(columns: Float64Array, O: number, m: number, rows: Int32Array): void {
  for (let o = 0; o < O; o++) {
    let mean = 0;
    for (const r of rows) mean += columns[o * m + r] / rows.length;
    for (let r = 0; r < m; r++) columns[o * m + r] -= mean;
  }
}

/** Keeps the slopes and offsets with the lowest loss so far, the first being the constant predictor. */
class BestFit {
  readonly #slopes: number[];
  readonly #offset: Float64Array;
  #lowest = Number.POSITIVE_INFINITY;
  #kept: { slopes: number[]; offset: Float64Array };

  constructor(slopes: number[], offset: Float64Array) {
    this.#slopes = slopes;
    this.#offset = offset;
    this.#kept = { slopes: [...slopes], offset: offset.slice() };
  }

  /** Takes note of where the fit stands. @returns whether going on is worth while: not after three passes without a better loss. */
  offer(loss: number, rows: number): boolean {
    const better = loss < this.#lowest - 1e-6 * rows;
    this.#idle = better ? 0 : this.#idle + 1;
    if (loss < this.#lowest) {
      this.#lowest = loss;
      this.#kept = { slopes: [...this.#slopes], offset: this.#offset.slice() };
    }
    return this.#idle < 3;
  }

  #idle = 0;

  restore(): void {
    this.#offset.set(this.#kept.offset);
    this.#kept.slopes.forEach((slope, i) => {
      this.#slopes[i] = slope;
    });
  }
}

const bounded = (value: number, most: number, least = -most) => Math.min(Math.max(value, least), most);

/** One Newton step for the two slopes, held back a little. */
class Newton {
  readonly #gradient = [0, 0];
  readonly #curvature: [number, number, number];

  constructor(rows: number) {
    this.#curvature = [1e-6 * rows, 0, 1e-6 * rows];
  }

  add(first: number, second: number, curvature: readonly number[]): void {
    this.#gradient[0] += first;
    this.#gradient[1] += second;
    for (let i = 0; i < 3; i++) this.#curvature[i] += curvature[i];
  }

  step(slopes: number[]): void {
    const [g, h] = this.#gradient;
    const [a, b, c] = this.#curvature;
    const determinant = a * c - b * b + 1e-9 * a * c;
    slopes[0] = bounded(slopes[0] + bounded((c * g - b * h) / determinant, 1), 5, 0);
    slopes[1] = bounded(slopes[1] + bounded((a * h - b * g) / determinant, 4), 40, -20);
  }
}
