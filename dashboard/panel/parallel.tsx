import { useMemo, useState } from 'preact/hooks';
import type { TrialState, TrialsAnswer } from '../../src/server/answers.ts';
import { ParallelChart } from '../chart/parallelChart.tsx';
import { type Brush, isKept, type ParallelAxis, type ParallelFigure, type ParallelLine } from '../chart/parallelFigure.ts';
import { resultScale } from '../chart/resultScale.ts';
import { csvOf } from '../data/csv.ts';
import { short } from '../data/numbers.ts';
import { palette } from '../data/theme.ts';
import { Panel } from './panel.tsx';
import { hasEnded, picked, sayMetric, sayResult, shortNames } from './trials.ts';

/** Fields that have an axis. */
const mostAxes = 9;

/** Every run as a line across the fields in which they differ, to what it came to. */
export function Parallel({ trials }: { trials: TrialsAnswer }) {
  const colours = palette.value;
  const { figure, ended } = useMemo(() => figureOf(trials, colours), [trials, colours]);
  const [brushes, setBrushes] = useState<readonly Brush[]>([]);
  const names = figure.axes.map(({ label }) => label);
  const say = (line: ParallelLine) => {
    const run = ended.find(({ run: name }) => name === line.name);
    const values = line.at.slice(0, -1).map((place, axis) => `${names[axis]} ${place === null ? '–' : figure.axes[axis].values[place]}`);
    return run ? `${line.name}: ${sayResult(run)}; ${values.join(', ')}` : '';
  };
  const brush = (axis: number, to: Brush) => {
    const next = figure.axes.map((_, index) => (index === axis ? to : brushes[index]));
    setBrushes(next);
    const chosen = next.flatMap((each, index) => {
      const { values } = figure.axes[index];
      if (each === undefined) return [];
      return [`${names[index]} ${values[each[0]]}${each[0] === each[1] ? '' : ` to ${values[each[1]]}`}`];
    });
    const kept = figure.lines.filter((line) => isKept(line, next)).map(({ name }) => name);
    picked.value = chosen.length === 0 ? undefined : { names: kept, by: chosen.join(', ') };
  };
  // What is chosen elsewhere stands out here; what is chosen here is what is left of the lines.
  const elsewhere = brushes.some((each) => each !== undefined) ? undefined : picked.value;
  const raised = useMemo(() => new Set(elsewhere?.names), [elsewhere]);
  if (ended.length === 0 || figure.axes.length < 2) return null;
  const omitted = trials.fields.slice(mostAxes).map(({ field }) => field);
  const unfinished = trials.runs.length - ended.length;
  return (
    <Panel
      id="parallel"
      title={`Runs across their fields: ${sayMetric(trials)}`}
      about="Each run is a line from field to field; the stronger the colour, the better what it came to."
      wide
      csv={() => trialsCsv(trials)}
      controls={
        brushes.some((each) => each !== undefined) && (
          <button
            type="button"
            class="tool"
            onClick={() => {
              setBrushes([]);
              picked.value = undefined;
            }}
          >
            all runs
          </button>
        )
      }
    >
      <ParallelChart
        figure={figure}
        name={`Runs across ${names.slice(0, -1).join(', ')}`}
        worst={trials.better === 'lower' ? 'top' : 'bottom'}
        {...{ brushes, say, raised }}
        onBrush={brush}
        onChoose={(line) => {
          setBrushes([]);
          picked.value = { names: [line.name], by: line.name };
        }}
      />
      <p class="note">
        {[
          ...(omitted.length > 0 ? [`Without an axis: ${omitted.join(', ')}.`] : []),
          ...(unfinished > 0 ? [`${unfinished} ${unfinished === 1 ? 'run has' : 'runs have'} not ended, and no line.`] : []),
        ].join(' ')}
      </p>
    </Panel>
  );
}

function figureOf(trials: TrialsAnswer, colours: Parameters<typeof resultScale>[2]): { figure: ParallelFigure; ended: TrialState[] } {
  const ended = trials.runs.filter(hasEnded);
  const fields = trials.fields.slice(0, mostAxes);
  const results = [...new Set(ended.flatMap(({ result }) => result ?? []))].sort((a, b) => a - b);
  const failures = ended.some(({ failed }) => failed);
  const last: ParallelAxis = {
    label: sayMetric(trials),
    values: [...results.map(short), ...(failures ? ['failed'] : [])],
    numbers: [...results, ...(failures ? [Number.NaN] : [])],
  };
  const labels = shortNames(fields.map(({ field }) => field));
  const place = new Map(results.map((result, index) => [result, index]));
  const endOf = ({ result, failed }: TrialState) => (failed ? results.length : result === null ? null : (place.get(result) ?? null));
  const lines = ended.map(
    (run): ParallelLine => ({ name: run.run, at: [...run.at.slice(0, fields.length), endOf(run)], result: run.result }),
  );
  const best = trials.better === 'lower' ? results[0] : results.at(-1);
  return {
    ended,
    figure: {
      axes: [...fields.map(({ values, numbers }, index) => ({ label: labels[index], values, numbers })), last],
      lines,
      scale: resultScale(results, trials.better, colours, 0.3),
      summary: `${ended.length} runs over ${labels.join(', ')}; the best ${sayMetric(trials)} is ${short(best)}, ${ended.filter(({ failed }) => failed).length} failed.`,
    },
  };
}

function trialsCsv({ fields, runs, metric }: TrialsAnswer): string {
  return csvOf([
    ['run', 'state', 'verdict', ...fields.map(({ field }) => field), metric, 'failed'],
    ...runs.map(({ run, state, verdict, at, result, failed }) => [
      ...[run, state, verdict],
      ...fields.map(({ values }, index) => values[at[index]]),
      ...[result, failed ? 1 : 0],
    ]),
  ]);
}
