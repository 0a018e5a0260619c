import type { Signal } from '@preact/signals';
import type { HTMLAttributes } from 'preact';
import { palette } from '../data/theme.ts';
import type { Frame } from './axes.tsx';
import { type Figure, nearest, type Series } from './figure.ts';
import type { Scale } from './scales.ts';

/** A value of the y axis, as it is read out. */
export type Say = (value: number | null, series: Series) => string;

interface Reading {
  readonly series: Series;
  readonly x?: number;
  readonly y?: number | null;
}

/** Of each curve the point nearest to a place; none of a curve that ends before it or begins after it. */
function readingsAt({ series }: Figure, at: number): Reading[] {
  return series.map((each) => {
    const { x, y } = each;
    const index = nearest(x, at);
    if (index < 0) return { series: each };
    const spacing = (x[x.length - 1] - x[0]) / Math.max(1, x.length - 1);
    const within = at >= x[0] - spacing && at <= x[x.length - 1] + spacing;
    return within || x.length === 1 ? { series: each, x: x[index], y: y[index] } : { series: each };
  });
}

/** Whoever reads a figure at a place that pointer and keys move. */
export interface ReaderProps {
  readonly figure: Figure;
  readonly cursor: Signal<number | undefined>;
}

/** What is read at the cursor, and the place itself: that of the nearest point. */
function useReadings({ figure, cursor }: ReaderProps): { readings: Reading[]; place: number | undefined } {
  const at = cursor.value;
  if (at === undefined) return { readings: [], place: undefined };
  const readings = readingsAt(figure, at);
  const places = readings.flatMap(({ x }) => x ?? []);
  return {
    readings,
    place: places.length === 0 ? at : places.reduce((best, each) => (Math.abs(each - at) < Math.abs(best - at) ? each : best)),
  };
}

export function CursorLine({ frame, x, y, ...reader }: ReaderProps & { frame: Frame; x: Scale; y: Scale }) {
  const { readings, place } = useReadings(reader);
  const { quiet, card } = palette.value;
  if (place === undefined || !(x(place) >= frame.left - 1 && x(place) <= frame.right + 1)) return null;
  return (
    <g class="cursor">
      <line x1={x(place)} x2={x(place)} y1={frame.top} y2={frame.bottom} stroke={quiet} stroke-width="1" stroke-dasharray="2 3" />
      {readings.map(({ series, x: at, y: value }, index) => {
        const height = value === undefined || value === null ? Number.NaN : y(value);
        const drawn = at !== undefined && Number.isFinite(height);
        return drawn && <circle key={index} cx={x(at)} cy={height} r="3.4" fill={series.colour} stroke={card} stroke-width="1.5" />;
      })}
    </g>
  );
}

/** Takes pointer and keys, and says what is read. */
export function Overlay({
  figure,
  cursor,
  say,
  name,
  extent: [first, last],
  ...handlers
}: ReaderProps & { say: Say; name: string; extent: readonly [number, number] } & HTMLAttributes<HTMLDivElement>) {
  const { readings, place } = useReadings({ figure, cursor });
  const spoken = readings.filter(({ y }) => y !== undefined).map(({ series, y }) => `${series.name} ${say(y ?? null, series)}`);
  return (
    <div
      class="overlay"
      role="slider"
      tabIndex={0}
      aria-label={`${name}: place on the axis ${figure.x.label}`}
      aria-valuemin={first}
      aria-valuemax={last}
      aria-valuenow={place ?? last}
      aria-valuetext={place === undefined ? 'no place chosen' : `${figure.x.label} ${Math.round(place)}: ${spoken.join(', ')}`}
      {...handlers}
    />
  );
}

/** The names of the curves, with what they are at the cursor. */
export function Legend({ say, ...reader }: ReaderProps & { say: Say }) {
  const { readings, place: at } = useReadings(reader);
  const { figure } = reader;
  return (
    <div class="legend">
      {figure.series.map((series, index) => (
        <span class="key" key={index}>
          <svg width="18" height="8" aria-hidden="true">
            <line x1="1" x2="17" y1="4" y2="4" stroke={series.colour} stroke-width={series.width ?? 2} stroke-dasharray={series.dash} />
          </svg>
          {series.name}
          <b>{readings[index]?.y === undefined ? '' : say(readings[index].y ?? null, series)}</b>
        </span>
      ))}
      {(figure.strips ?? []).map(({ name, colour }) => (
        <span class="key" key={name}>
          <svg width="10" height="10" aria-hidden="true">
            <rect width="10" height="6" y="2" fill={colour} />
          </svg>
          {name}
        </span>
      ))}
      {at !== undefined && (
        <span class="at">
          {figure.x.label.replace(/ \(.*\)$/, '')} {Math.round(at).toLocaleString('en-US')}
        </span>
      )}
    </div>
  );
}
