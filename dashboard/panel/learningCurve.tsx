import { useState } from 'preact/hooks';
import type { RunAnswer } from '../../src/server/answers.ts';
import { type Figure, figureCsv, type Mark, type Rule, type Series } from '../chart/figure.ts';
import { LineChart } from '../chart/lineChart.tsx';
import { short, whole } from '../data/numbers.ts';
import { cursor, range, setPlace } from '../data/place.ts';
import { palette } from '../data/theme.ts';
import { Panel } from './panel.tsx';
import { detailsOf, prefix, type Shown, updatesOf } from './shown.ts';

/** Signs of an unstable curve that are marked on it. */
const marked = new Set(['spike', 'divergence', 'plateau']);

/** Losses against updates: of the batches, of the validation part, and what they are to be compared with. */
export function LearningCurve({ shown }: { shown: readonly Shown[] }) {
  const [logarithmic, setLogarithmic] = useState(false);
  const colours = palette.value;
  const series: Series[] = [];
  const marks: Mark[] = [];
  const words: string[] = [];
  for (const run of shown) {
    const updates = updatesOf(run, shown.length);
    if (!updates) continue;
    const { update, loss, validationLoss } = updates;
    const before = prefix(shown, run);
    series.push({ name: `${before}train`, colour: run.colour, x: update, y: loss.mean, low: loss.low, high: loss.high, width: 1.3 });
    if (validationLoss.mean.some((each) => each !== null)) {
      const colour = shown.length > 1 ? run.colour : colours.curves[1];
      series.push({
        name: `${before}validation`,
        colour,
        x: update,
        y: validationLoss.mean,
        dots: true,
        width: 2.2,
        dash: shown.length > 1 ? '5 3' : undefined,
      });
    }
    const { state } = run;
    words.push(
      `${run.label}: training loss ${short(state.loss)} and validation loss ${short(state.validationLoss)} after ${whole(state.updates)} updates.`,
    );
  }
  const details = shown.length > 0 ? detailsOf(shown[0]) : undefined;
  for (const event of details?.events ?? []) {
    if (marked.has(event.kind)) marks.push({ x: event.update, label: `Update ${event.update}: ${event.because}`, colour: colours.bad });
  }
  const rules = details ? referencesOf(details, colours.quiet) : [];
  for (const { label } of rules) words.push(`${label}.`);
  if (marks.length > 0) words.push(`${marks.length} signs of an unstable curve are marked.`);
  const figure: Figure = {
    x: { label: 'update', kind: 'linear' },
    y: { label: 'loss', kind: logarithmic ? 'log' : 'linear' },
    ...{ series, rules, marks, summary: words.join(' ') },
  };
  return (
    <Panel
      id="learning-curve"
      title="Learning curve"
      csv={() => figureCsv(figure)}
      controls={
        <label class="tool">
          <input type="checkbox" checked={logarithmic} onChange={(event) => setLogarithmic(event.currentTarget.checked)} /> log
        </label>
      }
    >
      <LineChart
        figure={figure}
        name="Learning curve"
        range={range.value}
        onRange={(span) => setPlace({ range: span })}
        cursor={cursor}
        say={(value) => short(value)}
      />
    </Panel>
  );
}

/** What a loss is to be compared with: the best constant, naive predictors, the reference of the verdict. */
function referencesOf({ record, verdict }: RunAnswer, colour: string): Rule[] {
  const result = record?.result as { loss?: { constant?: unknown }; baselines?: { name: string; loss: number }[] } | undefined;
  const rules: Rule[] = [];
  const add = (label: string, at: unknown) => {
    if (typeof at === 'number' && Number.isFinite(at)) rules.push({ axis: 'y', at, label: `${label} ${short(at)}`, colour, dash: '4 4' });
  };
  add('best constant', result?.loss?.constant ?? verdict?.loss?.constant);
  for (const { name, loss } of result?.baselines ?? []) add(name, loss);
  add('reference', verdict?.loss?.reference);
  return rules;
}
