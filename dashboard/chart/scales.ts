import { scaleLinear } from 'd3-scale';
import { short, superscript, whole } from '../data/numbers.ts';

/** How an axis counts: evenly, or in decades, of numbers (`log`) or of their logarithms to base 10 (`log10`). */
export type ScaleKind = 'linear' | 'log' | 'log10';

export interface Tick {
  readonly at: number;
  readonly label: string;
}

export interface Scale {
  /** From a value to a length on the screen; NaN where it has none. */
  (value: number): number;
  readonly invert: (length: number) => number;
  readonly ticks: readonly Tick[];
}

/** A scale over the extent of some values, with room around them. */
export function scaleOver(kind: ScaleKind, extent: readonly [number, number], lengths: readonly [number, number], count: number): Scale {
  const inside = kind === 'log' ? ([Math.log10(extent[0]), Math.log10(extent[1])] as const) : extent;
  const linear = scaleLinear(inside, lengths);
  const to = kind === 'log' ? (value: number) => linear(Math.log10(value)) : (value: number) => linear(value);
  const invert = kind === 'log' ? (length: number) => 10 ** linear.invert(length) : (length: number) => linear.invert(length);
  return Object.assign(to, { invert, ticks: ticksOf(kind, inside, count) });
}

function ticksOf(kind: ScaleKind, [low, high]: readonly [number, number], count: number): Tick[] {
  if (kind === 'linear') {
    const scale = scaleLinear([low, high], [0, 1]);
    return scale
      .ticks(count)
      .map((at) => ({ at, label: Math.abs(at) >= 1000 && Number.isInteger(at) ? whole(at) : short(Number(at.toPrecision(12))) }));
  }
  const own = (log: number) => (kind === 'log' ? 10 ** log : log);
  if (high - low >= 2 || kind === 'log10') {
    const step = Math.max(1, Math.ceil((high - low) / count));
    const ticks: Tick[] = [];
    for (let exponent = Math.ceil(low / step) * step; exponent <= high; exponent += step)
      ticks.push({ at: own(exponent), label: powerLabel(exponent) });
    if (ticks.length > 1) return ticks;
  }
  const [least, largest] = [10 ** low, 10 ** high];
  const place = (value: number) => (kind === 'log10' ? Math.log10(value) : value);
  // Within two decades: 1, 2 and 5 of each, or an even scale where those are too few.
  const ticks: Tick[] = [];
  for (let exponent = Math.floor(low); exponent <= high; exponent++) {
    for (const digit of [1, 2, 5]) {
      const at = Number((digit * 10 ** exponent).toPrecision(3));
      if (at >= least && at <= largest) ticks.push({ at: place(at), label: short(at) });
    }
  }
  if (ticks.length >= 3) return ticks;
  return scaleLinear([least, largest], [0, 1])
    .ticks(count)
    .map((at) => ({ at: place(at), label: short(Number(at.toPrecision(12))) }));
}

const powerLabel = (exponent: number) => (exponent === 0 ? '1' : exponent === 1 ? '10' : `10${superscript(exponent)}`);

/** The least and largest of all values that an axis of this kind can show, with a little room; a unit where there is none. */
export function extentOf(kind: ScaleKind, lists: Iterable<Iterable<number | null>>, room = 0.04): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const list of lists) {
    for (const value of list) {
      if (value === null || !Number.isFinite(value) || (kind === 'log' && value <= 0)) continue;
      const place = kind === 'log' ? Math.log10(value) : value;
      if (place < low) low = place;
      if (place > high) high = place;
    }
  }
  if (low > high) [low, high] = [0, 1];
  if (low === high && kind !== 'linear') [low, high] = [low - 0.5, high + 0.5];
  else if (low === high) [low, high] = low === 0 ? [0, 1] : [low - Math.abs(low) / 2, high + Math.abs(high) / 2];
  const margin = (high - low) * room;
  [low, high] = [low - margin, high + margin];
  return kind === 'log' ? [10 ** low, 10 ** high] : [low, high];
}
