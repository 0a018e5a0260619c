import { type Signal, signal } from '@preact/signals';
import type { NetworkSetup, Setup } from './setup.ts';
import type { News, Order, OwnFile, Told, Update } from './worker/messages.ts';

type Look = Extract<News, { kind: 'look' }>;
type Evaluation = Extract<News, { kind: 'evaluation' }>;

/** How the training of one network stands. */
export interface Progress {
  readonly network: NetworkSetup;
  readonly status: 'waiting' | 'training' | 'done' | 'stopped' | 'failed';
  readonly updates: readonly Update[];
  readonly looks: readonly Look[];
  readonly evaluations: readonly Evaluation[];
  readonly events: readonly string[];
  /** Of the updates so far that were not finite. */
  readonly nonFinite: number;
  readonly begun: Extract<News, { kind: 'begun' }> | null;
  readonly seconds: number | null;
  readonly because: string | null;
}

const waiting = (network: NetworkSetup): Progress => ({
  ...{ network, status: 'waiting', updates: [], looks: [], evaluations: [], events: [] },
  ...{ nonFinite: 0, begun: null, seconds: null, because: null },
});

/** Events that are kept in words. */
const mostEvents = 50;

/** Trains the networks of a setup, each in a thread of its own, and keeps what they tell. */
export class Runner {
  readonly progress: Signal<readonly Progress[]> = signal([]);
  readonly #threads: Worker[] = [];
  #order = 0;

  get busy(): boolean {
    return this.progress.value.some(({ status }) => status === 'training' || status === 'waiting');
  }

  run(setup: Setup, file?: OwnFile): void {
    const { networks, ...rest } = setup;
    this.#order++;
    this.progress.value = networks.map(waiting);
    while (this.#threads.length < networks.length) this.#threads.push(this.#begin(this.#threads.length));
    for (const [index, thread] of this.#threads.entries()) {
      if (index < networks.length) thread.postMessage({ order: this.#order, setup: rest, network: networks[index], file } satisfies Order);
      else thread.postMessage({ stop: true });
    }
  }

  stop(): void {
    this.#order++;
    for (const thread of this.#threads) thread.postMessage({ stop: true });
    this.progress.value = this.progress.value.map((each) =>
      each.status === 'done' || each.status === 'failed' ? each : { ...each, status: 'stopped' },
    );
  }

  #begin(index: number): Worker {
    const thread = new Worker(new URL('trainer.js', document.baseURI), { type: 'module' });
    thread.addEventListener('message', ({ data }: MessageEvent<Told>) => {
      if (data.order !== this.#order) return;
      this.progress.value = this.progress.value.map((each, at) => (at === index ? after(each, data) : each));
    });
    thread.addEventListener('error', ({ message }) => {
      this.progress.value = this.progress.value.map((each, at) => (at === index ? { ...each, status: 'failed', because: message } : each));
    });
    return thread;
  }
}

/** What stands after some news. */
export function after(before: Progress, news: News): Progress {
  switch (news.kind) {
    case 'begun':
      return { ...before, status: 'training', begun: news };
    case 'updates':
      return {
        ...before,
        updates: [...before.updates, ...news.updates],
        events: [...before.events, ...news.events.map(({ update, because }) => `Update ${update}: ${because}`)].slice(0, mostEvents),
        nonFinite: before.nonFinite + news.updates.filter(({ nonFinite }) => nonFinite !== null).length,
      };
    case 'look':
      return { ...before, looks: [...before.looks, news] };
    case 'evaluation':
      return { ...before, evaluations: [...before.evaluations, news] };
    case 'done':
      return { ...before, status: 'done', seconds: news.seconds };
    case 'failed':
      return { ...before, status: 'failed', because: news.because };
  }
}

/** Whether the network has learned the task: nearly all classes right, or an error far below that of the best constant. */
export function hasLearned({ evaluations, begun }: Progress): boolean {
  const last = evaluations.at(-1);
  if (!last) return false;
  if (last.metric.name === 'accuracy') return last.metric.value >= 0.9;
  return begun !== null && begun.constant !== null && last.loss < 0.25 * begun.constant;
}

/** Decades by which the gradient at the longest lag differs from that at lag 0, at one look. */
export function reachOf(look: Look | undefined): number | undefined {
  const [first, last] = [look?.profile[0], look?.profile.at(-1)];
  return first && last ? last.meanLog10 - first.meanLog10 : undefined;
}
