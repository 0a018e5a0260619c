import type { Past } from './past.ts';
import type { Rows } from './rows.ts';

/**
 * What every window is given for free, so that it cannot pass for a dependence on old inputs: where in its sequence a row stands, and
 * a slow drift over the data.
 */
export interface FreeColumns {
  /** Steps at which a new bin begins. */
  readonly edges: readonly number[];
  readonly waves: number;
}

const mostBins = 24;

export function freeColumnsOf(rows: Rows, windows: boolean): FreeColumns {
  const sorted = windows ? new Int32Array(0) : rows.steps.slice().sort();
  const bins = Math.min(mostBins, Math.max(1, Math.floor(rows.count / 40)));
  const edges = new Set<number>();
  for (let b = 1; b < bins; b++) {
    const edge = sorted[Math.floor((b * sorted.length) / bins)];
    if (edge !== undefined && edge > sorted[0]) edges.add(edge);
  }
  const distinct = new Set(sorted);
  // Few different steps: one bin for each.
  if (distinct.size > 1 && distinct.size <= bins) for (const step of distinct) if (step > sorted[0]) edges.add(step);
  return { edges: [...edges].sort((a, b) => a - b), waves: Math.min(windows ? 8 : 4, Math.floor(rows.units / 12)) };
}

/** How many columns `writeFreeColumns` writes. */
export const freeCount = ({ edges, waves }: FreeColumns): number => 1 + edges.length + waves;

/** A constant, a step at each edge, and cosines over the data: [count, n]. */
export function writeFreeColumns({ edges, waves }: FreeColumns, { count: n, steps, times }: Rows, out: Float64Array): void {
  out.fill(1, 0, n);
  edges.forEach((edge, i) => {
    for (let r = 0; r < n; r++) out[(1 + i) * n + r] = steps[r] >= edge ? 1 : 0;
  });
  for (let j = 0; j < waves; j++) {
    for (let r = 0; r < n; r++) out[(1 + edges.length + j) * n + r] = Math.SQRT2 * Math.cos(Math.PI * (j + 1) * times[r]);
  }
}

/** Fewest rows to a context, on average. */
const rowsPerContext = 8;
const longestContext = 6;

/** How many of the newest symbols may be a context together, so that enough rows are left to each. */
export function contextOrder(past: Past, most: number): number {
  const { symbols, alphabet } = past.channels;
  let order = 0;
  if (symbols) {
    while (order < Math.min(most, longestContext, past.W) && (alphabet + 1) ** (order + 1) < 2 ** 50) {
      if (past.n / new Set(keysOf(past, order + 1)).size < rowsPerContext) break;
      order++;
    }
  }
  return order;
}

/** Rows with the same newest symbols: [n] a number for each group. */
export function contextGroups(past: Past, order: number): { codes: Int32Array; count: number } {
  const known = new Map<number, number>();
  const codes = Int32Array.from(keysOf(past, order), (key) => {
    const code = known.get(key) ?? known.size;
    if (code === known.size) known.set(key, code);
    return code;
  });
  return { codes, count: known.size };
}

function keysOf({ n, symbols, channels: { alphabet } }: Past, order: number): Float64Array {
  const keys = new Float64Array(n);
  for (let k = 0; k < order; k++) for (let r = 0; r < n; r++) keys[r] = keys[r] * (alphabet + 1) + symbols[k * n + r];
  return keys;
}

/** Takes each group's own mean from d columns [d, n], in place. */
export function withinGroups(columns: Float64Array, d: number, groups: Int32Array, groupCount: number, n: number): void {
  const counts = new Float64Array(groupCount);
  for (let r = 0; r < n; r++) counts[groups[r]]++;
  const sums = new Float64Array(groupCount);
  for (let j = 0; j < d; j++) {
    sums.fill(0);
    for (let r = 0; r < n; r++) sums[groups[r]] += columns[j * n + r];
    for (let r = 0; r < n; r++) columns[j * n + r] -= sums[groups[r]] / counts[groups[r]];
  }
}
