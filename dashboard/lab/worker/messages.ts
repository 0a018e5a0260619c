import type { LagPoint, Metric, TrainingEvent, UpdateRecord } from '../../../src/index.ts';
import type { NetworkSetup, Setup } from '../setup.ts';

/** What the page asks of a thread: to train one network, in place of whatever it trains. */
export interface Order {
  /** Counts up; what comes of an earlier order is not listened to. */
  readonly order: number;
  readonly setup: Omit<Setup, 'networks'>;
  readonly network: NetworkSetup;
  readonly file?: OwnFile;
}

/** A file that the visitor has dropped on the page. */
export interface OwnFile {
  readonly name: string;
  readonly content: string;
}

/** What the core counts of an update, as far as the page draws it. */
export type Update = Pick<UpdateRecord, 'update' | 'loss' | 'gradientNorm' | 'clippedNorm' | 'nonFinite'>;

/** What a thread tells the page while it trains. */
export type News =
  | { readonly kind: 'begun'; readonly parameters: number; readonly dataHorizon: number | null; readonly constant: number | null }
  | { readonly kind: 'updates'; readonly updates: readonly Update[]; readonly events: readonly TrainingEvent[] }
  | { readonly kind: 'look'; readonly update: number; readonly profile: readonly LagPoint[] }
  | { readonly kind: 'evaluation'; readonly update: number; readonly loss: number; readonly metric: Metric }
  | { readonly kind: 'done'; readonly seconds: number }
  | { readonly kind: 'failed'; readonly because: string };

export type Told = News & { readonly order: number };
