import type { Palette } from '../data/theme.ts';
import { type AxisPlaces, type Brush, brushByKey, type ParallelAxis } from './parallelFigure.ts';
import { cutTo, type ResultScale } from './resultScale.ts';

/** A figure at a width: where axes and values stand, and the lines as heights and as paths. */
export interface Drawn {
  readonly x: (axis: number) => number;
  /** Of a place from 0 to 1. */
  readonly y: (place: number) => number;
  readonly places: readonly AxisPlaces[];
  readonly heights: readonly (readonly number[])[];
  readonly paths: readonly string[];
  /** Pixels between two axes. */
  readonly spacing: number;
  readonly top: number;
  readonly bottom: number;
}

interface AxisPictureProps {
  readonly axis: ParallelAxis;
  readonly index: number;
  /** The one that lines are coloured by. */
  readonly last: boolean;
  readonly drawn: Drawn;
  readonly scale: ResultScale;
  readonly brush: Brush;
  readonly colours: Palette;
}

const shades = 40;

/** An axis with its name, its values, and the part of it that is chosen. */
export function AxisPicture({ axis, index, last, drawn, scale, brush, colours }: AxisPictureProps) {
  const { top, bottom, spacing } = drawn;
  const x = drawn.x(index);
  const { places, ticks } = drawn.places[index];
  const room = last ? 70 : spacing - 16;
  const halo = { 'paint-order': 'stroke', stroke: colours.card, 'stroke-width': 3.5, 'stroke-linejoin': 'round' } as const;
  // The colours reach as far as the numbers do; a failure stands apart from them.
  const inside = axis.numbers?.flatMap((each, place) => (Number.isFinite(each) ? [drawn.y(places[place])] : [])) ?? [];
  const [low, high] = inside.length > 0 ? [Math.max(...inside), Math.min(...inside)] : [bottom, top];
  const step = (low - high) / shades;
  return (
    <g>
      <line x1={x} x2={x} y1={top} y2={bottom} stroke={colours.quiet} />
      {last &&
        scale
          .steps(shades)
          .map((fill, shade) => (
            <rect key={shade} x={x - 3} y={low - (shade + 1) * step} width="6" height={Math.max(0, step + 0.4)} fill={fill} />
          ))}
      {brush && (
        <rect
          x={x - 7}
          y={drawn.y(places[brush[1]]) - 5}
          width="14"
          height={Math.max(10, drawn.y(places[brush[0]]) - drawn.y(places[brush[1]]) + 10)}
          rx="4"
          fill={colours.accent}
          fill-opacity="0.25"
          stroke={colours.accent}
        />
      )}
      <text
        x={index === 0 ? x - 10 : last ? x + 70 : x}
        y={top - 16}
        fill={colours.ink}
        font-weight="600"
        text-anchor={index === 0 ? 'start' : last ? 'end' : 'middle'}
        {...halo}
      >
        {cutTo(axis.label, last ? Math.max(96, spacing * 0.55) : spacing - 8, 6.6)}
        <title>{axis.label}</title>
      </text>
      {ticks.map(({ at, label }) => (
        <text key={label} x={x + 8} y={drawn.y(at) + 4} fill={label === 'failed' ? colours.bad : colours.quiet} {...halo}>
          {cutTo(label, room)}
          <title>{label}</title>
        </text>
      ))}
    </g>
  );
}

interface AxisReaderProps {
  readonly axis: ParallelAxis;
  readonly left: number;
  readonly brush: Brush;
  /** Runs that are within all brushes, and all of them. */
  readonly kept: number;
  readonly of: number;
  readonly onBrush: (brush: Brush) => void;
}

/** Takes the keys of an axis, and says what is chosen of it. */
export function AxisReader({ axis: { label, values }, left, brush, kept, of, onBrush }: AxisReaderProps) {
  const chosen = brush === undefined ? 'all' : brush[0] === brush[1] ? values[brush[0]] : `${values[brush[0]]} to ${values[brush[1]]}`;
  return (
    <div
      class="axis"
      style={{ left: `${left - 9}px` }}
      role="slider"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={`Runs by ${label}`}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, values.length - 1)}
      aria-valuenow={brush?.[0] ?? 0}
      aria-valuetext={`${chosen}; ${kept} of ${of} runs`}
      onKeyDown={(event) => {
        const next = brushByKey(brush, values.length, event.key, event.shiftKey);
        if (next === undefined) return;
        onBrush(next ?? undefined);
        event.preventDefault();
      }}
    />
  );
}
