import { computed, effect, signal } from '@preact/signals';

/** What the page shows, all of which is in its address. */
export interface Place {
  /** Names of the runs that are shown; the first is the one in focus. */
  readonly runs: readonly string[];
  /** The updates that are shown; all, where absent. */
  readonly range?: readonly [from: number, to: number];
  /** The look whose profile is shown, as the update before it; the newest, where absent. */
  readonly look?: number;
  /** The panel that is shown alone. */
  readonly panel?: string;
}

export function placeFrom(search: string): Place {
  const fields = new URLSearchParams(search);
  const number = (name: string) => {
    const value = Number(fields.get(name));
    return fields.has(name) && Number.isFinite(value) && value >= 0 ? value : undefined;
  };
  const [from, to] = [number('from'), number('to')];
  const panel = fields.get('panel') ?? undefined;
  return {
    runs: fields.getAll('run'),
    ...(from !== undefined && to !== undefined && from < to ? { range: [from, to] as const } : {}),
    ...(number('look') === undefined ? {} : { look: number('look') }),
    ...(panel ? { panel } : {}),
  };
}

/** The address of a place; what it does not know (the theme) stays in it. */
export function addressOf({ runs, range, look, panel }: Place, search = ''): string {
  const fields = new URLSearchParams(search);
  for (const name of ['run', 'from', 'to', 'look', 'panel', 'token']) fields.delete(name);
  for (const run of runs) fields.append('run', run);
  if (range) {
    fields.set('from', String(Math.round(range[0])));
    fields.set('to', String(Math.round(range[1])));
  }
  if (look !== undefined) fields.set('look', String(look));
  if (panel) fields.set('panel', panel);
  const text = fields.toString();
  return text === '' ? '?' : `?${text}`;
}

export const place = signal<Place>(placeFrom(location.search));
/** Where the pointer or the keyboard is on the axis of updates, in every panel that has one. */
export const cursor = signal<number | undefined>(undefined);
/** The same on the axis of lags. */
export const lagCursor = signal<number | undefined>(undefined);
export const range = computed(() => place.value.range);

export const setPlace = (fields: Partial<Place>) => {
  place.value = { ...place.value, ...fields };
};

effect(() => {
  const address = addressOf(place.value, location.search);
  if (address !== location.search) history.replaceState(null, '', address);
});
