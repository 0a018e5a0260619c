import type { Random } from '../compute/random.ts';
import { ThroughtimeError } from '../errors.ts';
import type { Axis } from './sweepSchema.ts';

/** An axis with its name, the dotted name of a field. */
export interface NamedAxis {
  readonly field: string;
  readonly axis: Axis;
}

/** Digits that a number of a range keeps, so that the same file gives the same numbers on every engine. */
const digits = 12;

/** How many values an axis has; null where it is a range of which any number may be drawn. */
export function countOf({ axis }: NamedAxis): number | null {
  if (Array.isArray(axis)) return axis.length;
  if ('seeds' in axis) return axis.seeds;
  return axis.count ?? null;
}

/** Value `index` of an axis that has a count. */
export function valueAt({ axis }: NamedAxis, index: number): unknown {
  if (Array.isArray(axis)) return axis[index];
  if ('seeds' in axis) throw new Error('seeds are values of no axis');
  return numberAt(axis, index / ((axis.count as number) - 1));
}

/** A value of an axis: each of its values with the same probability, or any number of a range, evenly in what it is spaced in. */
export function drawn(named: NamedAxis, random: Random): unknown {
  const { axis } = named;
  const count = countOf(named);
  if (count !== null) return valueAt(named, random.below(count));
  if (Array.isArray(axis) || 'seeds' in axis) throw new Error('a list has a count');
  if (axis.whole && 'range' in axis) {
    const [low, high] = [Math.ceil(axis.range[0]), Math.floor(axis.range[1])];
    return low + random.below(high - low + 1);
  }
  return numberAt(axis, random.uniform());
}

type Range = Exclude<Axis, unknown[] | { seeds: number }>;

/** The number of a range at a share of its way. */
function numberAt(axis: Range, share: number): number {
  const [low, high] = endsOf(axis);
  const exact = 'logRange' in axis ? Math.exp(Math.log(low) + share * (Math.log(high) - Math.log(low))) : low + share * (high - low);
  const within = Math.min(high, Math.max(low, Number(exact.toPrecision(digits))));
  return axis.whole ? Math.round(within) : within;
}

const endsOf = (axis: Range): readonly [number, number] => ('logRange' in axis ? axis.logRange : axis.range);

/**
 * Checks what the schema cannot: that a range goes up, and has as many different values as it says.
 *
 * @throws EXPERIMENT_INVALID naming `axes.<field>`.
 */
export function checkAxis(named: NamedAxis): void {
  const { field, axis } = named;
  const refuse = (sentence: string) => {
    throw new ThroughtimeError('EXPERIMENT_INVALID', sentence, { field: `axes.${field}` });
  };
  if (Array.isArray(axis)) {
    const texts = axis.map((each) => JSON.stringify(each));
    const twice = texts.find((each, index) => texts.indexOf(each) < index);
    if (twice !== undefined) refuse(`has ${twice} twice, and both would be the same setting; remove one`);
    return;
  }
  if ('seeds' in axis) {
    if (field !== 'training.seed') refuse('takes no {"seeds": n}, which is for training.seed; give a list or a range');
    return;
  }
  if (field === 'training.seed') refuse('takes a list of whole numbers or {"seeds": n}, and no range; give one of them');
  const [low, high] = endsOf(axis);
  const name = 'logRange' in axis ? 'logRange' : 'range';
  if (!(low < high)) refuse(`${name} must be [lowest, highest] with lowest < highest, got [${low}, ${high}]`);
  if ('logRange' in axis && !(low > 0)) refuse(`logRange must begin above 0, got [${low}, ${high}]; use range`);
  if (axis.whole && Math.ceil(low) > Math.floor(high)) refuse(`has no whole number between ${low} and ${high}; widen it`);
  if (axis.count === undefined) return;
  const values = Array.from({ length: axis.count }, (_, index) => valueAt(named, index));
  if (new Set(values).size < values.length) {
    refuse(`has no ${axis.count} different whole numbers between ${low} and ${high}, evenly spaced; give a smaller count`);
  }
}
