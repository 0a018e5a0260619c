import { signal } from '@preact/signals';
import type { GridAnswer, TrialState, TrialsAnswer } from '../../src/server/answers.ts';
import { answer, pathOf, runs } from '../data/client.ts';
import { short } from '../data/numbers.ts';
import { place } from '../data/place.ts';

/** Changes when a run has come, gone, ended or been judged; not with every update. */
const version = () => {
  const counts = new Map<string, number>();
  for (const { status, verdict } of runs.value) counts.set(`${status} ${verdict}`, (counts.get(`${status} ${verdict}`) ?? 0) + 1);
  return `${[...counts].sort().join()}`;
};

/** All runs of the folder that the place names, as points. */
export const trialsOf = () => answer<TrialsAnswer>(pathOf('trials', { under: place.value.under, metric: place.value.metric }), version());

/** The same by two fields; null where no run has ended. */
export const gridOf = (metric: string, x: string, y: string | undefined) =>
  answer<GridAnswer | null>(pathOf('grid', { under: place.value.under, metric, x, y }), version());

/** Runs that were chosen in a picture of many, and by what. */
export interface Picked {
  readonly names: readonly string[];
  readonly by: string;
}

export const picked = signal<Picked | undefined>(undefined);

/** A metric in words. */
export const sayMetric = ({ metric, metricName }: Pick<TrialsAnswer, 'metric' | 'metricName'>) => metricName ?? metric;

/** What a run came to, in words. */
export function sayResult({ state, failed, result }: Pick<TrialState, 'state' | 'failed' | 'result'>): string {
  if (failed) return state === 'exploded' ? 'exploded' : 'not finite';
  return result === null ? (state === 'done' ? 'not measured' : state) : short(result);
}

/** Whether a run belongs into pictures of results. */
export const hasEnded = ({ state }: TrialState) => state === 'done' || state === 'exploded';

/** The last part of a path, or all of it where another field ends so too. */
export function shortNames(paths: readonly string[]): string[] {
  const last = paths.map((path) => path.slice(path.lastIndexOf('.') + 1));
  return paths.map((path, index) => (last.indexOf(last[index]) === last.lastIndexOf(last[index]) ? last[index] : path));
}
