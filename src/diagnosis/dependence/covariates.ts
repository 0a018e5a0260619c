import type { Past } from './past.ts';
import type { Rows } from './rows.ts';

/**
 * What every window is given for free, so that it cannot pass for a dependence on old inputs: where in its sequence a row stands, and
 * a slow drift over the data. Of a stream, or a few, it is the drift alone: the mean of a stretch holds what comes later in it, and against that
 * mean even noise depends on its own past (Nickell 1981).
 */
export interface FreeColumns {
  /** Steps at which a new bin begins. */
  readonly edges: readonly number[];
  readonly waves: number;
}

const mostBins = 24;
/** Sequences from which on a step's mean is one over sequences, and not over time: of bins of many steps, and of groups of few. */
const fewestBinned = 8;
const fewestGrouped = 20;
const waves = 4;

export function freeColumnsOf(rows: Rows): FreeColumns {
  const sorted = rows.sequences >= fewestBinned ? rows.steps.slice().sort() : new Int32Array(0);
  const bins = Math.min(mostBins, Math.max(1, Math.floor(rows.count / 40)));
  const edges = new Set<number>();
  for (let b = 1; b < bins; b++) {
    const edge = sorted[Math.floor((b * sorted.length) / bins)];
    if (edge !== undefined && edge > sorted[0]) edges.add(edge);
  }
  const distinct = new Set(sorted);
  // Few different steps: one bin for each.
  if (distinct.size > 1 && distinct.size <= bins) for (const step of distinct) if (step > sorted[0]) edges.add(step);
  return { edges: [...edges].sort((a, b) => a - b), waves: Math.min(waves, Math.floor(rows.units / 12)) };
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

/** Fewest rows to a group of steps. */
const rowsPerStep = 12;
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

/** [n] a number for each group of rows. */
export interface Groups {
  readonly codes: Int32Array;
  readonly count: number;
}

/** Rows at the same step of their sequences, or at neighbouring ones where there are few rows at each; undefined where all are at one. */
export function stepGroups({ steps, count: n, sequences }: Rows): Groups | undefined {
  if (sequences < fewestGrouped) return undefined;
  const order = Array.from(steps, (_, r) => r).sort((a, b) => steps[a] - steps[b]);
  const codes = new Int32Array(n);
  let group = 0;
  let began = 0;
  for (let i = 1; i < n; i++) {
    if (steps[order[i]] !== steps[order[i - 1]] && i - began >= rowsPerStep && n - i >= rowsPerStep) {
      group++;
      began = i;
    }
    codes[order[i]] = group;
  }
  return group === 0 ? undefined : { codes, count: group + 1 };
}

/** Rows with the same newest symbols. */
export function contextGroups(past: Past, order: number): Groups {
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

/** Rounds of taking the means of one grouping and of the other, where there are two. */
const rounds = 8;

/** Takes each group's own mean from d columns [d, n], in place; of two groupings, in turn, as often as brings both near 0. */
export function withinGroups(columns: Float64Array, d: number, groupings: readonly Groups[], n: number): void {
  for (let round = 0; round < (groupings.length > 1 ? rounds : 1); round++) {
    for (const { codes, count } of groupings) {
      const counts = new Float64Array(count);
      for (let r = 0; r < n; r++) counts[codes[r]]++;
      const sums = new Float64Array(count);
      for (let j = 0; j < d; j++) {
        sums.fill(0);
        for (let r = 0; r < n; r++) sums[codes[r]] += columns[j * n + r];
        for (let g = 0; g < count; g++) sums[g] /= counts[g];
        for (let r = 0; r < n; r++) columns[j * n + r] -= sums[codes[r]];
      }
    }
  }
}
