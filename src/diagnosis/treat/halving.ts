import { meanOf, paired, partOf } from './paired.ts';

/** Standard errors within which two candidates are as good as each other. */
const alikeErrors = 2;

/**
 * Successive halving (Jamieson & Talwalkar 2016): all candidates are trained for a part of the budget, the better half goes on. Shares of the updates at which a
 * choice is made, and how many of n candidates go on from there.
 */
export const rungs: readonly { readonly share: number; readonly keep: (candidates: number) => number }[] = [
  { share: 0.25, keep: (n) => Math.max(2, Math.ceil(n / 2)) },
  { share: 0.5, keep: () => 2 },
];

/**
 * Indices of the candidates in the order in which they are worth going on with: those that are as good as the best, within the noise of the units
 * they are compared on, in the order in which they were given (the likeliest first), then the others by their loss.
 *
 * @param losses of each candidate on the held-out units; null where it has none.
 * @returns their order, and how many of the first are as good as the best.
 */
export function rank(losses: readonly (Float64Array | null)[]): { readonly order: number[]; readonly alike: number } {
  const chosenBy = losses.map((each) => each && partOf(each, 'choice'));
  const means = chosenBy.map((each) => (each ? meanOf(each) : Infinity));
  const best = means.indexOf(Math.min(...means));
  const alike = chosenBy.map((each, index) => {
    if (index === best) return true;
    if (!each || !Number.isFinite(means[index])) return false;
    const { gain, error } = paired(each, chosenBy[best] as Float64Array);
    return gain <= alikeErrors * error;
  });
  const indices = losses.map((_, index) => index);
  const first = indices.filter((index) => alike[index]);
  const others = indices.filter((index) => !alike[index]).sort((a, b) => (means[a] === means[b] ? a - b : means[a] - means[b]));
  return { order: [...first, ...others], alike: first.length };
}
