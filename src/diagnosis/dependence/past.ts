import type { Channels } from './channels.ts';
import { addScaled, dot } from './linear.ts';
import type { Rows } from './rows.ts';

/** What the inputs of each lag have to do with a residual. */
export interface LagScan {
  /** Lags [from, past). */
  readonly from: number;
  readonly past: number;
  /** [lags] how much more than by chance, in deviations. */
  readonly strength: Float64Array;
  /** [lags, width, O] for every lag alone: coefficients of the channels, or means for the symbols. */
  readonly effects: Float64Array;
}

/** A symbol's mean is drawn towards 0 as if it had been seen so many times more. */
const shrinkage = 4;

/** The inputs before each of n rows: W lags, the newest first, lag by lag so that a lag is one stretch of memory. */
export class Past {
  readonly n: number;
  readonly W: number;
  readonly channels: Channels;
  /** [W, n] for symbols, I where there is none; else empty. */
  readonly symbols: Uint16Array;
  /** [W, n] for each channel of numbers. */
  readonly dense: readonly Float32Array[];
  /** [n] how many inputs each row has. */
  readonly #reach: Int32Array;

  constructor(channels: Channels, { count, places, reach }: Rows, W: number) {
    this.n = count;
    this.W = W;
    this.channels = channels;
    const n = count;
    this.#reach = Int32Array.from(reach, (most, r) => Math.min(most, places[r] + 1));
    this.symbols = new Uint16Array(channels.symbols ? W * n : 0);
    this.dense = channels.dense.map(() => new Float32Array(W * n));
    for (let k = 0; k < W; k++) {
      for (let r = 0; r < n; r++) {
        const there = k < this.#reach[r];
        if (channels.symbols) this.symbols[k * n + r] = there ? channels.symbols[places[r] - k] : channels.alphabet;
        else if (there) for (let c = 0; c < this.dense.length; c++) this.dense[c][k * n + r] = channels.dense[c][places[r] - k];
      }
    }
  }

  /** Numbers per lag in a scan's effects, for each output. */
  get width(): number {
    return this.channels.symbols ? this.channels.alphabet + 1 : this.dense.length;
  }

  /** One channel at one lag, added to n numbers of `out`. */
  addLag(channel: number, lag: number, out: Float64Array, at = 0): void {
    const n = this.n;
    if (this.channels.symbols) {
      const table = this.channels.tables[channel];
      for (let r = 0; r < n; r++) out[at + r] += table[this.symbols[lag * n + r]];
    } else {
      const column = this.dense[channel];
      for (let r = 0; r < n; r++) out[at + r] += column[lag * n + r];
    }
  }

  /** The same, each number times one of `factors`. */
  addLagProduct(channel: number, lag: number, factors: Float64Array, out: Float64Array, at = 0): void {
    const n = this.n;
    if (this.channels.symbols) {
      const table = this.channels.tables[channel];
      for (let r = 0; r < n; r++) out[at + r] += factors[r] * table[this.symbols[lag * n + r]];
    } else {
      const column = this.dense[channel];
      for (let r = 0; r < n; r++) out[at + r] += factors[r] * column[lag * n + r];
    }
  }

  /** Multiplies n numbers with -1 or 1 by which half of its values a lag is in, less `centre`; with `missing` where there is none. */
  multiplySign(code: number, lag: number, out: Float64Array, at = 0, centre = 0, missing = 0): void {
    const n = this.n;
    if (this.channels.symbols) {
      const table = this.channels.signTables[code];
      const { alphabet } = this.channels;
      for (let r = 0; r < n; r++) {
        const symbol = this.symbols[lag * n + r];
        out[at + r] *= symbol === alphabet ? missing : table[symbol] - centre;
      }
    } else {
      const { channel, at: cut } = this.channels.cuts[code];
      const column = this.dense[channel];
      for (let r = 0; r < n; r++) out[at + r] *= lag >= this.#reach[r] ? missing : (column[lag * n + r] > cut ? 1 : -1) - centre;
    }
  }

  /** How many inputs of lags [from, past) a row has. */
  present(row: number, from: number, past: number): number {
    return Math.max(0, Math.min(past, this.#reach[row]) - from);
  }

  /** Whether all rows have the same number of inputs. */
  get even(): boolean {
    return this.#reach.every((reach) => Math.min(reach, this.W) === Math.min(this.#reach[0], this.W));
  }

  /** A bit for each of the first rows: whether it has an input at the lag. */
  presentBits(lag: number, words: number): Int32Array {
    const bits = new Int32Array(words);
    for (let r = 0; r < Math.min(this.n, words * 32); r++) if (lag < this.#reach[r]) bits[r >> 5] |= 1 << (r & 31);
    return bits;
  }

  /** How many sign codes there are. */
  get codes(): number {
    return this.channels.symbols ? this.channels.signTables.length : this.channels.cuts.length;
  }

  /** Each lag of [from, past) alone against O residuals [O, n]. */
  scan(residual: Float64Array, O: number, from: number, past: number): LagScan {
    const strength = new Float64Array(Math.max(0, past - from));
    const effects = new Float64Array(strength.length * this.width * O);
    const variances = new Float64Array(O);
    for (let o = 0; o < O; o++) variances[o] = Math.max(dot(residual, o * this.n, residual, o * this.n, this.n) / this.n, 1e-300);
    for (let k = from; k < past; k++) {
      strength[k - from] = this.channels.symbols
        ? this.#scanSymbols(residual, O, k, variances, effects, (k - from) * this.width * O)
        : this.#scanDense(residual, O, k, variances, effects, (k - from) * this.width * O);
    }
    return { from, past, strength, effects };
  }

  #scanDense(residual: Float64Array, O: number, lag: number, variances: Float64Array, effects: Float64Array, at: number): number {
    const n = this.n;
    let best = 0;
    for (let c = 0; c < this.dense.length; c++) {
      const column = this.dense[c];
      const squares = dot(column, lag * n, column, lag * n, n);
      if (squares === 0) continue;
      let sum = 0;
      for (let o = 0; o < O; o++) {
        const product = dot(column, lag * n, residual, o * n, n);
        effects[at + c * O + o] = product / squares;
        sum += (product * product) / (squares * variances[o]);
      }
      best = Math.max(best, (sum - O) / Math.sqrt(2 * O));
    }
    return best;
  }

  #scanSymbols(residual: Float64Array, O: number, lag: number, variances: Float64Array, effects: Float64Array, at: number): number {
    const n = this.n;
    const { alphabet } = this.channels;
    const counts = this.#counts;
    counts.fill(0);
    for (let r = 0; r < n; r++) counts[this.symbols[lag * n + r]]++;
    for (let o = 0; o < O; o++) {
      for (let r = 0; r < n; r++) effects[at + this.symbols[lag * n + r] * O + o] += residual[o * n + r];
    }
    let sum = 0;
    let degrees = 0;
    for (let s = 0; s <= alphabet; s++) {
      if (counts[s] === 0) continue;
      if (s < alphabet) degrees++;
      for (let o = 0; o < O; o++) {
        const total = effects[at + s * O + o];
        if (s < alphabet) sum += (total * total) / (counts[s] * variances[o]);
        // Where the sequence had not begun, nothing is said.
        effects[at + s * O + o] = s < alphabet ? total / (counts[s] + shrinkage) : 0;
      }
    }
    degrees = Math.max(1, degrees - 1) * O;
    return (sum - degrees) / Math.sqrt(2 * degrees);
  }

  readonly #countsOf = { array: undefined as Float64Array | undefined };
  get #counts(): Float64Array {
    this.#countsOf.array ??= new Float64Array(this.channels.alphabet + 1);
    return this.#countsOf.array;
  }

  /** Adds the effects of a scan to O columns [O, n], each lag with a weight; may be asked of another half than was scanned. */
  apply(scan: LagScan, O: number, weight: (lag: number) => number, out: Float64Array): void {
    const n = this.n;
    // Symbols: [n, O], so that a row's effects are side by side.
    const sums = new Float64Array(this.channels.symbols ? O * n : 0);
    for (let k = scan.from; k < scan.past; k++) {
      const factor = weight(k);
      if (factor === 0) continue;
      const at = (k - scan.from) * this.width * O;
      if (this.channels.symbols) {
        for (let r = 0; r < n; r++) {
          const effect = at + this.symbols[k * n + r] * O;
          for (let o = 0; o < O; o++) sums[r * O + o] += factor * scan.effects[effect + o];
        }
      } else {
        for (let c = 0; c < this.dense.length; c++) {
          for (let o = 0; o < O; o++) addScaled(factor * scan.effects[at + c * O + o], this.dense[c], k * n, out, o * n, n);
        }
      }
    }
    for (let i = 0; i < sums.length; i++) out[(i % O) * n + Math.floor(i / O)] += sums[i];
  }
}
