import { type GradientHorizon, gradientHorizon, type HorizonLook } from '../monitor/gradientHorizon.ts';
import type { LagContributions } from '../monitor/lagContribution.ts';
import type { LookAnswer, LookSeries, LooksAnswer } from './answers.ts';
import type { LineReader } from './lineTail.ts';
import { type LookScalar, scalarsOf } from './lookScalars.ts';
import { parsedLine } from './parsedLine.ts';

/** Looks that are kept; of more, every second, fourth, ... with the newest. */
const most = 2048;
/** Rows and columns of the heat map. */
const rows = 128;
const columns = 240;

/** A lag profile in little memory. Norms are log10. */
interface Profile {
  readonly lag: Float64Array;
  readonly mean: Float32Array;
  readonly p10: Float32Array;
  readonly p90: Float32Array;
}

interface Look {
  readonly update: number;
  profile?: Profile;
  transport?: NonNullable<LookAnswer['transport']>;
  lyapunov?: (number | null)[];
  readonly scalars: LookScalar[];
}

const notFinite = new Set(['NaN', 'Infinity', '-Infinity']);
const revive = (_: string, value: unknown) => (typeof value === 'string' && notFinite.has(value) ? Number(value) : value);

/** null in place of what is not finite. */
const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);
const listed = (values: Iterable<number>): (number | null)[] => Array.from(values, orNull);

/** What the monitors of a run measured: `profiles.jsonl` in bounded memory. */
export class Looks implements LineReader {
  #looks: Look[] = [];
  #every = 1;
  #count = 0;
  #horizonLooks: HorizonLook[] = [];

  restart(): void {
    [this.#looks, this.#every, this.#count, this.#horizonLooks] = [[], 1, 0, []];
  }

  /** @throws Error for a line that is not what a monitor measured. */
  take(text: string, line: number): void {
    const { update, monitor, value } = parsedLine(text, revive);
    if (typeof update !== 'number' || typeof monitor !== 'string')
      throw new Error(`profiles.jsonl:${line}: is not what a monitor measured`);
    const look = this.#lookOf(update);
    try {
      if (monitor === 'lag-profile') look.profile = profileOf(value);
      if (monitor === 'transport') look.transport = transportOf(value);
      if (monitor === 'lyapunov') look.lyapunov = listed((value as { exponents: number[] }).exponents);
      look.scalars.push(...scalarsOf(monitor, value));
      if (monitor === 'lag-contribution' && value && look.profile) {
        this.#horizonLooks.push({ update, lagProfile: [], lagContribution: value as LagContributions });
      }
    } catch {
      throw new Error(`profiles.jsonl:${line}: is not what the monitor ${JSON.stringify(monitor.slice(0, 40))} measures`);
    }
  }

  /** From the looks so far; null where they do not say. */
  horizon(options: { readonly updates: number; readonly batchSize: number }): Pick<GradientHorizon, 'horizon' | 'atLeast'> | null {
    const last = this.#looks.findLast(({ profile }) => profile);
    if (this.#horizonLooks.length === 0 || !last?.profile) return null;
    const { lag, mean, p10, p90 } = last.profile;
    const lagProfile = Array.from(lag, (each, index) => ({
      ...{ lag: each, meanLog10: mean[index], p10: p10[index], p90: p90[index], ratio: 10 ** (mean[index] - mean[0]) },
    }));
    const looks = this.#horizonLooks.map((look) => ({ ...look, lagProfile }));
    const { horizon, atLeast } = gradientHorizon(looks, options);
    return { horizon, atLeast };
  }

  view(): LooksAnswer {
    const looks = this.#looks;
    return { looks: looks.map(({ update }) => update), heat: heatOf(looks), series: seriesOf(looks) };
  }

  /** The look that was taken at an update, or last before it; undefined where there is none. */
  at(update: number): LookAnswer | undefined {
    const look = this.#looks.findLast((each) => each.update <= update) ?? this.#looks[0];
    if (!look) return undefined;
    const { profile, transport = null, lyapunov = null } = look;
    const lagProfile = profile
      ? { lag: [...profile.lag], mean: listed(profile.mean), p10: listed(profile.p10), p90: listed(profile.p90) }
      : null;
    return { update: look.update, lagProfile, transport, lyapunov };
  }

  #lookOf(update: number): Look {
    const last = this.#looks.at(-1);
    if (last?.update === update) return last;
    const look: Look = { update, scalars: [] };
    // The newest look is always there; the one before it stays where it is its turn.
    if (last && (this.#count - 1) % this.#every !== 0) this.#looks.pop();
    this.#count++;
    this.#looks.push(look);
    if (this.#looks.length > most) {
      this.#every *= 2;
      this.#looks = this.#looks.filter((_, index) => index % 2 === 0 || index === this.#looks.length - 1);
      this.#horizonLooks = this.#horizonLooks.filter((_, index) => index % 2 === 0);
    }
    return look;
  }
}

function profileOf(value: unknown): Profile {
  const points = value as { lag: number; meanLog10: number; p10: number; p90: number }[];
  return {
    lag: Float64Array.from(points, ({ lag }) => lag),
    mean: Float32Array.from(points, ({ meanLog10 }) => meanLog10),
    p10: Float32Array.from(points, ({ p10 }) => p10),
    p90: Float32Array.from(points, ({ p90 }) => p90),
  };
}

function transportOf(value: unknown): NonNullable<LookAnswer['transport']> {
  const { points } = value as { points: { lag: number; largest: number; rootMeanSquare: number }[] };
  return {
    lag: points.map(({ lag }) => lag),
    largest: listed(points.map(({ largest }) => largest)),
    rootMeanSquare: listed(points.map(({ rootMeanSquare }) => rootMeanSquare)),
  };
}

function heatOf(looks: readonly Look[]): LooksAnswer['heat'] {
  const withProfile = looks.filter((look): look is Look & { profile: Profile } => look.profile !== undefined);
  const every = Math.max(1, Math.ceil(withProfile.length / columns));
  const shown = withProfile.filter((_, index) => index % every === 0 || index === withProfile.length - 1);
  const lags = Math.max(0, ...shown.map(({ profile }) => profile.lag.length));
  const together = Math.max(1, Math.ceil(lags / rows));
  const lag: [number, number][] = [];
  for (let first = 0; first < lags; first += together) lag.push([first, Math.min(lags, first + together) - 1]);
  const value = shown.map(({ profile }) =>
    lag.map(([first, last]) => {
      let [sum, count] = [0, 0];
      for (let index = first; index <= last && index < profile.mean.length; index++) {
        if (!Number.isFinite(profile.mean[index])) continue;
        sum += profile.mean[index];
        count++;
      }
      return count === 0 ? null : Number((sum / count).toFixed(4));
    }),
  );
  return { update: shown.map(({ update }) => update), lag, value };
}

function seriesOf(looks: readonly Look[]): LookSeries[] {
  const found = new Map<
    string,
    {
      monitor: string;
      name: string;
      update: number[];
      value: (number | null)[];
      low: (number | null)[];
      high: (number | null)[];
      spread: boolean;
    }
  >();
  for (const { update, scalars } of looks) {
    for (const { monitor, name, value, low, high } of scalars) {
      const key = `${monitor} ${name}`;
      const series = found.get(key) ?? { monitor, name, update: [], value: [], low: [], high: [], spread: false };
      found.set(key, series);
      series.update.push(update);
      series.value.push(orNull(value));
      series.low.push(orNull(low ?? value));
      series.high.push(orNull(high ?? value));
      series.spread ||= low !== undefined;
    }
  }
  return [...found.values()].map(({ spread, low, high, ...series }) => (spread ? { ...series, low, high } : series));
}
