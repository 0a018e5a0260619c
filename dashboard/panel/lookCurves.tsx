import { type Axis, type Figure, figureCsv, type Rule, type Series } from '../chart/figure.ts';
import { LineChart } from '../chart/lineChart.tsx';
import { percent, short, shortPower } from '../data/numbers.ts';
import { cursor, range, setPlace } from '../data/place.ts';
import { palette } from '../data/theme.ts';
import { Panel } from './panel.tsx';
import { looksOf, prefix, type Shown } from './shown.ts';

/** How what a monitor measures, one number a look, is drawn. */
export interface LookCurve {
  readonly monitor: string;
  readonly title: string;
  readonly about: string;
  readonly y: Axis;
  readonly say: (value: number | null) => string;
  /** A value to be told from: with its meaning. */
  readonly rule?: { readonly at: number; readonly label: string };
}

/** Every monitor whose numbers are curves over the training. */
export const lookCurves: readonly LookCurve[] = [
  {
    monitor: 'jacobian',
    title: 'Jacobian of one step',
    about:
      'Singular values of dsₜ/dsₜ₋₁, with the 10th and 90th percentile over steps. Where the largest stays below 1, the gradient vanishes.',
    y: { label: 'factor a step', kind: 'log10' },
    say: shortPower,
    rule: { at: 0, label: 'keeps' },
  },
  {
    monitor: 'lyapunov',
    title: 'Lyapunov exponents',
    about: 'Mean growth of perturbations along the sequences; the gradient grows and fades at the same rates.',
    y: { label: 'nats a step', kind: 'linear' },
    say: short,
    rule: { at: 0, label: 'keeps' },
  },
  {
    monitor: 'saturation',
    title: 'Gates and saturation',
    about: 'Shares of the values at the flat ends of their functions, where no gradient passes.',
    y: { label: 'share of the values', kind: 'linear', with: 0 },
    say: percent,
  },
  {
    monitor: 'half-life',
    title: 'Half-life of the units',
    about: 'Steps in which what a unit keeps by itself falls to a half: median, with the 10th and 90th percentile.',
    y: { label: 'steps', kind: 'log' },
    say: short,
  },
  {
    monitor: 'orthogonality',
    title: 'Distance from orthogonal',
    about: '‖WᵀW − I‖ of each recurrent block; 0 is orthogonal.',
    y: { label: '‖WᵀW − I‖', kind: 'linear', with: 0 },
    say: short,
  },
];

/** What one monitor measured, over the training. */
export function LookCurves({ shown, curve }: { shown: readonly Shown[]; curve: LookCurve }) {
  const { monitor, title, about, y, say, rule } = curve;
  const { curves, quiet } = palette.value;
  const series: Series[] = [];
  for (const [index, run] of shown.entries()) {
    const found = looksOf(run)?.series.filter((each) => each.monitor === monitor) ?? [];
    for (const [place, { name, update, value, low, high }] of found.entries()) {
      const colour = shown.length > 1 ? run.colour : curves[(index + place) % curves.length];
      const dash = shown.length > 1 && place > 0 ? `${2 + place} 3` : undefined;
      series.push({ name: `${prefix(shown, run)}${name}`, colour, x: update, y: value, low, high, dash, dots: update.length < 60 });
    }
  }
  if (series.length === 0) return null;
  const rules: Rule[] = rule ? [{ axis: 'y', ...rule, colour: quiet, dash: '4 4' }] : [];
  const figure: Figure = {
    x: { label: 'update', kind: 'linear' },
    ...{ y, series, rules },
    summary: series.map(({ name, y: values }) => `${name}: ${say(values.at(-1) ?? null)} at the last look.`).join(' '),
  };
  return (
    <Panel id={monitor} title={title} about={about} csv={() => figureCsv(figure)}>
      <LineChart figure={figure} name={title} range={range.value} onRange={(span) => setPlace({ range: span })} cursor={cursor} say={say} />
    </Panel>
  );
}
