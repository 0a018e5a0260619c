import { Random, seedFor } from '../../compute/random.ts';
import { evaluateFeature, type Feature } from './features.ts';
import { dot } from './linear.ts';
import type { Past } from './past.ts';

const nearestLags = 12;
const hingedLags = 4;
const mostHinges = 24;

/** What is always asked of the newest inputs: each channel lag by lag, and bends of numbers, so that a curved dependence is near too. */
export function nearestFeatures(past: Past, window: number, most: number, seed: number): Feature[] {
  const { count, plain, symbols } = past.channels;
  const features: Feature[] = [];
  const lags = Math.min(window, nearestLags);
  for (let lag = 0; lag < lags; lag++) {
    for (let channel = 0; channel < count; channel++) {
      if (features.length >= most) break;
      // Products of numbers at the two newest lags only.
      if (symbols || channel < plain || lag < 2) features.push({ kind: 'lag', channel, lag });
    }
  }
  if (symbols) return features;
  const random = new Random(seedFor(seed, 'hinges'));
  const hinges = Math.min(mostHinges, Math.floor(past.n / 30), Math.floor(most / 2));
  const reach = Math.min(window, hingedLags);
  const bends = bendsOf(past, 0, Math.min(reach, 2));
  while (bends.length < hinges) {
    const terms = Array.from({ length: Math.min(3, reach * plain) }, () => ({
      channel: random.below(plain),
      lag: random.below(reach),
      weight: random.normal(),
    }));
    bends.push({ kind: 'hinge', lags: terms, offset: random.normal() });
  }
  return [...features.slice(0, most - Math.min(hinges, bends.length)), ...bends.slice(0, hinges)];
}

/** Bends of the first numbers at lags [from, to). */
export function bendsOf({ channels: { plain } }: Past, from: number, to: number): Feature[] {
  const bends: Feature[] = [];
  for (let lag = from; lag < to; lag++) {
    for (let channel = 0; channel < Math.min(plain, 3); channel++) {
      for (const offset of [-0.8, 0, 0.8]) bends.push({ kind: 'hinge', lags: [{ channel, lag, weight: 1 }], offset });
    }
  }
  return bends;
}

/** Channels that are summed over stretches. */
const mostPooled = 32;

/**
 * Sums of each channel over stretches of [from, past): all of it, stretches that double in length away from either end, and powers of
 * two between. Those that go with the residual most.
 */
export function poolsOf(past: Past, from: number, to: number, residual: Float64Array, O: number, most: number): Feature[] {
  const stretches = stretchesOf(from, to);
  const { n, channels } = past;
  const edges = [...new Set(stretches.flat())].sort((a, b) => a - b);
  const scored: { feature: Feature; score: number }[] = [];
  const variance = varianceOf(residual, O, n);
  const sums = edges.map(() => new Float64Array(n));
  const column = new Float64Array(n);
  for (let channel = 0; channel < Math.min(channels.count, mostPooled); channel++) {
    const running = new Float64Array(n);
    let lag = from;
    edges.forEach((edge, e) => {
      for (; lag < edge; lag++) past.addLag(channel, lag, running);
      sums[e].set(running);
    });
    for (const [begin, end] of stretches) {
      const first = sums[edges.indexOf(begin)];
      const last = sums[edges.indexOf(end)];
      for (let r = 0; r < n; r++) column[r] = last[r] - first[r];
      scored.push({ feature: { kind: 'pool', channel, from: begin, past: end }, score: scoreOf(column, residual, O, variance, n) });
    }
  }
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ feature }) => feature);
}

/** Steps between two inputs that are looked at together. */
const gaps = [1, 2, 3];
/** Symbols whose pairs are counted; beyond, the alphabet is too large. */
const mostPaired = 16;
const mostPairedChannels = 4;

/**
 * Pairs of inputs a few steps apart (a marker, and what stands beside it), summed over all places in [from, past): those that go with the
 * residual most.
 */
export function neighboursOf(past: Past, from: number, to: number, residual: Float64Array, O: number, most: number): Feature[] {
  const { n, channels, symbols } = past;
  const variance = varianceOf(residual, O, n);
  const scored: { feature: Feature; score: number }[] = [];
  const column = new Float64Array(n);
  for (const gap of gaps) {
    if (to - from <= gap + 1) break;
    if (channels.symbols && channels.alphabet <= mostPaired && channels.tables.length > 1) {
      const A = channels.alphabet + 1;
      const counts = new Float64Array(A * A * n);
      for (let k = from; k + gap < to; k++) {
        for (let r = 0; r < n; r++) counts[(symbols[(k + gap) * n + r] * A + symbols[k * n + r]) * n + r]++;
      }
      const symbolOf = channels.tables.map((table) => table.indexOf(Math.max(...table)));
      symbolOf.forEach((a, older) => {
        symbolOf.forEach((b, newer) => {
          const score = scoreOf(counts, residual, O, variance, n, (a * A + b) * n);
          scored.push({ feature: { kind: 'neighbours', older, newer, gap, from, past: to }, score });
        });
      });
    } else if (!channels.symbols) {
      const count = Math.min(channels.plain, mostPairedChannels);
      for (let older = 0; older < count; older++) {
        for (let newer = 0; newer < count; newer++) {
          const feature: Feature = { kind: 'neighbours', older, newer, gap, from, past: to };
          evaluateFeature(feature, past, column, 0);
          scored.push({ feature, score: scoreOf(column, residual, O, variance, n) });
        }
      }
    }
  }
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ feature }) => feature);
}

/** Stretches of at least two lags. */
export function stretchesOf(from: number, to: number): [number, number][] {
  const found = new Map<string, [number, number]>();
  const add = (begin: number, end: number) => {
    const a = Math.max(from, begin);
    const b = Math.min(to, end);
    if (b - a >= 2) found.set(`${a} ${b}`, [a, b]);
  };
  add(from, to);
  for (let length = 2; length < to - from; length *= 2) {
    add(from, from + length);
    add(from + length, from + 2 * length);
    add(to - length, to);
    add(to - 2 * length, to - length);
  }
  for (let at = 2; at < to; at *= 2) if (2 * at > from) add(at, 2 * at);
  return [...found.values()];
}

export function varianceOf(residual: Float64Array, O: number, n: number): number[] {
  return Array.from({ length: O }, (_, o) => Math.max(dot(residual, o * n, residual, o * n, n) / n, 1e-300));
}

/** Sum over the outputs of squared correlations, times n: about O by chance. */
export function scoreOf(column: Float64Array, residual: Float64Array, O: number, variance: readonly number[], n: number, at = 0): number {
  let mean = 0;
  for (let r = 0; r < n; r++) mean += column[at + r];
  mean /= n;
  const squares = dot(column, at, column, at, n) - n * mean * mean;
  if (!(squares > 1e-9 * n)) return 0;
  let score = 0;
  for (let o = 0; o < O; o++) {
    // The residual has mean 0, so the column need not be centred.
    const product = dot(column, at, residual, o * n, n);
    score += (product * product) / (squares * variance[o]);
  }
  return score;
}
