import type { HalfLife } from '../monitor/halfLife.ts';
import type { JacobianSpectrum } from '../monitor/jacobian.ts';
import type { LagContributions } from '../monitor/lagContribution.ts';
import type { LagPoint } from '../monitor/lagProfile.ts';
import type { LyapunovSpectrum } from '../monitor/lyapunov.ts';
import type { Saturation } from '../monitor/saturation.ts';

/** One number of a look, with its name among those of its monitor. */
export interface LookScalar {
  readonly monitor: string;
  readonly name: string;
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
}

type Scalars = Omit<LookScalar, 'monitor'>[];

/** For each monitor, the numbers that become curves over the training. */
const extractors: Readonly<Record<string, (value: never) => Scalars>> = {
  saturation: (value: readonly Saturation[]) =>
    value.flatMap(({ layer, name, kind, low, high, dead }): Scalars => {
      const place = `${name}, layer ${layer}`;
      if (kind === 'relu') {
        return [{ name: `${place}: zeros`, value: low }, ...(dead === undefined ? [] : [{ name: `${place}: dead units`, value: dead }])];
      }
      const [lower, upper] = kind === 'tanh' ? ['near -1', 'near 1'] : ['shut', 'open'];
      return [
        { name: `${place}: ${lower}`, value: low },
        { name: `${place}: ${upper}`, value: high },
      ];
    }),
  'half-life': (value: readonly HalfLife[]) =>
    value.map(({ layer, state, p10, p50, p90 }) => ({ name: `${state}, layer ${layer}`, value: p50, low: p10, high: p90 })),
  'lag-profile': (value: readonly LagPoint[]) =>
    value.length < 2 ? [] : [{ name: 'longest lag against lag 0', value: value[value.length - 1].meanLog10 - value[0].meanLog10 }],
  'lag-contribution': (value: LagContributions | null) =>
    value
      ? [
          { name: 'whole gradient', value: value.total },
          { name: 'noise of one sequence', value: value.noise },
        ]
      : [],
  jacobian: (value: JacobianSpectrum | null) =>
    value
      ? [
          { name: 'largest', value: value.largest.meanLog10, low: value.largest.p10, high: value.largest.p90 },
          { name: 'smallest', value: value.smallest.meanLog10, low: value.smallest.p10, high: value.smallest.p90 },
        ]
      : [],
  lyapunov: ({ exponents }: LyapunovSpectrum) => exponents.map((value, index) => ({ name: `exponent ${index + 1}`, value })),
  orthogonality: (value: Readonly<Record<string, number[]>>) =>
    Object.entries(value).flatMap(([name, gates]) =>
      gates.map((each, gate) => ({ name: gates.length > 1 ? `${name}, gate ${gate + 1}` : name, value: each })),
    ),
};

/** The numbers of what a monitor measured; none for a monitor that is not known here. */
export function scalarsOf(monitor: string, value: unknown): LookScalar[] {
  if (!Object.hasOwn(extractors, monitor)) return [];
  return extractors[monitor](value as never).map((scalar) => ({ monitor, ...scalar }));
}
