import { optionError, show } from './options.ts';

/** What of the calendar is an input, each as the sine and the cosine of an angle that goes round once. */
export type CalendarFeature = 'hourOfDay' | 'dayOfWeek' | 'dayOfYear';

const day = 86_400_000;

/** How far round, from 0 to 1, a clock is that shows so many milliseconds since 1970. */
const turns: Record<CalendarFeature, (clock: number) => number> = {
  hourOfDay: (clock) => (((clock % day) + day) % day) / day,
  // 1970 began with a Thursday; a week does with Monday.
  dayOfWeek: (clock) => ((((Math.floor(clock / day) + 3) % 7) + 7) % 7) / 7,
  dayOfYear: (clock) => {
    const year = new Date(clock).getUTCFullYear();
    const begin = Date.UTC(year, 0);
    return Math.floor((clock - begin) / day) / ((Date.UTC(year + 1, 0) - begin) / day);
  },
};

const features = Object.keys(turns) as CalendarFeature[];

/** @throws EXPERIMENT_INVALID for an unknown one, one twice, or any without a column of timestamps. */
export function checkedCalendar(value: unknown, time: string | undefined): readonly CalendarFeature[] {
  if (value === undefined) return [];
  const known = (each: unknown): each is CalendarFeature => features.some((feature) => feature === each);
  if (!Array.isArray(value) || value.length === 0 || !value.every(known) || new Set(value).size < value.length) {
    const allowed = features.map((each) => `"${each}"`).join(', ');
    throw optionError('calendar', `must be an array of some of ${allowed}, each once, got ${show(value)}; name those that are wanted`);
  }
  if (time === undefined)
    throw optionError('calendar', `has no meaning without data.time, got ${show(value)}; name the column of timestamps`);
  return value;
}

/** The columns of some features, in the order of `calendarValues`. */
export function calendarColumns(calendar: readonly CalendarFeature[]): string[] {
  return calendar.flatMap((feature) => [`${feature}.sin`, `${feature}.cos`]);
}

/** Writes the sines and cosines of a row from `into[at]` on. @param clock milliseconds since 1970 of the clock that the row was read from. */
export function calendarValues(calendar: readonly CalendarFeature[], clock: number, into: Float64Array, at: number): void {
  for (const feature of calendar) {
    const angle = 2 * Math.PI * turns[feature](clock);
    into[at++] = Math.sin(angle);
    into[at++] = Math.cos(angle);
  }
}
