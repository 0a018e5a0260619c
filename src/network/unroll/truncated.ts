import { ThroughtimeError } from '../../errors.ts';

/** Full BPTT, or truncated: every k1 steps, back through at most k2. */
export type BpttOption = 'full' | { readonly k1: number; readonly k2: number };

/** One window of truncated BPTT over a sequence: run steps [begin, end), and let the targets from `countFrom` on count. */
export interface TruncatedWindow {
  readonly begin: number;
  readonly end: number;
  readonly countFrom: number;
}

/**
 * Window number `index` (from 0) of truncated BPTT(k1, k2) over T steps (Williams & Peng 1990, "An efficient gradient-based
 * algorithm for on-line training of recurrent network trajectories"; h' = k1, h = k2 there): the mean loss of the newest k1
 * steps goes back through at most k2 steps from the newest. The last window may be shorter than k1. Undefined after it.
 *
 * The next window starts from the state that this one's pass had after `begin(next) - begin(this)` steps, so that the state
 * is carried forward for ever while no gradient goes back beyond `begin`.
 */
export function truncatedWindow(index: number, T: number, bptt: BpttOption): TruncatedWindow | undefined {
  if (bptt === 'full') return index === 0 && T > 0 ? { begin: 0, end: T, countFrom: 0 } : undefined;
  const { k1, k2 } = bptt;
  const countFrom = index * k1;
  if (countFrom >= T) return undefined;
  const end = Math.min(countFrom + k1, T);
  return { begin: Math.max(0, end - k2), end, countFrom };
}

/** Refuses windows that cannot be. */
export function checkBptt(bptt: BpttOption): void {
  if (bptt === 'full') return;
  const { k1, k2 } = bptt;
  for (const [name, value] of Object.entries({ k1, k2 })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new ThroughtimeError('OPTION_INVALID', `a window is a whole number of steps from 1, got ${value}`, {
        field: `training.bptt.${name}`,
      });
    }
  }
  if (k2 < k1) {
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `must not be smaller than k1, or steps whose loss counts would get no gradient, got k2 = ${k2} and k1 = ${k1}; choose k2 >= k1`,
      { field: 'training.bptt.k2' },
    );
  }
}
