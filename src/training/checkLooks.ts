import { ThroughtimeError } from '../errors.ts';
import { goesStepByStep, notOfSkips } from '../monitor/jacobian.ts';
import type { Network } from '../network/network.ts';
import type { TrainingOptions } from './options.ts';

/**
 * Refuses a monitor that finds nothing to measure in a network.
 *
 * @throws OPTION_INVALID naming `training.monitors`.
 */
export function checkLooks({ ways, cell }: Pick<Network, 'ways' | 'cell'>, { monitors = [] }: Pick<TrainingOptions, 'monitors'>): void {
  const refuse = (name: string, because: string) => {
    throw new ThroughtimeError('OPTION_INVALID', `names "${name}", which ${because}`, { field: 'training.monitors' });
  };
  if (monitors.includes('jacobian') && !goesStepByStep({ ways })) refuse('jacobian', notOfSkips);
  if (monitors.includes('orthogonality') && cell.recurrentMatrix === false) {
    refuse('orthogonality', `says nothing of the cell ${cell.name}, which has no recurrent matrix; leave it out`);
  }
}
