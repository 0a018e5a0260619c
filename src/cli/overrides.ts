import { ThroughtimeError } from '../errors.ts';

/** The options of the command line that change an experiment. */
export interface Changes {
  readonly set: readonly string[];
  readonly monitor?: readonly string[];
  readonly seed?: number;
  readonly memory?: string;
}

/**
 * What `--set`, `--monitor`, `--seed` and `--memory` change in an experiment, as `path=value` each.
 *
 * @throws OPTION_INVALID where a field is set twice, of which only one could count.
 */
export function overridesOf({ set, monitor, seed, memory }: Changes): string[] {
  const paths = set.map((each) => each.split('=', 1)[0]);
  const twice = paths.find((path, index) => paths.indexOf(path) < index);
  if (twice !== undefined) {
    throw new ThroughtimeError('OPTION_INVALID', `--set sets ${twice} twice, and only one of them could count; leave one out`);
  }
  const changes = [...set];
  for (const [option, value] of [
    ['monitors', monitor && JSON.stringify(monitor)],
    ['seed', seed],
    ['memory', memory === undefined ? undefined : JSON.stringify(memory)],
  ]) {
    if (value === undefined) continue;
    if (paths.includes(`training.${option}`)) {
      const sentence = `--${option === 'monitors' ? 'monitor' : option} and --set training.${option} set the same field; leave one of them out`;
      throw new ThroughtimeError('OPTION_INVALID', sentence);
    }
    changes.push(`training.${option}=${value}`);
  }
  return changes;
}
