import type { LineReader } from './lineTail.ts';
import { parsedLine } from './parsedLine.ts';

/** Events that are kept. */
const most = 2000;

/** What happened in a run beside its updates: `events.jsonl`, the newest of it. */
export class EventList implements LineReader {
  #events: unknown[] = [];
  count = 0;

  get newest(): unknown[] {
    return this.#events;
  }

  restart(): void {
    [this.#events, this.count] = [[], 0];
  }

  /** @throws Error for a line that is not an event. */
  take(text: string, line: number): void {
    const value = parsedLine(text);
    const { update, action, kind, because } = value;
    if (typeof update !== 'number' || [action, kind, because].some((each) => typeof each !== 'string')) {
      throw new Error(`events.jsonl:${line}: is not an event of a training`);
    }
    this.#events.push(value);
    this.count++;
    if (this.#events.length >= 2 * most) this.#events = this.#events.slice(-most);
  }
}
