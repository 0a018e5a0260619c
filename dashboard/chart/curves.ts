import { area, line } from 'd3-shape';
import type { Frame } from './axes.tsx';
import type { Figure, Series } from './figure.ts';
import { extentOf, type Scale, scaleOver } from './scales.ts';

/** The scales of a figure within a frame, and the extent of its x axis. */
export function scalesOf(figure: Figure, frame: Frame, range: readonly [number, number] | undefined) {
  const { series, rules = [] } = figure;
  const extent = range ?? tight(figure);
  const within = series.flatMap(({ x, y, low = [], high = [] }) => {
    const inside = (values: readonly (number | null)[]) => values.filter((_, index) => x[index] >= extent[0] && x[index] <= extent[1]);
    return [inside(y), inside(low), inside(high)];
  });
  const shown = figure.y.with === undefined ? [] : [figure.y.with];
  const vertical = extentOf(figure.y.kind, [...within, shown, rules.filter(({ axis }) => axis === 'y').map(({ at }) => at)], 0.06);
  const x = scaleOver(figure.x.kind, extent, [frame.left, frame.right], Math.max(3, Math.floor((frame.right - frame.left) / 80)));
  const y = scaleOver(figure.y.kind, vertical, [frame.bottom, frame.top], 5);
  return { x, y, extent };
}

/** The extent of all x, without room, so that the curves fill the figure. */
function tight({ x, series, rules = [] }: Figure): [number, number] {
  const lists = [
    ...series.map((each) => (each.x.length > 1 ? [each.x[0], each.x[each.x.length - 1]] : each.x)),
    rules.filter(({ axis }) => axis === 'x').map(({ at }) => at),
  ];
  return extentOf(x.kind, lists, 0);
}

/** A curve and its band as paths, and its points where they are drawn. */
export function pathsOf({ x: places, y: values, low, high, dots = false }: Series, x: Scale, y: Scale) {
  const indices = places.map((_, index) => index);
  const at = (list: readonly (number | null)[], index: number) => {
    const value = list[index];
    return value === null || value === undefined ? Number.NaN : y(value);
  };
  const known = (index: number) => Number.isFinite(at(values, index));
  const curve = line<number>(
    (index) => x(places[index]),
    (index) => at(values, index),
  )
    // Dots are measured now and then, and joined across what lies between.
    .defined((index) => known(index));
  const band =
    low && high
      ? area<number>(
          (index) => x(places[index]),
          (index) => at(low, index),
          (index) => at(high, index),
        ).defined((index) => Number.isFinite(at(low, index)) && Number.isFinite(at(high, index)))(indices)
      : null;
  const measured = indices.filter(known);
  return {
    curve: rounded(curve(dots ? measured : indices)) ?? '',
    band: rounded(band),
    dots: dots && measured.length <= 200 ? measured.map((index): [number, number] => [x(places[index]), at(values, index)]) : [],
  };
}

/** A path without digits that no screen shows. */
const rounded = (path: string | null) => path?.replaceAll(/\d+\.\d{3,}/g, (digits) => Number(digits).toFixed(2)) ?? null;
