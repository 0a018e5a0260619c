import { quoted } from '../data/csv.ts';
import type { ScaleKind } from './scales.ts';

/** A curve. `x` ascends; null is a gap. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
  /** Of a band behind it. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
  readonly dash?: string;
  readonly width?: number;
  /** Whether its points are drawn too. */
  readonly dots?: boolean;
}

/** A straight line across the figure. */
export interface Rule {
  readonly axis: 'x' | 'y';
  readonly at: number;
  readonly label: string;
  readonly colour: string;
  readonly dash?: string;
}

/** A single point with something to say. */
export interface Mark {
  readonly x: number;
  /** At the top of the figure, where absent. */
  readonly y?: number;
  readonly label: string;
  readonly colour: string;
}

/** A row below the figure that says how much of something there was at each place, from 0 to 1. */
export interface Strip {
  readonly name: string;
  readonly colour: string;
  readonly x: readonly number[];
  readonly share: readonly (number | null)[];
}

export interface Axis {
  /** With its unit. */
  readonly label: string;
  readonly kind: ScaleKind;
  /** A value that the axis shows in any case. */
  readonly with?: number;
}

/** What a chart draws; it knows of no network. */
export interface Figure {
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly rules?: readonly Rule[];
  readonly marks?: readonly Mark[];
  readonly strips?: readonly Strip[];
  /** What the figure shows, in words. */
  readonly summary: string;
}

/** The index of the x nearest to a place; -1 where there is none. */
export function nearest(x: readonly number[], to: number): number {
  let [low, high] = [0, x.length - 1];
  if (high < 0) return -1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle] < to) low = middle + 1;
    else high = middle;
  }
  return low > 0 && to - x[low - 1] <= x[low] - to ? low - 1 : low;
}

/** A figure's numbers as comma-separated values, a line for each x. */
export function figureCsv({ x, series, strips = [] }: Figure): string {
  const columns = new Map<string, Map<number, number | null>>();
  const add = (name: string, at: readonly number[], values: readonly (number | null)[]) =>
    columns.set(name, new Map(at.map((each, index) => [each, values[index] ?? null])));
  for (const { name, x: at, y, low, high } of series) {
    add(name, at, y);
    if (low) add(`${name} (low)`, at, low);
    if (high) add(`${name} (high)`, at, high);
  }
  for (const { name, x: at, share } of strips) add(name, at, share);
  const places = [...new Set([...columns.values()].flatMap((column) => [...column.keys()]))].sort((a, b) => a - b);
  const head = [x.label, ...columns.keys()].map(quoted).join(',');
  return `${[head, ...places.map((at) => [at, ...[...columns.values()].map((column) => column.get(at) ?? '')].join(','))].join('\n')}\n`;
}
