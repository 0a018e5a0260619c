import { ThroughtimeError } from '../errors.ts';
import { show } from './options.ts';

const pattern = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(?:Z|([+-])(\d\d):?(\d\d))?)?$/;

/**
 * Milliseconds since 1970 of a timestamp such as `2016-07-01`, `2016-07-01 13:00`, `2016-07-01T13:00:00.5Z` or `...+02:00`; UTC unless it
 * says otherwise, whatever the machine's time zone. Undefined where it is none, or where no such day or time exists.
 */
export function parseTime(text: string): number | undefined {
  return readTime(text)?.time;
}

/** What a timestamp says. */
export interface ReadTime {
  /** Milliseconds since 1970, UTC. */
  readonly time: number;
  /** Milliseconds by which the clock that it was read from is ahead of UTC. */
  readonly offset: number;
  /** Whether it says its offset, or Z; else it is taken as UTC. */
  readonly zoned: boolean;
}

/** The same with the clock that it is of. */
export function readTime(text: string): ReadTime | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [year, month, dayOfMonth, hour, minute, second] = match.slice(1, 7).map((digits) => Number(digits ?? 0));
  const millisecond = Number((match[7] ?? '').padEnd(3, '0'));
  const offset = match[8] === undefined ? 0 : (match[8] === '-' ? -1 : 1) * (60 * Number(match[9]) + Number(match[10]));
  if (hour > 23 || minute > 59 || second > 59 || Math.abs(offset) >= 24 * 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, dayOfMonth);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== dayOfMonth) return undefined;
  date.setUTCHours(hour, minute, second, millisecond);
  return { time: date.getTime() - offset * 60_000, offset: offset * 60_000, zoned: match[8] !== undefined || text.endsWith('Z') };
}

/**
 * The timestamp so many milliseconds after another one, written in the same way: with its separator, its offset from UTC and, where they
 * are needed, its seconds and their fractions.
 *
 * @param text a timestamp that `parseTime` knows.
 */
export function timeAfter(text: string, milliseconds: number): string {
  const offset = /[+-]\d\d:?\d\d$/.exec(text.slice(10))?.[0];
  const local = (parseTime(text) ?? Number.NaN) - (parseTime(`1970-01-01T00:00${offset ?? ''}`) ?? 0);
  const iso = new Date(local + milliseconds).toISOString();
  const [day, time] = [iso.slice(0, 10), iso.slice(11, 23)];
  const zone = offset ?? (text.endsWith('Z') ? 'Z' : '');
  const written = text.slice(11, text.length - zone.length).length;
  // The next longer of 13:00, 13:00:00 and 13:00:00.000 that says all of it.
  const least = time.endsWith(':00.000') ? (time.startsWith('00:00') ? 0 : 5) : time.endsWith('.000') ? 8 : 12;
  const length = Math.max(least, Math.min(12, written));
  return length === 0 ? day : `${day}${text[10] ?? ' '}${time.slice(0, length)}${zone}`;
}

/** Gaps of up to so many rows are filled whatever has been read before; longer ones only where there are as many rows before them. */
const shortGap = 1000;

/** Refuses timestamps that do not rise by the same step from row to row. */
export class EvenTimes {
  readonly #file: string;
  readonly #column: string;
  readonly #gaps: boolean;
  #before: (ReadTime & { readonly text: string }) | undefined;
  #first: number | undefined;
  #step: number | undefined;
  #rows = 0;

  /**
   * @param file, column where the timestamps stand, for errors.
   * @param gaps rows may be missing, a whole number of them.
   */
  constructor(file: string, column: string, gaps = false) {
    this.#file = file;
    this.#column = column;
    this.#gaps = gaps;
  }

  /** The step in milliseconds; undefined before the second row. */
  get step(): number | undefined {
    return this.#step;
  }

  /** When the first row is, in milliseconds since 1970; undefined before there is one. */
  get first(): number | undefined {
    return this.#first;
  }

  /**
   * @param text the timestamp of the next row, which stands on this line.
   * @returns how many rows are missing before it, and how far its clock is ahead of UTC.
   * @throws DATA_INVALID with file, line and column.
   */
  add(text: string, line: number): { readonly missing: number; readonly offset: number } {
    const fail = (sentence: string) => new ThroughtimeError('DATA_INVALID', sentence, { file: this.#file, line, field: this.#column });
    const read = readTime(text);
    if (read === undefined) {
      throw fail(`must be a time such as 2016-07-01 13:00:00, got ${show(text)}; correct it or remove data.time`);
    }
    const { time, offset, zoned } = read;
    const before = this.#before;
    this.#before = { ...read, text };
    this.#rows++;
    if (before === undefined) {
      this.#first = time;
      return { missing: 0, offset };
    }
    if (zoned !== before.zoned) {
      const [with_, without] = zoned ? [text, before.text] : [before.text, text];
      throw fail(`must all say their zone or none, got ${with_} and ${without}; write them in one way`);
    }
    const distance = time - before.time;
    const summer = zoned ? '' : '; where clocks were changed for daylight saving time, write UTC or the offset of each time';
    if (distance <= 0) {
      throw fail(
        `must be later than the row before (${before.text}), got ${text}; sort the rows and remove those that come twice${summer}`,
      );
    }
    this.#step ??= distance;
    if (distance === this.#step) return { missing: 0, offset };
    const missing = distance / this.#step - 1;
    if (this.#gaps && Number.isInteger(missing)) {
      if (missing <= Math.max(shortGap, this.#rows)) {
        this.#rows += missing;
        return { missing, offset };
      }
      throw fail(
        `comes ${missing} rows after the row before (${before.text}), got ${text}, and there are only ${this.#rows - 1} before; correct it`,
      );
    }
    throw fail(
      `must come ${this.#step / 1000} seconds after the row before (${before.text}), as the rows before do, got ${text}, ${distance / 1000} ` +
        `seconds after it; fill the gap or let data.missing do it, or remove data.time where the rows are evenly spaced in another sense${summer}`,
    );
  }
}
