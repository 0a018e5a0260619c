import { type Figure, figureCsv, type Series } from '../chart/figure.ts';
import { LineChart } from '../chart/lineChart.tsx';
import { shortPower } from '../data/numbers.ts';
import { cursor, range, setPlace } from '../data/place.ts';
import { Panel } from './panel.tsx';
import { prefix, type Shown, updatesOf } from './shown.ts';

/** The gradient at the newest and at the oldest step of each update: whether it grows or fades on its way back. */
export function Growth({ shown }: { shown: readonly Shown[] }) {
  const series: Series[] = [];
  for (const run of shown) {
    const updates = updatesOf(run, shown.length);
    if (!updates?.newest.mean.some((each) => each !== null)) continue;
    const before = prefix(shown, run);
    series.push({ name: `${before}newest step`, colour: run.colour, x: updates.update, y: updates.newest.mean, width: 1.3 });
    series.push({ name: `${before}oldest step`, colour: run.colour, x: updates.update, y: updates.oldest.mean, dash: '3 3', width: 1.3 });
  }
  if (series.length === 0) return null;
  const figure: Figure = {
    x: { label: 'update', kind: 'linear' },
    y: { label: '‖dL/dsₜ‖', kind: 'log10' },
    series,
    summary: series.map(({ name, y }) => `${name}: ${shortPower(y.at(-1))} at the last update.`).join(' '),
  };
  return (
    <Panel
      id="growth"
      title="Growth through time"
      about="The gradient where it enters and where it has come furthest back, in each update."
      csv={() => figureCsv(figure)}
    >
      <LineChart
        figure={figure}
        name="Growth through time"
        range={range.value}
        onRange={(span) => setPlace({ range: span })}
        cursor={cursor}
        say={(value) => shortPower(value)}
      />
    </Panel>
  );
}
