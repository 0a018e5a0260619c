import { evaluateFeature, type Feature } from './features.ts';
import { dot } from './linear.ts';
import type { Past } from './past.ts';

/**
 * What a stretch of inputs holds, wherever in it that stands: sums over the stretch of each channel, and of pairs of inputs a few steps
 * apart (a marker, and what follows it). A weighted sum of them is a learned filter over two inputs, summed over the stretch; so a network
 * on top of them is one step away from every input.
 */
export interface Patterns {
  /** [d, n], each of mean 0 and deviation 1 on the side where `scales` come from. */
  readonly columns: Float64Array;
  readonly d: number;
  readonly scales: readonly PatternScale[];
}

export interface PatternScale {
  readonly mean: number;
  /** 0 of a pattern that is (almost) constant. */
  readonly factor: number;
}

/** Steps between the two inputs of a pair, in the order in which there is room for them. */
const gaps = [1, 2, 3];
const mostPatterns = 64;
const mostPooled = 24;
/** Symbols whose pairs are counted, and channels of numbers whose products are summed. */
const mostPairedSymbols = 7;
const mostPairedChannels = 3;
/** Newest inputs that are patterns of their own. */
const newestLags = 3;
const mostNewest = 12;
/** A pattern that differs from its mean in fewer rows says nothing. */
const leastRows = 8;
/** Deviations beyond which a sum is cut off. */
const cutOff = 6;

/**
 * Patterns of lags [from, past).
 *
 * @param scales of another side, in whose scale they are to be; their own by default.
 */
export function patternsOf(side: Past, from: number, past: number, scales?: readonly PatternScale[]): Patterns {
  const columns = side.channels.symbols ? symbolPatterns(side, from, past) : numberPatterns(side, from, past);
  const own = scales ?? columns.map(scaleOf);
  const kept = own.map((scale, j) => ({ scale, column: columns[j] })).filter(({ scale }) => scale.factor > 0);
  const n = side.n;
  const out = new Float64Array(kept.length * n);
  kept.forEach(({ scale: { mean, factor }, column }, j) => {
    for (let r = 0; r < n; r++) out[j * n + r] = Math.max(-cutOff, Math.min(cutOff, (column[r] - mean) * factor));
  });
  return { columns: out, d: kept.length, scales: own };
}

/** Counts of symbols and of pairs of them; of a pair, how much more often it comes than its symbols by themselves would make it. */
function symbolPatterns({ n, symbols, channels }: Past, from: number, past: number): Float64Array[] {
  if (past <= from) return [];
  const A = channels.alphabet + 1;
  const counts = new Float64Array(A * n);
  for (let k = from; k < past; k++) for (let r = 0; r < n; r++) counts[symbols[k * n + r] * n + r]++;
  // The commonest first; of a large alphabet, the commonest and the rarest, because markers are rare.
  const told = channels.tables.map((table) => table.indexOf(Math.max(...table)));
  const all = channels.tables.length === 1 ? [0, 1].filter((symbol) => symbol < channels.alphabet) : told;
  const half = Math.ceil(mostPairedSymbols / 2);
  const paired = all.length <= mostPairedSymbols ? all : [...all.slice(0, half), ...all.slice(half - mostPairedSymbols)];
  const column = (symbol: number) => counts.subarray(symbol * n, (symbol + 1) * n);
  const columns = told.slice(0, mostPooled).map(column);
  const share = paired.map((symbol) => shareOf(channels, symbol));
  for (const gap of gaps) {
    if (columns.length + paired.length ** 2 > mostPatterns || past - from <= gap) break;
    const pairs = new Float64Array(A * A * n);
    for (let k = from; k + gap < past; k++) {
      for (let r = 0; r < n; r++) pairs[(symbols[(k + gap) * n + r] * A + symbols[k * n + r]) * n + r]++;
    }
    paired.forEach((older, i) => {
      paired.forEach((newer, j) => {
        const each = pairs.subarray((older * A + newer) * n, (older * A + newer + 1) * n);
        const [first, second] = [column(older), column(newer)];
        for (let r = 0; r < n; r++) each[r] -= share[j] * first[r] + share[i] * second[r];
        columns.push(each);
      });
    });
  }
  for (let lag = from; from === 0 && lag < Math.min(newestLags, past); lag++) {
    for (const symbol of told.slice(0, Math.floor(mostNewest / newestLags))) {
      columns.push(Float64Array.from({ length: n }, (_, r) => (symbols[lag * n + r] === symbol ? 1 : 0)));
    }
  }
  return columns;
}

/** How often a symbol comes, from what its channel (or the other one's, of two symbols) says of it. */
function shareOf({ tables }: Past['channels'], symbol: number): number {
  const own = tables.find((table) => table[symbol] === Math.max(...table)) ?? tables[0];
  const [high, low] = [Math.max(...own), -Math.min(...own)];
  const share = low / (low + high);
  return own[symbol] > 0 ? share : 1 - share;
}

/** Sums of channels and of products of two channels some steps apart. */
function numberPatterns(side: Past, from: number, past: number): Float64Array[] {
  if (past <= from) return [];
  const { count, plain } = side.channels;
  const features: Feature[] = [];
  for (let channel = 0; channel < Math.min(count, mostPooled); channel++) features.push({ kind: 'pool', channel, from, past });
  const paired = Math.min(plain, mostPairedChannels);
  for (const gap of gaps.slice(0, 2)) {
    if (past - from <= gap) break;
    for (let older = 0; older < paired; older++) {
      for (let newer = 0; newer < paired; newer++) features.push({ kind: 'neighbours', older, newer, gap, from, past });
    }
  }
  for (let lag = 0; from === 0 && lag < Math.min(newestLags, past); lag++) {
    for (let channel = 0; channel < Math.min(plain, Math.floor(mostNewest / newestLags)); channel++)
      features.push({ kind: 'lag', channel, lag });
  }
  return features.map((feature) => {
    const column = new Float64Array(side.n);
    evaluateFeature(feature, side, column, 0);
    return column;
  });
}

function mean(column: Float64Array): number {
  let sum = 0;
  for (const value of column) sum += value;
  return sum / column.length;
}

function scaleOf(column: Float64Array): PatternScale {
  const n = column.length;
  const centre = mean(column);
  const variance = dot(column, 0, column, 0, n) / n - centre * centre;
  if (!(variance > 1e-9)) return { mean: centre, factor: 0 };
  let fourth = 0;
  for (const value of column) fourth += (value - centre) ** 4;
  return { mean: centre, factor: n * n * variance * variance < leastRows * fourth ? 0 : 1 / Math.sqrt(variance) };
}
