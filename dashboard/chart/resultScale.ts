import { scaleLinear } from 'd3-scale';
import type { Palette } from '../data/theme.ts';
import type { ScaleKind } from './scales.ts';

/** Results further apart than this factor are counted in decades. */
const decades = 8;

/** Evenly, or in decades where all are above 0 and far apart. */
export function kindOf(values: readonly number[]): Extract<ScaleKind, 'linear' | 'log'> {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return values.length > 0 && low > 0 && high / low >= decades ? 'log' : 'linear';
}

/** Colours of results: the better, the further from the page. */
export interface ResultScale {
  readonly kind: 'linear' | 'log';
  /** The least and the largest. */
  readonly extent: readonly [number, number];
  readonly colour: (result: number) => string;
  /** Colours from the least to the largest, in equal steps of the scale. */
  readonly steps: (count: number) => string[];
}

/** @param from where in the palette the worst begins: 0 is the colour of the page. */
export function resultScale(values: readonly number[], better: 'lower' | 'higher', { heat }: Palette, from: number): ResultScale {
  const kind = kindOf(values);
  const extent = values.length === 0 ? ([0, 0] as const) : ([Math.min(...values), Math.max(...values)] as const);
  const place = (value: number) => (kind === 'log' ? Math.log10(value) : value);
  const [low, high] = [place(extent[0]), place(extent[1])];
  const ramp = scaleLinear<string>(
    heat.map((_, index) => index / (heat.length - 1)),
    [...heat],
  ).clamp(true);
  const shade = (share: number) => ramp(from + (1 - from) * (better === 'higher' ? share : 1 - share));
  return {
    kind,
    extent,
    // Where all results are the same, each is the best there is.
    colour: (result) => (high === low ? ramp(1) : shade((place(result) - low) / (high - low))),
    steps: (count) => Array.from({ length: count }, (_, index) => (high === low ? ramp(1) : shade((index + 0.5) / count))),
  };
}

/** Black or white, whichever is read better on a colour `rgb(r, g, b)` (WCAG 2, relative luminance). */
export function inkOn(colour: string): '#000000' | '#ffffff' {
  const [r, g, b] = (colour.match(/\d+/g) ?? ['0', '0', '0']).map((each) => {
    const share = Number(each) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000000' : '#ffffff';
}

/** A text of about so many pixels: its beginning and its end. */
export function cutTo(text: string, pixels: number, perLetter = 6.2): string {
  const letters = Math.max(1, Math.floor(pixels / perLetter));
  if (text.length <= letters) return text;
  const end = Math.floor((letters - 1) / 2);
  return `${text.slice(0, letters - 1 - end)}…${end === 0 ? '' : text.slice(-end)}`;
}
