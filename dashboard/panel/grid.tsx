import type { GridAnswer, GridCell, TrialsAnswer } from '../../src/server/answers.ts';
import { GridChart, type GridChartCell, type GridFigure } from '../chart/gridChart.tsx';
import { resultScale } from '../chart/resultScale.ts';
import { csvOf } from '../data/csv.ts';
import { short } from '../data/numbers.ts';
import { place, setPlace } from '../data/place.ts';
import { palette } from '../data/theme.ts';
import { Choice } from './choice.tsx';
import { Panel } from './panel.tsx';
import { gridOf, picked, sayMetric } from './trials.ts';

/** Values of a field that a grid has room for. */
const mostValues = 40;

/** Two fields against a result, a cell for each combination of their values. */
export function Grid({ trials }: { trials: TrialsAnswer }) {
  const usable = trials.fields.filter(({ values }) => values.length <= mostValues).map(({ field }) => field);
  const unseeded = trials.fields.filter(({ field, seed }) => !seed && usable.includes(field));
  const [first, second] = [...unseeded].sort((a, b) => b.values.length - a.values.length).map(({ field }) => field);
  const { x: askedX, y: askedY } = place.value;
  const x = askedX !== undefined && usable.includes(askedX) ? askedX : (first ?? usable[0]);
  const otherwise = [second, first].find((field) => field !== undefined && field !== x);
  const y = askedY === '' ? undefined : askedY !== undefined && usable.includes(askedY) && askedY !== x ? askedY : otherwise;
  const grid = x === undefined ? undefined : gridOf(trials.metric, x, y);
  if (x === undefined) return null;
  const omitted = trials.fields.length - usable.length;
  const controls = (
    <>
      <Choice label="across" value={x} options={usable.map((field) => [field, field])} onChange={(value) => setPlace({ x: value })} />
      <Choice
        label="down"
        value={y ?? ''}
        options={[['', 'nothing'], ...usable.filter((field) => field !== x).map((field): [string, string] => [field, field])]}
        onChange={(value) => setPlace({ x, y: value })}
      />
    </>
  );
  const figure = grid ? figureOf(grid) : undefined;
  return (
    <Panel
      id="grid"
      title={`Grid: ${sayMetric(trials)}`}
      about="The mean of the runs of each cell and their standard deviation; the stronger the colour, the better."
      wide
      controls={controls}
      csv={grid ? () => gridCsv(grid) : undefined}
    >
      {figure && (
        <GridChart
          figure={figure}
          name={`${sayMetric(trials)} by ${x}${y === undefined ? '' : ` and ${y}`}`}
          chosen={(cell) => picked.value?.by === cell.said}
          onChoose={(cell) => {
            const found = grid?.cells.find((each) => each.x === cell.x && each.y === cell.y);
            picked.value = picked.value?.by === cell.said || !found ? undefined : { names: found.runs, by: cell.said };
          }}
        />
      )}
      <p class="note">{grid === null ? 'No run has ended yet.' : grid && notesOf(grid, omitted).join(' ')}</p>
    </Panel>
  );
}

function figureOf(grid: GridAnswer): GridFigure {
  const { x, y, cells, better } = grid;
  const means = cells.flatMap(({ mean }) => mean ?? []);
  const scale = resultScale(means, better, palette.value, 0.12);
  const known = cells.filter(({ mean, failed }) => mean !== null && failed === 0);
  const pick = better === 'lower' ? Math.min : Math.max;
  const best = known.length === 0 ? undefined : known.find(({ mean }) => mean === pick(...known.map((each) => each.mean ?? Number.NaN)));
  const at = best && namesOf(grid, best);
  return {
    x: { label: x.field, values: x.values },
    y: y ? { label: y.field, values: y.values } : { label: '', values: [''] },
    cells: cells.map((cell): GridChartCell => {
      const { mean, deviation, failed, n } = cell;
      const remark = failed > 0 ? `${failed} of ${n} failed` : `n = ${n}`;
      return { x: cell.x, y: cell.y, mean, deviation, remark, failed: failed > 0, said: sayCell(grid, cell) };
    }),
    scale,
    label: `${sayMetric(grid)}, mean over runs; ${better} is better`,
    summary: `${cells.length} cells${best && at ? `; the best without failures is ${at}: ${short(best.mean)}` : ''}.`,
  };
}

const namesOf = ({ x, y }: GridAnswer, cell: GridCell) =>
  [`${x.field} ${x.values[cell.x]}`, ...(y ? [`${y.field} ${y.values[cell.y]}`] : [])].join(', ');

/** A cell in words. */
function sayCell(grid: GridAnswer, cell: GridCell): string {
  const { n, failed, missing, mean, deviation, min, max, verdicts } = cell;
  const spread = deviation === null ? '' : ` ± ${short(deviation)} (${short(min)} to ${short(max)})`;
  const judged = Object.entries(verdicts).map(([verdict, count]) => `${count} ${verdict}`);
  return [
    `${namesOf(grid, cell)}: ${mean === null ? 'no result' : `${short(mean)}${spread}`}`,
    `${n} ${n === 1 ? 'run' : 'runs'}`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(missing > 0 ? [`${missing} not measured`] : []),
    ...judged,
  ].join(', ');
}

function notesOf({ pooled, unfinished, cells, x, y }: GridAnswer, omitted: number): string[] {
  const apart = pooled.filter((field) => field !== x.field && field !== y?.field);
  return [
    ...(cells.some(({ failed }) => failed > 0) ? ['A corner marks cells with runs that failed, which are in no mean.'] : []),
    ...(apart.length > 0 ? [`Cells pool the values of ${apart.join(', ')}.`] : []),
    ...(unfinished > 0
      ? [`${unfinished} ${unfinished === 1 ? 'run has' : 'runs have'} not ended, and ${unfinished === 1 ? 'is' : 'are'} left out.`]
      : []),
    ...(omitted > 0
      ? [`${omitted} ${omitted === 1 ? 'field has' : 'fields have'} more than ${mostValues} values, too many for a grid.`]
      : []),
  ];
}

function gridCsv({ x, y, cells, metric }: GridAnswer): string {
  const head = [x.field, ...(y ? [y.field] : []), `${metric} (mean)`, 'deviation', 'least', 'largest', 'runs', 'failed', 'not measured'];
  return csvOf([
    head,
    ...cells.map((cell) => [
      x.values[cell.x],
      ...(y ? [y.values[cell.y]] : []),
      ...[cell.mean, cell.deviation, cell.min, cell.max, cell.n, cell.failed, cell.missing],
    ]),
  ]);
}
