import { type HeatFigure, HeatMap, heatCsv } from '../chart/heatMap.tsx';
import { shortPower, whole } from '../data/numbers.ts';
import { cursor, place, range, setPlace } from '../data/place.ts';
import { lagRules } from './lags.ts';
import { Panel } from './panel.tsx';
import { detailsOf, looksOf, type Shown } from './shown.ts';

/** The lag profiles of all looks of the run in focus: how far back the gradient reaches as the training goes on. */
export function LagMap({ shown }: { shown: readonly Shown[] }) {
  const [run] = shown;
  const looks = looksOf(run);
  const details = detailsOf(run);
  if (!looks || !details || looks.heat.value.length < 2) return null;
  const { update, lag, value } = looks.heat;
  const rules = lagRules(details, 'y');
  const first = value[0].at(-1);
  const last = value[value.length - 1].at(-1);
  const figure: HeatFigure = {
    x: { label: 'update', kind: 'linear' },
    y: { label: 'lag k (steps back)', kind: 'linear' },
    columns: update,
    end: Math.max(run.state.updates, update[update.length - 1] + (update[1] - update[0]) / 2),
    ...{ rows: lag, value, rules, label: '‖dLₜ/dsₜ₋ₖ‖, mean of log₁₀' },
    summary: `${value.length} lag profiles; at the longest lag, ${shortPower(first)} at the first and ${shortPower(last)} at the last. ${rules.map(({ label }) => `${label}.`).join(' ')}`,
  };
  return (
    <Panel
      id="lag-map"
      title={shown.length > 1 ? `Lag profile over the training: ${run.label}` : 'Lag profile over the training'}
      csv={() => heatCsv(figure)}
    >
      <HeatMap
        figure={figure}
        name="Lag profile over the training"
        range={range.value}
        cursor={cursor}
        onChoose={(column) => setPlace({ look: update[column] })}
      />
      <p class="note">
        A click shows the profile of that moment
        {place.value.look === undefined ? '' : `; shown is that after update ${whole(place.value.look)}`}.
      </p>
    </Panel>
  );
}
