import type { Reals } from '../compute/backend.ts';
import type { Network } from '../network/network.ts';

/**
 * Sets the carried state of a sequence to 0 where any of it is not finite: it would make every window to the end of the sequence worthless,
 * which for a text is all of the epoch.
 *
 * @param carried [history, B, H] per layer and state, as `Trainer.carried` gives them, of `B` sequences.
 * @returns what was found first, and in how many sequences; null where all is finite.
 */
export function zeroNonFinite(
  { backend, H }: Pick<Network, 'backend' | 'H'>,
  carried: readonly { readonly name: string; readonly values: Reals }[],
  B: number,
): string | null {
  const found = carried.find(({ values }) => backend.firstNonFinite(values, 0, values.length) >= 0);
  if (!found) return null;
  /** Where the rows of one sequence begin in an array that holds one or more states of all of them. */
  const rowsOf = (values: Reals, at: number) => Array.from({ length: values.length / (B * H) }, (_, state) => state * B * H + at);
  let sequences = 0;
  for (let at = 0; at < B * H; at += H) {
    const finite = carried.every(({ values }) => rowsOf(values, at).every((row) => backend.firstNonFinite(values, row, H) < 0));
    if (finite) continue;
    for (const { values } of carried) for (const row of rowsOf(values, at)) values.fill(0, row, row + H);
    sequences++;
  }
  return `state ${found.name.slice('carried.'.length)} of ${sequences} sequence${sequences === 1 ? '' : 's'} set to 0`;
}
