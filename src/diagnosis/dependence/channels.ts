import { Random, seedFor } from '../../compute/random.ts';
import type { Samples } from './samples.ts';

/**
 * What a learner reads at every step. Numbers are standardised over all steps, and an input that a row has not (before the beginning of
 * its sequence) counts as 0, the mean.
 */
export interface Channels {
  /** [S] of steps with few different inputs: which of them each is; else undefined. */
  readonly symbols: Uint16Array | undefined;
  /** Different symbols I; 0 where there are none. */
  readonly alphabet: number;
  /** Of symbols: what each channel says of each, [I + 1] with 0 for a missing one. */
  readonly tables: readonly Float32Array[];
  /** Of numbers: [S] each. */
  readonly dense: readonly Float32Array[];
  /** How many channels there are, signs left out. */
  readonly count: number;
  /** Of symbols: [I + 1] of -1, 1, and 0 for a missing one; halves of the alphabet. */
  readonly signTables: readonly Int8Array[];
  /** Of numbers: channels that are cut into a low and a high half, and where. */
  readonly cuts: readonly { readonly channel: number; readonly at: number }[];
  /** Mean of each sign code over all steps. */
  readonly signMeans: readonly number[];
  /** Of numbers: the channels that are the inputs themselves, before products of them. */
  readonly plain: number;
}

/** Vectors with no more different values than this are symbols: the second where products of their numbers would be too many. */
const fewVectors = [12, 64];
/** Symbols with a channel of their own. */
const mostTables = 32;
/** Vectors of more numbers are used as they are, without products of two. */
const mostProducts = 6;
const mostDense = [24, 128];
/** Numbers of all lags of one half's rows that are kept, at most. */
const mostKept = 2e7;
const usualRows = 2500;
/** Of such, a number that is almost always the same marks a step: products with it, so many of them. */
const mostMarked = 24;
const signCodes = 3;
/** Deviations beyond which a number of many different values is cut off. */
const cutOff = 8;

export function channelsOf(samples: Samples, seed: number): Channels {
  const symbols = samples.input.kind === 'symbols' ? manySymbols(samples) : fewVectorsOf(samples);
  return symbols ? symbolChannels(symbols.codes, symbols.alphabet, seed) : denseChannels(samples, seed);
}

type Coded = { codes: Uint16Array; alphabet: number };

/** Beyond 4096 symbols, the rarest share one. */
const mostSymbols = 4096;

function manySymbols({ symbols, input }: Samples): Coded {
  if (input.size <= mostSymbols) return { codes: Uint16Array.from(symbols), alphabet: input.size };
  const counts = new Float64Array(input.size);
  for (const symbol of symbols) counts[symbol]++;
  const order = Array.from(counts, (_, symbol) => symbol).sort((a, b) => counts[b] - counts[a]);
  const code = new Uint16Array(input.size).fill(mostSymbols - 1);
  for (let i = 0; i < mostSymbols - 1; i++) code[order[i]] = i;
  return { codes: Uint16Array.from(symbols, (symbol) => code[symbol]), alphabet: mostSymbols };
}

function fewVectorsOf({ vectors, input: { size: I } }: Samples): Coded | undefined {
  const S = vectors.length / I;
  const most = fewVectors[I > mostProducts ? 1 : 0];
  const known: number[] = [];
  const codes = new Uint16Array(S);
  for (let s = 0; s < S; s++) {
    let code = 0;
    for (; code < known.length; code++) {
      let same = true;
      for (let i = 0; i < I && same; i++) same = vectors[known[code] * I + i] === vectors[s * I + i];
      if (same) break;
    }
    if (code === known.length) {
      if (known.length === most) return undefined;
      known.push(s);
    }
    codes[s] = code;
  }
  return { codes, alphabet: known.length };
}

function symbolChannels(symbols: Uint16Array, alphabet: number, seed: number): Channels {
  const counts = new Float64Array(alphabet);
  for (const symbol of symbols) counts[symbol]++;
  const order = Array.from(counts, (_, symbol) => symbol)
    .filter((symbol) => counts[symbol] > 0)
    .sort((a, b) => counts[b] - counts[a]);
  const wanted = order.length <= 2 ? order.slice(0, 1) : order.slice(0, mostTables);
  const tables = wanted.map((symbol) => {
    const share = counts[symbol] / symbols.length;
    const deviation = Math.sqrt(Math.max(share * (1 - share), 1e-12));
    const table = new Float32Array(alphabet + 1).fill(-share / deviation);
    table[symbol] = (1 - share) / deviation;
    table[alphabet] = 0;
    return table;
  });
  const signTables = signTablesOf(order, counts, alphabet, seed);
  return {
    symbols,
    alphabet,
    tables,
    dense: [],
    count: tables.length,
    signTables,
    cuts: [],
    signMeans: signTables.map((table) => counts.reduce((sum, count, symbol) => sum + count * table[symbol], 0) / symbols.length),
    plain: 0,
  };
}

/** Ways to cut the alphabet in two parts that come about equally often: in a random order, each symbol goes to the lighter one. */
function signTablesOf(order: readonly number[], counts: Float64Array, alphabet: number, seed: number): Int8Array[] {
  if (order.length < 2) return [];
  const random = new Random(seedFor(seed, 'signs'));
  return Array.from({ length: order.length === 2 ? 1 : signCodes }, () => {
    const table = new Int8Array(alphabet + 1);
    const shuffled = [...order];
    random.shuffle(shuffled);
    let balance = random.below(2) - 0.5;
    for (const symbol of shuffled) {
      table[symbol] = balance > 0 ? -1 : 1;
      balance += table[symbol] * counts[symbol];
    }
    return table;
  });
}

function denseChannels({ vectors, longest, input: { size: I } }: Samples, seed: number): Channels {
  const S = vectors.length / I;
  const room = Math.floor(mostKept / (usualRows * Math.min(longest, 1000)));
  const most = Math.min(Math.max(room, mostDense[0]), mostDense[1]);
  const columns = Math.min(I, most);
  const random = new Random(seedFor(seed, 'projection'));
  const bucket = Int32Array.from({ length: I }, (_, i) => (I <= most ? i : random.below(columns)));
  const sign = Int8Array.from({ length: I }, () => (I <= most || random.below(2) === 0 ? 1 : -1));
  const plain = Array.from({ length: columns }, () => new Float32Array(S));
  for (let s = 0; s < S; s++) for (let i = 0; i < I; i++) plain[bucket[i]][s] += sign[i] * vectors[s * I + i];
  const discrete = plain.map(fewValues);
  plain.forEach((column, i) => {
    standardizeColumn(column, discrete[i] > 0);
  });
  const dense = [...plain];
  const markers = plain.map((column, i) => discrete[i] === 2 && isMarker(column));
  if (I <= most) {
    for (let i = 0; i < I; i++) {
      for (let j = i; j < I; j++) {
        if (i === j && discrete[i] > 0 && discrete[i] <= 2) continue;
        if (I > mostProducts && (!(markers[i] || markers[j]) || dense.length >= I + mostMarked)) continue;
        const product = plain[i].map((value, s) => value * plain[j][s]);
        if (standardizeColumn(product, discrete[i] > 0 || discrete[j] > 0)) dense.push(product);
      }
    }
  }
  const cuts = plain
    .map((column, channel) => {
      const at = medianOf(column);
      let above = 0;
      for (const value of column) if (value > at) above++;
      return { channel, at, mean: (2 * above) / S - 1 };
    })
    .filter(({ mean }) => Math.abs(mean) < 0.8)
    .slice(0, signCodes);
  const signMeans = cuts.map(({ mean }) => mean);
  return { symbols: undefined, alphabet: 0, tables: [], dense, count: dense.length, signTables: [], cuts, signMeans, plain: columns };
}

/** How many different values a column has, 0 for more than 16. */
function fewValues(column: Float32Array): number {
  const seen = new Set<number>();
  for (const value of column) {
    seen.add(value);
    if (seen.size > 16) return 0;
  }
  return seen.size;
}

/** Whether a standardised column of two values has one of them in under a fifth of the steps. */
function isMarker(column: Float32Array): boolean {
  return column.some((value) => Math.abs(value) > 2);
}

/** To mean 0 and deviation 1, in place; false where the column is constant, and then 0. */
function standardizeColumn(column: Float32Array, discrete: boolean): boolean {
  for (let pass = 0; pass < 2; pass++) {
    let mean = 0;
    let squares = 0;
    for (let s = 0; s < column.length; s++) {
      const difference = column[s] - mean;
      mean += difference / (s + 1);
      squares += difference * (column[s] - mean);
    }
    const deviation = Math.sqrt(squares / column.length);
    if (!(deviation > 1e-7 * Math.abs(mean)) || deviation === 0) {
      column.fill(0);
      return false;
    }
    let cut = false;
    for (let s = 0; s < column.length; s++) {
      let value = (column[s] - mean) / deviation;
      if (!discrete && Math.abs(value) > cutOff) {
        value = Math.sign(value) * cutOff;
        cut = true;
      }
      column[s] = value;
    }
    if (!cut) break;
  }
  return true;
}

function medianOf(column: Float32Array): number {
  const stride = Math.max(1, Math.floor(column.length / 4096));
  const sample = Float32Array.from({ length: Math.ceil(column.length / stride) }, (_, i) => column[i * stride]).sort();
  return sample[Math.floor((sample.length - 1) / 2)];
}
