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
  /** Whether all runs are shown together, in place of those that are chosen; and which of them, by what. */
  readonly many?: boolean;
  /** The folder of the runs; all, where absent. */
  readonly under?: string;
  /** The result that is shown. */
  readonly metric?: string;
  /** The fields of the grid; `y` is "" where it has one alone. */
  readonly x?: string;
  readonly y?: string;
}

/** The parts of an address that are words. */
const words = ['panel', 'under', 'metric', 'x', 'y'] as const;

export function placeFrom(search: string): Place {
  const fields = new URLSearchParams(search);
  const number = (name: string) => {
    const value = Number(fields.get(name));
    return fields.has(name) && Number.isFinite(value) && value >= 0 ? value : undefined;
  };
  const [from, to] = [number('from'), number('to')];
  const said = Object.fromEntries(words.flatMap((name) => (fields.has(name) ? [[name, fields.get(name) ?? '']] : [])));
  return {
    runs: fields.getAll('run'),
    ...(from !== undefined && to !== undefined && from < to ? { range: [from, to] as const } : {}),
    ...(number('look') === undefined ? {} : { look: number('look') }),
    ...said,
    ...(fields.get('view') === 'many' ? { many: true } : {}),
  };
}

/** The address of a place; what it does not know (the theme) stays in it. */
export function addressOf(place: Place, search = ''): string {
  const { runs, range, look, many } = place;
  const fields = new URLSearchParams(search);
  for (const name of ['run', 'from', 'to', 'look', 'view', 'token', ...words]) fields.delete(name);
  for (const run of runs) fields.append('run', run);
  if (range) {
    fields.set('from', String(Math.round(range[0])));
    fields.set('to', String(Math.round(range[1])));
  }
  if (look !== undefined) fields.set('look', String(look));
  if (many) fields.set('view', 'many');
  for (const name of words) {
    const value = place[name];
    if (value !== undefined && (many || name === 'panel')) fields.set(name, value);
  }
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
