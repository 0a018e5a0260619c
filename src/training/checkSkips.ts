import { ThroughtimeError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import type { TrainingOptions } from './options.ts';

/**
 * Refuses skip connections over which no gradient of a training could come: longer than its sequences or its window.
 *
 * @param longest steps of the longest training sequence, where it is known.
 * @throws OPTION_INVALID naming `model.skip`.
 */
export function checkSkips({ ways }: Pick<Network, 'ways'>, { bptt }: Pick<TrainingOptions, 'bptt'>, longest = Infinity): void {
  const lag = Math.max(...ways.flatMap(({ recurrentLag, shortcuts }) => [recurrentLag, ...shortcuts]));
  if (lag === 1) return;
  const window = bptt === 'full' ? Infinity : bptt.k2;
  if (lag >= longest) {
    const sentence = `reaches ${lag} steps back, and the longest training sequence has ${longest}: no step of it has a state so far back`;
    refuse(`${sentence}; choose a lag below ${longest}`);
  }
  if (lag >= window) {
    const sentence = `reaches ${lag} steps back, and the window of training.bptt is ${window}: no gradient would ever come so far`;
    refuse(`${sentence}; choose a lag below ${window}, or a k2 above ${lag}`);
  }
}

function refuse(sentence: string): never {
  throw new ThroughtimeError('OPTION_INVALID', sentence, { field: 'model.skip' });
}
