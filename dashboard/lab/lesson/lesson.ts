import type { Progress } from '../runner.ts';
import { defaultNetwork, type NetworkSetup, type Setup } from '../setup.ts';

/** One thing to be seen, with a setup that shows it and a question that is answered by trying. */
export interface Lesson {
  readonly id: string;
  readonly title: string;
  /** What to look at, in a few paragraphs. */
  readonly text: readonly string[];
  readonly setup: Setup;
  readonly question: string;
  /** What the visitor's run says to the question; undefined where it does not bear on it. `done` says that it is an answer. */
  answer(setup: Setup, progress: readonly Progress[]): { readonly done: boolean; readonly text: string } | undefined;
}

export const network = (fields: Partial<NetworkSetup> = {}): NetworkSetup => ({ ...defaultNetwork, ...fields });

/** Whether all networks have been trained to the end. */
export const finished = (progress: readonly Progress[]) => progress.length > 0 && progress.every(({ status }) => status === 'done');
