import { describeLocation } from '../monitor/nonFinite.ts';
import type { TrainingEvent } from '../training/events.ts';
import { short } from './numbers.ts';

const actions: Record<TrainingEvent['action'], (event: TrainingEvent) => string> = {
  warned: () => 'warning',
  skipped: () => 'left out',
  rolledBack: ({ to, rate }) => `back to the weights of update ${to}, learning rate times ${short(rate)} from here on`,
  stopped: () => 'stopped',
  clipChosen: ({ to, threshold }) =>
    `back to the weights of update ${to}, ${threshold === undefined ? 'still without a clip' : `the norm of the gradient clipped at ${short(threshold)}`} from here on`,
};

/** An event of a training in one line. */
export function sayEvent(event: TrainingEvent): string {
  const { update, because, located, dataset } = event;
  const place = dataset ? ` (sequence ${dataset.sequence} of the training data, step ${dataset.step})` : '';
  const where = located ? `; first in the pass: ${describeLocation(located)}${place}` : '';
  return `Update ${update}: ${actions[event.action](event)}: ${because}${where}`;
}

/** Events of the same kind in a row that are told one by one. */
const told = 3;

/** The lines for the events of a training: what happens again at update after update is told three times, then at the 10th, 100th, ... */
export class EventLines {
  #last: TrainingEvent | undefined;
  #inRow = 0;

  /** Undefined where nothing needs to be said. */
  line(event: TrainingEvent): string | undefined {
    const { update, kind, action } = event;
    const again = this.#last?.kind === kind && this.#last.action === action && this.#last.update === update - 1;
    this.#last = event;
    this.#inRow = again ? this.#inRow + 1 : 1;
    if (this.#inRow <= told) return sayEvent(event);
    if (!isPowerOfTen(this.#inRow)) return undefined;
    return `Update ${update}: ${actions[action](event)}, the ${this.#inRow}th in a row: ${event.because}; each is in events.jsonl`;
  }
}

function isPowerOfTen(count: number): boolean {
  return Number.isInteger(Math.log10(count));
}
