/** Several sides in turns: A B C, A B C, and so on, so that what disturbs the machine disturbs them all. */
import { setTimeout as pause } from 'node:timers/promises';
import { median, type Timing } from './statistics.ts';

/** Milliseconds of each of some steps, and the processor time that all of them took together. */
export interface Steps {
  readonly milliseconds: readonly number[];
  readonly cpu: number;
}

/** Somebody who makes steps on demand. */
export interface Side {
  /** Steps that are not timed, at least; further ones follow until WARM_UP has gone by. */
  readonly warmUp: number;
  /** Makes everything ready for the first step. */
  prepare(): Promise<unknown>;
  steps(count: number): Promise<Steps>;
}

export interface Pace {
  readonly rounds: number;
  /** Milliseconds that a turn lasts, about; it has three steps at least, or one of a side that takes over a second. */
  readonly turn: number;
  /** Milliseconds for all turns of one side. One that is too slow for every round takes its turns evenly spread, two at least. */
  readonly budget: number;
}

/** A thorough measurement, and one that is over sooner. */
export const paces = {
  full: { rounds: 10, turn: 200, budget: 12_000 },
  quick: { rounds: 5, turn: 80, budget: 3000 },
} as const satisfies Record<string, Pace>;

/** A side that failed, with what it said, or what it took. */
export type Outcome = { readonly timing: Timing; readonly failed?: undefined } | { readonly failed: string; readonly timing?: undefined };

const WARM_UP = 300;
/** Milliseconds beyond which one step is a turn. */
const SLOW = 1000;
/** Milliseconds of quiet after a turn: thread pools look around for a while before they sleep. */
const QUIET = 30;

/** What each of the sides took. One that fails, at whatever moment, is out; the others go on. */
export async function alternate(sides: readonly Side[], pace: Pace): Promise<Outcome[]> {
  const runs = sides.map((side) => new Run(side, pace));
  for (const run of runs) await run.warmUp();
  for (let round = 0; round < pace.rounds; round++) {
    for (const run of runs) await run.turn(round);
  }
  return runs.map((run) => run.outcome());
}

/** Whether a side that takes `turns` of `rounds` turns has one in this round: they are spread evenly, the first in round 0. */
export function hasTurn(round: number, turns: number, rounds: number): boolean {
  return round === 0 || Math.floor((round * turns) / rounds) > Math.floor(((round - 1) * turns) / rounds);
}

class Run {
  readonly #side: Side;
  readonly #pace: Pace;
  readonly #rounds: number[] = [];
  readonly #turns: number[] = [];
  readonly #all: number[] = [];
  #cpu = 0;
  #turnSteps = 0;
  #wantedTurns = 0;
  #failed: string | undefined;

  constructor(side: Side, pace: Pace) {
    this.#side = side;
    this.#pace = pace;
  }

  async warmUp(): Promise<void> {
    const { turn, rounds, budget } = this.#pace;
    await this.#guarded(async () => {
      await this.#side.prepare();
      let spent = 0;
      let last = 0;
      for (let step = 0; step < this.#side.warmUp || spent < WARM_UP; step++) {
        [last] = (await this.#side.steps(1)).milliseconds;
        spent += last;
      }
      this.#turnSteps = last > SLOW ? 1 : Math.max(3, Math.round(turn / last));
      this.#wantedTurns = Math.min(rounds, Math.max(2, Math.floor(budget / (last * this.#turnSteps))));
    });
  }

  async turn(round: number): Promise<void> {
    if (this.#failed !== undefined || !hasTurn(round, this.#wantedTurns, this.#pace.rounds)) return;
    await this.#guarded(async () => {
      const { milliseconds, cpu } = await this.#side.steps(this.#turnSteps);
      this.#rounds.push(round);
      this.#turns.push(median(milliseconds));
      this.#all.push(...milliseconds);
      this.#cpu += cpu;
      await pause(QUIET);
    });
  }

  outcome(): Outcome {
    if (this.#failed !== undefined) return { failed: this.#failed };
    const all = this.#all;
    return {
      timing: {
        rounds: this.#rounds,
        turns: this.#turns,
        steps: all.length,
        min: Math.min(...all),
        max: Math.max(...all),
        median: median(this.#turns),
        cores: this.#cpu / all.reduce((sum, value) => sum + value, 0),
      },
    };
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failed = (error as Error).message;
    }
  }
}
