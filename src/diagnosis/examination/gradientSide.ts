import { gradientHorizon, type HorizonLook } from '../../monitor/gradientHorizon.ts';
import type { Saturation } from '../../monitor/saturation.ts';
import { horizonLooks, type ProfileLine } from '../../training/profiler.ts';
import type { GradientSide } from './examination.ts';

/** What all looks at a training say together of how far its gradient reaches; null where none of them has both monitors that it takes. */
export function gradientSide(lines: readonly ProfileLine[], budget: { updates: number; batchSize: number }): GradientSide | null {
  const looks = horizonLooks(lines);
  if (looks.length === 0) return null;
  const reach = (each: HorizonLook) => gradientHorizon([each], budget).reach;
  const saturations = lines.filter(({ monitor }) => monitor === 'saturation').map(({ value }) => drivenShare(value as Saturation[]));
  const whole = gradientHorizon(looks, budget);
  const often = reachedIn(0.1, looks.map(reach));
  const horizon = often.findLastIndex((each) => each >= whole.threshold);
  return {
    ...{ ...whole, horizon, atLeast: horizon >= 0 && horizon === often.length - 1 },
    first: reach(looks[0]),
    last: reach(looks[looks.length - 1]),
    often,
    usually: reachedIn(0.25, looks.map(reach)),
    relative: relativeOf(looks),
    looks: looks.length,
    ...budget,
    saturation: { first: saturations[0] ?? Number.NaN, last: saturations.at(-1) ?? Number.NaN },
  };
}

/** Per lag, what that share of the looks comes to. */
function reachedIn(share: number, all: readonly (readonly number[])[]): number[] {
  const longest = Math.max(...all.map(({ length }) => length));
  return Array.from({ length: longest }, (_, lag) => {
    const values = all.map((each) => each[lag] ?? -Infinity).sort((a, b) => b - a);
    return values[Math.floor(values.length * share)];
  });
}

/** Per lag, what it adds beside the lag that adds the most: the median over looks. */
function relativeOf(looks: readonly HorizonLook[]): number[] {
  const all = looks.map(({ lagContribution: { lags } }) => {
    const most = lags.reduce((top, { size }) => (size > top ? size : top), -Infinity);
    return lags.map(({ size }) => (most === -Infinity ? -Infinity : size - most));
  });
  return reachedIn(0.5, all);
}

/** Of the tanh functions of a look, the share of the values at their ends; of all functions where there is no tanh. */
function drivenShare(all: readonly Saturation[]): number {
  const tanh = all.filter(({ kind }) => kind === 'tanh');
  const chosen = tanh.length > 0 ? tanh : all;
  return chosen.reduce((sum, { kind, low, high, dead }) => sum + (kind === 'relu' ? (dead ?? 0) : low + high), 0) / chosen.length;
}
