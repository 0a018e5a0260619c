import { useMemo, useState } from 'preact/hooks';
import { palette } from '../data/theme.ts';
import { font } from './axes.tsx';
import { AxisPicture, AxisReader, type Drawn } from './parallelAxis.tsx';
import { axisPlaces, type Brush, brushBetween, isKept, type ParallelFigure, type ParallelLine } from './parallelFigure.ts';
import { useWidth } from './width.ts';

export interface ParallelChartProps {
  readonly figure: ParallelFigure;
  readonly name: string;
  /** Which end of the last axis is the bad one. */
  readonly worst: 'top' | 'bottom';
  readonly brushes: readonly Brush[];
  readonly onBrush: (axis: number, brush: Brush) => void;
  /** A line in words. */
  readonly say: (line: ParallelLine) => string;
  readonly onChoose: (line: ParallelLine) => void;
  /** Lines that stand out, and all others step back; all are alike where it is empty. */
  readonly raised: ReadonlySet<string>;
}

const height = 340;
const [top, bottom] = [34, height - 14];
/** Pixels from an axis within which it is dragged along, and from a line within which it is read. */
const [grip, reach] = [12, 14];

/** Where everything of a figure stands at a width. */
function drawnOf({ axes, lines }: ParallelFigure, width: number, worst: 'top' | 'bottom'): Drawn {
  const [left, right] = [16, Math.max(60, width - 76)];
  const x = (axis: number) => (axes.length === 1 ? left : left + ((right - left) * axis) / (axes.length - 1));
  const y = (place: number) => bottom - place * (bottom - top);
  const places = axes.map((axis) => axisPlaces(axis, 14, worst));
  const heights = lines.map(({ at }) => at.map((place, axis) => (place === null ? Number.NaN : y(places[axis].places[place]))));
  const paths = heights.map((line) => {
    const ended = line.findIndex(Number.isNaN);
    const known = ended < 0 ? line : line.slice(0, ended);
    return known.length < 2 ? '' : `M${known.map((each, axis) => `${x(axis).toFixed(1)},${each.toFixed(1)}`).join('L')}`;
  });
  return { x, y, places, heights, paths, spacing: (right - left) / Math.max(1, axes.length - 1), top, bottom };
}

/** Lines over parallel axes; pieces of axes are chosen by dragging and by keys, and the line under the pointer is read out. */
export function ParallelChart({ figure, name, worst, brushes, onBrush, say, onChoose, raised }: ParallelChartProps) {
  const { ref, width } = useWidth();
  const [over, setOver] = useState<number | undefined>();
  const [drag, setDrag] = useState<{ axis: number; from: number; to: number } | undefined>();
  const { axes, lines, scale, summary } = figure;
  const colours = palette.value;
  const drawn = useMemo(() => drawnOf(figure, width, worst), [figure, width, worst]);
  const kept = useMemo(() => lines.map((line) => isKept(line, brushes)), [lines, brushes]);
  const keptCount = kept.filter(Boolean).length;
  const pictures = useMemo(() => {
    const bright = lines.map(({ name: each }, index) => kept[index] && (raised.size === 0 || raised.has(each)));
    const colourOf = ({ result }: ParallelLine) => (result === null ? colours.bad : scale.colour(result));
    const opacity = Math.max(0.25, Math.min(0.9, 40 / Math.max(1, bright.filter(Boolean).length)));
    return (
      <>
        <g stroke={colours.line}>{drawn.paths.map((path, index) => !bright[index] && <path key={lines[index].name} d={path} />)}</g>
        <g stroke-width="1.4" stroke-opacity={opacity}>
          {drawn.paths.map((path, index) => bright[index] && <path key={lines[index].name} d={path} stroke={colourOf(lines[index])} />)}
        </g>
      </>
    );
  }, [drawn, lines, kept, raised, scale, colours]);

  const pointOf = (event: PointerEvent | MouseEvent): [number, number] => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const axisAt = (at: number) => axes.findIndex((_, axis) => Math.abs(at - drawn.x(axis)) <= grip);
  const shareAt = (down: number) => Math.min(1.02, Math.max(-0.02, (bottom - down) / (bottom - top)));
  const lineAt = (across: number, down: number): number | undefined => {
    const before = Math.min(axes.length - 2, Math.max(0, Math.floor((across - drawn.x(0)) / drawn.spacing)));
    const share = (across - drawn.x(before)) / drawn.spacing;
    let [best, distance] = [-1, reach];
    for (const [index, line] of drawn.heights.entries()) {
      if (!kept[index]) continue;
      const away = Math.abs(line[before] + (line[before + 1] - line[before]) * share - down);
      if (away < distance) [best, distance] = [index, away];
    }
    return best < 0 ? undefined : best;
  };
  const read = over === undefined ? undefined : lines[over];
  return (
    <div class="chart">
      <div class="legend line">
        <span class="key">{keptCount === lines.length ? `${lines.length} runs` : `${keptCount} of ${lines.length} runs`}</span>
        <span class="at">{read ? say(read) : 'drag along an axis to choose a part of it'}</span>
      </div>
      <div class="plot" ref={ref} style={{ height: `${height}px` }}>
        {width > 0 && (
          <svg
            width={width}
            height={height}
            viewBox={`0 0 ${width} ${height}`}
            role="img"
            aria-label={`${name}. ${summary}`}
            font-family={font}
            font-size="11"
            fill="none"
          >
            {pictures}
            {over !== undefined && lines[over] && <path class="cursor" d={drawn.paths[over]} stroke={colours.ink} stroke-width="2.4" />}
            {axes.map((axis, index) => (
              <AxisPicture
                key={axis.label}
                axis={axis}
                index={index}
                last={index === axes.length - 1}
                drawn={drawn}
                scale={scale}
                brush={drag?.axis === index ? brushBetween(drawn.places[index].places, drag.from, drag.to) : brushes[index]}
                colours={colours}
              />
            ))}
          </svg>
        )}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: of the pointer alone; keys have the axes, and the list of runs */}
        <div
          class="overlay"
          role="presentation"
          onPointerMove={(event) => {
            const [across, down] = pointOf(event);
            if (drag) setDrag({ ...drag, to: shareAt(down) });
            else {
              const axis = axisAt(across);
              (event.currentTarget as HTMLElement).style.cursor = axis >= 0 ? 'ns-resize' : 'pointer';
              setOver(axis >= 0 ? undefined : lineAt(across, down));
            }
          }}
          onPointerLeave={() => setOver(undefined)}
          onPointerDown={(event) => {
            const [across, down] = pointOf(event);
            const axis = axisAt(across);
            if (event.button !== 0 || axis < 0) return;
            (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
            setDrag({ axis, from: shareAt(down), to: shareAt(down) });
          }}
          onPointerUp={() => {
            if (!drag) return;
            // A click on an axis gives it free again.
            const moved = Math.abs(drag.to - drag.from) * (bottom - top) > 4;
            onBrush(drag.axis, moved ? brushBetween(drawn.places[drag.axis].places, drag.from, drag.to) : undefined);
            setDrag(undefined);
          }}
          onPointerCancel={() => setDrag(undefined)}
          onClick={(event) => {
            const [across, down] = pointOf(event);
            const line = axisAt(across) < 0 ? lineAt(across, down) : undefined;
            if (line !== undefined) onChoose(lines[line]);
          }}
        />
        {axes.map((axis, index) => (
          <AxisReader
            key={axis.label}
            axis={axis}
            left={drawn.x(index)}
            brush={brushes[index]}
            kept={keptCount}
            of={lines.length}
            onBrush={(brush) => onBrush(index, brush)}
          />
        ))}
      </div>
    </div>
  );
}
