import { type Figure, figureCsv, type Series } from '../chart/figure.ts';
import { LineChart } from '../chart/lineChart.tsx';
import { shortPower, whole } from '../data/numbers.ts';
import { lagCursor, place } from '../data/place.ts';
import { lagRules } from './lags.ts';
import { LookChoice } from './lookChoice.tsx';
import { Panel } from './panel.tsx';
import { detailsOf, lookOf, prefix, type Shown } from './shown.ts';

/** The gradient of a loss by the state k steps before, against k: at one look, with what the data and the training ask of it. */
export function LagProfile({ shown }: { shown: readonly Shown[] }) {
  const series: Series[] = [];
  const words: string[] = [];
  for (const run of shown) {
    const found = lookOf(run);
    if (!found?.lagProfile) continue;
    const { lag, mean, p10, p90 } = found.lagProfile;
    series.push({
      name: `${prefix(shown, run)}after update ${whole(found.update)}`,
      colour: run.colour,
      x: lag,
      y: mean,
      low: p10,
      high: p90,
    });
    const last = mean.length - 1;
    if (last >= 0) words.push(`${run.label}: ${shortPower(mean[0])} at lag 0, ${shortPower(mean[last])} at lag ${lag[last]}.`);
  }
  const details = shown.length > 0 ? detailsOf(shown[0]) : undefined;
  const rules = details ? lagRules(details, 'x') : [];
  words.push(...rules.map(({ label }) => `${label}.`));
  const figure: Figure = {
    x: { label: 'lag k (steps back)', kind: 'linear' },
    y: { label: '‖dLₜ/dsₜ₋ₖ‖', kind: 'log10' },
    ...{ series, rules, summary: words.join(' ') },
  };
  return (
    <Panel id="lag-profile" title="Lag profile" csv={() => figureCsv(figure)} controls={<LookChoice shown={shown} />}>
      <LineChart figure={figure} name="Lag profile" height={270} cursor={lagCursor} say={(value) => shortPower(value)} />
      <p class="note">
        Mean over sequences and probe steps of log₁₀, with the 10th and 90th percentile
        {place.value.look === undefined ? '; the newest look' : ''}.
      </p>
    </Panel>
  );
}

/** What k steps do to any gradient, whatever the loss, at the same look. */
export function TransportPanel({ shown }: { shown: readonly Shown[] }) {
  const series: Series[] = [];
  for (const run of shown) {
    const transport = lookOf(run)?.transport;
    if (!transport) continue;
    const before = prefix(shown, run);
    series.push({ name: `${before}largest gain`, colour: run.colour, x: transport.lag, y: transport.largest, dots: true });
    series.push({
      name: `${before}root mean square`,
      colour: run.colour,
      x: transport.lag,
      y: transport.rootMeanSquare,
      dots: true,
      dash: '4 3',
    });
  }
  if (series.length === 0) return null;
  const figure: Figure = {
    x: { label: 'lag k (steps back)', kind: 'log' },
    y: { label: 'gain of dsₜ/dsₜ₋ₖ', kind: 'log10' },
    series,
    summary: series.map(({ name, y }) => `${name}: ${shortPower(y.at(-1))} at the longest lag.`).join(' '),
  };
  return (
    <Panel id="transport" title="Transport" csv={() => figureCsv(figure)} controls={<LookChoice shown={shown} />}>
      <LineChart figure={figure} name="Transport" cursor={lagCursor} say={(value) => shortPower(value)} />
    </Panel>
  );
}
