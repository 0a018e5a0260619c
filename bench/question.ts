import type { Machine } from './machine.ts';

/** How much is asked of one run, and where its progress is told. */
export interface Effort {
  /** Fewer rounds, and what takes longest is left out, in as many words. */
  readonly quick: boolean;
  readonly say: (line: string) => void;
}

/** What a question's `measure` found, with where and when; the contents of bench/results/<question>.json. */
export interface Result<Answer = unknown> {
  readonly question: string;
  /** Day of the measurement, as 2026-01-31. */
  readonly date: string;
  readonly quick: boolean;
  /** That it took. */
  readonly seconds: number;
  readonly machine: Machine;
  readonly answer: Answer;
}

/** One question of speed: a file of that name in bench/, its numbers in results/, its section in docs/performance.md. */
export interface Question<Answer = unknown> {
  readonly name: string;
  readonly title: string;
  measure(effort: Effort): Promise<Answer>;
  /** Its section without the heading, in Markdown, from the numbers alone: the same numbers give the same text. */
  section(answer: Answer): string;
}
