import type { RunAnswer } from '../../src/server/answers.ts';
import { type Figure, figureCsv, type Mark, type Rule, type Series, type Strip } from '../chart/figure.ts';
import { LineChart } from '../chart/lineChart.tsx';
import { percent, short, whole } from '../data/numbers.ts';
import { cursor, range, setPlace } from '../data/place.ts';
import { palette } from '../data/theme.ts';
import { Panel } from './panel.tsx';
import { detailsOf, prefix, type Shown, updatesOf } from './shown.ts';

/** Updates that were not finite and are named below the curve. */
const named = 4;

/** The norm of the gradient at each update, with the threshold of the clip, what was clipped, and what was not finite. */
export function GradientNorm({ shown }: { shown: readonly Shown[] }) {
  const colours = palette.value;
  const series: Series[] = [];
  const strips: Strip[] = [];
  const rules: Rule[] = [];
  const marks: Mark[] = [];
  const words: string[] = [];
  const single = shown.length === 1;
  for (const run of shown) {
    const updates = updatesOf(run, shown.length);
    if (!updates) continue;
    const { update, gradientNorm, clippedNorm, clipped, nonFinite, quantiles } = updates;
    const before = prefix(shown, run);
    series.push({
      name: `${before}before clipping`,
      colour: run.colour,
      x: update,
      y: gradientNorm.mean,
      low: gradientNorm.low,
      high: gradientNorm.high,
      width: 1.3,
    });
    if (single && clipped.mean.some((each) => (each ?? 0) > 0)) {
      series.push({ name: 'after', colour: colours.curves[1], x: update, y: clippedNorm.mean, width: 1.3, dash: '3 2' });
      strips.push({ name: 'clipped', colour: colours.curves[1], x: update, share: clipped.mean });
    }
    if (nonFinite.mean.some((each) => (each ?? 0) > 0))
      strips.push({ name: `${before}not finite`, colour: colours.bad, x: update, share: nonFinite.mean });
    if (quantiles) {
      words.push(
        `${run.label}: median ${short(quantiles.p50)}, 90% below ${short(quantiles.p90)}, 99% below ${short(quantiles.p99)}, largest ${short(quantiles.largest)}.`,
      );
      if (single) {
        for (const [label, at] of [
          ['median', quantiles.p50],
          ['90%', quantiles.p90],
          ['99%', quantiles.p99],
        ] as const) {
          rules.push({ axis: 'y', at, label: `${label} ${short(at)}`, colour: colours.quiet, dash: '1 4' });
        }
      }
    }
  }
  const details = shown.length > 0 ? detailsOf(shown[0]) : undefined;
  if (details) {
    rules.push(...thresholdsOf(details, colours.bad));
    for (const { update, what } of details.nonFinite) marks.push({ x: update, label: `Update ${update}: ${what}`, colour: colours.bad });
    if (details.nonFiniteCount > 0) words.push(`${details.nonFiniteCount} updates were not finite.`);
  }
  const figure: Figure = {
    x: { label: 'update', kind: 'linear' },
    y: { label: '‖g‖₂', kind: 'log' },
    ...{ series, rules, marks, strips, summary: words.join(' ') },
  };
  const fraction = (details?.record?.result as { clippedFraction?: number } | undefined)?.clippedFraction;
  return (
    <Panel id="gradient-norm" title="Gradient norm" csv={() => figureCsv(figure)}>
      <LineChart
        figure={figure}
        name="Gradient norm"
        range={range.value}
        onRange={(span) => setPlace({ range: span })}
        cursor={cursor}
        say={(value) => short(value)}
      />
      {single && details && (
        <p class="note">
          {fraction !== undefined && <>{percent(fraction)} of the updates were clipped. </>}
          {details.nonFiniteCount === 0
            ? 'Every update was finite.'
            : `${whole(details.nonFiniteCount)} ${details.nonFiniteCount === 1 ? 'update was' : 'updates were'} not finite: ${details.nonFinite
                .slice(0, named)
                .map(({ update, what }) => `${whole(update)} (${what})`)
                .join(', ')}${details.nonFiniteCount > named ? ', …' : ''}`}
        </p>
      )}
    </Panel>
  );
}

/** The threshold of a clip by global norm, that of the experiment or those that were chosen during the training. */
function thresholdsOf({ record, events }: RunAnswer, colour: string): Rule[] {
  const clip: unknown = record?.experiment.training.clip;
  const fixed = typeof clip === 'object' && clip !== null && 'globalNorm' in clip ? [Number(clip.globalNorm)] : [];
  const chosen = events.flatMap(({ action, threshold }) => (action === 'clipChosen' && threshold !== undefined ? [threshold] : []));
  return [...fixed, ...chosen].map((at) => ({ axis: 'y', at, label: `clip ${short(at)}`, colour }));
}
