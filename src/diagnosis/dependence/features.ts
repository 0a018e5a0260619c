import { addScaled, dot } from './linear.ts';
import type { Past } from './past.ts';

/** A function of the inputs before a row. */
export type Feature =
  /** One channel, `lag` steps before the newest input. */
  | { readonly kind: 'lag'; readonly channel: number; readonly lag: number }
  /** One channel, summed over lags [from, past). */
  | { readonly kind: 'pool'; readonly channel: number; readonly from: number; readonly past: number }
  /** Product of one channel and of another `gap` steps earlier, summed over all such pairs in lags [from, past). */
  | {
      readonly kind: 'neighbours';
      readonly older: number;
      readonly newer: number;
      readonly gap: number;
      readonly from: number;
      readonly past: number;
    }
  /** Product of the halves, -1 or 1 less their mean, that the inputs at some lags are in; 0 where one is missing. */
  | { readonly kind: 'signs'; readonly codes: readonly number[]; readonly lags: readonly number[] }
  /** Product of the halves, -1 or 1 times `sign`, over all lags of [from, past), less its mean for independent inputs; 0 where there are none. */
  | { readonly kind: 'run'; readonly code: number; readonly sign: 1 | -1; readonly from: number; readonly past: number }
  /** max(0, sum of weighted lags - offset). */
  | {
      readonly kind: 'hinge';
      readonly lags: readonly { readonly channel: number; readonly lag: number; readonly weight: number }[];
      readonly offset: number;
    }
  | { readonly kind: 'product'; readonly of: readonly [Feature, Feature] }
  /** Something that was learned of lags [0, past). */
  | { readonly kind: 'learned'; readonly name: string; readonly past: number; values(past: Past): Float64Array };

/** How many of the newest inputs a feature needs. */
export function extentOf(feature: Feature): number {
  switch (feature.kind) {
    case 'lag':
      return feature.lag + 1;
    case 'pool':
    case 'run':
    case 'neighbours':
    case 'learned':
      return feature.past;
    case 'signs':
      return Math.max(...feature.lags) + 1;
    case 'hinge':
      return Math.max(...feature.lags.map(({ lag }) => lag)) + 1;
    case 'product':
      return Math.max(extentOf(feature.of[0]), extentOf(feature.of[1]));
  }
}

/** The newest lag that a feature looks at. */
export function newestOf(feature: Feature): number {
  switch (feature.kind) {
    case 'lag':
      return feature.lag;
    case 'pool':
    case 'run':
    case 'neighbours':
      return feature.from;
    case 'signs':
      return Math.min(...feature.lags);
    case 'hinge':
      return Math.min(...feature.lags.map(({ lag }) => lag));
    case 'product':
      return Math.min(newestOf(feature.of[0]), newestOf(feature.of[1]));
    case 'learned':
      return 0;
  }
}

/**
 * The feature as something that says nothing of near inputs alone: a function of inputs older than the window, of mean 0, times one of near
 * inputs at most. undefined where it cannot be written so, or needs nothing old.
 */
export function farForm(feature: Feature, window: number): Feature | undefined {
  if (extentOf(feature) <= window) return undefined;
  if (newestOf(feature) >= window || feature.kind === 'signs') return feature;
  if (feature.kind === 'run') {
    return {
      kind: 'product',
      of: [
        { ...feature, past: window },
        { ...feature, from: window },
      ],
    };
  }
  if (feature.kind !== 'product') return undefined;
  const whole = feature.of.every((part) => extentOf(part) <= window || newestOf(part) >= window);
  return whole ? feature : undefined;
}

export const nameOf = (feature: Feature): string => JSON.stringify(feature);

/** A feature brought to mean 0 and deviation 1 on the half it was chosen on. */
export interface Scaled {
  readonly feature: Feature;
  readonly mean: number;
  readonly scale: number;
}

/** Writes a feature's n values. */
export function evaluateFeature(feature: Feature, past: Past, out: Float64Array, at: number): void {
  const n = past.n;
  out.fill(0, at, at + n);
  switch (feature.kind) {
    case 'lag':
      past.addLag(feature.channel, feature.lag, out, at);
      return;
    case 'pool':
      for (let k = feature.from; k < feature.past; k++) past.addLag(feature.channel, k, out, at);
      return;
    case 'neighbours': {
      const { older, newer, gap, from } = feature;
      const products = new Float64Array(n);
      for (let k = from; k + gap < feature.past; k++) {
        products.fill(0);
        past.addLag(newer, k, products);
        past.addLagProduct(older, k + gap, products, out, at);
      }
      return;
    }
    case 'signs':
      out.fill(1, at, at + n);
      feature.lags.forEach((lag, i) => {
        const code = feature.codes[i];
        past.multiplySign(code, lag, out, at, past.channels.signMeans[code]);
      });
      return;
    case 'run': {
      out.fill(1, at, at + n);
      for (let k = feature.from; k < feature.past; k++) past.multiplySign(feature.code, k, out, at, 0, 1);
      const mean = past.channels.signMeans[feature.code];
      for (let r = 0; r < n; r++) {
        const there = past.present(r, feature.from, feature.past);
        out[at + r] = there === 0 ? 0 : (out[at + r] - mean ** there) * feature.sign ** there;
      }
      return;
    }
    case 'hinge': {
      const sum = new Float64Array(n);
      for (const { channel, lag, weight } of feature.lags) {
        const column = new Float64Array(n);
        past.addLag(channel, lag, column);
        addScaled(weight, column, 0, sum, 0, n);
      }
      for (let r = 0; r < n; r++) out[at + r] = Math.max(0, sum[r] - feature.offset);
      return;
    }
    case 'product': {
      const other = new Float64Array(n);
      evaluateFeature(feature.of[0], past, out, at);
      evaluateFeature(feature.of[1], past, other, 0);
      for (let r = 0; r < n; r++) out[at + r] *= other[r];
      return;
    }
    case 'learned':
      out.set(feature.values(past), at);
  }
}

/** Columns [d, n] of features, in the scale of the half that they were chosen on. */
export function columnsOf(features: readonly Scaled[], past: Past, before = 0): Float64Array {
  const columns = new Float64Array((before + features.length) * past.n);
  features.forEach(({ feature, mean, scale }, j) => {
    const at = (before + j) * past.n;
    evaluateFeature(feature, past, columns, at);
    for (let r = 0; r < past.n; r++) columns[at + r] = (columns[at + r] - mean) * scale;
  });
  return columns;
}

/** A feature that differs from its mean in fewer rows than about this says nothing that could be relied on. */
const leastRows = 8;

/** Mean and scale on this half; undefined where the feature is (almost) constant there. */
export function scaled(feature: Feature, past: Past, column = new Float64Array(past.n), at = 0): Scaled | undefined {
  evaluateFeature(feature, past, column, at);
  const n = past.n;
  let mean = 0;
  for (let r = 0; r < n; r++) mean += column[at + r];
  mean /= n;
  const variance = dot(column, at, column, at, n) / n - mean * mean;
  if (!(variance > 1e-9)) return undefined;
  const scale = 1 / Math.sqrt(variance);
  let fourth = 0;
  for (let r = 0; r < n; r++) {
    column[at + r] = (column[at + r] - mean) * scale;
    fourth += column[at + r] ** 4;
  }
  return n * n < leastRows * fourth ? undefined : { feature, mean, scale };
}
