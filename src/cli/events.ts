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
