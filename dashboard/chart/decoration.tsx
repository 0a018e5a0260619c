import { palette } from '../data/theme.ts';
import type { Frame } from './axes.tsx';
import type { Figure } from './figure.ts';
import { placeLabels } from './labels.ts';
import type { Scale } from './scales.ts';

/** Lines across, with their names. */
export function Rules({ figure, frame, x, y }: { figure: Figure; frame: Frame; x: Scale; y: Scale }) {
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

/** Single points. */
export function Marks({ figure, frame, x, y }: { figure: Figure; frame: Frame; x: Scale; y: Scale }) {
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

/** One strip below the figure. */
export function StripRow({ strip, x, frame, y }: { strip: NonNullable<Figure['strips']>[number]; x: Scale; frame: Frame; y: number }) {
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
