import { area, line } from 'd3-shape';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { palette } from '../data/theme.ts';
import { Axes, type Frame, font } from './axes.tsx';
import { type Figure, nearest, type Series } from './figure.ts';
import { placeLabels } from './labels.ts';
import { extentOf, type Scale, scaleOver } from './scales.ts';

export interface LineChartProps {
  readonly figure: Figure;
  /** What it is called, for those who hear it. */
  readonly name: string;
  readonly height?: number;
  /** Of the x axis; the extent of the series, where absent. */
  readonly range?: readonly [number, number];
  readonly onRange?: (range: [number, number] | undefined) => void;
  readonly cursor?: number;
  readonly onCursor?: (at: number | undefined) => void;
  /** Of a value of the y axis, as it is read out. */
  readonly say: (value: number | null, series: Series) => string;
  /** A horizontal rule that can be dragged: where it is, and who is told of its way and of where it is let go. */
  readonly drag?: { readonly at: number; readonly moved: (at: number) => void; readonly dropped: (at: number) => void };
}

const margin = { top: 10, right: 14, bottom: 34, left: 52 };
const stripHeight = 12;

/** Room at the right for the names of horizontal rules. */
function roomFor({ rules = [] }: Figure): number {
  const longest = Math.max(0, ...rules.filter(({ axis }) => axis === 'y').map(({ label }) => label.length));
  return longest === 0 ? margin.right : 14 + 6.1 * longest;
}

/** Width of an element, as it is now. */
export function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { ref, width };
}

/** Curves over one axis, with rules, marks and strips; read by pointer and keyboard, and zoomed along x. */
export function LineChart(props: LineChartProps) {
  const { figure, name, height = 250, range, onRange, cursor, onCursor, say, drag: rule } = props;
  const { ref, width } = useWidth();
  const [drag, setDrag] = useState<{ from: number; to: number } | undefined>();
  const [gripped, setGripped] = useState(false);
  const strips = figure.strips ?? [];
  const frame: Frame = {
    width,
    height,
    left: margin.left,
    right: width - Math.min(width / 3, roomFor(figure)),
    top: margin.top,
    bottom: height - margin.bottom - strips.length * stripHeight,
  };
  const colours = palette.value;
  const drawn = useMemo(() => (width > 0 ? scalesOf(figure, frame, range) : undefined), [figure, width, height, range]);
  const curves = useMemo(() => drawn && figure.series.map((series) => pathsOf(series, drawn.x, drawn.y)), [figure, drawn]);
  const at = cursor;
  const readings = at === undefined ? [] : readingsAt(figure, at);
  const place = readings.find(({ x }) => x !== undefined)?.x ?? at;
  const clip = `clip-${name.replaceAll(/\W/g, '-')}`;

  const toValue = (event: PointerEvent | MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return drawn ? drawn.x.invert(Math.min(frame.right, Math.max(frame.left, event.clientX - box.left))) : 0;
  };
  const heightOf = (event: PointerEvent) => event.clientY - (event.currentTarget as HTMLElement).getBoundingClientRect().top;
  const grips = (event: PointerEvent) => rule !== undefined && drawn !== undefined && Math.abs(heightOf(event) - drawn.y(rule.at)) < 8;
  const toRule = (event: PointerEvent) => drawn?.y.invert(Math.min(frame.bottom, Math.max(frame.top, heightOf(event)))) ?? 0;
  const xs = figure.series.find(({ x }) => x.length > 0)?.x ?? [];
  const [first, last] = drawn?.extent ?? [0, 1];
  const onKey = (event: KeyboardEvent) => {
    const step = event.shiftKey ? 10 : 1;
    const index = nearest(xs, at ?? last);
    const move = (to: number) => onCursor?.(xs[Math.min(xs.length - 1, Math.max(0, to))]);
    const middle = at ?? (first + last) / 2;
    const zoom = (factor: number) =>
      onRange?.([Math.max(0, middle - ((last - first) / 2) * factor), middle + ((last - first) / 2) * factor]);
    const keys: Record<string, () => void> = {
      ArrowLeft: () => move(index - step),
      ArrowRight: () => move(index + step),
      Home: () => move(nearest(xs, first)),
      End: () => move(nearest(xs, last)),
      '+': () => zoom(0.5),
      '=': () => zoom(0.5),
      '-': () => zoom(2),
      Escape: () => (range ? onRange?.(undefined) : onCursor?.(undefined)),
      '0': () => onRange?.(undefined),
    };
    if (!keys[event.key]) return;
    keys[event.key]();
    event.preventDefault();
  };
  const spoken = readings.filter(({ y }) => y !== undefined).map(({ series, y }) => `${series.name} ${say(y ?? null, series)}`);
  return (
    <div class="chart">
      <Legend figure={figure} readings={readings} say={say} at={place} />
      <div class="plot" ref={ref} style={{ height: `${height}px` }}>
        {drawn && curves && (
          <svg
            width={width}
            height={height}
            viewBox={`0 0 ${width} ${height}`}
            role="img"
            aria-label={`${name}. ${figure.summary}`}
            font-family={font}
            font-size="11"
          >
            <Axes frame={frame} x={drawn.x} y={drawn.y} figure={figure} colours={colours} />
            <clipPath id={clip}>
              <rect x={frame.left} y={frame.top - 4} width={Math.max(0, frame.right - frame.left)} height={frame.bottom - frame.top + 8} />
            </clipPath>
            <g clip-path={`url(#${clip})`}>
              {curves.map(
                ({ band }, index) => band && <path key={`b${index}`} d={band} fill={figure.series[index].colour} fill-opacity="0.16" />,
              )}
              {curves.map(({ curve, dots }, index) => (
                <g key={index}>
                  <path
                    d={curve}
                    fill="none"
                    stroke={figure.series[index].colour}
                    stroke-width={figure.series[index].width ?? 1.6}
                    stroke-dasharray={figure.series[index].dash}
                    stroke-linejoin="round"
                  />
                  {dots.map(([x, y], dot) => (
                    <circle key={dot} cx={x} cy={y} r="2.4" fill={figure.series[index].colour} />
                  ))}
                </g>
              ))}
            </g>
            <Rules figure={figure} frame={frame} x={drawn.x} y={drawn.y} />
            <Marks figure={figure} frame={frame} x={drawn.x} y={drawn.y} />
            {strips.map((strip, row) => (
              <StripRow key={strip.name} strip={strip} x={drawn.x} frame={frame} y={frame.bottom + 4 + row * stripHeight} />
            ))}
            {place !== undefined && drawn.x(place) >= frame.left && drawn.x(place) <= frame.right && (
              <g class="cursor">
                <line
                  x1={drawn.x(place)}
                  x2={drawn.x(place)}
                  y1={frame.top}
                  y2={frame.bottom}
                  stroke={colours.quiet}
                  stroke-width="1"
                  stroke-dasharray="2 3"
                />
                {readings.map(({ series, x, y }, index) => {
                  const height = y === undefined || y === null ? Number.NaN : drawn.y(y);
                  return (
                    x !== undefined &&
                    Number.isFinite(height) && (
                      <circle
                        key={index}
                        cx={drawn.x(x)}
                        cy={height}
                        r="3.4"
                        fill={series.colour}
                        stroke={colours.card}
                        stroke-width="1.5"
                      />
                    )
                  );
                })}
              </g>
            )}
            {drag && (
              <rect
                x={drawn.x(Math.min(drag.from, drag.to))}
                y={frame.top}
                width={Math.abs(drawn.x(drag.to) - drawn.x(drag.from))}
                height={frame.bottom - frame.top}
                fill={colours.accent}
                fill-opacity="0.14"
              />
            )}
          </svg>
        )}
        <div
          class="overlay"
          role="slider"
          tabIndex={0}
          aria-label={`${name}: place on the axis ${figure.x.label}`}
          aria-valuemin={first}
          aria-valuemax={last}
          aria-valuenow={place ?? last}
          aria-valuetext={place === undefined ? 'no place chosen' : `${figure.x.label} ${Math.round(place)}: ${spoken.join(', ')}`}
          onKeyDown={onKey}
          onPointerMove={(event) => {
            if (gripped) {
              rule?.moved(toRule(event));
              return;
            }
            (event.currentTarget as HTMLElement).style.cursor = grips(event) ? 'ns-resize' : '';
            const value = toValue(event);
            onCursor?.(value);
            if (drag) setDrag({ ...drag, to: value });
          }}
          onPointerLeave={() => {
            if (!drag) onCursor?.(undefined);
          }}
          onPointerDown={(event) => {
            if (event.button !== 0) return;
            if (grips(event)) {
              (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
              setGripped(true);
              return;
            }
            if (!onRange) return;
            (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
            const value = toValue(event);
            setDrag({ from: value, to: value });
          }}
          onPointerUp={(event) => {
            if (gripped) {
              setGripped(false);
              rule?.dropped(toRule(event));
              return;
            }
            if (!drag || !drawn) return;
            const value = toValue(event);
            setDrag(undefined);
            if (Math.abs(drawn.x(value) - drawn.x(drag.from)) > 6) onRange?.([Math.min(drag.from, value), Math.max(drag.from, value)]);
          }}
          onPointerCancel={() => {
            setDrag(undefined);
            setGripped(false);
          }}
          onDblClick={() => onRange?.(undefined)}
        />
      </div>
    </div>
  );
}

interface Reading {
  readonly series: Series;
  readonly x?: number;
  readonly y?: number | null;
}

function readingsAt({ series }: Figure, at: number): Reading[] {
  return series.map((each) => {
    const index = nearest(each.x, at);
    return index < 0 ? { series: each } : { series: each, x: each.x[index], y: each.y[index] };
  });
}

function scalesOf(figure: Figure, frame: Frame, range: readonly [number, number] | undefined) {
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

function pathsOf({ x: places, y: values, low, high, dots = false }: Series, x: Scale, y: Scale) {
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

function Legend({ figure, readings, say, at }: { figure: Figure; readings: Reading[]; say: LineChartProps['say']; at?: number }) {
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

function Rules({ figure, frame, x, y }: { figure: Figure; frame: Frame; x: Scale; y: Scale }) {
  const { rules = [] } = figure;
  const placed = placeLabels(rules, frame, x, y);
  return (
    <g>
      {placed.map(({ rule, at, labelX, labelY, anchor }, index) => (
        <g key={index}>
          {rule.axis === 'y' ? (
            <line x1={frame.left} x2={frame.right} y1={at} y2={at} stroke={rule.colour} stroke-width="1.2" stroke-dasharray={rule.dash} />
          ) : (
            <line x1={at} x2={at} y1={frame.top} y2={frame.bottom} stroke={rule.colour} stroke-width="1.2" stroke-dasharray={rule.dash} />
          )}
          <text
            x={labelX}
            y={labelY}
            fill={rule.colour}
            text-anchor={anchor}
            paint-order="stroke"
            stroke={palette.value.card}
            stroke-width="3.5"
            stroke-linejoin="round"
          >
            {rule.label}
          </text>
        </g>
      ))}
    </g>
  );
}

function Marks({ figure, frame, x, y }: { figure: Figure; frame: Frame; x: Scale; y: Scale }) {
  return (
    <g>
      {(figure.marks ?? []).map(({ x: place, y: value, label, colour }, index) => {
        const left = x(place);
        const top = value === undefined ? frame.top + 5 : y(value);
        if (!(left >= frame.left && left <= frame.right)) return null;
        return (
          <path key={index} d={`M${left - 4.5},${top - 8}h9l-4.5,7z`} fill={colour}>
            <title>{label}</title>
          </path>
        );
      })}
    </g>
  );
}

function StripRow({ strip, x, frame, y }: { strip: NonNullable<Figure['strips']>[number]; x: Scale; frame: Frame; y: number }) {
  const { share, colour } = strip;
  return (
    <g>
      {strip.x.map((place, index) => {
        const value = share[index] ?? 0;
        const right = Math.min(frame.right, x(place));
        const left = Math.max(frame.left, index === 0 ? right - 2 : x(strip.x[index - 1]));
        return (
          value > 0 &&
          right >= left && (
            <rect
              key={index}
              x={left}
              y={y}
              width={Math.max(1, right - left)}
              height="6"
              fill={colour}
              fill-opacity={0.25 + 0.75 * value}
            />
          )
        );
      })}
    </g>
  );
}
