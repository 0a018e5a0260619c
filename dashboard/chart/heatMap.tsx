import type { Signal } from '@preact/signals';
import { scaleLinear } from 'd3-scale';
import { useMemo, useState } from 'preact/hooks';
import { shortPower } from '../data/numbers.ts';
import { palette } from '../data/theme.ts';
import { Axes, type Frame, font } from './axes.tsx';
import type { Figure, Rule } from './figure.ts';
import { type Scale, scaleOver } from './scales.ts';
import { useWidth } from './width.ts';

/** Numbers over two axes. */
export interface HeatFigure {
  readonly x: Figure['x'];
  readonly y: Figure['y'];
  /** Where each column begins, and where the last one ends. */
  readonly columns: readonly number[];
  readonly end: number;
  /** First and last place of each row. */
  readonly rows: readonly (readonly [number, number])[];
  /** log10 of what is shown, by column, then by row; null is nothing. */
  readonly value: readonly (readonly (number | null)[])[];
  /** What the colours are, with its unit. */
  readonly label: string;
  readonly rules: readonly Rule[];
  readonly summary: string;
}

export interface HeatMapProps {
  readonly figure: HeatFigure;
  readonly name: string;
  readonly height?: number;
  readonly range?: readonly [number, number];
  readonly cursor: Signal<number | undefined>;
  /** Told of the column that was chosen. */
  readonly onChoose?: (column: number) => void;
}

/** The smallest and the largest value. */
function spanOf(value: HeatFigure['value']): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const column of value) {
    for (const each of column) {
      if (each === null) continue;
      low = Math.min(low, each);
      high = Math.max(high, each);
    }
  }
  return low > high ? [-1, 0] : [low, Math.max(high, low + 0.5)];
}

/** Colours over two axes, with a key; the cell under the pointer, or chosen by the arrow keys, is read out. */
export function HeatMap({ figure, name, height = 270, range, cursor: place, onChoose }: HeatMapProps) {
  const { ref, width } = useWidth();
  const [row, setRow] = useState(0);
  const cursor = place.value;
  const moveTo = (at: number | undefined) => {
    place.value = at;
  };
  const colours = palette.value;
  const { columns, end, rows, value } = figure;
  const frame: Frame = { width, height, left: 52, right: width - 100, top: 10, bottom: height - 34 };
  const lastRow = rows.length === 0 ? 1 : rows[rows.length - 1][1];
  const extent = range ?? [columns[0] ?? 0, end];
  const span = useMemo(() => spanOf(value), [value]);
  const x = scaleOver(
    figure.x.kind,
    extent[0] < extent[1] ? [extent[0], extent[1]] : [extent[0], extent[0] + 1],
    [frame.left, frame.right],
    Math.max(3, Math.floor(width / 100)),
  );
  const y = scaleOver('linear', [-0.5, lastRow + 0.5], [frame.bottom, frame.top], 5);
  const colour = scaleLinear<string>(
    colours.heat.map((_, index) => span[0] + ((span[1] - span[0]) * index) / (colours.heat.length - 1)),
    [...colours.heat],
  );
  const image = useMemo(
    () => (width > 0 ? paint(figure, frame, x, y, colour) : undefined),
    [figure, width, height, extent[0], extent[1], colours],
  );
  const column = cursor === undefined ? undefined : columns.findLastIndex((each) => each <= cursor);
  const read = column === undefined || column < 0 ? undefined : value[column]?.[row];
  const spoken =
    column === undefined || column < 0 || rows[row] === undefined
      ? 'no cell chosen'
      : `after update ${columns[column]}, lag ${rows[row][0] === rows[row][1] ? rows[row][0] : `${rows[row][0]} to ${rows[row][1]}`}: ${shortPower(read)}`;
  const choose = (event: PointerEvent | MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const lag = y.invert(event.clientY - box.top);
    const found = rows.findIndex(([, last]) => lag <= last + 0.5);
    setRow(found < 0 ? rows.length - 1 : found);
    const at = x.invert(Math.min(frame.right, Math.max(frame.left, event.clientX - box.left)));
    moveTo(at);
    return columns.findLastIndex((each) => each <= at);
  };
  const onKey = (event: KeyboardEvent) => {
    const at = column === undefined || column < 0 ? columns.length - 1 : column;
    const keys: Record<string, () => void> = {
      ArrowLeft: () => moveTo(columns[Math.max(0, at - 1)]),
      ArrowRight: () => moveTo(columns[Math.min(columns.length - 1, at + 1)]),
      ArrowUp: () => setRow(Math.min(rows.length - 1, row + 1)),
      ArrowDown: () => setRow(Math.max(0, row - 1)),
      Home: () => moveTo(columns[0]),
      End: () => moveTo(columns[columns.length - 1]),
      PageUp: () => setRow(rows.length - 1),
      PageDown: () => setRow(0),
      Enter: () => onChoose?.(at),
    };
    if (!keys[event.key]) return;
    keys[event.key]();
    event.preventDefault();
  };
  const ready = image !== undefined;
  const keyTop = frame.top + 4;
  const keyHeight = frame.bottom - frame.top - 8;
  return (
    <div class="chart">
      <div class="legend">
        <span class="key">{figure.label}</span>
        {figure.rules.map(({ label, colour: stroke, dash }) => (
          <span class="key" key={label}>
            <svg width="18" height="8" aria-hidden="true">
              <line x1="1" x2="17" y1="4" y2="4" stroke={stroke} stroke-width="2" stroke-dasharray={dash} />
            </svg>
            {label}
          </span>
        ))}
        <span class="at">{column === undefined || column < 0 ? 'choose a moment to see its profile' : spoken}</span>
      </div>
      <div class="plot" ref={ref} style={{ height: `${height}px` }}>
        {ready && (
          <svg
            width={width}
            height={height}
            viewBox={`0 0 ${width} ${height}`}
            role="img"
            aria-label={`${name}. ${figure.summary}`}
            font-family={font}
            font-size="11"
          >
            <Axes frame={frame} x={x} y={y} figure={figure} colours={{ ...colours, line: 'none' }} />
            <image
              href={image}
              x={frame.left}
              y={frame.top}
              width={Math.max(0, frame.right - frame.left)}
              height={Math.max(0, frame.bottom - frame.top)}
              preserveAspectRatio="none"
            />
            {figure.rules.map(({ label, at, colour: stroke, dash }) => (
              <g key={label}>
                <line
                  x1={frame.left}
                  x2={frame.right}
                  y1={y(at)}
                  y2={y(at)}
                  stroke={colours.card}
                  stroke-width="3.2"
                  stroke-opacity="0.7"
                />
                <line x1={frame.left} x2={frame.right} y1={y(at)} y2={y(at)} stroke={stroke} stroke-width="1.8" stroke-dasharray={dash} />
              </g>
            ))}
            {cursor !== undefined && x(cursor) >= frame.left && x(cursor) <= frame.right && (
              <line
                x1={x(cursor)}
                x2={x(cursor)}
                y1={frame.top}
                y2={frame.bottom}
                stroke={colours.ink}
                stroke-opacity="0.6"
                stroke-dasharray="2 3"
              />
            )}
            {colours.heat.map((_, index, { length }) => {
              const steps = 8;
              return Array.from({ length: index < length - 1 ? steps : 0 }, (_unused, step) => {
                const share = (index + step / steps) / (length - 1);
                const part = keyHeight / ((length - 1) * steps);
                return (
                  <rect
                    key={`${index}-${step}`}
                    x={frame.right + 14}
                    y={keyTop + keyHeight * (1 - share) - part}
                    width="10"
                    height={part + 0.6}
                    fill={colour(span[0] + (span[1] - span[0]) * share)}
                  />
                );
              });
            })}
            {[0, 0.5, 1].map((share) => (
              <text key={share} x={frame.right + 29} y={keyTop + keyHeight * (1 - share) + 4} fill={colours.quiet}>
                {shortPower(Number((span[0] + (span[1] - span[0]) * share).toFixed(share === 0.5 ? 0 : 2)))}
              </text>
            ))}
          </svg>
        )}
        <div
          class="overlay"
          role="slider"
          tabIndex={0}
          aria-label={`${name}: moment and lag`}
          aria-valuemin={columns[0] ?? 0}
          aria-valuemax={end}
          aria-valuenow={column === undefined || column < 0 ? end : columns[column]}
          aria-valuetext={spoken}
          onKeyDown={onKey}
          onPointerMove={choose}
          onPointerLeave={() => moveTo(undefined)}
          onClick={(event) => onChoose?.(choose(event))}
        />
      </div>
    </div>
  );
}

/** The cells as a picture of the frame's size. */
function paint({ columns, end, rows, value }: HeatFigure, frame: Frame, x: Scale, y: Scale, colour: (value: number) => string): string {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(frame.right - frame.left));
  canvas.height = Math.max(1, Math.round(frame.bottom - frame.top));
  const context = canvas.getContext('2d');
  if (!context) return '';
  for (const [index, column] of value.entries()) {
    const left = Math.floor(x(columns[index]) - frame.left);
    const right = Math.ceil(x(columns[index + 1] ?? end) - frame.left);
    if (right < 0 || left > canvas.width) continue;
    for (const [row, each] of column.entries()) {
      if (each === null) continue;
      const [first, last] = rows[row];
      const top = Math.floor(y(last + 0.5) - frame.top);
      context.fillStyle = colour(each);
      context.fillRect(left, top, Math.max(1, right - left), Math.ceil(y(first - 0.5) - frame.top) - top);
    }
  }
  return canvas.toDataURL();
}

/** The cells as comma-separated values, a line for each column. */
export function heatCsv({ x, columns, rows, value }: HeatFigure): string {
  const head = [x.label, ...rows.map(([first, last]) => (first === last ? `lag ${first}` : `lag ${first}-${last}`))];
  return `${[head, ...value.map((column, index) => [columns[index], ...column.map((each) => each ?? '')])].map((line) => line.join(',')).join('\n')}\n`;
}
