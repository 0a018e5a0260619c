import type { Figure, Rule, Series, Strip } from '../chart/figure.ts';
import { short, shortPower } from '../data/numbers.ts';
import type { Palette } from '../data/theme.ts';
import { thin } from '../data/thin.ts';
import type { Progress } from './runner.ts';
import type { Setup } from './setup.ts';
import { profileOf } from './unrolled.tsx';

const letters = 'AB';

/** Losses of both sides, and that of the best constant. */
export function learningCurve(progress: readonly Progress[], colours: Palette): Figure {
  const series: Series[] = [];
  const words: string[] = [];
  for (const [index, { updates, evaluations }] of progress.entries()) {
    const colour = colours.curves[index];
    const { x, mean, low, high } = thin(
      updates,
      ({ update }) => update,
      ({ loss }) => loss,
    );
    series.push({ name: `${letters[index]} train`, colour, x, y: mean, low, high, width: 1.2 });
    series.push({
      name: `${letters[index]} validation`,
      colour,
      x: evaluations.map(({ update }) => update),
      y: evaluations.map(({ loss }) => (Number.isFinite(loss) ? loss : null)),
      dots: true,
      width: 2,
    });
    const last = evaluations.at(-1);
    if (last) words.push(`${letters[index]}: validation loss ${short(last.loss)}, ${last.metric.name} ${short(last.metric.value)}.`);
  }
  const constant = progress[0]?.begun?.constant;
  const rules: Rule[] =
    typeof constant === 'number'
      ? [{ axis: 'y', at: constant, label: `constant ${short(constant)}`, colour: colours.quiet, dash: '4 4' }]
      : [];
  // What has blown up would flatten everything else.
  const spread = typeof constant === 'number' && series.some(({ y }) => y.some((each) => each !== null && each > 20 * constant));
  return {
    x: { label: 'update', kind: 'linear' },
    y: { label: 'loss', kind: spread ? 'log' : 'linear' },
    series,
    rules,
    summary: words.join(' '),
  };
}

/** Norms of the gradient before clipping, with the thresholds. */
export function gradientNorms(progress: readonly Progress[], { networks }: Setup, clips: readonly number[], colours: Palette): Figure {
  const series: Series[] = [];
  const rules: Rule[] = [];
  const strips: Strip[] = [];
  const words: string[] = [];
  for (const [index, { updates, nonFinite }] of progress.entries()) {
    const colour = colours.curves[index];
    const { x, mean, low, high } = thin(
      updates,
      ({ update }) => update,
      ({ gradientNorm }) => gradientNorm,
    );
    series.push({ name: letters[index], colour, x, y: mean, low, high, width: 1.2 });
    if (nonFinite > 0) {
      const failed = thin(
        updates,
        ({ update }) => update,
        (each) => (each.nonFinite === null ? 0 : 1),
      );
      strips.push({ name: `${letters[index]} not finite`, colour: colours.bad, x: failed.x, share: failed.mean });
      words.push(`${letters[index]}: ${nonFinite} updates were not finite.`);
    }
  }
  for (const [index] of networks.entries()) {
    const at = clips[index];
    if (at > 0)
      rules.push({
        axis: 'y',
        at,
        label: networks.length > 1 ? `clip ${letters[index]} ${short(at)}` : `clip ${short(at)}`,
        colour: colours.curves[index],
      });
  }
  return {
    x: { label: 'update', kind: 'linear' },
    y: { label: '‖g‖₂', kind: 'log' },
    ...{ series, rules, strips },
    summary: [...words, ...rules.map(({ label }) => label)].join(' '),
  };
}

/** The lag profiles at the moment that is shown, and at the beginning. */
export function lagProfiles(progress: readonly Progress[], setup: Setup, colours: Palette): Figure {
  const series: Series[] = [];
  const rules: Rule[] = [];
  for (const [index, each] of progress.entries()) {
    const profile = profileOf(each);
    if (!profile) continue;
    const orNull = (value: number) => (Number.isFinite(value) ? value : null);
    const curve = (points: typeof profile) => ({ x: points.map(({ lag }) => lag), y: points.map(({ meanLog10 }) => orNull(meanLog10)) });
    series.push({
      name: letters[index],
      colour: colours.curves[index],
      ...curve(profile),
      low: profile.map(({ p10 }) => orNull(p10)),
      high: profile.map(({ p90 }) => orNull(p90)),
    });
    const [first] = each.looks;
    if (first.profile !== profile)
      series.push({
        name: `${letters[index]} at the beginning`,
        colour: colours.curves[index],
        ...curve(first.profile),
        dash: '2 4',
        width: 1.2,
      });
    const { window } = setup.networks[index] ?? { window: 0 };
    if (window > 0)
      rules.push({ axis: 'x', at: window - 1, label: `window ${letters[index]}`, colour: colours.curves[index], dash: '2 3' });
  }
  const horizon = progress[0]?.begun?.dataHorizon;
  if (horizon && horizon > 1) rules.push({ axis: 'x', at: horizon - 1, label: `needed: lag ${horizon - 1}`, colour: colours.good });
  const summary = series
    .map(({ name, y }) => `${name}: ${shortPower(y[0])} at lag 0, ${shortPower(y.at(-1))} at the longest lag.`)
    .join(' ');
  return { x: { label: 'lag k (steps back)', kind: 'linear' }, y: { label: '‖dLₜ/dsₜ₋ₖ‖', kind: 'log10' }, ...{ series, rules, summary } };
}
