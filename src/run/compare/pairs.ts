import { meanOf, type PairedDifference, pairedDifference } from '../../diagnosis/comparison/pairedDifference.ts';
import { type Direction, type Grouped, resultOf } from './groups.ts';
import { fieldAt, fieldKey, isBeside } from './runFields.ts';
import type { RunSummary } from './runSummary.ts';

/** A group against another one, over the trainings that both have. */
export interface GroupDifference extends Omit<PairedDifference, 'above' | 'below'> {
  /** Places of the two in the list of groups; the difference is the result of `group` less that of `against`. */
  readonly group: number;
  readonly against: number;
  /** Pairs in which `group` is the better one. */
  readonly betterIn: number;
  /** Pairs one or both of which failed or were not measured, and so are in nothing of this. */
  readonly leftOut: number;
  /** Why there is no interval; null where there is one. */
  readonly because: string | null;
}

/** Of each training, told by its seeds and all fields but those of the groups, the results; several where it was run more than once. */
type Trainings = Map<string, (number | undefined)[]>;

/** Every group but one against that one. */
export function differencesAgainst(
  grouped: readonly Grouped[],
  against: number,
  by: readonly string[],
  metric: string,
  better: Direction,
): GroupDifference[] {
  const held = heldFields(grouped, by);
  const reference = trainingsOf(grouped[against].runs, held, metric);
  return grouped.flatMap(({ runs }, group) => {
    if (group === against) return [];
    let leftOut = 0;
    const differences: number[] = [];
    for (const [key, own] of trainingsOf(runs, held, metric)) {
      const other = reference.get(key);
      if (!other) continue;
      if ([...own, ...other].includes(undefined)) leftOut++;
      else differences.push(meanOf(own as number[]) - meanOf(other as number[]));
    }
    const { above, below, ...difference } = pairedDifference(differences);
    const because = difference.interval ? null : whyNone(differences.length, leftOut, runs, grouped[against].runs, held);
    return [{ group, against, ...difference, betterIn: better === 'lower' ? below : above, leftOut, because }];
  });
}

/** The fields that the two runs of a pair share: all but those of the groups, and what makes no other training. */
function heldFields(grouped: readonly Grouped[], by: readonly string[]): string[] {
  const paths = new Set(grouped.flatMap(({ runs }) => runs.flatMap(({ fields }) => Object.keys(fields))));
  return [...paths].filter((path) => !isBeside(path) && !by.some((each) => each === path || each.startsWith(`${path}.`)));
}

function trainingsOf(runs: readonly RunSummary[], held: readonly string[], metric: string): Trainings {
  const trainings: Trainings = new Map();
  for (const run of runs) {
    const key = held.map((path) => fieldKey(fieldAt(run.fields, path))).join('\n');
    const result = resultOf(run, metric);
    const values = trainings.get(key) ?? [];
    values.push(result === 'failed' ? undefined : result);
    trainings.set(key, values);
  }
  return trainings;
}

function whyNone(
  pairs: number,
  leftOut: number,
  own: readonly RunSummary[],
  other: readonly RunSummary[],
  held: readonly string[],
): string {
  const failed = leftOut > 0 ? `, ${leftOut} more failed or ${leftOut === 1 ? 'was' : 'were'} not measured` : '';
  if (pairs > 0)
    return `${pairs} ${pairs === 1 ? 'pair is' : 'pairs are'} too few for an interval${failed}; train both with at least 3 seeds`;
  if (leftOut > 0) return `no pair has two results${failed}`;
  const apart = held.filter((path) => {
    const values = new Set(other.map(({ fields }) => fieldKey(fieldAt(fields, path))));
    return !own.some(({ fields }) => values.has(fieldKey(fieldAt(fields, path))));
  });
  if (apart.length === 0) return 'no two runs have the same seed and the same other fields';
  return `no two runs agree in ${apart.join(', ')}; train with the same, or add what belongs to the groups to --by`;
}
