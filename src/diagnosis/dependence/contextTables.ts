import type { Channels } from './channels.ts';
import type { Past } from './past.ts';
import type { Rows } from './rows.ts';
import type { Samples } from './samples.ts';

/** Newest symbols that are a context together, at most. */
const longestContext = 6;
/** Counted targets after which no further sequence, or block of a stream, is read. */
const mostRead = 600_000;
/** A shorter context counts for so many targets. */
const backing = 3;

/**
 * Mean targets after each context of 1, 2, ... newest symbols, from all targets of one half, not only from its rows. A mean is drawn
 * towards that of the next shorter context: m_q = (sum_q + 3 m_{q-1}) / (n_q + 3).
 */
export class ContextTables {
  readonly order: number;
  readonly #O: number;
  readonly #channels: Channels;
  readonly #mean: Float64Array;
  /** Targets before this one have been read. */
  #past = 0;
  readonly #tables: { readonly codes: Map<number, number>; counts: Float64Array; sums: Float64Array }[] = [];

  /** @param target writes the O numbers of a target. */
  constructor(
    samples: Samples,
    channels: Channels,
    { pieces }: Rows,
    W: number,
    O: number,
    target: (index: number, out: Float64Array) => void,
  ) {
    const { symbols, alphabet } = channels;
    this.#O = O;
    this.#channels = channels;
    this.#mean = new Float64Array(O);
    this.order = 0;
    if (!symbols) return;
    while (this.order < Math.min(W, longestContext) && (alphabet + 1) ** (this.order + 1) < 2 ** 50) this.order++;
    for (let q = 0; q < this.order; q++) {
      this.#tables.push({ codes: new Map(), counts: new Float64Array(1024), sums: new Float64Array(1024 * O) });
    }
    const y = new Float64Array(O);
    let read = 0;
    for (const { sequence, from, past } of pieces) {
      if (read >= mostRead) break;
      const start = samples.starts[sequence];
      this.#past = past;
      for (let index = from; index < past; index++) {
        target(index, y);
        read++;
        for (let o = 0; o < O; o++) this.#mean[o] += (y[o] - this.#mean[o]) / read;
        const place = start + samples.targetSteps[index];
        let key = 0;
        for (let q = 0; q < this.order; q++) {
          key = key * (alphabet + 1) + (place - q >= start ? symbols[place - q] : alphabet);
          this.#add(q, key, y);
        }
      }
    }
  }

  #add(q: number, key: number, y: Float64Array): void {
    const table = this.#tables[q];
    const O = this.#O;
    let code = table.codes.get(key);
    if (code === undefined) {
      code = table.codes.size;
      table.codes.set(key, code);
      if (code === table.counts.length) {
        table.counts = doubled(table.counts);
        table.sums = doubled(table.sums);
      }
    }
    table.counts[code]++;
    for (let o = 0; o < O; o++) table.sums[code * O + o] += y[o];
  }

  /**
   * [O, n] the mean target after each row's newest `order` symbols.
   *
   * @param own the rows' own targets, their indices and their numbers [O, n], to be left out where the tables have read them.
   */
  predict(past: Past, order: number, own?: { readonly targets: Int32Array; readonly values: Float64Array }): Float64Array {
    const O = this.#O;
    const { n, symbols } = past;
    const { alphabet } = this.#channels;
    const out = new Float64Array(O * n);
    for (let r = 0; r < n; r++) {
      for (let o = 0; o < O; o++) out[o * n + r] = this.#mean[o];
      const left = own && own.targets[r] < this.#past ? own.values : undefined;
      let key = 0;
      for (let q = 0; q < order; q++) {
        key = key * (alphabet + 1) + symbols[q * n + r];
        const table = this.#tables[q];
        const code = table.codes.get(key);
        if (code === undefined) break;
        const count = table.counts[code] - (left ? 1 : 0);
        if (count <= 0) break;
        for (let o = 0; o < O; o++) {
          const sum = table.sums[code * O + o] - (left ? left[o * n + r] : 0);
          out[o * n + r] = (sum + backing * out[o * n + r]) / (count + backing);
        }
      }
    }
    return out;
  }
}

function doubled(array: Float64Array): Float64Array {
  const larger = new Float64Array(2 * array.length);
  larger.set(array);
  return larger;
}
