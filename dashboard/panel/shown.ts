import type { LookAnswer, LooksAnswer, RunAnswer, RunState, UpdatesAnswer } from '../../src/server/answers.ts';
import { answer, pathOf, runs } from '../data/client.ts';
import { place, range } from '../data/place.ts';
import { palette } from '../data/theme.ts';

/** A run that is shown, with its colour. */
export interface Shown {
  readonly state: RunState;
  readonly colour: string;
  /** What to call it; short where nothing else has the name. */
  readonly label: string;
}

/** The runs that the page shows, the one in focus first. */
export function shownRuns(): Shown[] {
  const { curves } = palette.value;
  const chosen = place.value.runs.flatMap((name) => runs.value.find(({ run }) => run === name) ?? []);
  return chosen.map((state, index) => ({
    state,
    colour: curves[index % curves.length],
    label: state.run === '.' ? state.name : state.run,
  }));
}

/** A name before a curve's, where there are several runs. */
export const prefix = (shown: readonly Shown[], { label }: Shown) => (shown.length > 1 ? `${label}: ` : '');

/** Points of a curve on a screen, and of all curves of a panel together. */
const [most, together] = [900, 3600];

/** @param shown how many runs are shown beside each other. */
export function updatesOf({ state }: Shown, shown: number): UpdatesAnswer | undefined {
  const points = Math.min(most, Math.round(together / shown));
  const span = range.value;
  const fields = {
    run: state.run,
    from: span ? Math.max(1, Math.floor(span[0])) : undefined,
    to: span ? Math.ceil(span[1]) : undefined,
    points,
  };
  return answer<UpdatesAnswer>(pathOf('updates', fields), state.versions.updates);
}

export const detailsOf = ({ state }: Shown) => answer<RunAnswer>(pathOf('run', { run: state.run }), state.versions.run);

export const looksOf = ({ state }: Shown) => answer<LooksAnswer>(pathOf('looks', { run: state.run }), state.versions.looks);

/** The look that the place names; the newest, where it names none. */
export const lookOf = ({ state }: Shown) =>
  answer<LookAnswer | null>(pathOf('look', { run: state.run, update: place.value.look }), state.versions.looks);
