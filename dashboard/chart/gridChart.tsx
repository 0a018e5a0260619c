import { useState } from 'preact/hooks';
import { short } from '../data/numbers.ts';
import { type Palette, palette } from '../data/theme.ts';
import { font } from './axes.tsx';
import { cutTo, inkOn, type ResultScale } from './resultScale.ts';
import { useWidth } from './width.ts';

/** A cell of a grid. */
export interface GridChartCell {
  readonly x: number;
  readonly y: number;
  /** Of the results; null where there is none. */
  readonly mean: number | null;
  readonly deviation: number | null;
  /** What stands below the mean where there is room, such as how many failed. */
  readonly remark: string;
  /** Whether some of it failed. */
  readonly failed: boolean;
  /** All of it, in words. */
  readonly said: string;
}

/** Results over two fields. */
export interface GridFigure {
  readonly x: { readonly label: string; readonly values: readonly string[] };
  /** One nameless row where there is a single field. */
  readonly y: { readonly label: string; readonly values: readonly string[] };
  readonly cells: readonly GridChartCell[];
  readonly scale: ResultScale;
  /** What the colours are. */
  readonly label: string;
  readonly summary: string;
}

export interface GridChartProps {
  readonly figure: GridFigure;
  readonly name: string;
  /** Told of the cell that was chosen. */
  readonly onChoose: (cell: GridChartCell) => void;
  /** Whether a cell is chosen now. */
  readonly chosen: (cell: GridChartCell) => boolean;
}

const [top, below, keyRoom] = [8, 40, 92];
const steps = 40;

/** Where everything of a grid lies. */
function layoutOf({ x, y }: GridFigure, width: number) {
  const longest = Math.max(0, ...y.values.map((value) => value.length));
  const left = y.label === '' ? 16 : Math.min(width * 0.3, 34 + 6.2 * longest);
  const right = Math.max(left + 40, width - keyRoom);
  const rowHeight = Math.min(64, Math.max(20, 420 / y.values.length));
  const bottom = top + rowHeight * y.values.length;
  const columnWidth = (right - left) / x.values.length;
  return { left, right, bottom, rowHeight, columnWidth, height: bottom + below };
}

/** Cells coloured by a result, with its mean and spread where there is room; read by pointer and arrow keys. */
export function GridChart({ figure, name, onChoose, chosen }: GridChartProps) {
  const { ref, width } = useWidth();
  const [at, setAt] = useState<readonly [number, number] | undefined>();
  const { x, y, cells, label, summary } = figure;
  const colours = palette.value;
  const layout = layoutOf(figure, width);
  const { left, bottom, rowHeight, columnWidth, height } = layout;
  const read = at && cells.find((cell) => cell.x === at[0] && cell.y === at[1]);
  const nameOf = (column: number, row: number) =>
    [`${x.label} ${x.values[column]}`, ...(y.label === '' ? [] : [`${y.label} ${y.values[row]}`])].join(', ');
  const spoken = at === undefined ? 'no cell chosen' : (read?.said ?? `${nameOf(...at)}: no run`);
  const placeOf = (event: PointerEvent | MouseEvent): readonly [number, number] | undefined => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - left) / columnWidth);
    const row = Math.floor((event.clientY - box.top - top) / rowHeight);
    return column >= 0 && column < x.values.length && row >= 0 && row < y.values.length ? [column, row] : undefined;
  };
  const onKey = (event: KeyboardEvent) => {
    const [column, row] = at ?? [0, 0];
    const last = [x.values.length - 1, y.values.length - 1];
    const to = (nextColumn: number, nextRow: number) =>
      setAt(at === undefined ? [0, 0] : [Math.min(last[0], Math.max(0, nextColumn)), Math.min(last[1], Math.max(0, nextRow))]);
    const keys: Record<string, () => void> = {
      ArrowLeft: () => to(column - 1, row),
      ArrowRight: () => to(column + 1, row),
      ArrowUp: () => to(column, row - 1),
      ArrowDown: () => to(column, row + 1),
      Home: () => to(0, row),
      End: () => to(last[0], row),
      PageUp: () => to(column, 0),
      PageDown: () => to(column, last[1]),
      Enter: () => read && onChoose(read),
    };
    if (!keys[event.key]) return;
    keys[event.key]();
    event.preventDefault();
  };
  return (
    <div class="chart">
      <div class="legend line">
        <span class="key">{label}</span>
        <span class="at">{at === undefined ? 'choose a cell to see its runs' : spoken}</span>
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
          >
            <GridAxes figure={figure} layout={layout} colours={colours} />
            {cells.map((cell) => (
              <Cell key={`${cell.x}-${cell.y}`} cell={cell} figure={figure} layout={layout} colours={colours} outlined={chosen(cell)} />
            ))}
            {at && (
              <rect
                class="cursor"
                x={left + at[0] * columnWidth}
                y={top + at[1] * rowHeight}
                width={columnWidth}
                height={rowHeight}
                fill="none"
                stroke={colours.ink}
                stroke-width="2"
              />
            )}
            <ColourKey scale={figure.scale} x={width - keyRoom + 16} from={top} to={Math.max(bottom, top + 60)} colours={colours} />
          </svg>
        )}
        <div
          class="overlay"
          role="slider"
          tabIndex={0}
          aria-label={`${name}: ${y.label === '' ? x.label : `${x.label} and ${y.label}`}`}
          aria-valuemin={0}
          aria-valuemax={Math.max(0, x.values.length * y.values.length - 1)}
          aria-valuenow={at === undefined ? 0 : at[1] * x.values.length + at[0]}
          aria-valuetext={spoken}
          onKeyDown={onKey}
          onPointerMove={(event) => setAt(placeOf(event))}
          onPointerLeave={() => setAt(undefined)}
          onClick={(event) => {
            const place = placeOf(event);
            const cell = place && cells.find((each) => each.x === place[0] && each.y === place[1]);
            if (cell) onChoose(cell);
          }}
        />
      </div>
    </div>
  );
}

type Layout = ReturnType<typeof layoutOf>;

function GridAxes({ figure: { x, y }, layout, colours }: { figure: GridFigure; layout: Layout; colours: Palette }) {
  const { left, right, bottom, rowHeight, columnWidth, height } = layout;
  // Names that would run into each other are left out but for every second, third, ...
  const every = Math.max(1, Math.ceil(26 / columnWidth));
  return (
    <g fill={colours.quiet}>
      {y.label !== '' &&
        y.values.map((value, row) => (
          <text key={value} x={left - 7} y={top + (row + 0.5) * rowHeight + 4} text-anchor="end">
            {cutTo(value, left - 28)}
            <title>{value}</title>
          </text>
        ))}
      {x.values.map(
        (value, column) =>
          column % every === 0 && (
            <text key={value} x={left + (column + 0.5) * columnWidth} y={bottom + 15} text-anchor="middle">
              {cutTo(value, columnWidth * every - 10)}
              <title>{value}</title>
            </text>
          ),
      )}
      <text x={right} y={height - 6} text-anchor="end">
        {x.label}
      </text>
      {y.label !== '' && (
        <text x={12} y={(top + bottom) / 2} text-anchor="middle" transform={`rotate(-90 12 ${(top + bottom) / 2})`}>
          {cutTo(y.label, bottom - top)}
          <title>{y.label}</title>
        </text>
      )}
    </g>
  );
}

interface CellProps {
  readonly cell: GridChartCell;
  readonly figure: GridFigure;
  readonly layout: Layout;
  readonly colours: Palette;
  readonly outlined: boolean;
}

function Cell({ cell, figure: { scale }, layout, colours, outlined }: CellProps) {
  const { left, rowHeight, columnWidth } = layout;
  const [x, y] = [left + cell.x * columnWidth, top + cell.y * rowHeight];
  const fill = cell.mean === null ? colours.card : scale.colour(cell.mean);
  const ink = cell.mean === null ? colours.bad : inkOn(fill);
  const middle = x + columnWidth / 2;
  const gap = columnWidth > 12 ? 1 : 0.25;
  const wide = (text: string, perLetter: number) => text.length * perLetter <= columnWidth - 6;
  const mean = cell.mean === null ? '' : short(cell.mean);
  const spread = cell.deviation === null ? '' : `± ${short(cell.deviation)}`;
  const lines = [mean, spread, cell.remark].filter((text) => text !== '' && wide(text, 5.9));
  const shown = lines.slice(0, Math.floor((rowHeight - 6) / 13));
  return (
    <g>
      <rect
        x={x + gap}
        y={y + gap}
        width={Math.max(0.5, columnWidth - 2 * gap)}
        height={rowHeight - 2 * gap}
        rx={columnWidth > 30 ? 4 : 0}
        fill={fill}
        stroke={outlined ? colours.accent : cell.mean === null ? colours.bad : 'none'}
        stroke-width={outlined ? 3 : 1}
        stroke-dasharray={!outlined && cell.mean === null ? '3 3' : undefined}
      />
      {cell.failed && cell.mean !== null && (
        <path
          d={`M${x + columnWidth - gap},${y + gap}v${Math.min(9, columnWidth / 2)}l${-Math.min(9, columnWidth / 2)},${-Math.min(9, columnWidth / 2)}z`}
          fill={colours.bad}
        />
      )}
      {shown.map((text, line) => (
        <text
          key={text}
          x={middle}
          y={y + rowHeight / 2 + 4 + (line - (shown.length - 1) / 2) * 13}
          text-anchor="middle"
          fill={ink}
          font-weight={line === 0 ? 600 : 400}
        >
          {text}
        </text>
      ))}
    </g>
  );
}

/** What colours stand for, from the least to the largest. */
export function ColourKey({ scale, x, from, to, colours }: { scale: ResultScale; x: number; from: number; to: number; colours: Palette }) {
  const [low, high] = scale.extent;
  const height = (to - from) / steps;
  const at = (share: number) => (scale.kind === 'log' ? low * (high / low) ** share : low + (high - low) * share);
  return (
    <g>
      {scale.steps(steps).map((fill, index) => (
        <rect key={index} x={x} y={to - (index + 1) * height} width="10" height={height + 0.5} fill={fill} />
      ))}
      {(high > low ? [0, 0.5, 1] : [0.5]).map((share) => (
        <text key={share} x={x + 15} y={to - share * (to - from) + (share === 1 ? 9 : share === 0 ? 0 : 4)} fill={colours.quiet}>
          {short(Number(at(share).toPrecision(3)))}
        </text>
      ))}
    </g>
  );
}
