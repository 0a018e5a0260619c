import { batch, type Signal, signal } from '@preact/signals';
import type { RunState } from '../../src/server/answers.ts';

/** Answers that are kept. */
const most = 128;
/** Milliseconds between two drawings of what is followed. */
const between = 400;

/** All runs, as the server last told. */
export const runs = signal<readonly RunState[]>([]);
/** Whether there are more runs than the server shows. */
export const cut = signal(false);
/** Whether the server is heard. */
export const connected = signal(true);

/** Hears of every change of every run, and goes on by itself when the server comes back. */
export function follow(): void {
  const source = new EventSource('api/follow');
  let fresh = true;
  source.addEventListener('open', () => {
    connected.value = true;
    fresh = true;
  });
  source.addEventListener('error', () => {
    connected.value = false;
  });
  source.addEventListener('runs', (event: MessageEvent<string>) => {
    const { changed, gone, cut: more } = JSON.parse(event.data) as { changed: RunState[]; gone: string[]; cut: boolean };
    cut.value = more;
    const known = new Map(fresh ? [] : runs.value.map((run) => [run.run, run]));
    fresh = false;
    for (const run of changed) known.set(run.run, run);
    for (const name of gone) known.delete(name);
    runs.value = [...known.values()].sort((a, b) => (a.run < b.run ? -1 : 1));
  });
}

interface Entry {
  readonly answer: Signal<unknown>;
  /** The version that was asked for last, and the one that is being fetched. */
  wanted: string;
  fetching: boolean;
  have: string;
}

const entries = new Map<string, Entry>();

/** What the server answers at a path, fetched anew whenever `version` is another; the last answer stays until the next one is there. */
export function answer<T>(path: string, version: string | number): T | undefined {
  let entry = entries.get(path);
  if (!entry) {
    entry = { answer: signal<unknown>(undefined), wanted: '', fetching: false, have: '' };
    // The oldest go first.
    if (entries.size >= most) entries.delete(entries.keys().next().value as string);
  } else entries.delete(path);
  entries.set(path, entry);
  entry.wanted = String(version);
  if (entry.wanted !== entry.have && !entry.fetching) void fetchInto(path, entry);
  return entry.answer.value as T | undefined;
}

/** Answers that have come, and are shown together: ten runs are one drawing, not ten. */
const arrived = new Map<Signal<unknown>, unknown>();
let shownAt = 0;
let waiting = false;

function arrive(into: Signal<unknown>, value: unknown): void {
  arrived.set(into, value);
  if (waiting) return;
  waiting = true;
  setTimeout(
    () => {
      waiting = false;
      shownAt = performance.now();
      batch(() => {
        for (const [signal, each] of arrived) signal.value = each;
      });
      arrived.clear();
    },
    // What is waited for is shown soon.
    into.value === undefined ? 16 : Math.max(16, shownAt + between - performance.now()),
  );
}

async function fetchInto(path: string, entry: Entry): Promise<void> {
  entry.fetching = true;
  try {
    while (entry.have !== entry.wanted) {
      const { wanted } = entry;
      const response = await fetch(path);
      if (response.ok) arrive(entry.answer, await response.json());
      entry.have = wanted;
    }
  } catch {
    // The server is gone; `connected` says so, and the next version asks again.
  } finally {
    entry.fetching = false;
  }
}

/** A path of the server's with its fields. */
export function pathOf(name: string, fields: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [field, value] of Object.entries(fields)) if (value !== undefined) query.set(field, String(value));
  return `api/${name}?${query}`;
}
