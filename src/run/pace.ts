import { setImmediate as nextTurn } from 'node:timers/promises';

/** What can end a work before its end. */
export type Stop = 'signal' | 'budget';

/** Milliseconds after which the event loop gets its turn. */
const breathEvery = 50;

/** What pieces of work came to: all of it, or what the last piece before the stop left. */
export type Paced<Piece, Whole> =
  | { readonly stopped: null; readonly value: Whole }
  | { readonly stopped: Stop; readonly value: Piece | undefined };

/** Lets long work go on in pieces: the event loop gets its turn between them, and the work can be stopped there. */
export class Pace {
  readonly #signal: AbortSignal | undefined;
  /** A moment of `performance.now()`. */
  readonly deadline: number;
  #breathed = performance.now();

  constructor(signal?: AbortSignal, deadline = Number.POSITIVE_INFINITY) {
    this.#signal = signal;
    this.deadline = deadline;
  }

  /** Why the work should stop now; null where it should not. */
  stop(deadline = this.deadline): Stop | null {
    if (this.#signal?.aborted) return 'signal';
    return performance.now() >= deadline ? 'budget' : null;
  }

  /** Gives the event loop its turn, if it has not had it for a while. @param before what is to be done first then. */
  async breathe(before?: () => void): Promise<void> {
    if (performance.now() - this.#breathed < breathEvery) return;
    before?.();
    await nextTurn();
    this.#breathed = performance.now();
  }

  /** Runs pieces to the end, or until they should stop. */
  async through<Piece, Whole>(pieces: Generator<Piece, Whole>): Promise<Paced<Piece, Whole>> {
    let last: Piece | undefined;
    for (;;) {
      const stopped = this.stop();
      if (stopped) {
        pieces.return(undefined as Whole);
        return { stopped, value: last };
      }
      const { done, value } = pieces.next();
      if (done) return { stopped: null, value };
      last = value;
      await this.breathe();
    }
  }
}
