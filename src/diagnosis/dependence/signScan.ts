import type { Feature } from './features.ts';
import { addScaled } from './linear.ts';
import type { Past } from './past.ts';

/**
 * Interactions of two and three lags, by brute force on bits: each input and each residual becomes one bit (which half of its values it
 * is in), a product of signs is an exclusive or, and a correlation is a count of ones. All T²/2 pairs of 400 lags on 1,500 rows
 * are four million words.
 *
 * A product of k signs has no trace at any fewer lags, which is why lag by lag a delayed XOR cannot be seen.
 */
export interface Interaction {
  readonly feature: Feature;
  /** Correlation with the residual's sign, in deviations of chance. */
  readonly strength: number;
}

/** Words of 32 rows that the scans of two and of three read at most. */
const pairWords = 48;
const tripleWords = 8;
/** A product goes on from the first words only where it is so far from chance there. */
const firstWords = 12;
const firstLeast = 2.5;
const firstTripleWords = 3;
/** Signals (codes times lags) that are combined by two and by three; of more, the newest. */
const mostPaired = 1536;
const mostTripled = 420;
/** Kept for each range of extents (a factor of two wide). */
const keptPerRange = 4;
const least = 4.5;

/**
 * @param residual [O, n]
 * @param report is given what was found after pairs, stretches and triples each, the strongest first.
 */
export function* scanSigns(past: Past, residual: Float64Array, O: number, report: (found: Interaction[]) => void): Generator<void, void> {
  const { n, W, codes } = past;
  if (codes === 0 || W < 1) return;
  const words = Math.min(Math.max(1, Math.floor(n / 32)), pairWords);
  const targets = signTargets(residual, O, n);
  const targetBits = targets.map((target) => signBits(target, 0, n, words));
  const lags = Math.min(W, Math.floor(mostPaired / codes));
  const signals: { bits: Int32Array; code: number; lag: number }[] = [];
  const column = new Float64Array(n);
  for (let lag = 0; lag < lags; lag++) {
    for (let code = 0; code < codes; code++) {
      column.fill(1);
      past.multiplySign(code, lag, column, 0, 0, 1);
      signals.push({ bits: signBits(column, 0, n, words), code, lag });
    }
  }
  yield;
  const found = new Best(Math.min(n, words * 32));
  for (const target of targetBits) {
    yield* pairs(signals, target, words, (i, j, score) => {
      const [a, b] = [signals[i], signals[j]];
      // Of one and the same step, the channels tell all.
      if (a.lag === b.lag) return;
      found.offer(score, b.lag + 1, () => ({ kind: 'signs', codes: [a.code, b.code], lags: [a.lag, b.lag] }));
    });
  }
  report(found.list());
  // Products over all lags of a stretch: the exclusive or of the signs so far, at its two ends.
  for (let code = 0; code < codes; code++) {
    const own = signals.filter((signal) => signal.code === code);
    for (const sign of past.even ? ([1] as const) : ([1, -1] as const)) {
      const running = [{ bits: new Int32Array(words) }];
      own.forEach(({ bits, lag }) => {
        const there = sign === 1 ? undefined : past.presentBits(lag, words);
        running.push({ bits: bits.map((word, w) => word ^ running[running.length - 1].bits[w] ^ (there ? there[w] : 0)) });
      });
      for (const target of targetBits) {
        yield* pairs(running, target, words, (i, j, score) => {
          if (j - i > 2) found.offer(score, j, () => ({ kind: 'run', code, sign, from: i, past: j }));
        });
      }
    }
  }
  report(found.list());
  yield* triples(targets, signals, found);
  report(found.list());
}

/** Every pair i < j of signals whose product with the target is farther from chance than `least`: by a part of the rows first. */
function* pairs(
  signals: readonly { readonly bits: Int32Array }[],
  target: Int32Array,
  words: number,
  offer: (i: number, j: number, score: number) => void,
): Generator<void, void> {
  const first = Math.min(words, firstWords);
  const firstBound = firstLeast * Math.sqrt(first * 8);
  const bound = least * Math.sqrt(words * 8);
  const mixed = new Int32Array(words);
  for (let i = 0; i < signals.length; i++) {
    const a = signals[i].bits;
    for (let w = 0; w < words; w++) mixed[w] = a[w] ^ target[w];
    for (let j = i + 1; j < signals.length; j++) {
      const b = signals[j].bits;
      let ones = 0;
      for (let w = 0; w < first; w++) ones += onesIn(mixed[w] ^ b[w]);
      if (Math.abs(ones - first * 16) < firstBound) continue;
      for (let w = first; w < words; w++) ones += onesIn(mixed[w] ^ b[w]);
      const distance = Math.abs(ones - words * 16);
      if (distance > bound) offer(i, j, distance / Math.sqrt(words * 8));
    }
    if (i % 64 === 0) yield;
  }
}

/** Products of three, on few rows; what stands out there is what a noisy parity of three would show. */
function* triples(
  targets: readonly Float64Array[],
  all: readonly { readonly bits: Int32Array; readonly code: number; readonly lag: number }[],
  found: Best,
): Generator<void, void> {
  const words = Math.min(tripleWords, all[0].bits.length);
  const signals = all.filter(({ code }) => code === 0).slice(0, mostTripled);
  const J = signals.length;
  if (J < 3) return;
  const flat = new Int32Array(J * words);
  signals.forEach(({ bits }, j) => {
    flat.set(bits.subarray(0, words), j * words);
  });
  const half = words * 16;
  const bound = 4.8 * Math.sqrt(words * 8);
  const first = Math.min(words, firstTripleWords);
  const firstBound = firstLeast * Math.sqrt(first * 8);
  const mixed = new Int32Array(words);
  const twice = new Int32Array(words);
  const candidates: [number, number, number][] = [];
  for (const each of targets) {
    const target = signBits(each, 0, each.length, words);
    for (let i = 0; i < J; i++) {
      for (let w = 0; w < words; w++) mixed[w] = flat[i * words + w] ^ target[w];
      for (let j = i + 1; j < J; j++) {
        for (let w = 0; w < words; w++) twice[w] = mixed[w] ^ flat[j * words + w];
        for (let k = j + 1; k < J; k++) {
          const at = k * words;
          let ones = 0;
          for (let w = 0; w < first; w++) ones += onesIn(twice[w] ^ flat[at + w]);
          if (Math.abs(ones - first * 16) < firstBound) continue;
          for (let w = first; w < words; w++) ones += onesIn(twice[w] ^ flat[at + w]);
          if ((ones < half ? half - ones : ones - half) > bound && candidates.length < 512) candidates.push([i, j, k]);
        }
      }
      if (i % 4 === 0) yield;
    }
  }
  // What chance left is weighed on all rows.
  const everyWord = all[0].bits.length;
  for (const each of targets) {
    const target = signBits(each, 0, each.length, everyWord);
    for (const [i, j, k] of candidates) {
      let ones = 0;
      for (let w = 0; w < everyWord; w++) ones += onesIn(target[w] ^ signals[i].bits[w] ^ signals[j].bits[w] ^ signals[k].bits[w]);
      const score = Math.abs(ones - everyWord * 16) / Math.sqrt(everyWord * 8);
      if (score > least) {
        const lags = [signals[i].lag, signals[j].lag, signals[k].lag];
        found.offer(score, lags[2] + 1, () => ({ kind: 'signs', codes: [0, 0, 0], lags }));
      }
    }
  }
}

/** At most this many residuals are cut into halves; of more outputs, random sums. */
const mostTargets = 2;

function signTargets(residual: Float64Array, O: number, n: number): Float64Array[] {
  if (O <= mostTargets) return Array.from({ length: O }, (_, o) => residual.subarray(o * n, (o + 1) * n));
  return Array.from({ length: mostTargets }, (_, j) => {
    const sum = new Float64Array(n);
    // Rows of a Hadamard matrix: every two outputs go together in one sum and apart in another.
    for (let o = 0; o < O; o++) addScaled((o >> j) % 2 === 0 ? 1 : -1, residual, o * n, sum, 0, n);
    return sum;
  });
}

/** The strongest of each range of extents. */
class Best {
  readonly #ranges = new Map<number, Interaction[]>();
  readonly #rows: number;

  constructor(rows: number) {
    this.#rows = rows;
  }

  offer(score: number, extent: number, make: () => Feature): void {
    // Fewer rows than the words have bits: the rest are zeros and say nothing.
    if (score < least || this.#rows < 32) return;
    const range = Math.ceil(Math.log2(extent));
    const list = this.#ranges.get(range) ?? [];
    if (list.length === keptPerRange && list[keptPerRange - 1].strength >= score) return;
    list.push({ feature: make(), strength: score });
    list.sort((a, b) => b.strength - a.strength);
    list.length = Math.min(list.length, keptPerRange);
    this.#ranges.set(range, list);
  }

  list(): Interaction[] {
    return [...this.#ranges.values()].flat().sort((a, b) => b.strength - a.strength);
  }
}

/** A bit for each of the first rows: whether it is below 0, so that a missing input (1) changes no product. */
function signBits(column: Float64Array, at: number, n: number, words: number): Int32Array {
  const bits = new Int32Array(words);
  const rows = Math.min(n, words * 32);
  for (let r = 0; r < rows; r++) if (column[at + r] < 0) bits[r >> 5] |= 1 << (r & 31);
  return bits;
}

function onesIn(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
