import type { Palette } from '../data/theme.ts';
import type { Figure } from './figure.ts';
import type { Scale } from './scales.ts';

export const font = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif';

/** Where a figure lies within its picture. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Both axes with their ticks and names, and the lines across. */
export function Axes({
  frame,
  x,
  y,
  figure,
  colours,
}: {
  frame: Frame;
  x: Scale;
  y: Scale;
  figure: Pick<Figure, 'x' | 'y'>;
  colours: Palette;
}) {
  const { left, right, top, bottom, height } = frame;
  const inside = x.ticks.filter(({ at }) => x(at) >= left - 0.5 && x(at) <= right + 0.5);
  const below = height - 20;
  return (
    <g>
      {y.ticks.map(({ at, label }) => {
        const place = y(at);
        if (place < top - 1 || place > bottom + 1) return null;
        return (
          <g key={at}>
            <line x1={left} x2={right} y1={place} y2={place} stroke={colours.line} />
            <text x={left - 7} y={place + 3.5} text-anchor="end" fill={colours.quiet}>
              {label}
            </text>
          </g>
        );
      })}
      <line x1={left} x2={right} y1={bottom} y2={bottom} stroke={colours.quiet} stroke-opacity="0.6" />
      {inside.map(({ at, label }) => (
        <g key={at}>
          <line x1={x(at)} x2={x(at)} y1={bottom} y2={bottom + 4} stroke={colours.quiet} stroke-opacity="0.6" />
          <text x={x(at)} y={below} text-anchor={x(at) > right - 14 ? 'end' : 'middle'} fill={colours.quiet}>
            {label}
          </text>
        </g>
      ))}
      <text x={right} y={height - 4} text-anchor="end" fill={colours.quiet}>
        {figure.x.label}
      </text>
      <text x={12} y={(top + bottom) / 2} text-anchor="middle" fill={colours.quiet} transform={`rotate(-90 12 ${(top + bottom) / 2})`}>
        {figure.y.label}
      </text>
    </g>
  );
}
