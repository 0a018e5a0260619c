import type { Finding, Prescription } from '../verdict/verdict.ts';

export type Change = Prescription['set'];

/** A change of the experiment that may cure it. */
export interface Candidate {
  /** Against the experiment as it was given; null removes a field. */
  readonly change: Change;
  /** Sentences, one for each prescription in it. */
  readonly why: readonly string[];
}

/** The most that are tried in one round. */
export const mostCandidates = 8;

/**
 * What to try for findings, the likeliest first: each prescription by itself, then two of them together, of which one changes the model and the other the
 * training.
 *
 * @param base a candidate that they are added to: it has helped, and not enough.
 * @param known changes that have been tried.
 */
export function candidatesFor(
  findings: readonly Finding[],
  options: { readonly base?: Candidate; readonly known: readonly Change[]; readonly accepts: (change: Change) => boolean },
): Candidate[] {
  const { base = { change: {}, why: [] }, known, accepts } = options;
  const single = findings.flatMap(({ prescription }) => prescription).map(({ set, why }) => added(base, { change: set, why: [why] }));
  const ofModel = single.filter(({ change }) => touches(change, 'model.', base.change));
  const ofTraining = single.filter(({ change }) => !touches(change, 'model.', base.change) && !('training.updates' in change));
  const pairs = ofTraining.flatMap((one) => ofModel.slice(0, 2).map((other) => added(other, one)));
  return distinct([...single, ...pairs], known).filter(({ change }) => accepts(change));
}

/** Two changes, of which the second one counts where both set a field. */
export function added(first: Candidate, second: Candidate): Candidate {
  // Where the cell changes, what was said of the old one no longer counts.
  const newCell = second.change['model.cell'] !== undefined && second.change['model.cell'] !== first.change['model.cell'];
  const kept = Object.entries(first.change).map(([field, value]) => [field, newCell && ofCell.has(field) ? null : value]);
  return {
    change: { ...Object.fromEntries(kept), ...second.change },
    why: [...first.why, ...second.why.filter((each) => !first.why.includes(each))],
  };
}

const ofCell: ReadonlySet<string> = new Set(['model.forgetBias', 'model.recurrentInit', 'model.orthogonal', 'model.activation']);

/** Whether a change sets a field of that part which the base does not set so. */
const touches = (change: Change, part: string, base: Change) =>
  Object.entries(change).some(([field, value]) => field.startsWith(part) && JSON.stringify(base[field]) !== JSON.stringify(value));

/** Without those that are the same as an earlier one. */
function distinct(candidates: readonly Candidate[], known: readonly Change[]): Candidate[] {
  const seen = new Set([keyOf({}), ...known.map(keyOf)]);
  return candidates.filter(({ change }) => {
    const key = keyOf(change);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

export const keyOf = (change: Change): string => JSON.stringify(Object.entries(change).sort(([a], [b]) => (a < b ? -1 : 1)));
