import { ThroughtimeError } from '../errors.ts';

/**
 * What `--set` and `--seed` change in an experiment, as `path=value` each.
 *
 * @throws OPTION_INVALID where a field is set twice, of which only one could count.
 */
export function overridesOf({ set, seed }: { set: readonly string[]; seed?: number }): string[] {
  const paths = set.map((each) => each.split('=', 1)[0]);
  const twice = paths.find((path, index) => paths.indexOf(path) < index);
  if (twice !== undefined) {
    throw new ThroughtimeError('OPTION_INVALID', `--set sets ${twice} twice, and only one of them could count; leave one out`);
  }
  if (seed === undefined) return [...set];
  if (paths.includes('training.seed')) {
    throw new ThroughtimeError('OPTION_INVALID', '--seed and --set training.seed set the same field; leave one of them out');
  }
  return [...set, `training.seed=${seed}`];
}
