import { ThroughtimeError } from '../errors.ts';

/**
 * What `--set`, `--seed` and `--monitor` change in an experiment, as `path=value` each.
 *
 * @throws OPTION_INVALID where a field is set twice, of which only one could count.
 */
export function overridesOf({ set, seed, monitor }: { set: readonly string[]; seed?: number; monitor?: readonly string[] }): string[] {
  const paths = set.map((each) => each.split('=', 1)[0]);
  const twice = paths.find((path, index) => paths.indexOf(path) < index);
  if (twice !== undefined) {
    throw new ThroughtimeError('OPTION_INVALID', `--set sets ${twice} twice, and only one of them could count; leave one out`);
  }
  const monitors = monitor === undefined ? [] : [`training.monitors=${JSON.stringify(monitor)}`];
  if (monitors.length > 0 && paths.includes('training.monitors')) {
    throw new ThroughtimeError('OPTION_INVALID', '--monitor and --set training.monitors set the same field; leave one of them out');
  }
  if (seed === undefined) return [...set, ...monitors];
  if (paths.includes('training.seed')) {
    throw new ThroughtimeError('OPTION_INVALID', '--seed and --set training.seed set the same field; leave one of them out');
  }
  return [...set, ...monitors, `training.seed=${seed}`];
}
