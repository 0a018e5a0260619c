import type { Signal } from '@preact/signals';
import { useMemo, useState } from 'preact/hooks';
import { palette } from '../data/theme.ts';
import { Axes, type Frame, font } from './axes.tsx';
import { pathsOf, scalesOf } from './curves.ts';
import { Marks, Rules, StripRow } from './decoration.tsx';
import { type Figure, nearest } from './figure.ts';
import { CursorLine, Legend, Overlay, type Say } from './reader.tsx';
import { useWidth } from './width.ts';

export interface LineChartProps {
  readonly figure: Figure;
  /** What it is called, for those who hear it. */
  readonly name: string;
  readonly height?: number;
  /** Of the x axis; the extent of the series, where absent. */
  readonly range?: readonly [number, number];
  readonly onRange?: (range: [number, number] | undefined) => void;
  /** The place on the x axis that is read; charts with the same one are read together. */
  readonly cursor: Signal<number | undefined>;
  /** Of a value of the y axis, as it is read out. */
  readonly say: Say;
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

/** Curves over one axis, with rules, marks and strips; read by pointer and keyboard, and zoomed along x. */
export function LineChart(props: LineChartProps) {
  const { figure, name, height = 250, range, onRange, cursor, say, drag: rule } = props;
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
    const at = cursor.value;
    const index = nearest(xs, at ?? last);
    const move = (to: number) => {
      cursor.value = xs[Math.min(xs.length - 1, Math.max(0, to))];
    };
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
      Escape: () => {
        if (range) onRange?.(undefined);
        else cursor.value = undefined;
      },
      '0': () => onRange?.(undefined),
    };
    if (!keys[event.key]) return;
    keys[event.key]();
    event.preventDefault();
  };
  return (
    <div class="chart">
      <Legend figure={figure} cursor={cursor} say={say} />
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
            <CursorLine figure={figure} cursor={cursor} frame={frame} x={drawn.x} y={drawn.y} />
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
        <Overlay
          figure={figure}
          cursor={cursor}
          say={say}
          name={name}
          extent={[first, last]}
          onKeyDown={onKey}
          onPointerMove={(event) => {
            if (gripped) {
              rule?.moved(toRule(event));
              return;
            }
            (event.currentTarget as HTMLElement).style.cursor = grips(event) ? 'ns-resize' : '';
            const value = toValue(event);
            cursor.value = value;
            if (drag) setDrag({ ...drag, to: value });
          }}
          onPointerLeave={() => {
            if (!drag) cursor.value = undefined;
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
