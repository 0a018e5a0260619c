import type { EventImage } from '../interop/tensorboard.ts';
import type { LagPoint } from '../monitor/lagProfile.ts';
import { pngOf } from './png.ts';

type Colour = readonly [number, number, number];

const paper: Colour = [255, 255, 255];
const rule: Colour = [224, 224, 224];
const ink: Colour = [64, 64, 64];
const band: Colour = [190, 213, 240];
const line: Colour = [31, 94, 168];

/** Pixels of a picture, and of the parts of it that the curve does not reach. */
export const pictureSize = { width: 480, height: 260, left: 34, right: 10, top: 8, bottom: 18 } as const;

/**
 * The lag profile as a picture: log10 of the gradient's norm, upwards, at every lag, to the right; the mean as a line over the band from the 10th to the
 * 90th percentile. Ruled at whole decades; a value that is no number (a norm of exactly zero) leaves a gap.
 */
export function lagPicture(profile: readonly LagPoint[]): EventImage {
  const { width, height, left, right, top, bottom } = pictureSize;
  const canvas = new Canvas(width, height);
  const finite = profile.flatMap(({ meanLog10, p10, p90 }) => [meanLog10, p10, p90]).filter(Number.isFinite);
  const most = Math.ceil(Math.max(...finite, -Infinity));
  const least = Math.floor(Math.min(...finite, Infinity));
  const lags = Math.max(1, profile[profile.length - 1].lag);
  const [low, high] = Number.isFinite(most) ? [Math.min(least, most - 1), most] : [-1, 0];
  const x = (lag: number) => Math.round(left + ((width - left - right - 1) * lag) / lags);
  const y = (log10: number) => Math.round(top + ((height - top - bottom - 1) * (high - log10)) / (high - low));

  const decades = Math.ceil((high - low) / 8);
  for (let decade = high; decade >= low; decade -= decades) {
    canvas.fill(left, y(decade), width - right - left, 1, rule);
    canvas.text(String(decade), left - 6, y(decade) - 3, ink);
  }
  canvas.text('0', left + 3, height - bottom + 5, ink);
  canvas.text(String(lags), width - right, height - bottom + 5, ink);

  // Between two lags, each column has a part of both.
  const each = (draw: (at: number, from: LagPoint, to: LagPoint, share: number) => void) => {
    for (let n = 0; n < Math.max(1, profile.length - 1); n++) {
      const [from, to] = [profile[n], profile[n + 1] ?? profile[n]];
      const [begin, end] = [x(from.lag), x(to.lag)];
      for (let at = begin; at <= end; at++) draw(at, from, to, end === begin ? 0 : (at - begin) / (end - begin));
    }
  };
  const between = (from: number, to: number, share: number) => (share === 0 ? from : from + share * (to - from));
  each((at, from, to, share) => {
    const [upper, lower] = [between(from.p90, to.p90, share), between(from.p10, to.p10, share)];
    if (Number.isFinite(upper) && Number.isFinite(lower)) canvas.fill(at, y(upper), 1, y(lower) - y(upper) + 1, band);
  });
  let before: number | undefined;
  each((at, from, to, share) => {
    const mean = between(from.meanLog10, to.meanLog10, share);
    if (!Number.isFinite(mean)) {
      before = undefined;
      return;
    }
    const now = y(mean);
    const begin = Math.min(before ?? now, now);
    canvas.fill(at, begin, 1, Math.max(before ?? now, now) - begin + 2, line);
    before = now;
  });
  return { width, height, png: pngOf(canvas.pixels, width, height) };
}

/** Digits and the minus sign, 3 by 5 pixels, a bit each from the top left on. */
const glyphs: Readonly<Record<string, number>> = {
  ...{ 0: 0b111_101_101_101_111, 1: 0b010_110_010_010_111, 2: 0b111_001_111_100_111, 3: 0b111_001_111_001_111, 4: 0b101_101_111_001_001 },
  ...{ 5: 0b111_100_111_001_111, 6: 0b111_100_111_101_111, 7: 0b111_001_001_010_010, 8: 0b111_101_111_101_111, 9: 0b111_101_111_001_111 },
  '-': 0b000_000_111_000_000,
};

class Canvas {
  /** [height, width, 3] */
  readonly pixels: Uint8Array;
  readonly #width: number;
  readonly #height: number;

  constructor(width: number, height: number) {
    this.pixels = new Uint8Array(3 * width * height).fill(paper[0]);
    this.#width = width;
    this.#height = height;
  }

  fill(x: number, y: number, width: number, height: number, colour: Colour): void {
    for (let row = Math.max(0, y); row < Math.min(this.#height, y + height); row++) {
      for (let column = Math.max(0, x); column < Math.min(this.#width, x + width); column++) {
        this.pixels.set(colour, 3 * (row * this.#width + column));
      }
    }
  }

  /** A number, whose last digit ends at x. */
  text(number: string, x: number, y: number, colour: Colour): void {
    const left = x - 4 * number.length;
    for (const [place, character] of [...number].entries()) {
      for (let bit = 0; bit < 15; bit++) {
        if ((glyphs[character] >> (14 - bit)) & 1) this.fill(left + 4 * place + (bit % 3), y + Math.floor(bit / 3), 1, 1, colour);
      }
    }
  }
}
